import { byteString } from "../http1/tables.ts";
import { ConnectionFault, H2_ERROR } from "./frames.ts";
import {
  DYNAMIC_INDEX_FIRST,
  DynamicTable,
  type Field,
  internedName,
  makeField,
  STATIC_FIELDS,
} from "./hpack_fields.ts";
import { decodedLengthMax, decodeHuffman, type Octets } from "./huffman.ts";

/** `secret`: the sender forbids every hop to put the field into a table (RFC 7541 §6.2.3). */
export type FieldHandling = "usual" | "secret";

/** Where decoded fields go. */
export interface FieldSink {
  field(field: Field, handling: FieldHandling): void;
}

/** Table size changes at the start of one block; two say everything (RFC 7541 §4.2). */
const TABLE_SIZE_UPDATES_MAX = 2;

/** Bytes for decoding coded strings, at first and as long as nothing longer comes again. */
const SCRATCH_BYTES_FIRST = 256;
const SCRATCH_BYTES_KEPT = 2048;

/** Strings up to this long are put together octet by octet, which then is cheaper than a decoder. */
const SHORT_STRING_BYTES = 24;

/**
 * Decodes the header blocks of one direction of one connection, in their order (RFC 7541). Every block must
 * be decoded, wanted or not, for the table changes with each. Bytes that mean nothing end the connection.
 */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #tableBytesMax: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #scratch = new Uint8Array(SCRATCH_BYTES_FIRST);

  constructor(tableBytesMax: number) {
    this.#tableBytesMax = tableBytesMax;
    this.#table = new DynamicTable(tableBytesMax);
  }

  /** Octets in the dynamic table. */
  get tableSize(): number {
    return this.#table.size;
  }

  /** Decodes a whole block. Throws `ConnectionFault` with COMPRESSION_ERROR. */
  decode(bytes: Uint8Array, sink: FieldSink): void {
    this.#bytes = bytes;
    this.#at = 0;
    const end = this.#end = bytes.length;
    let updates = 0;
    let begun = false;
    while (this.#at < end) {
      const first = bytes[this.#at]!;
      if (first >= 0x80) {
        sink.field(this.#indexed(this.#integer(7)), "usual");
      } else if (first >= 0x40) {
        const field = this.#literal(6);
        this.#table.insert(field);
        sink.field(field, "usual");
      } else if (first >= 0x20) {
        const size = this.#integer(5);
        if (begun || ++updates > TABLE_SIZE_UPDATES_MAX) {
          fail("a table size changes in the middle of a block");
        }
        if (size > this.#tableBytesMax) fail("a table is larger than was agreed");
        this.#table.resize(size);
        continue;
      } else {
        sink.field(this.#literal(4), first >= 0x10 ? "secret" : "usual");
      }
      begun = true;
    }
    // One long string must not cost the connection memory for ever.
    if (this.#scratch.length > SCRATCH_BYTES_KEPT) this.#scratch = new Uint8Array(SCRATCH_BYTES_FIRST);
  }

  #indexed(index: number): Field {
    const field = index < DYNAMIC_INDEX_FIRST ? STATIC_FIELDS[index - 1] : this.#table.at(index);
    return field ?? fail("an index points at nothing");
  }

  #literal(prefixBits: number): Field {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#name() : this.#indexed(index).name;
    return makeField(name, this.#string());
  }

  /** An integer whose first octet has `prefixBits` bits of it (RFC 7541 §5.1). */
  #integer(prefixBits: number): number {
    const bytes = this.#bytes;
    const mask = (1 << prefixBits) - 1;
    let value = bytes[this.#at++]! & mask;
    if (value < mask) return value;
    // Four more octets reach 2^28, far beyond every length that is let through.
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) fail("a number is cut off");
      const octet = bytes[this.#at++]!;
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    return fail("a number is too large");
  }

  #name(): string {
    const octets = this.#octets();
    return internedName(octets.bytes, octets.start, octets.end) ?? textOf(octets);
  }

  #string(): string {
    return textOf(this.#octets());
  }

  /** Where the octets of a string literal lie, decoded (RFC 7541 §5.2). */
  #octets(): Octets {
    if (this.#at >= this.#end) fail("a string is missing");
    const isCoded = this.#bytes[this.#at]! >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    if (length > this.#end - start) fail("a string is cut off");
    this.#at = start + length;
    const octets = this.#found;
    octets.bytes = this.#bytes;
    octets.start = start;
    octets.end = this.#at;
    if (!isCoded) return octets;
    const most = decodedLengthMax(length);
    if (most > this.#scratch.length) this.#scratch = new Uint8Array(most);
    const written = decodeHuffman(octets, this.#scratch);
    if (written < 0) fail("a string is coded wrongly");
    octets.bytes = this.#scratch;
    octets.start = 0;
    octets.end = written;
    return octets;
  }

  /** One object for all strings: it is looked at before the next one is read. */
  readonly #found: Octets = { bytes: new Uint8Array(0), start: 0, end: 0 };
}

function textOf({ bytes, start, end }: Octets): string {
  if (end - start > SHORT_STRING_BYTES) {
    let high = 0;
    for (let at = start; at < end; at++) high |= bytes[at]!;
    return byteString(bytes.subarray(start, end), { ascii: high < 0x80 });
  }
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

function fail(message: string): never {
  throw new ConnectionFault(H2_ERROR.compressionError, message);
}
