import { ProxyError } from "../core/errors.ts";
import { DYNAMIC_INDEX_FIRST, DynamicTable, FIELD_OVERHEAD_BYTES, STATIC_FIELDS } from "./hpack_fields.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";
import { HEADER_TABLE_BYTES } from "./limits.ts";
import type { FrameOutput } from "./output.ts";

/**
 * Fields that say the same in message after message, so that a table entry pays. Everything else changes
 * with nearly every message (`:path`, `date`, request ids) and would only push these out.
 */
const REPEATED: ReadonlySet<string> = new Set(
  `:authority :scheme accept accept-charset accept-encoding accept-language accept-ranges
  access-control-allow-credentials access-control-allow-headers access-control-allow-methods
  access-control-allow-origin access-control-expose-headers access-control-max-age allow alt-svc
  cache-control content-encoding content-language content-security-policy content-type grpc-accept-encoding
  grpc-encoding grpc-status origin pragma referrer-policy server strict-transport-security te trailer
  upgrade-insecure-requests user-agent vary via x-content-type-options x-forwarded-for x-forwarded-host
  x-forwarded-port x-forwarded-proto x-frame-options x-powered-by`.split(/\s+/),
);

/**
 * Fields that hold secrets: whoever can add fields of their own to a connection and see lengths could guess
 * what stands in a table entry by entry, so no hop may put them into one (RFC 7541 §7.1.3).
 */
const SECRET: ReadonlySet<string> = new Set(
  `authorization cookie proxy-authorization set-cookie x-amz-security-token x-api-key x-auth-token
  x-csrf-token x-internal-token x-xsrf-token`.split(/\s+/),
);

/** Longer values than this are not worth a place in a table of 4 KB. */
const REPEATED_VALUE_BYTES_MAX = 512;

/** Values remembered for one name: different clients send different ones over one connection. */
const VALUES_PER_NAME = 8;

/** How fields of one name are written. */
interface Plan {
  readonly policy: "repeated" | "plain" | "secret";
  /** Index of the name in the static table; 0 for none. */
  readonly nameIndex: number;
  /** Values that the static table has for this name, at `nameIndex` and after it. */
  readonly staticValues: readonly string[];
  /** Place of a repeated name's values in an encoder. */
  readonly slot: number;
}

/** The plans of all names that have one; the others are written out. */
const PLANS: ReadonlyMap<string, Plan> = makePlans();

function makePlans(): Map<string, Plan> {
  const plans = new Map<string, Plan>();
  const names = new Set([...STATIC_FIELDS.map((field) => field.name), ...REPEATED, ...SECRET]);
  for (const name of names) {
    const fields = STATIC_FIELDS.filter((field) => field.name === name && field.value !== "");
    plans.set(name, {
      policy: SECRET.has(name) ? "secret" : REPEATED.has(name) ? "repeated" : "plain",
      nameIndex: STATIC_FIELDS.findIndex((field) => field.name === name) + 1,
      staticValues: fields.map((field) => field.value),
      slot: plans.size,
    });
  }
  return plans;
}

/** What an encoder's dynamic table holds for one name. */
interface Known {
  readonly values: string[];
  /** Numbers of the values' entries; those that have left the table are below its oldest. */
  readonly numbers: number[];
  next: number;
}

/**
 * Encodes the header blocks of one direction of one connection (RFC 7541). Values go into the dynamic table
 * only where they are known to repeat; others are written plainly, as coding them would cost more than the
 * bytes that it spares.
 */
export class HpackEncoder {
  readonly #table = new DynamicTable(HEADER_TABLE_BYTES);
  readonly #known: (Known | undefined)[] = new Array<Known | undefined>(PLANS.size);
  #tableBytesMax = HEADER_TABLE_BYTES;
  /** Table sizes to be announced at the start of the next block: the smallest meanwhile, and the one to be. */
  #smallest = HEADER_TABLE_BYTES;
  #isResized = false;

