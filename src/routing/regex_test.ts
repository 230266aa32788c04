import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { RE2JS } from "re2js";
import { LinearRegex } from "./regex.ts";
import { RegexSyntaxError } from "./regex_parse.ts";

const MATCHES: readonly { pattern: string; yes?: readonly string[]; no?: readonly string[] }[] = [
  { pattern: "", yes: ["", "x"] },
  { pattern: "b", yes: ["abc"], no: ["", "acd"] },
  { pattern: "^/api/v[0-9]+/", yes: ["/api/v1/x", "/api/v22/"], no: ["/api/v/", "x/api/v1/"] },
  { pattern: "\\.(png|jpe?g)$", yes: ["/a.png", "/a.jpg", "/a.jpeg"], no: ["/a.pngx", "/apng", "/a.jpeeg"] },
  { pattern: "^(?:a|b)*$", yes: ["", "abba"], no: ["abc"] },
  { pattern: "^a{2,3}$", yes: ["aa", "aaa"], no: ["a", "aaaa"] },
  { pattern: "^a{2}$", yes: ["aa"], no: ["a", "aaa"] },
  { pattern: "^a{2,}$", yes: ["aa", "aaaaa"], no: ["a"] },
  { pattern: "^a{0}$", yes: [""], no: ["a"] },
  { pattern: "^a{,2}$", yes: ["a{,2}"], no: ["a"] },
  { pattern: "^a.c$", yes: ["abc"], no: ["a\nc", "ac"] },
  { pattern: "(?s)^a.c$", yes: ["a\nc"] },
  { pattern: "(?m)^b$", yes: ["a\nb\nc"], no: ["abc"] },
  { pattern: "^b$", no: ["a\nb\nc", "b\n"] },
  { pattern: "\\Ab\\z", yes: ["b"], no: ["ab", "b\n"] },
  { pattern: "\\bfoo\\b", yes: ["a foo b", "foo"], no: ["afoo", "foo_"] },
  { pattern: "o\\Bo", yes: ["foo"], no: ["o o"] },
  { pattern: "(?i)HeLLo", yes: ["hello", "HELLO"], no: ["help"] },
  { pattern: "a(?i:b)c", yes: ["aBc", "abc"], no: ["ABc", "abC"] },
  { pattern: "(?i:a)b", yes: ["Ab"], no: ["AB"] },
  { pattern: "(?i)a(?-i)b", yes: ["Ab"], no: ["aB"] },
  { pattern: "(?i)k", yes: ["K", "\u212a"] },
  { pattern: "[[:digit:]x-z]", yes: ["5", "y"], no: ["a"] },
  { pattern: "[[:^digit:]]", yes: ["a"], no: ["5"] },
  { pattern: "[]a]", yes: ["]", "a"], no: ["b"] },
  { pattern: "^[^]a]$", yes: ["b"], no: ["]", "a"] },
  { pattern: "^[a-]$", yes: ["a", "-"], no: ["b"] },
  { pattern: "^[\\d\\-.]+$", yes: ["1.2-3"], no: ["1,2"] },
  { pattern: "^\\D\\S\\W$", yes: ["ab-"], no: ["1b-", "a -", "abc"] },
  { pattern: "^\\Qa.b*\\E+$", yes: ["a.b*", "a.b**"], no: ["axb*", "a.b"] },
  { pattern: "^\\x41\\x{42}\\103$", yes: ["ABC"] },
  { pattern: "^\\pL\\p{Greek}\\P{Lu}$", yes: ["aαa"], no: ["1αa", "aaa", "aαA"] },
  { pattern: "^(?P<y>\\d+)-(?<z>\\d+)$", yes: ["12-34"], no: ["12-"] },
  { pattern: "^a+?b*?$", yes: ["aab"], no: ["b"] },
  { pattern: "^(a*)*$", yes: ["", "aaa"], no: ["b"] },
  { pattern: "^(|a)+b$", yes: ["b", "aab"], no: ["a"] },
  { pattern: "^\u{1f600}$", yes: ["\u{1f600}"], no: ["\u{1f601}"] },
  { pattern: "a]b}", yes: ["a]b}"] },
  { pattern: "a$b", no: ["ab", "a"] },
  { pattern: "(^a|b)c", yes: ["ac", "xbc"], no: ["xac"] },
];

