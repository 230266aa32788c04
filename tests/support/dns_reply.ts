/** DNS replies put together by hand, also wrong ones. */

/** A record with its data as bytes; `name` and `rdata` may hold pointers. */
export interface RawRecord {
  readonly name: readonly number[];
  readonly type: number;
  readonly group?: number;
  readonly ttl?: number;
  readonly rdata: readonly number[];
  /** Length written instead of the true one. */
  readonly length?: number;
}

/** What a reply is made of; what is left out is as a proper server has it. */
export interface RawReply {
  readonly id: number;
  readonly flags?: number;
  /** Name and type of the question; null leaves it out. */
  readonly question: { readonly name: string; readonly type: number; readonly group?: number } | null;
  readonly answers?: readonly RawRecord[];
  readonly authority?: readonly RawRecord[];
  /** Counts written instead of the true ones. */
  readonly counts?: { readonly questions?: number; readonly answers?: number; readonly authority?: number };
}

/** A response without an error, recursion desired and available. */
export const RESPONSE = 0x8180;
/** A pointer to the question's name. */
export const QNAME = [0xc0, 0x0c];

/** The labels of a name, as bytes. */
export function nameBytes(name: string): number[] {
  if (name === "") return [0];
  return [...name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]), 0];
}

function u16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

/** The bytes of a reply. */
export function replyBytes(
  { id, flags = RESPONSE, question, answers = [], authority = [], counts }: RawReply,
) {
  const record = ({ name, type, group = 1, ttl = 60, rdata, length }: RawRecord) => [
    ...name,
    ...u16(type),
    ...u16(group),
    ...u16(ttl >>> 16),
    ...u16(ttl),
    ...u16(length ?? rdata.length),
    ...rdata,
  ];
  return Uint8Array.from([
    ...u16(id),
    ...u16(flags),
    ...u16(counts?.questions ?? (question === null ? 0 : 1)),
    ...u16(counts?.answers ?? answers.length),
    ...u16(counts?.authority ?? authority.length),
    ...u16(0),
    ...(question === null
      ? []
      : [...nameBytes(question.name), ...u16(question.type), ...u16(question.group ?? 1)]),
    ...answers.flatMap(record),
    ...authority.flatMap(record),
  ]);
}

/** An A record of the question's name. */
export function a(ip: string, ttl = 60, name: readonly number[] = QNAME): RawRecord {
  return { name, type: 1, ttl, rdata: ip.split(".").map(Number) };
}