  /** The peer bounds the table to this many octets. */
  limitTable(bytesMax: number): void {
    const next = Math.min(bytesMax, HEADER_TABLE_BYTES);
    if (next === this.#tableBytesMax) return;
    this.#smallest = Math.min(this.#isResized ? this.#smallest : this.#tableBytesMax, next);
    this.#tableBytesMax = next;
    this.#isResized = true;
  }

  /** Begins a block: call it once before its fields. */
  begin(out: FrameOutput): void {
    if (!this.#isResized) return;
    this.#isResized = false;
    if (this.#smallest < this.#tableBytesMax) {
      this.#table.resize(this.#smallest);
      this.#integer(out, { first: 0x20, bits: 5, value: this.#smallest });
    }
    this.#table.resize(this.#tableBytesMax);
    this.#integer(out, { first: 0x20, bits: 5, value: this.#tableBytesMax });
    this.#smallest = this.#tableBytesMax;
  }

  /** Writes a field. `name` is in lower case; both are byte strings. Throws `internal_bug` when they are not. */
  field(out: FrameOutput, name: string, value: string): void {
    const plan = PLANS.get(name);
    if (plan === undefined) return this.#literal(out, { first: 0, nameIndex: 0, name }, value);
    const { nameIndex, staticValues } = plan;
    if (plan.policy === "secret") return this.#literal(out, { first: 0x10, nameIndex, name }, value);
    for (let i = 0; i < staticValues.length; i++) {
      if (staticValues[i] === value) return out.octet(0x80 | (nameIndex + i));
    }
    if (plan.policy === "plain" || value.length > REPEATED_VALUE_BYTES_MAX) {
      return this.#literal(out, { first: 0, nameIndex, name }, value);
    }
    const known = this.#known[plan.slot] ??= { values: [], numbers: [], next: 0 };
    const { oldest, inserted } = this.#table;
    for (let i = 0; i < known.values.length; i++) {
      const number = known.numbers[i]!;
      if (number >= oldest && known.values[i] === value) {
        const index = DYNAMIC_INDEX_FIRST + inserted - 1 - number;
        return this.#integer(out, { first: 0x80, bits: 7, value: index });
      }
    }
    this.#remember(known, name, value);
    this.#literal(out, { first: 0x40, nameIndex, name }, value);
  }

  /** Writes a field that its sender forbade every hop to put into a table (RFC 7541 §6.2.3). */
  secretField(out: FrameOutput, name: string, value: string): void {
    const nameIndex = PLANS.get(name)?.nameIndex ?? 0;
    this.#literal(out, { first: 0x10, nameIndex, name }, value);
  }

  #remember(known: Known, name: string, value: string): void {
    const number = this.#table.inserted;
    const size = name.length + value.length + FIELD_OVERHEAD_BYTES;
    this.#table.insert({ name, value, size, role: "plain" });
    // What is too large for the table empties it, as it does the decoder's.
    if (this.#table.inserted === number) return;
    const slot = known.next++ % VALUES_PER_NAME;
    known.values[slot] = value;
    known.numbers[slot] = number;
  }

  #literal(
    out: FrameOutput,
    { first, nameIndex, name }: { readonly first: number; readonly nameIndex: number; readonly name: string },
    value: string,
  ): void {
    this.#integer(out, { first, bits: first === 0x40 ? 6 : 4, value: nameIndex });
    // Strings that go into the table are written once, so coding them is worth it.
    const coding = first === 0x40 ? "huffman" : "plain";
    if (nameIndex === 0) this.#string(out, name, coding);
    this.#string(out, value, coding);
  }

  #string(out: FrameOutput, text: string, coding: "huffman" | "plain"): void {
    const { length } = text;
    const codedLength = coding === "huffman" ? huffmanLength(text) : length;
    if (codedLength < length) {
      this.#integer(out, { first: 0x80, bits: 7, value: codedLength });
      out.reserve(codedLength);
      out.end = encodeHuffman(text, out.bytes, out.end);
      return;
    }
    this.#integer(out, { first: 0, bits: 7, value: length });
    out.reserve(length);
    const { bytes } = out;
    let at = out.end;
    let high = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      high |= unit;
      bytes[at++] = unit;
    }
    if (high > 0xff) throw new ProxyError("internal_bug", "a header holds a character that is no octet");
    out.end = at;
  }

  /** Writes an integer, its first bits shared with `first` (RFC 7541 §5.1). */
  #integer(
    out: FrameOutput,
    { first, bits, value }: { readonly first: number; readonly bits: number; readonly value: number },
  ): void {
    const mask = (1 << bits) - 1;
    if (value < mask) return out.octet(first | value);
    out.octet(first | mask);
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) out.octet((rest & 0x7f) | 0x80);
    out.octet(rest);
  }
}
