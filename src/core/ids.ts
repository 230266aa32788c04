/** Request ids and W3C trace contexts: made, checked and continued. */

import type { HeaderList } from "./headers.ts";
import type { Random } from "./ports.ts";

/** How ids of our own look: 11 Base58 characters that begin with the time, or a version 4 UUID. */
export type IdFormat = "tinyflake" | "uuid";

/** Longest id taken over from a client. */
export const ID_LENGTH_MAX = 128;

/** Headers that may bring an id, the first one that is there counts. */
const ID_HEADERS = Object.freeze(["x-trace-id", "x-correlation-id", "x-request-id"]);

const BASE58 = codes("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz");
const HEX = codes("0123456789abcdef");
/** 58³: the seconds that three Base58 digits tell apart, about 54 hours. */
const TINYFLAKE_SECONDS = 58 ** 3;

/** Makes request ids. */
export class IdSource {
  readonly #format: IdFormat;
  readonly #random: Random;
  #second = NaN;
  #prefix = "";

  constructor(format: IdFormat, random: Random) {
    this.#format = format;
    this.#random = random;
  }

  /** A new id; `wallMs` is Unix time in milliseconds. */
  create(wallMs: number): string {
    return this.#format === "uuid" ? this.#uuid() : this.#tinyflake(wallMs);
  }

  /** Three digits of time and eight of chance: 47 random bits within one second. */
  #tinyflake(wallMs: number): string {
    const second = Math.floor(wallMs / 1000) % TINYFLAKE_SECONDS;
    if (second !== this.#second) {
      this.#second = second;
      this.#prefix = base58Char(second / 3364) + base58Char(second / 58) + base58Char(second);
    }
    return this.#prefix + base58Four(this.#random.u32()) + base58Four(this.#random.u32());
  }

  /** RFC 9562 §5.4: 122 random bits, version 4, variant 10. */
  #uuid(): string {
    const random = this.#random;
    const second = hexWord((random.u32() & 0xffff0fff) | 0x4000);
    const third = hexWord((random.u32() & 0x3fffffff) | 0x80000000);
    return hexWord(random.u32()) + "-" + second.slice(0, 4) + "-" + second.slice(4) + "-" +
      third.slice(0, 4) +
      "-" + third.slice(4) + hexWord(random.u32());
  }
}

/**
 * The id that came with a request: the first of X-Trace-Id, X-Correlation-Id and X-Request-Id that is an
 * acceptable one; undefined when there is none and one must be made.
 */
export function incomingId(headers: HeaderList): string | undefined {
  for (let i = 0; i < ID_HEADERS.length; i++) {
    const value = headers.get(ID_HEADERS[i]!);
    if (value !== undefined && isAcceptableId(value)) return value;
  }
  return undefined;
}

/**
 * Whether an id from outside may be passed on and logged: 1 to 128 printable ASCII characters without space,
 * quotes, backslash, comma, semicolon and angle brackets, so that it is harmless wherever it is printed.
 */
export function isAcceptableId(id: string): boolean {
  if (id.length === 0 || id.length > ID_LENGTH_MAX) return false;
  for (let i = 0; i < id.length; i++) if (!isIdUnit(id.charCodeAt(i))) return false;
  return true;
}

function isIdUnit(unit: number): boolean {
  if (unit <= 0x20 || unit > 0x7e) return false;
  switch (unit) {
    case 0x22: // "
    case 0x27: // '
    case 0x2c: // ,
    case 0x3b: // ;
    case 0x3c: // <
    case 0x3e: // >
    case 0x5c: // \
    case 0x60: // `
      return false;
    default:
      return true;
  }
}

/** A trace context as the `traceparent` header carries it (W3C Trace Context §3.2). */
export interface Traceparent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero: the caller's span. */
  readonly parentId: string;
  readonly sampled: boolean;
}

const VERSION_00_LENGTH = 55;

/**
 * Reads a `traceparent`. Undefined when it is malformed, and then a new trace begins. Versions after 00 are
 * read by their first four parts, as §3.2.4 asks; version ff is not allowed.
 */
export function parseTraceparent(value: string): Traceparent | undefined {
  if (value.length < VERSION_00_LENGTH || value[2] !== "-" || value[35] !== "-" || value[52] !== "-") {
    return undefined;
  }
  if (!isHex(value, 0, 2) || !isHex(value, 3, 35) || !isHex(value, 36, 52) || !isHex(value, 53, 55)) {
    return undefined;
  }
  if (value.startsWith("ff")) return undefined;
  const isVersion00 = value.startsWith("00");
  if (value.length > VERSION_00_LENGTH && (isVersion00 || value[VERSION_00_LENGTH] !== "-")) return undefined;
  if (isZero(value, 3, 35) || isZero(value, 36, 52)) return undefined;
  const sampled = (parseInt(value[54]!, 16) & 1) === 1;
  return { traceId: value.slice(3, 35), parentId: value.slice(36, 52), sampled };
}

/**
 * The `traceparent` to send on: the incoming trace under a new span of ours, or a new trace. The sampled flag
 * is passed on as it came; of a new trace it is off, since nothing here records spans.
 */
export function continueTraceparent(incoming: string | undefined, random: Random): string {
  const parent = incoming === undefined ? undefined : parseTraceparent(incoming);
  const spanId = hexWord(random.u32()) + nonZeroWord(random);
  if (parent !== undefined) return "00-" + parent.traceId + "-" + spanId + (parent.sampled ? "-01" : "-00");
  return "00-" + hexWord(random.u32()) + hexWord(random.u32()) + hexWord(random.u32()) + nonZeroWord(random) +
    "-" + spanId + "-00";
}

// All-zero ids are invalid; one word that is never zero rules them out.
function nonZeroWord(random: Random): string {
  return hexWord(random.u32() || 1);
}

function hexWord(word: number): string {
  return String.fromCharCode(
    HEX[word >>> 28]!,
    HEX[(word >>> 24) & 15]!,
    HEX[(word >>> 20) & 15]!,
    HEX[(word >>> 16) & 15]!,
    HEX[(word >>> 12) & 15]!,
    HEX[(word >>> 8) & 15]!,
    HEX[(word >>> 4) & 15]!,
    HEX[word & 15]!,
  );
}

function base58Four(word: number): string {
  return String.fromCharCode(
    BASE58[word % 58]!,
    BASE58[Math.floor(word / 58) % 58]!,
    BASE58[Math.floor(word / 3364) % 58]!,
    BASE58[Math.floor(word / 195112) % 58]!,
  );
}

function base58Char(value: number): string {
  return String.fromCharCode(BASE58[Math.floor(value) % 58]!);
}

function isHex(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (!((unit >= 0x30 && unit <= 0x39) || (unit >= 0x61 && unit <= 0x66))) return false;
  }
  return true;
}

function isZero(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) !== 0x30) return false;
  return true;
}

function codes(alphabet: string): Uint8Array {
  return Uint8Array.from(alphabet, (char) => char.charCodeAt(0));
}
