import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "../../../tests/support/seeded_check.ts";
import { compileProbe, latin1, type Probe } from "../testing/compile_probe.ts";
import { SeededRandom } from "../../../tests/support/mutations.ts";
import { readPattern } from "../regex/oracle/pattern.ts";
import { sampleOf } from "../regex/oracle/samples.ts";
import { crsExpressions, crsPhrases } from "../testing/crs_expressions.ts";

/** A probe with a scan for `literals`, whose ids are their places. */
async function scanFor(literals: readonly string[], ids = literals.map((_, index) => index)): Promise<Probe> {
  const probe = await compileProbe("scan/scan_probe.ts");
  probe.call("begin");
  probe.keep();
  literals.forEach((literal, index) => equal(probe.call("add", literal, ids[index]!), 1));
  probe.call("build");
  probe.keep();
  return probe;
}

/** Ids that the scan reports, in order. */
function found(probe: Probe, text: string): number[] {
  const size = probe.call("bitBytes");
  const bits = probe.bytes(probe.call("scan", text), size);
  probe.end();
  return Array.from({ length: size * 8 }, (_, id) => id).filter((id) => (bits[id >> 3]! >> (id & 7)) & 1);
}

/** What a person would do. */
function expected(literals: readonly string[], text: string): number[] {
  const lower = (value: string) => value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return literals.flatMap((literal, id) =>
    literal !== "" && lower(text).includes(lower(literal)) ? [id] : []
  );
}

const TABLE = [
  { name: "one in another", literals: ["he", "she", "his", "hers", "e"], text: "ushers" },
  { name: "either case", literals: ["UNION", "select"], text: "Union SELECT" },
  { name: "no case beyond ASCII", literals: ["\xc4x", "\xe4y"], text: "\xe4x\xe4y" },
  { name: "zero bytes and high ones", literals: ["\0\0", "\xff\xfe", "\x80"], text: "a\0\0b\xff\xfe" },
  { name: "at both ends", literals: ["ab", "yz"], text: "ab..yz" },
  { name: "only nearly", literals: ["abcd", "bce"], text: "abcabce" },
  { name: "nothing in nothing", literals: ["a"], text: "" },
  { name: "the empty literal is never found", literals: ["", "a"], text: "a" },
  { name: "@ [ ` { are no letters", literals: ["@", "["], text: "`{" },
];

for (const { name, literals, text } of TABLE) {
  Deno.test(`literal scan: ${name}`, async () => {
    deepEqual(found(await scanFor(literals), text), expected(literals, text));
  });
}

Deno.test("literal scan: several ids for one literal, and one id for several", async () => {
  const probe = await scanFor(["ab", "AB", "b", "zz"], [3, 9, 3, 12]);
  deepEqual(found(probe, "xabx"), [3, 9]);
  deepEqual(found(probe, "b"), [3]);
  deepEqual(found(probe, "zzb"), [3, 12]);
});

Deno.test("literal scan: find stops at the literal that ends first", async () => {
  const probe = await scanFor(["she", "he", "hers"]);
  equal(probe.call("find", "usher"), 4);
  ok([0, 1].includes(probe.call("lastId")));
  equal(probe.call("find", "sh"), -1);
  const single = await scanFor(["hers", "R"]);
  equal(single.call("find", "hers"), 3);
  equal(single.call("lastId"), 1);
});

Deno.test("literal scan: finds what a search one by one finds", async () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "B", "c", "\xe9"), maxLength: 6 });
  const texts = fc.string({ unit: fc.constantFrom("a", "b", "A", "c", "d", "\xe9"), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(letters, { minLength: 1, maxLength: 20 }),
      fc.array(texts),
      async (literals, all) => {
        const probe = await scanFor(literals);
        for (const text of all) deepEqual(found(probe, text), expected(literals, text));
      },
    ),
    { numRuns: 150 },
  );
});

/** More literals than have room for rows, so that the states without rows are used. */
function manyLiterals(count: number): string[] {
  let seed = 7;
  const draw = (below: number) => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) % below;
  return Array.from(
    { length: count },
    () => Array.from({ length: 2 + draw(14) }, () => String.fromCharCode(33 + draw(90))).join(""),
  );
}

