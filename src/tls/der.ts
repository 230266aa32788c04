/** Thrown where bytes are not the DER that was expected. */
export class DerError extends Error {
  override readonly name = "DerError";
}

/** Tags that certificates and revocation lists are made of (X.680 §8.6). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

/** One element: its tag, what is in it, and itself whole. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** Reads elements of DER (X.690) one after the other. Every method throws `DerError` where they are not as asked. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next tag, or -1 at the end. */
  get tag(): number {
    return this.#bytes[this.#at] ?? -1;
  }

  next(): DerElement {
    const from = this.#at;
    const tag = this.#octet();
    if ((tag & 0x1f) === 0x1f) throw new DerError("a tag of several octets");
    let length = this.#octet();
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 3) throw new DerError("a length that is no DER, or is too large");
      length = 0;
      for (let i = 0; i < octets; i++) length = length << 8 | this.#octet();
      if (length < 0x80) throw new DerError("a length that is longer than it need be");
    }
    const start = this.#at;
    const end = start + length;
    if (end > this.#bytes.length) throw new DerError("a length that points past the end");
    this.#at = end;
    return {
      tag,
      content: this.#bytes.subarray(start, end),
      whole: this.#bytes.subarray(from, end),
    };
  }

  /** The next element, which must have this tag. */
  expect(tag: number): DerElement {
    if (this.tag !== tag) throw new DerError(`tag ${tag} was expected, found ${this.tag}`);
    return this.next();
  }

  /** The next element if it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.tag === tag ? this.next() : undefined;
  }

  /** What is in the next element, which must have this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.expect(tag).content);
  }

  /** The next object identifier, dotted. */
  oid(): string {
    return oidText(this.expect(TAG.oid).content);
  }

  /** The next time, Unix milliseconds (RFC 5280 §4.1.2.5). */
  time(): number {
    const { tag, content } = this.next();
    const text = String.fromCharCode(...content);
    const pattern = tag === TAG.utcTime
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
      : tag === TAG.generalizedTime
      ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
      : undefined;
    const found = pattern?.exec(text);
    if (found === null || found === undefined) throw new DerError("a time that is none");
    const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as number[];
    const whole = tag === TAG.utcTime ? year! + (year! < 50 ? 2000 : 1900) : year!;
    return Date.UTC(whole, month! - 1, day, hour, minute, second);
  }

  #octet(): number {
    const octet = this.#bytes[this.#at++];
    if (octet === undefined) throw new DerError("the end came too early");
    return octet;
  }
}

function oidText(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of content) {
    if (arc > 2 ** 40) throw new DerError("an object identifier that is too large");
    arc = arc * 128 + (octet & 0x7f);
    if ((octet & 0x80) !== 0) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - first * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  return arcs.join(".");
}

/** Bytes as hexadecimal digits, lower case. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** Whether two runs of bytes are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
