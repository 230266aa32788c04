import type { TunnelSide } from "../core/upgrade.ts";
import { WAIT_BYTES } from "./direction.ts";
import type { Violation } from "./frame_scanner.ts";
import {
  applyMask,
  BINARY,
  CLOSE,
  CONTINUATION,
  CONTROL_BYTES_MAX,
  INVALID_DATA,
  MESSAGE_TOO_BIG,
  POLICY_VIOLATION,
  PONG,
  PROTOCOL_ERROR,
  readClose,
  TEXT,
  TRY_AGAIN_LATER,
  utf8,
} from "./frames.ts";
import type { HeldBytes } from "./held_bytes.ts";
import type { MessageRate } from "./message_rate.ts";
import type { FrameMeter } from "./tunnel_meter.ts";

/** Most bytes asked for at a time: memory is taken as bytes arrive, not as lengths announce them. */
const PIECE_BYTES_MAX = 65_536;
const PIECE_BYTES_MIN = 1024;

/** What one side sends: a whole message, or a control frame. */
export interface Incoming {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** What a side may send. */
export interface ReadRules {
  /** Frames of a client are masked, those of a server are not (RFC 6455 §5.1). */
  readonly isClient: boolean;
  readonly messageBytesMax: number;
  readonly rate: MessageRate | null;
  readonly held: HeldBytes;
}

/** The sender broke a rule, and nothing it sends can be passed on any more. */
export class FrameError extends Error {
  readonly violation: Violation;

  constructor(violation: Violation) {
    super(violation.reason);
    this.violation = violation;
  }
}

/**
 * Puts the frames of one side together to messages, by every rule of RFC 6455 for a receiver without extensions.
 * Control frames between the fragments of a message come out at once, as they came.
 */
export class MessageReader {
  readonly #side: TunnelSide;
  readonly #rules: ReadRules;
  readonly #meter: FrameMeter;
  /** What has arrived and was not used lies in `[#start, #end)`. */
  #bytes: Uint8Array;
  #start = 0;
  #end: number;
  /** The message at hand; 0 when there is none. */
  #opcode = 0;
  #pieces: Uint8Array[] = [];
  #messageBytes = 0;
  #isDisposed = false;
  /** Called whenever bytes arrive. */
  onBytes: (() => void) | null = null;

  constructor(side: TunnelSide, rules: ReadRules, meter: FrameMeter) {
    this.#side = side;
    this.#rules = rules;
    this.#meter = meter;
    this.#bytes = side.early;
    this.#end = side.early.length;
    side.early = new Uint8Array(0);
  }