Deno.test("what patterns match", async (t) => {
  for (const { pattern, yes = [], no = [] } of MATCHES) {
    await t.step(pattern || "(empty)", () => {
      const regex = new LinearRegex(pattern);
      for (const text of yes) assert.ok(regex.test(text), `should match ${JSON.stringify(text)}`);
      for (const text of no) assert.ok(!regex.test(text), `should not match ${JSON.stringify(text)}`);
    });
  }
});

const REFUSED: readonly { pattern: string; message: RegExp; index: number }[] = [
  { pattern: "a(?=b)", message: /look-around "\(\?="/, index: 1 },
  { pattern: "(?!b)", message: /look-around "\(\?!"/, index: 0 },
  { pattern: "(?<=b)", message: /look-around "\(\?<="/, index: 0 },
  { pattern: "(?<!b)", message: /look-around "\(\?<!"/, index: 0 },
  { pattern: "(a)\\1", message: /back-reference "\\1"/, index: 3 },
  { pattern: "\\k<a>", message: /back-reference "\\k"/, index: 0 },
  { pattern: "(a", message: /missing \)/, index: 0 },
  { pattern: "a)", message: /unmatched \)/, index: 1 },
  { pattern: "[a", message: /missing \]/, index: 0 },
  { pattern: "*a", message: /nothing to repeat/, index: 0 },
  { pattern: "a|+", message: /nothing to repeat/, index: 2 },
  { pattern: "{2}", message: /nothing to repeat/, index: 0 },
  { pattern: "a**", message: /repetition of a repetition "\*\*"/, index: 2 },
  { pattern: "a{3,2}", message: /wrong order/, index: 1 },
  { pattern: "a{1001}", message: /above 1000/, index: 0 },
  { pattern: "[z-a]", message: /wrong order/, index: 1 },
  { pattern: "\\", message: /ends in a backslash/, index: 0 },
  { pattern: "\\y", message: /unknown escape/, index: 0 },
  { pattern: "\\p{Nope}", message: /unknown Unicode class/, index: 0 },
  { pattern: "[[:nope:]]", message: /unknown class/, index: 1 },
  { pattern: "(?x)a", message: /invalid group or flags/, index: 0 },
  { pattern: "(?P>a)", message: /invalid group/, index: 0 },
  { pattern: "((a{100}){100}){100}", message: /too large/, index: 0 },
  { pattern: "(".repeat(201) + ")".repeat(201), message: /nested more than 200/, index: 200 },
];

Deno.test("what is refused, and where", async (t) => {
  for (const { pattern, message, index } of REFUSED) {
    await t.step(pattern.slice(0, 30), () => {
      assert.throws(() => new LinearRegex(pattern), (error) => {
        assert.ok(error instanceof RegexSyntaxError);
        assert.match(error.message, message);
        assert.equal(error.index, index);
        return true;
      });
    });
  }
});

Deno.test("limits are accepted up to their value", () => {
  assert.ok(new LinearRegex("^a{1000}$").test("a".repeat(1000)));
  assert.ok(!new LinearRegex("^a{1000}$").test("a".repeat(999)));
  new LinearRegex("(".repeat(200) + ")".repeat(200));
  new LinearRegex("(((){1000}){1000}){1000}");
});

Deno.test("literals for prefiltering", () => {
  const cases = [
    { pattern: "^/assets/.*\\.js$", prefix: "/assets/", literals: ["/assets/", ".js"] },
    { pattern: "\\.(png|jpg)$", prefix: "", literals: ["."] },
    { pattern: "^/a?b", prefix: "/", literals: ["/", "b"] },
    { pattern: "^/ab+cde", prefix: "/ab", literals: ["/ab", "cde"] },
    { pattern: "(?i)^/api", prefix: "/", literals: ["/"] },
    { pattern: "^a|b", prefix: "", literals: [] },
    { pattern: "(^a)?bcd", prefix: "", literals: ["bcd"] },
    { pattern: "(?m)^abc", prefix: "", literals: ["abc"] },
    { pattern: "(ab){2}c", prefix: "", literals: ["ab", "c"] },
    { pattern: "a\\bb", prefix: "", literals: ["ab"] },
    { pattern: "a.b.c.d.e", prefix: "", literals: ["a", "b", "c", "d"] },
    { pattern: "a{0}b", prefix: "", literals: ["b"] },
  ];
  for (const { pattern, prefix, literals } of cases) {
    const regex = new LinearRegex(pattern);
    assert.deepEqual({ prefix: regex.prefix, literals: regex.literals }, { prefix, literals }, pattern);
  }
});

