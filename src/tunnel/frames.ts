/** Frames of WebSockets (RFC 6455 §5). */

import { isCloseCode } from "../core/close_codes.ts";

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** Bytes of the longest frame header: two, a length of eight and a mask of four. */
export const HEADER_BYTES_MAX = 14;
/** Bytes of a control frame's payload (§5.5). */
export const CONTROL_BYTES_MAX = 125;

/** Close codes (§7.4.1) that the proxy itself uses. */
export const GOING_AWAY = 1001;
export const PROTOCOL_ERROR = 1002;
export const INVALID_DATA = 1007;
export const POLICY_VIOLATION = 1008;
export const MESSAGE_TOO_BIG = 1009;
export const INTERNAL_ERROR = 1011;
export const TRY_AGAIN_LATER = 1013;

const FIN = 0x80;
const MASKED = 0x80;

const encoder = new TextEncoder();

/**
 * One whole frame. `mask` is the masking key as a number for what goes to a server, undefined for what goes
 * to a client (§5.1). The payload is copied.
 */
export function encodeFrame(opcode: number, payload: Uint8Array, mask: number | undefined): Uint8Array {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const maskAt = 2 + lengthBytes;
  const dataAt = mask === undefined ? maskAt : maskAt + 4;
  const frame = new Uint8Array(dataAt + length);
  frame[0] = FIN | opcode;
  frame[1] = (mask === undefined ? 0 : MASKED) |
    (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  const view = new DataView(frame.buffer);
  if (lengthBytes === 2) view.setUint16(2, length);
  else if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  frame.set(payload, dataAt);
  if (mask !== undefined) {
    view.setUint32(maskAt, mask);
    applyMask(frame.subarray(dataAt), mask, 0);
  }
  return frame;
}

/** The payload of a Close frame; the reason is cut to what fits, between characters. */
export function closePayload(code: number, reason: string): Uint8Array {
  const payload = new Uint8Array(CONTROL_BYTES_MAX);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  const { written } = encoder.encodeInto(reason, payload.subarray(2));
  return payload.subarray(0, 2 + written);
}

/** Masks or unmasks in place (§5.3). `offset` is how far into the frame's payload `bytes` begin. */
export function applyMask(bytes: Uint8Array, mask: number, offset: number): void {
  const a = (mask >>> (24 - 8 * (offset & 3))) & 0xff;
  const b = (mask >>> (24 - 8 * ((offset + 1) & 3))) & 0xff;
  const c = (mask >>> (24 - 8 * ((offset + 2) & 3))) & 0xff;
  const d = (mask >>> (24 - 8 * ((offset + 3) & 3))) & 0xff;
  const { length } = bytes;
  const whole = length & ~3;
  let at = 0;
  for (; at < whole; at += 4) {
    bytes[at]! ^= a;
    bytes[at + 1]! ^= b;
    bytes[at + 2]! ^= c;
    bytes[at + 3]! ^= d;
  }
  if (at < length) bytes[at]! ^= a;
  if (at + 1 < length) bytes[at + 1]! ^= b;
  if (at + 2 < length) bytes[at + 2]! ^= c;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of bytes; undefined when they are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** What a Close frame's payload says: undefined when it is empty, `invalid` when it breaks §5.5.1 or §7.4. */
export function readClose(
  payload: Uint8Array,
): { readonly code: number; readonly reason: string } | undefined | "invalid" {
  if (payload.length === 0) return undefined;
  if (payload.length === 1) return "invalid";
  const code = payload[0]! << 8 | payload[1]!;
  const reason = utf8(payload.subarray(2));
  return reason === undefined || !isCloseCode(code) ? "invalid" : { code, reason };
}
