/** DNS messages (RFC 1035 §4; SRV: RFC 2782; EDNS(0): RFC 6891), as far as a client asking for addresses needs them. */

/** Types of records that are asked for or followed. */
export const RECORD_TYPES = { A: 1, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, SRV: 33 } as const;
/** A type that can be asked for. */
export type QueryType = "A" | "AAAA" | "SRV" | "TXT" | "SOA";

/** Response codes with names of their own (RFC 1035 §4.1.1). */
export const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"] as const;
/** NXDOMAIN: the name does not exist. */
export const NXDOMAIN = 3;

/** Datagrams are asked for up to this size, which passes every path unfragmented (DNS flag day 2020). */
export const UDP_BYTES_MAX = 1232;
/** Records of one message that are looked at; each needs 11 bytes at least, so this bounds a whole TCP answer. */
export const RECORDS_MAX = 6_000;

const CLASS_IN = 1;
const TYPE_OPT = 41;
const HEADER_BYTES = 12;
/** RFC 1035 §2.3.4. */
const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 255;
/** Pointers lead strictly backwards; more jumps than labels fit into a name are a trick. */
const POINTERS_MAX = 128;
/** RFC 2181 §8: a TTL with the top bit set means 0. */
const TTL_MAX = 0x7fffffff;

/** What a record says. */
export type RecordData =
  | { readonly type: "A" | "AAAA"; readonly ip: string }
  | { readonly type: "CNAME"; readonly name: string }
  | { readonly type: "SOA"; readonly minimumSecs: number }
  /** All of its strings as one; bytes, one per character. */
  | { readonly type: "TXT"; readonly text: string }
  | {
    readonly type: "SRV";
    readonly priority: number;
    readonly weight: number;
    readonly port: number;
    readonly target: string;
  };

/** A record; names are lower case, without the dot at the end. */
export interface DnsRecord {
  readonly name: string;
  readonly ttlSecs: number;
  readonly data: RecordData;
}

/** A reply to a question of ours. */
export interface DnsReply {
  readonly rcode: number;
  /** The rest must be fetched over TCP. */
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
}

/** What was asked, to recognise the reply by. */
export interface DnsQuestion {
  readonly id: number;
  /** Lower case, without the dot at the end. */
  readonly name: string;
  readonly type: QueryType;
}

/** The bytes of a query for one name, recursion desired, with room for large datagrams. Throws for bad names. */
export function encodeQuery(question: DnsQuestion): Uint8Array {
  const name = encodeName(question.name);
  const bytes = new Uint8Array(HEADER_BYTES + name.length + 4 + 11);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, question.id);
  view.setUint16(2, 0x0100);
  view.setUint16(4, 1);
  view.setUint16(10, 1);
  bytes.set(name, HEADER_BYTES);
  let at = HEADER_BYTES + name.length;
  view.setUint16(at, RECORD_TYPES[question.type]);
  view.setUint16(at + 2, CLASS_IN);
  at += 4;
  // The OPT pseudo-record: root name, type, our datagram size, no flags, no options.
  view.setUint16(at + 1, TYPE_OPT);
  view.setUint16(at + 3, UDP_BYTES_MAX);
  return bytes;
}

/** A name as labels with lengths. Throws when it has none that fit. */
export function encodeName(name: string): Uint8Array {
  const bytes: number[] = [];
  for (const label of name.split(".")) {
    if (label.length === 0 || label.length > LABEL_BYTES_MAX) throw new Error(`"${name}" is no DNS name`);
    bytes.push(label.length);
    for (let i = 0; i < label.length; i++) bytes.push(label.charCodeAt(i) & 0x7f);
  }
  bytes.push(0);
  if (bytes.length > NAME_BYTES_MAX) throw new Error(`"${name}" is too long for a DNS name`);
  return Uint8Array.from(bytes);
}

/**
 * Reads a reply. Undefined when it is not one to this question (another id, another question, no response):
 * such datagrams are ignored, since anybody may send them (RFC 5452 §9.1). Throws when it is ours and malformed.
 */
export function decodeReply(bytes: Uint8Array, question: DnsQuestion): DnsReply | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const reader = new MessageReader(bytes);
  if (reader.u16(0) !== question.id) return undefined;
  const flags = reader.u16(2);
  const isResponse = (flags & 0x8000) !== 0;
  const opcode = (flags >> 11) & 15;
  if (!isResponse || opcode !== 0) return undefined;
  const rcode = flags & 15;
  const truncated = (flags & 0x0200) !== 0;
  const counts = { questions: reader.u16(4), answers: reader.u16(6), authority: reader.u16(8) };
  // Servers that cannot read a query answer without its question; nothing but their code is believed.
  if (counts.questions === 0 && rcode !== 0 && rcode !== NXDOMAIN) {
    return { rcode, truncated: false, answers: [], authority: [] };
  }
  if (counts.questions !== 1 || !reader.isQuestion(question)) return undefined;
  if (truncated) return { rcode, truncated, answers: [], authority: [] };
  const answers = reader.records(counts.answers);
  const authority = reader.records(counts.authority);
  return { rcode, truncated, answers, authority };
}