const PATHOLOGICAL = [
  "(a+)+$",
  "(a|aa)+$",
  "(a*)*[bc]",
  "^(([a-z])+.)+[A-Z]([a-z])+$",
  "(a+a+)+[yz]",
  "(.*)(.*)(.*)(.*)[yz]",
];

Deno.test("patterns that explode elsewhere take linear work", async (t) => {
  for (const pattern of PATHOLOGICAL) {
    for (const cacheInts of [65_536, 1]) {
      await t.step(`${pattern} with ${cacheInts} integers of cache`, () => {
        const measure = (length: number) => {
          const regex = new LinearRegex(pattern, { cacheInts });
          regex.test("a".repeat(length) + "!");
          assert.ok(regex.work > 0, "the automaton ran");
          return regex.work;
        };
        const perUnit = measure(2000) / 2001;
        assert.ok(perUnit <= 3 * 40, `${perUnit} steps per character`);
        assert.ok(measure(4000) <= 2.1 * measure(2000) + 200);
      });
    }
  }
});

Deno.test("states stay within their memory and results stay right beyond it", () => {
  // The set of positions of the last twenty a's needs 2^20 deterministic states.
  const pattern = "a[ab]{20}c";
  const regex = new LinearRegex(pattern, { cacheInts: 4096 });
  let seed = 7;
  let text = "";
  for (let i = 0; i < 3000; i++) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    text += seed & 0x10000 ? "a" : "b";
  }
  assert.ok(!regex.test(text));
  assert.ok(regex.stateCount <= 4096 / 20, `${regex.stateCount} states`);
  assert.ok(regex.test(`${text}a${"b".repeat(20)}c`));
  assert.ok(!regex.test(`${text.replaceAll("a", "b")}c`));
  assert.ok(regex.work < 6000 * 60 * 3);
});

const leaf = fc.constantFrom(
  "a",
  "b",
  "c",
  "-",
  ".",
  "[ab]",
  "[^a]",
  "[a-c]",
  "\\d",
  "\\w",
  "\\W",
  "\\b",
  "\\B",
  "^",
  "$",
  "1",
  "\\.",
  "(?:)",
);
const { regexText } = fc.letrec<{ regexText: string }>((tie) => ({
  regexText: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.tuple(tie("regexText"), tie("regexText")).map(([a, b]) => a + b),
    fc.tuple(tie("regexText"), tie("regexText")).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie("regexText"), fc.constantFrom("*", "+", "?", "{2}", "{1,2}", "{0,1}", "*?", "+?")).map((
      [a, op],
    ) => `(?:${a})${op}`),
    tie("regexText").map((a) => `(?i:${a})`),
  ),
}));
const subject = fc.string({
  unit: fc.constantFrom("a", "b", "c", "A", "B", "1", "-", " ", ".", "\n"),
  maxLength: 12,
});

Deno.test("agrees with re2js", () => {
  fc.assert(
    fc.property(regexText, fc.array(subject, { minLength: 1, maxLength: 6 }), (pattern, texts) => {
      const ours = new LinearRegex(pattern);
      const small = new LinearRegex(pattern, { cacheInts: 1 });
      const theirs = RE2JS.compile(pattern);
      for (const text of texts) {
        const want = theirs.matcher(text).find();
        assert.equal(ours.test(text), want, `/${pattern}/ on ${JSON.stringify(text)}`);
        assert.equal(small.test(text), want, `/${pattern}/ simulated on ${JSON.stringify(text)}`);
      }
    }),
    { numRuns: 1500 },
  );
});

Deno.test("agrees with the engine of the runtime", () => {
  fc.assert(
    fc.property(regexText, fc.array(subject, { minLength: 1, maxLength: 6 }), (pattern, texts) => {
      const ours = new LinearRegex(pattern);
      const theirs = new RegExp(pattern);
      for (const text of texts) {
        assert.equal(ours.test(text), theirs.test(text), `/${pattern}/ on ${JSON.stringify(text)}`);
      }
    }),
    { numRuns: 1500 },
  );
});
