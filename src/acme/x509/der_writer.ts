/** Writing DER (ITU-T X.690 §8 and §10), as far as certificates and requests for them need it. */

import { type Bytes, concat, utf8 } from "../bytes.ts";

/** One value with its tag and the shortest length that fits. */
export function tagged(tag: number, ...contents: readonly Uint8Array[]): Bytes {
  const size = contents.reduce((sum, piece) => sum + piece.length, 0);
  return concat([Uint8Array.of(tag, ...lengthBytes(size)), ...contents]);
}

function lengthBytes(size: number): number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** SEQUENCE. */
export function sequence(...members: readonly Uint8Array[]): Bytes {
  return tagged(0x30, ...members);
}

/** SET of one member, which needs no sorting. */
export function setOf(member: Uint8Array): Bytes {
  return tagged(0x31, member);
}

/** INTEGER from an unsigned big-endian number. */
export function integer(magnitude: Uint8Array): Bytes {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const digits = magnitude.subarray(start);
  if (digits.length === 0) return tagged(0x02, Uint8Array.of(0));
  return digits[0]! < 0x80 ? tagged(0x02, digits) : tagged(0x02, Uint8Array.of(0), digits);
}

/** OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const part of [first * 40 + second, ...rest]) {
    const digits = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift(0x80 | (left % 128));
    }
    bytes.push(...digits);
  }
  return tagged(0x06, Uint8Array.from(bytes));
}

/** OCTET STRING. */
export function octetString(bytes: Uint8Array): Bytes {
  return tagged(0x04, bytes);
}

/** BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Bytes {
  return tagged(0x03, Uint8Array.of(0), bytes);
}

/** BOOLEAN TRUE. */
export function yes(): Bytes {
  return tagged(0x01, Uint8Array.of(0xff));
}

/** NULL. */
export function nothing(): Bytes {
  return tagged(0x05);
}

/** UTF8String. */
export function utf8String(text: string): Bytes {
  return tagged(0x0c, utf8(text));
}

/** A time as certificates have it: UTCTime up to 2049, then GeneralizedTime (RFC 5280 §4.1.2.5). */
export function time(wallMs: number): Bytes {
  const text = `${new Date(wallMs).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  const year = Number(text.slice(0, 4));
  return year < 2050 ? tagged(0x17, utf8(text.slice(2))) : tagged(0x18, utf8(text));
}
