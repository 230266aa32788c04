import {
  applyMask,
  BINARY,
  CLOSE,
  CONTINUATION,
  CONTROL_BYTES_MAX,
  MESSAGE_TOO_BIG,
  POLICY_VIOLATION,
  PONG,
  PROTOCOL_ERROR,
  readClose,
} from "./frames.ts";
import type { MessageRate } from "./message_rate.ts";
import type { FrameMeter } from "./tunnel_meter.ts";

/** What is watched for in one direction. */
export interface ScanRules {
  /** Payload bytes of one message, as they are on the wire; Infinity means any. */
  readonly messageBytesMax: number;
  /** Frames per second; null means any number. */
  readonly rate: MessageRate | null;
  /** Frames that break the protocol end the connection, as their lengths cannot be trusted. */
  readonly isStrict: boolean;
}

/** Why a direction must not go on. */
export interface Violation {
  readonly code: number;
  readonly reason: string;
  /** Reason for logs and metrics. */
  readonly cause:
    | "websocket_message_too_big"
    | "websocket_rate_limited"
    | "websocket_protocol_error"
    | "websocket_inspection_failed";
}

/** What a Close frame said. */
export interface SeenClose {
  /** 1005 stands for a frame without a code (RFC 6455 §7.1.5). */
  readonly code: number;
  readonly reason: string;
}

const NO_STATUS = 1005;

/**
 * Follows the frames of one direction by their headers alone, while the bytes themselves pass by unchanged: so
 * compression and other extensions stay intact. The caller keeps what `scan` leaves over in front of what
 * follows, so that a header is always seen whole.
 */
export class FrameScanner {
  readonly #rules: ScanRules;
  readonly #meter: FrameMeter;
  /** Payload bytes of the frame at hand still to come. */
  #left = 0;
  /** Of the message at hand. */
  #messageBytes = 0;
  /** Further fragments of a message are to come. */
  #isWithin = false;
  #isLost = false;
  #closeBytes: Uint8Array | null = null;
  #closeFilled = 0;
  #closeMask: number | undefined;
  /** Stop at the next end of a frame: the caller wants to put one of its own there. */
  stops = false;
  violation: Violation | null = null;
  /** The Close frame of this direction, once it has passed. */
  closed: SeenClose | null = null;
  /** Data frames that ended a message. */
  messages = 0;

  constructor(rules: ScanRules, meter: FrameMeter) {
    this.#rules = rules;
    this.#meter = meter;
  }

  /** Whether the last byte let through was the last one of a frame. Never again once frames made no sense. */
  get isAtBoundary(): boolean {
    return this.#left === 0 && !this.#isLost;
  }

  /** What follows cannot be understood, and is let through unseen. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Looks at `bytes[0, end)`; how many of them may be sent on. What is left is part of a header, or follows a
   * frame at whose end `stops` asked to stop, or begins with a frame that breaks a rule (`violation`).
   */
  scan(bytes: Uint8Array, end: number): number {
    if (this.#isLost) return end;
    let at = 0;
    while (true) {
      if (this.#left > 0) {
        const take = Math.min(this.#left, end - at);
        if (this.#closeBytes !== null) this.#keepClose(bytes.subarray(at, at + take));
        at += take;
        this.#left -= take;
        if (this.#left > 0) return end;
        if (this.#closeBytes !== null) this.#readClose(this.#closeBytes);
      }
      if (this.stops || at === end) return at;
      const headerBytes = this.#header(bytes, at, end);
      if (headerBytes === 0) return at;
      if (this.#isLost) return end;
      at += headerBytes;
    }
  }

  /** Takes a header in; its length, or 0 when it is not whole yet or must not pass. */
  #header(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 2) return 0;
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const short = second & 0x7f;
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
    const maskBytes = second >> 7 << 2;
    const headerBytes = 2 + lengthBytes + maskBytes;
    if (end - at < headerBytes) return 0;
    let length = short;
    if (lengthBytes === 2) length = bytes[at + 2]! << 8 | bytes[at + 3]!;
    else if (lengthBytes === 8) length = length64(bytes, at + 2);
    const opcode = first & 0x0f;
    const fin = first >= 0x80;
    const isControl = opcode >= CLOSE;
    const isWrong = isControl
      ? !fin || length > CONTROL_BYTES_MAX || opcode > PONG
      : opcode > BINARY || (opcode === CONTINUATION) !== this.#isWithin || !Number.isSafeInteger(length);
    if (isWrong) return this.#wrong(headerBytes);
    if (!this.#admits({ opcode, length, isControl })) return 0;
    this.#left = length;
    this.#meter.frame(opcode, length);
    if (!isControl) {
      this.#isWithin = !fin;
      if (fin) this.messages++;
    }
    if (opcode === CLOSE) {
      this.#closeMask = maskBytes === 0 ? undefined : mask32(bytes, at + headerBytes - 4);
      this.#closeBytes = new Uint8Array(length);
      this.#closeFilled = 0;
      if (length === 0) this.#readClose(this.#closeBytes);
    }
    return headerBytes;
  }

  #wrong(headerBytes: number): number {
    if (this.#rules.isStrict && this.violation === null) {
      const reason = "a frame breaks the protocol";
      this.violation = { code: PROTOCOL_ERROR, reason, cause: "websocket_protocol_error" };
      return 0;
    }
    this.#isLost = true;
    return headerBytes;
  }

  #admits(frame: { readonly opcode: number; readonly length: number; readonly isControl: boolean }): boolean {
    // Once we are closing, frames are looked at only to find the peer's own Close.
    if (this.violation !== null) return true;
    const { messageBytesMax, rate } = this.#rules;
    if (!frame.isControl) {
      if (frame.opcode !== CONTINUATION) this.#messageBytes = 0;
      this.#messageBytes += frame.length;
      if (this.#messageBytes > messageBytesMax) {
        const reason = `a message is longer than ${messageBytesMax} bytes`;
        this.violation = { code: MESSAGE_TOO_BIG, reason, cause: "websocket_message_too_big" };
        return false;
      }
    }
    if (rate !== null && frame.opcode !== CLOSE && !rate.take()) {
      const reason = `more than ${rate.perSecond} messages a second`;
      this.violation = { code: POLICY_VIOLATION, reason, cause: "websocket_rate_limited" };
      return false;
    }
    return true;
  }

  #keepClose(part: Uint8Array): void {
    this.#closeBytes!.set(part, this.#closeFilled);
    this.#closeFilled += part.length;
  }

  #readClose(payload: Uint8Array): void {
    this.#closeBytes = null;
    if (this.#closeMask !== undefined) applyMask(payload, this.#closeMask, 0);
    const said = readClose(payload);
    // An invalid one ends the connection all the same; what it said is not repeated in our logs.
    this.closed ??= said === undefined || said === "invalid" ? { code: NO_STATUS, reason: "" } : said;
  }
}

/** Infinity for what is beyond every bound, also the lengths that RFC 6455 §5.2 forbids. */
function length64(bytes: Uint8Array, at: number): number {
  const high = mask32(bytes, at);
  return high > 0x1f_ffff ? Infinity : high * 0x1_0000_0000 + mask32(bytes, at + 4);
}

function mask32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