  /**
   * The next message or control frame; null at the end of the stream. Rejects with `FrameError` for what breaks a
   * rule, and otherwise when the connection broke. Call `release` with the length once a message has been used.
   */
  async next(): Promise<Incoming | null> {
    while (true) {
      if (!await this.#fill(2)) return null;
      const first = this.#bytes[this.#start]!;
      const second = this.#bytes[this.#start + 1]!;
      const opcode = first & 0x0f;
      const fin = first >= 0x80;
      const isMasked = second >= 0x80;
      this.#check({ first, opcode, fin, isMasked });
      const short = second & 0x7f;
      const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
      const headerBytes = 2 + lengthBytes + (isMasked ? 4 : 0);
      if (!await this.#fill(headerBytes)) return null;
      const length = this.#length(short, lengthBytes);
      const mask = isMasked ? read32(this.#bytes, this.#start + headerBytes - 4) : undefined;
      this.#admit(opcode, length);
      this.#start += headerBytes;
      this.#meter.frame(opcode, length);
      if (opcode >= CLOSE) {
        const payload = await this.#control(length, mask);
        return payload === null ? null : { opcode, payload };
      }
      if (opcode !== CONTINUATION) this.#opcode = opcode;
      if (!await this.#collect(length, mask)) return null;
      // Whoever is still reading holds nothing: what had been collected was given back.
      if (this.#isDisposed) return null;
      if (fin) return this.#message();
    }
  }

  /** A message of this many bytes has been passed on, or dropped. */
  release(bytes: number): void {
    this.#rules.held.give(bytes);
  }

  /** Nothing more will be read: gives back what a message that was not finished holds. */
  dispose(): void {
    this.#isDisposed = true;
    this.#rules.held.give(this.#messageBytes);
    this.#messageBytes = 0;
    this.#pieces = [];
  }

  /** Reads and forgets until the end of the stream, or a Close frame if frames can still be told apart. */
  async drain(): Promise<void> {
    const sink = new Uint8Array(WAIT_BYTES);
    this.#start = this.#end;
    while (await this.#read(sink) > 0);
  }

  #check(frame: {
    readonly first: number;
    readonly opcode: number;
    readonly fin: boolean;
    readonly isMasked: boolean;
  }): void {
    const { first, opcode, fin, isMasked } = frame;
    if ((first & 0x70) !== 0) throw broken("a reserved bit is set");
    if (isMasked !== this.#rules.isClient) {
      throw broken(isMasked ? "a frame of the server is masked" : "a frame of the client is not masked");
    }
    if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) throw broken("an opcode is reserved");
    if (opcode >= CLOSE && !fin) throw broken("a control frame is fragmented");
    if (opcode === CONTINUATION && this.#opcode === 0) throw broken("a fragment continues nothing");
    if ((opcode === TEXT || opcode === BINARY) && this.#opcode !== 0) {
      throw broken("a message begins within another");
    }
  }

  #length(short: number, lengthBytes: number): number {
    const at = this.#start + 2;
    if (lengthBytes === 0) return short;
    if (lengthBytes === 2) {
      const length = this.#bytes[at]! << 8 | this.#bytes[at + 1]!;
      if (length < 126) throw broken("a length is not written in the shortest form");
      return length;
    }
    const high = read32(this.#bytes, at);
    const low = read32(this.#bytes, at + 4);
    if (high === 0 && low < 65_536) throw broken("a length is not written in the shortest form");
    if (high >= 0x8000_0000) throw broken("a length has its highest bit set");
    return high > 0x1f_ffff ? Infinity : high * 0x1_0000_0000 + low;
  }

  #admit(opcode: number, length: number): void {
    const { messageBytesMax, rate } = this.#rules;
    if (opcode >= CLOSE && length > CONTROL_BYTES_MAX) throw broken("a control frame is too long");
    if (opcode < CLOSE && this.#messageBytes + length > messageBytesMax) {
      throw new FrameError({
        code: MESSAGE_TOO_BIG,
        reason: `a message is longer than ${messageBytesMax} bytes`,
        cause: "websocket_message_too_big",
      });
    }
    if (rate !== null && opcode !== CLOSE && !rate.take()) {
      const reason = `more than ${rate.perSecond} messages a second`;
      throw new FrameError({ code: POLICY_VIOLATION, reason, cause: "websocket_rate_limited" });
    }
  }

  async #control(length: number, mask: number | undefined): Promise<Uint8Array | null> {
    if (!await this.#fill(length)) return null;
    const payload = this.#bytes.slice(this.#start, this.#start + length);
    this.#start += length;
    if (mask !== undefined) applyMask(payload, mask, 0);
    return payload;
  }

  /** Takes the payload of a data frame in; false when the stream ends within. */
  async #collect(length: number, mask: number | undefined): Promise<boolean> {
    let done = 0;
    while (done < length) {
      // As much again as has arrived: who announces much and sends little holds little.
      const trusted = Math.max(PIECE_BYTES_MIN, Math.min(this.#messageBytes, PIECE_BYTES_MAX));
      const size = Math.min(length - done, trusted);
      if (!this.#rules.held.take(size)) {
        const reason = "too much is being inspected";
        throw new FrameError({ code: TRY_AGAIN_LATER, reason, cause: "websocket_inspection_failed" });
      }
      this.#messageBytes += size;
      const piece = await this.#piece(size);
      if (piece === null || this.#isDisposed) return false;
      if (mask !== undefined) applyMask(piece, mask, done);
      this.#pieces.push(piece);
      done += size;
    }
    return true;
  }

  async #piece(size: number): Promise<Uint8Array | null> {
    const piece = new Uint8Array(size);
    let filled = Math.min(size, this.#end - this.#start);
    piece.set(this.#bytes.subarray(this.#start, this.#start + filled));
    this.#start += filled;
    while (filled < size) {
      if (this.#side.pending !== null) {
        if (!await this.#fill(1)) return null;
        const more = Math.min(size - filled, this.#end - this.#start);
        piece.set(this.#bytes.subarray(this.#start, this.#start + more), filled);
        this.#start += more;
        filled += more;
        continue;
      }
      const count = await this.#read(piece.subarray(filled));
      if (count === 0) return null;
      filled += count;
    }
    return piece;
  }

  #message(): Incoming {
    const opcode = this.#opcode;
    const payload = this.#pieces.length === 1 ? this.#pieces[0]! : joined(this.#pieces, this.#messageBytes);
    this.#opcode = 0;
    this.#pieces = [];
    if (opcode === TEXT && utf8(payload) === undefined) {
      const reason = "a text is not UTF-8";
      throw new FrameError({ code: INVALID_DATA, reason, cause: "websocket_protocol_error" });
    }
    // From here on whoever has the message gives its bytes back.
    this.#messageBytes = 0;
    return { opcode, payload };
  }

  /** Has at least `count` bytes at hand, which must fit the waiting buffer; false when the stream ends before. */
  async #fill(count: number): Promise<boolean> {
    while (this.#end - this.#start < count) {
      const { pending } = this.#side;
      if (pending !== null) {
        this.#side.pending = null;
        const bytes = await pending;
        if (bytes.length === 0) return false;
        this.onBytes?.();
        this.#bytes = joined(
          [this.#bytes.subarray(this.#start, this.#end), bytes],
          this.#end - this.#start + bytes.length,
        );
        this.#start = 0;
        this.#end = this.#bytes.length;
        continue;
      }
      const rest = this.#bytes.subarray(this.#start, this.#end);
      const buffer = this.#bytes.length === WAIT_BYTES ? this.#bytes : new Uint8Array(WAIT_BYTES);
      buffer.set(rest);
      this.#bytes = buffer;
      this.#end = rest.length;
      this.#start = 0;
      const read = await this.#read(this.#bytes.subarray(this.#end));
      if (read === 0) return false;
      this.#end += read;
    }
    return true;
  }

  async #read(buffer: Uint8Array): Promise<number> {
    const count = await this.#side.socket.read(buffer);
    if (count > 0) this.onBytes?.();
    return count;
  }
}

/** What a Close frame says; throws `FrameError` when it may not say so (§5.5.1). */
export function closeSaid(
  payload: Uint8Array,
): { readonly code: number; readonly reason: string } | undefined {
  const said = readClose(payload);
  if (said === "invalid") throw broken("a Close frame has no valid code or reason");
  return said;
}

function broken(reason: string): FrameError {
  return new FrameError({ code: PROTOCOL_ERROR, reason, cause: "websocket_protocol_error" });
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function read32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