/** Reads one message from front to back. Every access is checked: what runs past the end throws. */
class MessageReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = HEADER_BYTES;
  #records = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(at: number): number {
    this.#need(at, 2);
    return this.#view.getUint16(at);
  }

  isQuestion(question: DnsQuestion): boolean {
    const name = this.#name();
    const type = this.u16(this.#at);
    const group = this.u16(this.#at + 2);
    this.#at += 4;
    return name === question.name && type === RECORD_TYPES[question.type] && group === CLASS_IN;
  }

  /** The next so many records; those of other types and classes are passed over. */
  records(count: number): DnsRecord[] {
    const records: DnsRecord[] = [];
    for (let i = 0; i < count; i++) {
      if (++this.#records > RECORDS_MAX) throw new Error(`more than ${RECORDS_MAX} records`);
      const record = this.#record();
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  #record(): DnsRecord | undefined {
    const name = this.#name();
    this.#need(this.#at, 10);
    const type = this.u16(this.#at);
    const group = this.u16(this.#at + 2);
    const ttl = this.#view.getUint32(this.#at + 4);
    const length = this.u16(this.#at + 8);
    const start = this.#at + 10;
    this.#need(start, length);
    const end = start + length;
    const data = group === CLASS_IN ? this.#data(type, { start, end }) : undefined;
    this.#at = end;
    return data === undefined ? undefined : { name, ttlSecs: ttl > TTL_MAX ? 0 : ttl, data };
  }

  #data(
    type: number,
    { start, end }: { readonly start: number; readonly end: number },
  ): RecordData | undefined {
    const length = end - start;
    switch (type) {
      case RECORD_TYPES.A:
        if (length !== 4) throw new Error(`an A record of ${length} bytes`);
        return { type: "A", ip: this.#bytes.subarray(start, end).join(".") };
      case RECORD_TYPES.AAAA:
        if (length !== 16) throw new Error(`an AAAA record of ${length} bytes`);
        return { type: "AAAA", ip: ipv6Text(this.#view, start) };
      case RECORD_TYPES.CNAME:
        return { type: "CNAME", name: this.#nameWithin(start, end) };
      case RECORD_TYPES.SRV: {
        if (length < 7) throw new Error(`an SRV record of ${length} bytes`);
        const [priority, weight, port] = [this.u16(start), this.u16(start + 2), this.u16(start + 4)];
        return { type: "SRV", priority, weight, port, target: this.#nameWithin(start + 6, end) };
      }
      case RECORD_TYPES.SOA: {
        if (length < 22) throw new Error(`an SOA record of ${length} bytes`);
        return { type: "SOA", minimumSecs: Math.min(this.#view.getUint32(end - 4), TTL_MAX) };
      }
      case RECORD_TYPES.TXT:
        return { type: "TXT", text: this.#strings(start, end) };
      default:
        return undefined;
    }
  }

  /** Strings after their lengths (RFC 1035 §3.3.14), which must fill the record. */
  #strings(start: number, end: number): string {
    let text = "";
    for (let at = start; at < end;) {
      const next = at + 1 + this.#bytes[at]!;
      if (next > end) throw new Error("a text that runs out of its record");
      for (const byte of this.#bytes.subarray(at + 1, next)) text += String.fromCharCode(byte);
      at = next;
    }
    return text;
  }

  /** A name that must end exactly at `end`, where the record's data does. */
  #nameWithin(start: number, end: number): string {
    this.#at = start;
    const name = this.#name();
    if (this.#at !== end) throw new Error("a name that does not fill its record");
    return name;
  }

  /** The name at the current place, pointers followed; afterwards the place is behind it. */
  #name(): string {
    const labels: string[] = [];
    let at = this.#at;
    let after = -1;
    let pointers = 0;
    let length = 1;
    while (true) {
      this.#need(at, 1);
      const size = this.#bytes[at]!;
      if (size === 0) break;
      if (size >= 0xc0) {
        const to = this.u16(at) & 0x3fff;
        // Strictly backwards, so that it must come to an end (RFC 1035 §4.1.4: a prior occurrence).
        if (to >= at || ++pointers > POINTERS_MAX) throw new Error("a name that refers to itself");
        if (after < 0) after = at + 2;
        at = to;
        continue;
      }
      if (size > LABEL_BYTES_MAX) throw new Error("a label of an unknown kind");
      this.#need(at + 1, size);
      length += size + 1;
      if (length > NAME_BYTES_MAX) throw new Error("a name longer than 255 bytes");
      labels.push(labelText(this.#bytes.subarray(at + 1, at + 1 + size)));
      at += 1 + size;
    }
    this.#at = after < 0 ? at + 1 : after;
    return labels.join(".");
  }

  #need(at: number, count: number): void {
    if (at + count > this.#bytes.length) throw new Error("a message that is cut off");
  }
}

/** Lower case; bytes that no host name has become `?`, which no name that is asked for has. */
function labelText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x2e;
    text += isPlain ? String.fromCharCode(byte) : "?";
  }
  return text.toLowerCase();
}

/** An IPv6 address in the canonical form of RFC 5952 §4: the longest run of zeros shortened. */
function ipv6Text(view: DataView, start: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(start + 2 * index));
  let run = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > run.length) run = { at, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (run.at < 0) return hex.join(":");
  return `${hex.slice(0, run.at).join(":")}::${hex.slice(run.at + run.length).join(":")}`;
}
