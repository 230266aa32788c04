import { deepEqual, equal, rejects } from "node:assert/strict";
import fc from "../../../tests/support/seeded_check.ts";
import { concat } from "../bytes.ts";
import { signMessage, u16, verifyAnswer } from "./tsig.ts";
import { decodeUpdateAnswer, encodeUpdate } from "./update.ts";

const KEY = { name: "k.example", algorithm: "hmac-sha256", secret: new Uint8Array(32).fill(1) } as const;
const WALL_MS = Date.UTC(2026, 0, 1);
const CHANGE = {
  id: 7,
  zone: "example.org",
  record: { name: "_acme-challenge.example.org", value: "proof" },
  addTtlSecs: 60,
};

/** An answer without records, as a server signs it: over the request's signature too (RFC 8945 §5.3). */
async function answerTo(mac: Uint8Array<ArrayBuffer>, wallMs = WALL_MS) {
  const header = Uint8Array.of(0, 7, 0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  // Signing a message that begins with the request's signature, and then taking that away again.
  const prefix = concat([u16(mac.length), mac]);
  const { mac: own } = await signMessage(concat([prefix, header]), KEY, wallMs);
  const { bytes, mac: other } = await signMessage(header, KEY, wallMs);
  const answer = Uint8Array.from(bytes);
  const at = bytes.length - 6 - other.length;
  answer.set(own, at);
  return answer;
}

Deno.test("dns update: an answer of a server that knows the key is believed, for its time", async () => {
  const { mac } = await signMessage(encodeUpdate(CHANGE), KEY, WALL_MS);
  const answer = await answerTo(mac);
  const read = decodeUpdateAnswer(answer, 7)!;
  deepEqual(read, { rcode: 0, tsigAt: 12 });
  await verifyAnswer(answer, 12, { key: KEY, mac, wallMs: WALL_MS + 299_000 });
  await rejects(verifyAnswer(answer, 12, { key: KEY, mac, wallMs: WALL_MS + 302_000 }), /too old/);
  const otherKey = { ...KEY, secret: new Uint8Array(32) };
  await rejects(verifyAnswer(answer, 12, { key: otherKey, mac, wallMs: WALL_MS }), /wrong/);
  await rejects(verifyAnswer(answer, 12, { key: KEY, mac: mac.toReversed(), wallMs: WALL_MS }), /wrong/);
});

Deno.test("dns update: an answer with any bit changed is not believed", async () => {
  const { mac } = await signMessage(encodeUpdate(CHANGE), KEY, WALL_MS);
  const answer = await answerTo(mac);
  for (let bit = 0; bit < answer.length * 8; bit++) {
    const changed = Uint8Array.from(answer);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    let read;
    try {
      read = decodeUpdateAnswer(changed, 7);
    } catch {
      continue;
    }
    // Names in capitals are the same names; the class and time to live of the record are fixed by the standard.
    if (read?.tsigAt === undefined || isIgnored(changed, answer)) continue;
    await rejects(
      verifyAnswer(changed, read.tsigAt, { key: KEY, mac, wallMs: WALL_MS }),
      Error,
      `bit ${bit}`,
    );
  }
});

function isIgnored(changed: Uint8Array, answer: Uint8Array): boolean {
  const at = changed.findIndex((byte, index) => byte !== answer[index]);
  const isCase = (changed[at]! ^ answer[at]!) === 0x20;
  // The id is checked against the original one inside the signature; class, TTL and length are not signed.
  const nameEnd = 12 + 11;
  return isCase || (at >= nameEnd && at < nameEnd + 10);
}

Deno.test("dns update: whatever bytes come, they are read or refused", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    const answer = Uint8Array.from([0, 7, 0xa8, 0, ...bytes]);
    try {
      decodeUpdateAnswer(answer, 7);
    } catch (cause) {
      equal(cause instanceof RangeError || cause instanceof TypeError, false, String(cause));
    }
  }));
});
