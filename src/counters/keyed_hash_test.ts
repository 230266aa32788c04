import { equal, notDeepEqual, ok } from "node:assert/strict";
import { KeyedHash } from "./keyed_hash.ts";

function halves(text: string, key0 = 1, key1 = 2) {
  return { ...new KeyedHash(key0, key1).hash(text) };
}

Deno.test("KeyedHash: HalfSipHash-2-4-64 of the reference implementation", () => {
  // vectors_hsip64 of the authors' test program: key bytes 0, 1, … 7 and the input 0, 1, 2, ….
  // Two bytes are one UTF-16 unit here and the length counts units, so only the empty input is the same.
  const { low, high } = halves("", 0x03020100, 0x07060504);
  const bytes = [low, high].flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff));
  equal(bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" "), "21 8d 1f 59 b9 b8 3c c8");
});

Deno.test("KeyedHash: text, length and key all matter", () => {
  const texts = ["", "\0", "\0\0", "a", "a\0", "ab", "ba", "abc", "abcd", "\u0100", "10.0.0.1", "10.0.0.2"];
  const seen = new Set(texts.map((text) => JSON.stringify(halves(text))));
  equal(seen.size, texts.length);
  notDeepEqual(halves("a", 1, 2), halves("a", 2, 1));
});

Deno.test("KeyedHash: addresses spread evenly over sets", () => {
  const hash = new KeyedHash(12345, 67890);
  const counts = new Array<number>(64).fill(0);
  for (let i = 0; i < 64_000; i++) {
    counts[hash.hash(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`).low % 64]! += 1;
  }
  // 1000 are expected in each, with a deviation of about 32; six of those are far out.
  ok(Math.max(...counts) < 1200 && Math.min(...counts) > 800, counts.join(" "));
});
