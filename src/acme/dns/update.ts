/** Messages that change a zone (RFC 2136). */

import { encodeName, RECORD_TYPES } from "../../discovery/dns/message.ts";
import { type Bytes, concat, utf8 } from "../bytes.ts";
import type { TxtRecord } from "./provider.ts";
import { TYPE_TSIG, u16 } from "./tsig.ts";

const OPCODE_UPDATE = 5;
const CLASS_IN = 1;
const CLASS_NONE = 254;
const HEADER_BYTES = 12;
/** Records of an answer that are passed over; servers repeat what was asked at most. */
const RECORDS_MAX = 100;

/** RFC 1035 §4.1.1, RFC 2136 §2.2. */
const RCODES: Readonly<Record<number, string>> = {
  1: "FORMERR",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "NOTIMP",
  5: "REFUSED, the key may not change this name",
  6: "YXDOMAIN",
  7: "YXRRSET",
  8: "NXRRSET",
  9: "NOTAUTH, it is not the server of this zone, or does not know the key",
  10: "NOTZONE, the name is not in this zone",
};

/** One change: a record added, or exactly this one removed. */
export interface ZoneChange {
  readonly id: number;
  readonly zone: string;
  readonly record: TxtRecord;
  /** Undefined removes. */
  readonly addTtlSecs: number | undefined;
}

/** The unsigned bytes of a change. Throws for names that are none. */
export function encodeUpdate({ id, zone, record, addTtlSecs }: ZoneChange): Bytes {
  const text = utf8(record.value);
  const data = concat([Uint8Array.of(text.length), text]);
  const [group, ttl] = addTtlSecs === undefined ? [CLASS_NONE, 0] : [CLASS_IN, addTtlSecs];
  return concat([
    u16(id),
    u16(OPCODE_UPDATE << 11),
    u16(1),
    u16(0),
    u16(1),
    u16(0),
    encodeName(zone),
    u16(RECORD_TYPES.SOA),
    u16(CLASS_IN),
    encodeName(record.name),
    u16(RECORD_TYPES.TXT),
    u16(group),
    u16(ttl >> 16),
    u16(ttl & 0xffff),
    u16(data.length),
    data,
  ]);
}

/** What a server answered to a change. */
export interface UpdateAnswer {
  readonly rcode: number;
  /** Where the TSIG record begins; undefined when there is none. */
  readonly tsigAt: number | undefined;
}

/** Reads an answer. Undefined when it is not one to this change. Throws when it is malformed. */
export function decodeUpdateAnswer(bytes: Uint8Array, id: number): UpdateAnswer | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  const isAnswer = (flags & 0x8000) !== 0 && ((flags >> 11) & 15) === OPCODE_UPDATE;
  if (view.getUint16(0) !== id || !isAnswer) return undefined;
  const [questions, ...records] = [4, 6, 8, 10].map((at) => view.getUint16(at));
  const total = records.reduce((sum, count) => sum + count, 0);
  if (questions! + total > RECORDS_MAX) throw new Error("an answer with too many records");
  let at = HEADER_BYTES;
  for (let i = 0; i < questions!; i++) at = afterName(bytes, at) + 4;
  let tsigAt: number | undefined;
  for (let i = 0; i < total; i++) {
    const start = at;
    const fixed = afterName(bytes, at);
    if (fixed + 10 > bytes.length) throw new Error("an answer that is cut off");
    tsigAt = view.getUint16(fixed) === TYPE_TSIG ? start : undefined;
    at = fixed + 10 + view.getUint16(fixed + 8);
  }
  if (at !== bytes.length) throw new Error("an answer that is cut off, or goes on after its end");
  return { rcode: flags & 15, tsigAt };
}

function afterName(bytes: Uint8Array, start: number): number {
  for (let at = start;;) {
    const size = bytes[at];
    if (size === undefined) throw new Error("an answer that is cut off");
    if (size === 0) return at + 1;
    if (size >= 0xc0) return at + 2;
    at += size + 1;
  }
}

/** What a code of an answer means. */
export function rcodeText(rcode: number): string {
  return RCODES[rcode] ?? `code ${rcode}`;
}
