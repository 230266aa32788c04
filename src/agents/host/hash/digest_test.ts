import { deepEqual, equal } from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import fc from "../../../../tests/support/seeded_check.ts";
import type { Hash } from "../../contract/sentinel_types.ts";
import { digest, hmac } from "./digest.ts";

const HASHES: readonly Hash[] = ["md5", "sha1", "sha256", "sha384", "sha512"];

const ascii = (text: string) => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const filled = (count: number, byte: number) => new Uint8Array(count).fill(byte);

const DIGESTS: readonly { source: string; hash: Hash; input: string; want: string }[] = [
  { source: "RFC 1321 A.5", hash: "md5", input: "", want: "d41d8cd98f00b204e9800998ecf8427e" },
  { source: "RFC 1321 A.5", hash: "md5", input: "abc", want: "900150983cd24fb0d6963f7d28e17f72" },
  {
    source: "RFC 1321 A.5",
    hash: "md5",
    input: "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
    want: "57edf4a22be3c955ac49da2e2107b67a",
  },
  { source: "RFC 3174 7.3", hash: "sha1", input: "abc", want: "a9993e364706816aba3e25717850c26c9cd0d89d" },
  {
    source: "RFC 3174 7.3",
    hash: "sha1",
    input: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    want: "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  },
  {
    source: "RFC 6234 8.5",
    hash: "sha256",
    input: "abc",
    want: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  },
  {
    source: "RFC 6234 8.5",
    hash: "sha384",
    input: "abc",
    want: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
  },
  {
    source: "RFC 6234 8.5",
    hash: "sha512",
    input: "abc",
    want: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  },
];

Deno.test("digest: the vectors of the RFCs", () => {
  for (const { source, hash, input, want } of DIGESTS) {
    equal(hex(digest(hash, ascii(input))), want, `${source}, ${hash} of "${input}"`);
  }
});

const HMACS: readonly { source: string; hash: Hash; key: Uint8Array; data: Uint8Array; want: string }[] = [
  {
    source: "RFC 2202 2, case 1",
    hash: "md5",
    key: filled(16, 0x0b),
    data: ascii("Hi There"),
    want: "9294727a3638bb1c13f48ef8158bfc9d",
  },
  {
    source: "RFC 2202 3, case 6: a key longer than the block",
    hash: "sha1",
    key: filled(80, 0xaa),
    data: ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
    want: "aa4ae5e15272d00e95705637ce8a3b55ed402112",
  },
  {
    source: "RFC 4231 4.3",
    hash: "sha256",
    key: ascii("Jefe"),
    data: ascii("what do ya want for nothing?"),
    want: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  },
  {
    source: "RFC 4231 4.3",
    hash: "sha384",
    key: ascii("Jefe"),
    data: ascii("what do ya want for nothing?"),
    want: "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
  },
  {
    source: "RFC 4231 4.2",
    hash: "sha512",
    key: filled(20, 0x0b),
    data: ascii("Hi There"),
    want: "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde" +
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
  },
];

Deno.test("hmac: the vectors of the RFCs", () => {
  for (const { source, hash, key, data, want } of HMACS) equal(hex(hmac(hash, key, data)), want, source);
});

Deno.test("digest: equals another implementation at every length around the block sizes", () => {
  const bytes = Uint8Array.from({ length: 520 }, (_, index) => (index * 37 + 11) & 0xff);
  for (const hash of HASHES) {
    for (let length = 0; length <= bytes.length; length++) {
      const data = bytes.subarray(0, length);
      equal(hex(digest(hash, data)), createHash(hash).update(data).digest("hex"), `${hash} of ${length}`);
    }
  }
});

Deno.test("digest and hmac: equal another implementation for anything", () => {
  const seed = 20_260_731;
  console.log(`seed ${seed}`);
  const bytes = fc.uint8Array({ maxLength: 400 });
  fc.assert(
    fc.property(fc.constantFrom(...HASHES), bytes, bytes, (hash, key, data) => {
      deepEqual(digest(hash, data), new Uint8Array(createHash(hash).update(data).digest()));
      deepEqual(hmac(hash, key, data), new Uint8Array(createHmac(hash, key).update(data).digest()));
    }),
    { seed, numRuns: 300 },
  );
});

Deno.test("digest: a long input with every carry", () => {
  const data = filled(300_001, 0xff);
  for (const hash of HASHES) {
    equal(hex(digest(hash, data)), createHash(hash).update(data).digest("hex"), hash);
  }
});

Deno.test("digest: a view into the middle of a buffer", () => {
  const view = Uint8Array.from([9, 9, 97, 98, 99, 9]).subarray(2, 5);
  equal(hex(digest("sha256", view)), hex(digest("sha256", ascii("abc"))));
});
