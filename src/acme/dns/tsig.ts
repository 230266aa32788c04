/** Signatures of DNS messages by a shared secret (RFC 8945). */

import { encodeName } from "../../discovery/dns/message.ts";
import { type Bytes, concat, sameBytes } from "../bytes.ts";

const CLASS_ANY = 255;
export const TYPE_TSIG = 250;
/** How far the clocks of both sides may be apart (RFC 8945 §10 recommends 300 s). */
const FUDGE_SECS = 300;

/** What the algorithms are called in messages and in WebCrypto. */
export const TSIG_ALGORITHMS = {
  "hmac-sha256": "SHA-256",
  "hmac-sha384": "SHA-384",
  "hmac-sha512": "SHA-512",
} as const;

/** The word of an algorithm in the configuration. */
export type TsigAlgorithm = keyof typeof TSIG_ALGORITHMS;

/** A secret that a server shares with us. */
export interface TsigKey {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Bytes;
}

/** The variable part of a signature. */
interface TsigFields {
  readonly signedSecs: number;
  readonly fudgeSecs: number;
  readonly error: number;
  readonly other: Uint8Array;
}

/** A signed message, and the signature, which the answer's is made over too. */
export interface SignedMessage {
  readonly bytes: Bytes;
  readonly mac: Bytes;
}

/** Adds a TSIG record to a message without additional records. */
export async function signMessage(message: Bytes, key: TsigKey, wallMs: number): Promise<SignedMessage> {
  const fields = {
    signedSecs: Math.floor(wallMs / 1000),
    fudgeSecs: FUDGE_SECS,
    error: 0,
    other: new Uint8Array(),
  };
  const mac = await macOf(concat([message, variables(key, fields)]), key);
  const data = concat([
    encodeName(key.algorithm),
    u48(fields.signedSecs),
    u16(fields.fudgeSecs),
    u16(mac.length),
    mac,
    message.subarray(0, 2),
    u16(0),
    u16(0),
  ]);
  const record = concat([
    encodeName(key.name),
    u16(TYPE_TSIG),
    u16(CLASS_ANY),
    u16(0),
    u16(0),
    u16(data.length),
    data,
  ]);
  const bytes = concat([message, record]);
  new DataView(bytes.buffer).setUint16(10, 1);
  return { bytes, mac };
}

/**
 * Checks the signature of an answer. Throws, with a message for people, when it has none, is wrong, or old.
 * `at` is where the TSIG record begins, the last of the message.
 */
export async function verifyAnswer(
  answer: Bytes,
  at: number,
  signed: { readonly key: TsigKey; readonly mac: Bytes; readonly wallMs: number },
): Promise<void> {
  const { key, mac, wallMs } = signed;
  const name = encodeName(key.name);
  const algorithm = encodeName(key.algorithm);
  // Names are not compressed here (RFC 8945 §4.2), but servers may write them in capitals.
  const start = at + name.length + 10;
  if (!sameName(answer.subarray(at, at + name.length), name)) {
    throw new Error("it is signed with another key");
  }
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  const need = (offset: number) => {
    if (offset > answer.length) throw new Error("its signature is cut off");
    return offset;
  };
  need(start + algorithm.length + 10);
  if (!sameName(answer.subarray(start, start + algorithm.length), algorithm)) {
    throw new Error("it is signed by another algorithm");
  }
  let place = start + algorithm.length;
  const signedSecs = view.getUint16(place) * 2 ** 32 + view.getUint32(place + 2);
  const fudgeSecs = view.getUint16(place + 6);
  const macLength = view.getUint16(place + 8);
  place += 10;
  need(place + macLength + 6);
  const theirs = answer.subarray(place, place + macLength);
  const error = view.getUint16(place + macLength + 2);
  const otherLength = view.getUint16(place + macLength + 4);
  const other = answer.subarray(place + macLength + 6, need(place + macLength + 6 + otherLength));
  if (error !== 0) throw new Error(`the server refuses the key: ${TSIG_ERRORS[error] ?? `error ${error}`}`);
  const unsigned = Uint8Array.from(answer.subarray(0, at));
  const header = new DataView(unsigned.buffer);
  header.setUint16(10, header.getUint16(10) - 1);
  // The answer's own id may have been changed on the way; the original one is signed.
  unsigned.set(answer.subarray(place + macLength, place + macLength + 2), 0);
  const toSign = concat([
    u16(mac.length),
    mac,
    unsigned,
    variables(key, { signedSecs, fudgeSecs, error, other }),
  ]);
  if (!await isMac(theirs, toSign, key)) throw new Error("its signature is wrong");
  if (Math.abs(wallMs / 1000 - signedSecs) > FUDGE_SECS) throw new Error("its signature is too old");
}

/** RFC 8945 §3: what servers say of signatures. */
const TSIG_ERRORS: Readonly<Record<number, string>> = {
  16: "BADSIG, the secret is another",
  17: "BADKEY, it does not know its name",
  18: "BADTIME, the clocks differ too much",
  22: "BADTRUNC, signatures are too short",
};

function variables(key: TsigKey, { signedSecs, fudgeSecs, error, other }: TsigFields): Bytes {
  return concat([
    encodeName(key.name),
    u16(CLASS_ANY),
    u16(0),
    u16(0),
    encodeName(key.algorithm),
    u48(signedSecs),
    u16(fudgeSecs),
    u16(error),
    u16(other.length),
    other,
  ]);
}

async function macOf(bytes: Bytes, key: TsigKey): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await hmacKey(key, "sign"), bytes));
}

/** In constant time, as WebCrypto does it. */
async function isMac(mac: Uint8Array, bytes: Bytes, key: TsigKey): Promise<boolean> {
  return await crypto.subtle.verify("HMAC", await hmacKey(key, "verify"), Uint8Array.from(mac), bytes);
}

function hmacKey({ secret, algorithm }: TsigKey, usage: "sign" | "verify"): Promise<CryptoKey> {
  const parameters = { name: "HMAC", hash: TSIG_ALGORITHMS[algorithm] };
  return crypto.subtle.importKey("raw", secret, parameters, false, [usage]);
}

function sameName(a: Uint8Array, b: Uint8Array): boolean {
  const lower = (bytes: Uint8Array) => bytes.map((byte) => byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
  return sameBytes(lower(a), lower(b));
}

/** A number of 16 bits. */
export function u16(value: number): Bytes {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function u48(value: number): Bytes {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(value / 2 ** 32));
  view.setUint32(2, value % 2 ** 32);
  return bytes;
}
