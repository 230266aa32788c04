/** HTTP/2 frames for tests: put together by hand, and read from what was written. */

import { FRAME, PREFACE } from "../../src/http2/frames.ts";
import { HpackDecoder } from "../../src/http2/hpack_decoder.ts";
import { HpackEncoder } from "../../src/http2/hpack_encoder.ts";
import { FrameOutput } from "../../src/http2/output.ts";
import { FakeSocket, FakeTime, octets } from "./fake_socket.ts";

/** A frame as it lies on the wire. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: readonly number[] = [],
): Uint8Array {
  const { length } = payload;
  return Uint8Array.from([
    length >>> 16,
    (length >>> 8) & 0xff,
    length & 0xff,
    type,
    flags,
    ...u32(streamId),
    ...payload,
  ]);
}

/** 32 bits, highest octet first. */
export function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** A SETTINGS frame. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Uint8Array {
  return frame(FRAME.settings, 0, 0, pairs.flatMap(([id, value]) => [id >>> 8, id & 0xff, ...u32(value)]));
}

/** What a client sends first. */
export const HELLO = join(octets(PREFACE), settings());

/** Pieces one behind the other. */
export function join(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Fields in the order they are sent. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** The pseudo header fields of a GET, and others behind them. */
export function get(path = "/", more: Fields = []): Fields {
  return [[":method", "GET"], [":scheme", "http"], [":authority", "a.test"], [":path", path], ...more];
}

/** As `get` for a POST. */
export function post(path = "/", more: Fields = []): Fields {
  return [[":method", "POST"], ...get(path, more).slice(1)];
}

/** One side of a connection, as far as its header tables go. */
export class FramePeer {
  readonly #encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder(4096);
  #seen = 0;

  /** A header block. */
  block(fields: Fields): number[] {
    const output = new FrameOutput(new FakeSocket(), new FakeTime(), () => {});
    this.#encoder.begin(output);
    for (const [name, value] of fields) this.#encoder.field(output, name, value);
    return [...output.bytes.subarray(0, output.end)];
  }

  /** HEADERS in one frame. */
  headers(streamId: number, fields: Fields, options: { readonly isLast: boolean }): Uint8Array {
    return frame(FRAME.headers, options.isLast ? 5 : 4, streamId, this.block(fields));
  }

  data(streamId: number, text: string, options: { readonly isLast: boolean }): Uint8Array {
    return frame(FRAME.data, options.isLast ? 1 : 0, streamId, [...octets(text)]);
  }

  /** The frames that were written since the last call; header blocks are decoded. */
  read(written: string): SeenFrame[] {
    const bytes = octets(written);
    const frames: SeenFrame[] = [];
    while (this.#seen + 9 <= bytes.length) {
      const at = this.#seen;
      const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      if (at + 9 + length > bytes.length) break;
      const payload = bytes.slice(at + 9, at + 9 + length);
      const type = bytes[at + 3]!;
      const fields: Record<string, string> = {};
      if (type === FRAME.headers) {
        this.#decoder.decode(payload, { field: ({ name, value }) => void (fields[name] = value) });
      }
      const streamId = new DataView(bytes.buffer, at + 5).getUint32(0);
      const text = String.fromCharCode(...payload);
      const code = type === FRAME.rstStream ? last32(payload) : type === FRAME.goaway ? last32(payload) : -1;
      frames.push({ type, flags: bytes[at + 4]!, streamId, payload, text, fields, code });
      this.#seen = at + 9 + length;
    }
    return frames;
  }

  /** Skips what is no frame, such as a client's preface. */
  skip(octetCount: number): void {
    this.#seen += octetCount;
  }
}

/** A frame that was read. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The error code of RST_STREAM and GOAWAY, else -1. */
  readonly code: number;
}

function last32(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset + payload.length - 4).getUint32(0);
}
