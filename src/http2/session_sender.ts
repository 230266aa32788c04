import type { HeaderList } from "../core/headers.ts";
import {
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  PREFACE,
  SETTING,
  writeFrameHeader,
} from "./frames.ts";
import { HpackEncoder } from "./hpack_encoder.ts";
import type { FrameOutput } from "./output.ts";
import { type PeerSettings, WINDOW_BYTES_DEFAULT } from "./peer_settings.ts";
import type { Http2Stream } from "./stream.ts";

/** Where a frame header has its flags. */
const FLAGS_OFFSET = 4;

/** What is announced to the peer at the start. */
export interface Hello {
  readonly side: "client" | "server";
  readonly windows: { readonly stream: number; readonly connection: number };
  readonly concurrentStreams: number;
  readonly limits: { readonly headerBytesMax: number };
}

/** Puts the frames of a connection into its output. Flow control is the caller's business (`body_sender.ts`). */
export class SessionSender {
  readonly output: FrameOutput;
  readonly encoder = new HpackEncoder();
  /** What may still be sent on all streams together. */
  window = WINDOW_BYTES_DEFAULT;

  readonly #peer: PeerSettings;
  #blockStart = 0;
  #blockFlags = 0;
  /** The DATA frame put out last: its stream, its buffer, and where it begins and ends there. */
  #dataStream = 0;
  #dataBuffer: Uint8Array | null = null;
  #dataStart = 0;
  #dataEnd = -1;

  constructor(peer: PeerSettings, output: FrameOutput) {
    this.#peer = peer;
    this.output = output;
  }

  /** The first frames: the preface of a client, our settings, the connection's window. */
  hello({ side, windows, concurrentStreams, limits }: Hello): void {
    const { output } = this;
    if (side === "client") { for (let i = 0; i < PREFACE.length; i++) output.octet(PREFACE.charCodeAt(i)); }
    const settings: readonly (readonly [id: number, value: number])[] = [
      side === "client" ? [SETTING.enablePush, 0] : [SETTING.maxConcurrentStreams, concurrentStreams],
      [SETTING.initialWindowSize, windows.stream],
      [SETTING.maxHeaderListSize, limits.headerBytesMax],
    ];
    output.frame(FRAME.settings, 0, { streamId: 0, length: settings.length * 6 });
    for (const [id, value] of settings) {
      output.octet(id >>> 8);
      output.octet(id);
      output.u32(value);
    }
    if (windows.connection > WINDOW_BYTES_DEFAULT) {
      this.windowUpdate(0, windows.connection - WINDOW_BYTES_DEFAULT);
    }
  }

  /** Begins a header block; its fields go to `encoder`, with `output`. `isLast`: it ends our part of the stream. */
  beginHeaders(stream: Http2Stream, options: { readonly isLast: boolean }): void {
    const { output } = this;
    this.#blockFlags = options.isLast ? FLAG.endStream : 0;
    this.encoder.limitTable(this.#peer.headerTableBytes);
    output.frame(FRAME.headers, 0, { streamId: stream.id, length: 0 });
    this.#blockStart = output.end;
    this.encoder.begin(output);
  }

  /** Ends the block that was begun, cutting it into CONTINUATION frames where it is long. */
  endHeaders(stream: Http2Stream): void {
    const { output } = this;
    const start = this.#blockStart;
    const length = output.end - start;
    const flags = this.#blockFlags | FLAG.endHeaders;
    if (length <= FRAME_BYTES_MAX) {
      const header = { type: FRAME.headers, flags, streamId: stream.id, length };
      writeFrameHeader(output.bytes, start - FRAME_HEADER_BYTES, header);
      return;
    }
    const block = output.bytes.slice(start, output.end);
    output.end = start;
    const first = {
      type: FRAME.headers,
      flags: this.#blockFlags,
      streamId: stream.id,
      length: FRAME_BYTES_MAX,
    };
    writeFrameHeader(output.bytes, start - FRAME_HEADER_BYTES, first);
    output.append(block.subarray(0, FRAME_BYTES_MAX));
    for (let at = FRAME_BYTES_MAX; at < block.length; at += FRAME_BYTES_MAX) {
      const piece = block.subarray(at, at + FRAME_BYTES_MAX);
      const isEnd = at + piece.length === block.length;
      const place = { streamId: stream.id, length: piece.length };
      output.frame(FRAME.continuation, isEnd ? FLAG.endHeaders : 0, place);
      output.append(piece);
    }
  }

  /** An informational head, which the final one follows. */
  informational(stream: Http2Stream, status: number): void {
    this.beginHeaders(stream, { isLast: false });
    this.encoder.field(this.output, ":status", String(status));
    this.endHeaders(stream);
  }

  /** Writes fields as they are; `stream` must not get anything after them. */
  trailers(stream: Http2Stream, fields: HeaderList): void {
    this.beginHeaders(stream, { isLast: true });
    for (let i = 0; i < fields.size; i++) this.field(fields, i);
    this.endHeaders(stream);
  }

  /** Writes one line of a list, its name in lower case. */
  field(fields: HeaderList, index: number): void {
    const key = fields.keyAt(index);
    if (fields.neverIndexed?.has(key)) this.encoder.secretField(this.output, key, fields.valueAt(index));
    else this.encoder.field(this.output, key, fields.valueAt(index));
  }

  /** Puts one DATA frame out, for which both windows have room. */
  data(stream: Http2Stream, piece: Uint8Array): void {
    const { output } = this;
    const { length } = piece;
    output.frame(FRAME.data, 0, { streamId: stream.id, length });
    this.#dataStart = output.end - FRAME_HEADER_BYTES;
    output.append(piece);
    this.#dataBuffer = output.bytes;
    this.#dataEnd = output.end;
    this.#dataStream = stream.id;
    stream.sendWindow -= length;
    this.window -= length;
  }

  /** Makes the last DATA frame the end of its stream; false when it is on its way already, or not the last frame. */
  endWithLastData(stream: Http2Stream): boolean {
    const { output } = this;
    const isThere = this.#dataBuffer === output.bytes && this.#dataEnd === output.end &&
      this.#dataStream === stream.id;
    if (isThere) output.bytes[this.#dataStart + FLAGS_OFFSET] = FLAG.endStream;
    return isThere;
  }

  rstStream(streamId: number, code: number): void {
    this.output.frame(FRAME.rstStream, 0, { streamId, length: 4 });
    this.output.u32(code);
  }

  windowUpdate(streamId: number, bytes: number): void {
    this.output.frame(FRAME.windowUpdate, 0, { streamId, length: 4 });
    this.output.u32(bytes);
  }

  settingsAck(): void {
    this.output.frame(FRAME.settings, FLAG.ack, { streamId: 0, length: 0 });
  }

  /** `payload` has eight octets. */
  ping(payload: Uint8Array, flags: number): void {
    this.output.frame(FRAME.ping, flags, { streamId: 0, length: payload.length });
    this.output.append(payload);
  }

  goaway(lastId: number, code: number): void {
    this.output.frame(FRAME.goaway, 0, { streamId: 0, length: 8 });
    this.output.u32(lastId);
    this.output.u32(code);
  }
}
