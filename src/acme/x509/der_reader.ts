/** Reading DER (ITU-T X.690 §8 and §10), strictly enough for certificates that others made. */

/** One value: its tag, its contents, and all of its bytes. */
export interface DerValue {
  readonly tag: number;
  readonly contents: Uint8Array;
  /** Tag and length included. */
  readonly whole: Uint8Array;
}

/** Values of one sequence that are looked at; certificates of some hundred names have fewer. */
const MEMBERS_MAX = 2_000;

/** Reads the one value that fills `bytes`. Throws when it is cut off, too long, or something follows. */
export function readDer(bytes: Uint8Array): DerValue {
  const value = valueAt(bytes, 0);
  if (value.whole.length !== bytes.length) throw new Error("something follows the DER value");
  return value;
}

/** The values inside a constructed one. Throws like `readDer`. */
export function members(value: DerValue): DerValue[] {
  const all: DerValue[] = [];
  for (let at = 0; at < value.contents.length;) {
    if (all.length === MEMBERS_MAX) throw new Error(`a DER value with more than ${MEMBERS_MAX} members`);
    const member = valueAt(value.contents, at);
    all.push(member);
    at += member.whole.length;
  }
  return all;
}

function valueAt(bytes: Uint8Array, at: number): DerValue {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw new Error("a DER value that is cut off");
  if ((tag & 0x1f) === 0x1f) throw new Error("a DER tag of several bytes");
  let size = first;
  let start = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new Error("a DER length of an unknown form");
    size = 0;
    for (let i = 0; i < count; i++) {
      const byte = bytes[start++];
      if (byte === undefined) throw new Error("a DER value that is cut off");
      size = size * 256 + byte;
    }
  }
  if (start + size > bytes.length) throw new Error("a DER value that is cut off");
  return { tag, contents: bytes.subarray(start, start + size), whole: bytes.subarray(at, start + size) };
}

/** The dotted form of an OBJECT IDENTIFIER; empty when it is none. */
export function oidText(value: DerValue): string {
  if (value.tag !== 0x06 || value.contents.length === 0) return "";
  const parts: number[] = [];
  let part = 0;
  for (const byte of value.contents) {
    part = part * 128 + (byte & 0x7f);
    if (part > Number.MAX_SAFE_INTEGER / 128) return "";
    if (byte < 0x80) {
      parts.push(part);
      part = 0;
    }
  }
  const [first = 0, ...rest] = parts;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join(".");
}

/** UTCTime or GeneralizedTime as Unix milliseconds (RFC 5280 §4.1.2.5). Throws when it is neither. */
export function timeMs(value: DerValue): number {
  const text = new TextDecoder().decode(value.contents);
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  const [, year = "", month, day, hour, minute, second] = match ?? [];
  const isUtc = value.tag === 0x17 && year.length === 2;
  if (match === null || !(isUtc || (value.tag === 0x18 && year.length === 4))) {
    throw new Error("a time of an unknown form");
  }
  const full = isUtc ? (Number(year) < 50 ? 2000 : 1900) + Number(year) : Number(year);
  return Date.UTC(full, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}
