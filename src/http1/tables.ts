/** Character classes and interned names of HTTP/1.1, as lookup tables (RFC 9110 §5, RFC 9112). */

/** 1 where the octet may stand in a token: methods and header names (RFC 9110 §5.6.2). */
export const TOKEN: Uint8Array = markOctets((octet) => {
  const isDigit = octet >= 0x30 && octet <= 0x39;
  const isLetter = (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a;
  return isDigit || isLetter || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(octet));
});

/** 1 where the octet may stand in a field value: visible, space, tab and obs-text (RFC 9110 §5.5). */
export const FIELD_VALUE: Uint8Array = markOctets((octet) =>
  octet === 0x09 || (octet >= 0x20 && octet !== 0x7f)
);

/**
 * 1 where the octet may stand in a request line: in a request target, or the space beside it. Wider than RFC 3986, as browsers send `|`, `"` and
 * the like unescaped; white space, controls, octets above 0x7e and `#` have no place in one.
 */
export const REQUEST_LINE: Uint8Array = markOctets((octet) =>
  octet >= 0x20 && octet < 0x7f && octet !== 0x23
);

function markOctets(allowed: (octet: number) => boolean): Uint8Array {
  const table = new Uint8Array(256);
  for (let octet = 0; octet < 256; octet++) if (allowed(octet)) table[octet] = 1;
  return table;
}

const COMMON_NAMES = `Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges
  Access-Control-Allow-Credentials Access-Control-Allow-Headers Access-Control-Allow-Methods
  Access-Control-Allow-Origin Access-Control-Expose-Headers Access-Control-Max-Age
  Access-Control-Request-Headers Access-Control-Request-Method Age Allow Alt-Svc Authorization
  Cache-Control Connection Content-Disposition Content-Encoding Content-Language Content-Length
  Content-Location Content-Range Content-Security-Policy Content-Type Cookie DNT Date ETag Expect
  Expires Forwarded From Host If-Match If-Modified-Since If-None-Match If-Range If-Unmodified-Since
  Keep-Alive Last-Modified Link Location Max-Forwards Origin Pragma Priority Proxy-Authenticate
  Proxy-Authorization Proxy-Connection Range Referer Referrer-Policy Retry-After Sec-CH-UA
  Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User
  Server Server-Timing Set-Cookie Strict-Transport-Security TE Trailer Transfer-Encoding Upgrade
  Upgrade-Insecure-Requests User-Agent Vary Via WWW-Authenticate Warning X-Content-Type-Options
  X-Correlation-Id X-Forwarded-By X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Proto
  X-Frame-Options X-Powered-By X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset X-Real-IP
  X-Request-Id X-Requested-With X-Trace-Id traceparent tracestate`.split(/\s+/);

/** A header name that many messages hold: strings for it exist once, so that comparing is by pointer. */
export interface CommonName {
  /** The usual spelling, such as `Content-Type`. */
  readonly name: string;
  /** Lower case. */
  readonly key: string;
  /** `name` and `key` as octets. */
  readonly nameBytes: Uint8Array;
  readonly keyBytes: Uint8Array;
}

const SLOTS = 2048;

/** Common names by `slotOf`, whose factors were searched for so that no two of them share a slot. */
const COMMON: readonly (CommonName | undefined)[] = indexNames(COMMON_NAMES);

function indexNames(names: readonly string[]): (CommonName | undefined)[] {
  const slots = new Array<CommonName | undefined>(SLOTS).fill(undefined);
  const octets = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
  for (const name of names) {
    const key = name.toLowerCase();
    const nameBytes = octets(name);
    slots[slotOf(nameBytes, 0, nameBytes.length)] ??= { name, key, nameBytes, keyBytes: octets(key) };
  }
  return slots;
}

/** Spreads names by their length and four of their letters; letter case does not matter. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const mixed = Math.imul(end - start, 61933) + Math.imul(bytes[start]! | 0x20, 28879) +
    Math.imul(bytes[(start + end) >> 1]! | 0x20, 51845) + Math.imul(bytes[end - 1]! | 0x20, 35463) +
    Math.imul(bytes[Math.max(start, end - 4)]! | 0x20, 14485);
  return (mixed ^ (mixed >>> 7)) & (SLOTS - 1);
}

/**
 * The common name that `bytes[start, end)` spells, either as usual or in lower case; undefined for any
 * other name or spelling.
 */
export function commonName(bytes: Uint8Array, start: number, end: number): CommonName | undefined {
  const common = COMMON[slotOf(bytes, start, end)];
  if (common === undefined || common.nameBytes.length !== end - start) return undefined;
  const { keyBytes } = common;
  const expected = bytes[start] === keyBytes[0] ? keyBytes : common.nameBytes;
  for (let at = start, i = 0; at < end; at++, i++) if (bytes[at] !== expected[i]) return undefined;
  return common;
}

const utf8 = new TextDecoder();

/**
 * Octets as a byte string (ISO 8859-1: one unit per octet). `ascii` promises that none is above 0x7f,
 * which takes the fast native path.
 */
export function byteString(bytes: Uint8Array, options: { readonly ascii: boolean }): string {
  if (options.ascii) return utf8.decode(bytes);
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
