import { commonName, FIELD_VALUE, TOKEN } from "../http1/tables.ts";

/** What a field means for the message it stands in, beside being passed on. */
export type FieldRole =
  | "plain"
  | "pseudo"
  /** Connection-specific, which HTTP/2 forbids (RFC 9113 §8.2.2). */
  | "forbidden"
  | "te"
  | "cookie"
  | "host"
  | "length"
  /** The name or value breaks the grammar (RFC 9113 §8.2.1). */
  | "malformed";

/** One name and value. Those of the tables exist once, with what was found out about them. */
export interface Field {
  readonly name: string;
  readonly value: string;
  /** Octets it counts for, in tables and header lists alike (RFC 7541 §4.1). */
  readonly size: number;
  readonly role: FieldRole;
}

/** What a field costs besides its octets (RFC 7541 §4.1). */
export const FIELD_OVERHEAD_BYTES = 32;

const ROLES: ReadonlyMap<string, FieldRole> = new Map<string, FieldRole>([
  ["connection", "forbidden"],
  ["keep-alive", "forbidden"],
  ["proxy-connection", "forbidden"],
  ["transfer-encoding", "forbidden"],
  ["upgrade", "forbidden"],
  ["te", "te"],
  ["cookie", "cookie"],
  ["host", "host"],
  ["content-length", "length"],
]);

/** A field, looked at once: byte strings as in `HeaderList`. */
export function makeField(name: string, value: string): Field {
  const size = name.length + value.length + FIELD_OVERHEAD_BYTES;
  return { name, value, size, role: roleOf(name, value) };
}

function roleOf(name: string, value: string): FieldRole {
  if (!isValue(value)) return "malformed";
  if (name.charCodeAt(0) === 0x3a) return "pseudo";
  return isName(name) ? ROLES.get(name) ?? "plain" : "malformed";
}

/** A token without upper-case letters. */
function isName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (TOKEN[unit] !== 1 || (unit >= 0x41 && unit <= 0x5a)) return false;
  }
  return name.length > 0;
}

/** No control characters, and no white space around it. */
function isValue(value: string): boolean {
  const { length } = value;
  for (let i = 0; i < length; i++) if (FIELD_VALUE[value.charCodeAt(i)] !== 1) return false;
  return length === 0 || (isVisible(value.charCodeAt(0)) && isVisible(value.charCodeAt(length - 1)));
}

function isVisible(unit: number): boolean {
  return unit !== 0x20 && unit !== 0x09;
}

/** The one string for a name that many messages have, so that comparing it is by pointer. */
export function internedName(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end === start) return undefined;
  const common = commonName(bytes, start, end);
  return common !== undefined && bytes[start] === common.keyBytes[0] ? common.key : undefined;
}

/** The static table (RFC 7541 appendix A), index 1 first. */
export const STATIC_FIELDS: readonly Field[] = `:authority|:method GET|:method POST|:path /
:path /index.html|:scheme http|:scheme https|:status 200|:status 204|:status 206|:status 304|:status 400
:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language|accept-ranges|accept
access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding
content-language|content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires
from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location
max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie
strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate`
  .split(/[|\n]/).map((text) => {
    const space = text.indexOf(" ");
    return space < 0 ? makeField(text, "") : makeField(text.slice(0, space), text.slice(space + 1));
  });

/** Index of the newest entry of the dynamic table (RFC 7541 §2.3.3). */
export const DYNAMIC_INDEX_FIRST = 62;

/** The dynamic table of one direction: the newest entry has the lowest index (RFC 7541 §2.3.2). */
export class DynamicTable {
  /** Entries inserted so far; an entry's number is this before its insertion. */
  inserted = 0;
  /** Octets in it. */
  size = 0;
  #bytesMax: number;
  /** Entries that are in it. */
  #count = 0;
  readonly #ring: (Field | undefined)[];

  /** `bytesMax` is also the most that `resize` may be given. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#ring = new Array<Field | undefined>(Math.max(1, Math.ceil(bytesMax / FIELD_OVERHEAD_BYTES)));
  }

  /** The number of the oldest entry that is still in it. */
  get oldest(): number {
    return this.inserted - this.#count;
  }

  /** The entry at an index from `DYNAMIC_INDEX_FIRST` on; undefined when there is none. */
  at(index: number): Field | undefined {
    const back = index - DYNAMIC_INDEX_FIRST;
    return back < this.#count ? this.#ring[(this.inserted - 1 - back) % this.#ring.length] : undefined;
  }

  /** Adds an entry, dropping the oldest until it fits; one too large for an empty table empties it (§4.4). */
  insert(field: Field): void {
    this.#evict(this.#bytesMax - field.size);
    if (field.size > this.#bytesMax) return;
    this.#ring[this.inserted++ % this.#ring.length] = field;
    this.#count++;
    this.size += field.size;
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#evict(bytesMax);
  }

  #evict(bytesMax: number): void {
    while (this.size > bytesMax && this.#count > 0) {
      const at = this.oldest % this.#ring.length;
      this.size -= this.#ring[at]!.size;
      this.#ring[at] = undefined;
      this.#count--;
    }
  }
}