Deno.test("literal scan: twenty thousand literals, most of them without rows", async () => {
  const literals = manyLiterals(20_000);
  const probe = await scanFor(literals);
  ok(probe.call("tableBytes") < 8 * 1024 * 1024);
  for (let index = 0; index < 120; index++) {
    const at = index * 131;
    const text = `${literals[at]!.slice(0, -1)}${literals[at + 1]}${literals[at + 2]!.slice(1)}`;
    deepEqual(found(probe, text), expected(literals, text));
  }
});

const phrases = crsPhrases();

Deno.test({ name: "literal scan: the phrases of the Core Rule Set", ignore: phrases === null }, async () => {
  const words = phrases!.map(({ phrase }) => phrase);
  const probe = await scanFor(words);
  for (let index = 0; index < words.length; index += 13) {
    const text = `x=${words[index]}&y=${words[(index * 7) % words.length]!.slice(1)}`;
    deepEqual(found(probe, text), expected(words, text));
  }
});

Deno.test("present bytes: a text needs a byte of each set", async () => {
  const probe = await scanFor(["q"]);
  const set = (bytes: string) => {
    const bits = new Uint8Array(32);
    for (const byte of latin1(bytes)) bits[byte >> 3]! |= 1 << (byte & 7);
    return bits;
  };
  const has = (text: string, ...sets: string[]) =>
    probe.call("hasBytes", text, new Uint8Array(sets.flatMap((each) => [...set(each)])));
  equal(has("a(b", "(["), 1);
  equal(has("a(b", "([", ")]"), 0);
  equal(has("a(b]", "([", ")]"), 1);
  equal(has("", "a"), 0);
  equal(has("\xff\0", "\xff", "\0"), 1);
  equal(has("anything"), 1);
});

/** A scan for expressions, whose ids are their places. */
async function scanForExpressions(patterns: readonly string[]): Promise<{ probe: Probe; always: number[] }> {
  const probe = await compileProbe("scan/scan_probe.ts");
  const always: number[] = [];
  probe.call("begin");
  probe.keep();
  patterns.forEach((pattern, index) => {
    const answer = probe.call("addExpression", pattern, index);
    probe.keep();
    ok(answer > 0, pattern);
    if (answer === 1) always.push(index);
  });
  probe.call("build");
  probe.keep();
  return { probe, always };
}

Deno.test("expressions: a bit is set when literal, bytes and length are there, in either case of letters", async () => {
  const patterns = ["select.*\\(", "[<>]=?;", "x{3}", ".*", "union|q[0-9];", "A[0-9]{2}"];
  const { probe, always } = await scanForExpressions(patterns);
  deepEqual(always, [3]);
  deepEqual(found(probe, "SELECT (1)"), [0]);
  deepEqual(found(probe, "select 1"), []);
  deepEqual(found(probe, "a>;"), [1]);
  deepEqual(found(probe, "a>b;"), []);
  deepEqual(found(probe, "a>b"), []);
  deepEqual(found(probe, "xx"), []);
  deepEqual(found(probe, "axxx"), [2]);
  deepEqual(found(probe, "UNION"), [4]);
  deepEqual(found(probe, "a12"), [5]);
  deepEqual(found(probe, ""), []);
});

const expressions = crsExpressions();

Deno.test({
  name: "expressions: none of the Core Rule Set matches without its bit",
  ignore: expressions === null,
}, async () => {
  const patterns = [...new Set(expressions!.map(({ pattern }) => pattern))];
  const { probe, always } = await scanForExpressions(patterns);
  const random = new SeededRandom(8);
  let matches = 0;
  for (let round = 0; round < patterns.length; round++) {
    const text = sampleOf(readPattern(patterns[round % patterns.length]!, 22), random).slice(0, 200);
    const could = new Set([...found(probe, text.toUpperCase()), ...always]);
    const exactly = new Set([...found(probe, text), ...always]);
    patterns.forEach((pattern, index) => {
      if (probe.call("matches", index, text) === 0) return;
      matches++;
      ok(exactly.has(index), `${pattern} on ${JSON.stringify(text)}`);
      // deno-lint-ignore no-control-regex
      if (/^[\0-\x7f]*$/.test(text)) {
        ok(could.has(index), `${pattern} on ${JSON.stringify(text)} in capitals`);
      }
    });
    probe.end();
  }
  ok(matches > patterns.length / 2);
});
