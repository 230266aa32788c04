import { DerError, DerReader, hex, TAG } from "./der.ts";

/** Entries of the longest list that is read. */
const ENTRIES_MAX = 1_000_000;

/** A certificate revocation list (RFC 5280 §5), its signature yet to be checked. */
export interface RevocationList {
  readonly issuerDer: Uint8Array;
  /** Unix milliseconds; Infinity when it does not say when the next one comes. */
  readonly nextUpdateMs: number;
  /** Serial numbers, hexadecimal, lower case. */
  readonly revoked: ReadonlySet<string>;
  /** What is signed, by what algorithm, and the signature. */
  readonly signed: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

const REMOVE_FROM_LIST = 8;
const REASON_CODE = "2.5.29.21";
/** A list's number and its issuer's key are of no consequence; everything else that is critical narrows the list. */
const HARMLESS: ReadonlySet<string> = new Set(["2.5.29.20", "2.5.29.35"]);

/** Reads a list. Throws `DerError` when it is none, or says something critical that is not understood. */
export function parseRevocationList(der: Uint8Array): RevocationList {
  const outer = new DerReader(der).enter(TAG.sequence);
  const signed = outer.expect(TAG.sequence);
  const algorithm = outer.enter(TAG.sequence).oid();
  const signature = outer.expect(TAG.bitString).content.subarray(1);
  const body = new DerReader(signed.content);
  body.optional(TAG.integer);
  body.expect(TAG.sequence);
  const issuerDer = body.expect(TAG.sequence).whole;
  body.time();
  const hasNext = body.tag === TAG.utcTime || body.tag === TAG.generalizedTime;
  const nextUpdateMs = hasNext ? body.time() : Infinity;
  const revoked = new Set<string>();
  const entries = body.optional(TAG.sequence);
  if (entries !== undefined) readEntries(new DerReader(entries.content), revoked);
  const extensions = body.optional(0xa0);
  if (extensions !== undefined) refuseCritical(new DerReader(extensions.content).enter(TAG.sequence));
  return { issuerDer, nextUpdateMs, revoked, signed: signed.whole, algorithm, signature };
}

function readEntries(list: DerReader, revoked: Set<string>): void {
  while (!list.isAtEnd) {
    if (revoked.size >= ENTRIES_MAX) throw new DerError(`more than ${ENTRIES_MAX} entries`);
    const entry = list.enter(TAG.sequence);
    const serial = hex(entry.expect(TAG.integer).content).replace(/^(00)+(?=..)/, "");
    entry.time();
    const extensions = entry.optional(TAG.sequence);
    if (extensions === undefined || !isTakenBack(new DerReader(extensions.content))) revoked.add(serial);
  }
}

/** A delta list may take an entry back; a complete one has no such entry. */
function isTakenBack(extensions: DerReader): boolean {
  while (!extensions.isAtEnd) {
    const extension = extensions.enter(TAG.sequence);
    const oid = extension.oid();
    const isCritical = extension.optional(TAG.boolean) !== undefined;
    const { content } = extension.expect(TAG.octetString);
    if (oid === REASON_CODE) return content[2] === REMOVE_FROM_LIST;
    if (isCritical) throw new DerError(`an entry with the critical extension ${oid}`);
  }
  return false;
}

function refuseCritical(extensions: DerReader): void {
  while (!extensions.isAtEnd) {
    const extension = extensions.enter(TAG.sequence);
    const oid = extension.oid();
    if (extension.optional(TAG.boolean) === undefined || HARMLESS.has(oid)) continue;
    throw new DerError(`the critical extension ${oid}: lists of a part only are not supported`);
  }
}
