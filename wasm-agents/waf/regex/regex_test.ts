import { deepEqual, equal, match, ok } from "node:assert/strict";
import { compileProbe, type Probe } from "../testing/compile_probe.ts";
import { meteredProbe } from "../testing/metered_probe.ts";

const CASELESS = 1;
const MULTILINE = 2;
const DOTALL = 4;
const EXTENDED = 8;
const DOLLAR_ENDONLY = 16;
const UNGREEDY = 32;
const MODSECURITY_3 = MULTILINE | DOTALL | DOLLAR_ENDONLY;

const probe = await compileProbe("regex/regex_probe.ts");

function compiled(pattern: string, flags: number): number {
  const id = probe.call("compile", pattern, flags);
  const problem = id < 0 ? problemOf(probe) : "";
  probe.keep();
  equal(problem, "", pattern);
  return id;
}

function problemOf(from: Probe): string {
  return new TextDecoder().decode(from.object(from.call("problemText")));
}

/** The parts of the first match, null for groups that took no part; null when there is none. */
function captured(id: number, text: string): (string | null)[] | null {
  const groups = probe.call("groupCount", id);
  const at = probe.call("capture", id, text);
  const places = at === 0 ? null : probe.words(at, 2 * Math.min(groups + 1, 10));
  probe.end();
  if (!places) return null;
  return Array.from(
    { length: places.length / 2 },
    (_, group) => places[2 * group]! < 0 ? null : text.slice(places[2 * group], places[2 * group + 1]),
  );
}

interface Row {
  readonly pattern: string;
  readonly text: string;
  readonly want: readonly (string | null)[] | null;
  readonly flags?: number;
}

/** What PCRE answers; where the host answers the same, `oracle_test.ts` asks more. */
const TABLE: readonly Row[] = [
  { pattern: "(a|ab)(c|bcd)(d*)", text: "abcd", want: ["abcd", "a", "bcd", ""] },
  { pattern: "a*?", text: "aaa", want: [""] },
  { pattern: "a+?b", text: "aab", want: ["aab"] },
  { pattern: "(?:(a)|b)*", text: "ab", want: ["ab", "a"] },
  { pattern: "(a*)*", text: "b", want: ["", ""] },
  // Of rounds that can be empty the last that took something counts, as for the host; to PCRE it would be "".
  { pattern: "(a*)+", text: "aab", want: ["aa", "aa"] },
  { pattern: "(?:|a)+", text: "aaa", want: [""] },
  { pattern: "(|a)*b", text: "aab", want: ["aab", "a"] },
  { pattern: "x{0}y", text: "xy", want: ["y"] },
  { pattern: "x{,2}", text: "x{,2}", want: ["x{,2}"] },
  { pattern: "a{,}{b}{1", text: "a{,}{b}{1", want: ["a{,}{b}{1"] },
  { pattern: "]}", text: "]}", want: ["]}"] },
  { pattern: "[]-]+", text: "a-]", want: ["-]"] },
  { pattern: "[^]]", text: "]a", want: ["a"] },
  { pattern: "[a\\]b]+", text: "x]b", want: ["]b"] },
  { pattern: "[\\d-z]+", text: "a-z1", want: ["-z1"] },
  { pattern: "[a-\\d]+", text: "b-a1", want: ["-a1"] },
  { pattern: "[\\Q]^-\\E]+", text: "a]-^", want: ["]-^"] },
  { pattern: "[\\b]", text: "b\x08", want: ["\x08"] },
  { pattern: "[[:^digit:][:upper:]]+", text: "1aB2", want: ["aB"] },
  { pattern: "[[:alpha]+", text: ":l[", want: [":l["] },
  { pattern: "[\\101\\x42\\x{43}\\o{104}]+", text: "xABCDE", want: ["ABCD"] },
  { pattern: "\\Qa.b\\E+", text: "a.bbb", want: ["a.bbb"] },
  { pattern: "\\Q\\E", text: "", want: [""] },
  { pattern: "a\\Q|", text: "a|", want: ["a|"] },
  { pattern: "\\0\\00\\012\\x", text: "\0\0\n\0", want: ["\0\0\n\0"] },
  { pattern: "\\cA\\e\\f\\a\\t\\r\\n", text: "\x01\x1b\f\x07\t\r\n", want: ["\x01\x1b\f\x07\t\r\n"] },
  { pattern: "\\_\\-\\\xe9", text: "_-\xe9", want: ["_-\xe9"] },
  { pattern: "\\s+", text: "x\x0b\x1c ", want: ["\x0b"] },
  { pattern: "\\w+", text: "\xe9a_9-", want: ["a_9"] },
  { pattern: "\\h\\v", text: "\xa0\x85", want: ["\xa0\x85"] },
  { pattern: "\\N+", text: "ab\nc", want: ["ab"], flags: DOTALL },
  { pattern: ".+", text: "ab\nc", want: ["ab"], flags: 0 },
  { pattern: ".+", text: "ab\nc", want: ["ab\nc"], flags: DOTALL },
  { pattern: "(?-s).+", text: "ab\nc", want: ["ab"], flags: DOTALL },
  { pattern: "(?i)K", text: "k", want: ["k"] },
  { pattern: "(?i)[^k]", text: "kKx", want: ["x"] },
  { pattern: "(?i)\xe4", text: "\xc4", want: null },
  { pattern: "ab", text: "AB", want: ["AB"], flags: CASELESS },
  { pattern: "a(?i:b)c", text: "aBc", want: ["aBc"] },
  { pattern: "a(?i:b)c", text: "aBC", want: null },
  { pattern: "(a(?i)b|c)d", text: "Cd", want: ["Cd", "C"] },
  { pattern: "(a(?i)b|c)d", text: "CD", want: null },
  { pattern: "(?i)a(?^:b)", text: "AB", want: null },
  { pattern: " a b # no", text: "ab", want: ["ab"], flags: EXTENDED },
  { pattern: "(?x: a [ ] b ) c", text: "a b c", want: ["a b c"] },
  { pattern: "a(?#not this)b", text: "ab", want: ["ab"] },
  { pattern: "a+", text: "aaa", want: ["a"], flags: UNGREEDY },
  { pattern: "(?U)a+?", text: "aaa", want: ["aaa"] },
  { pattern: "(?|(a)|(b))(c)", text: "bc", want: ["bc", "b", "c"] },
  { pattern: "(?<one>a)(?P<two>b)(?'three'c)", text: "abc", want: ["abc", "a", "b", "c"] },
  { pattern: "(1)(2)(3)(4)(5)(6)(7)(8)(9)(0)", text: "1234567890", want: [..."?123456789"] },
  { pattern: "^b", text: "a\nb", want: ["b"], flags: MULTILINE },
  { pattern: "^", text: "a\n", want: [""], flags: MULTILINE },
  { pattern: "\\n^", text: "a\n", want: null, flags: MULTILINE },
  { pattern: "\\n^", text: "a\nb", want: ["\n"], flags: MULTILINE },
  { pattern: "a$", text: "a\nb", want: ["a"], flags: MULTILINE },
  { pattern: "a$", text: "a\r\n", want: null, flags: MULTILINE },
  { pattern: "a$", text: "a\n", want: ["a"], flags: 0 },
  { pattern: "a$", text: "a\n\n", want: null, flags: 0 },
  { pattern: "a$", text: "a\n", want: null, flags: DOLLAR_ENDONLY },
  { pattern: "a\\Z", text: "a\n", want: ["a"], flags: DOLLAR_ENDONLY },
  { pattern: "a\\z", text: "a\n", want: null, flags: MULTILINE },
  { pattern: "\\Ab", text: "a\nb", want: null, flags: MULTILINE },
  { pattern: "\\bb\\b", text: "a b", want: ["b"] },
  { pattern: "\\Bb", text: "b ab", want: ["b"] },
  { pattern: "\\b", text: "", want: null },
  { pattern: "\\B", text: "", want: [""] },
  { pattern: "a++b", text: "aab", want: ["aab"] },
  { pattern: "(?:a++)(?:b|)", text: "aac", want: ["aa"] },
  { pattern: "(?>a+)b", text: "aab", want: ["aab"] },
  { pattern: "(?>abc)c", text: "abcc", want: ["abcc"] },
  { pattern: "[^x]*+$", text: "abc", want: ["abc"], flags: DOLLAR_ENDONLY },
  { pattern: "\\R", text: "\r\n", want: ["\r\n"] },
  { pattern: "\\Ra", text: "\r\na", want: ["\r\na"] },
  { pattern: "\\C", text: "\xe9", want: ["\xe9"] },
];

for (const { pattern, text, want, flags = MODSECURITY_3 } of TABLE) {
  Deno.test(`regex: ${JSON.stringify(pattern)} on ${JSON.stringify(text)}, flags ${flags}`, () => {
    const id = compiled(pattern, flags);
    const wanted = want?.[0] === "?" ? [text, ...want.slice(1)] : want;
    const first = pattern.startsWith("(1)")
      ? captured(id, text)?.map((each, at) => at === 0 ? text : each)
      : null;
    deepEqual(first ?? captured(id, text), wanted);
    equal(probe.call("test", id, text), want ? 1 : 0);
    equal(probe.call("testSlowly", id, text), want ? 1 : 0);
    probe.end();
  });
}

/** Pattern, what the message must say, at which byte. */
const REFUSED: readonly (readonly [string, RegExp, number])[] = [
  ["a(?=b)", /look-around/, 1],
  ["(?!b)", /look-around/, 0],
  ["x(?<=b)", /look-around/, 1],
  ["(?<!b)", /look-around/, 0],
  ["(a)\\1", /references/, 3],
  ["(a)\\g{1}", /references/, 3],
  ["(?<n>a)\\k<n>", /references/, 7],
  ["(?P=n)", /references/, 0],
  ["a\\9", /references/, 1],
  ["(?R)", /recursion/, 0],
  ["(?1)", /recursion/, 0],
  ["(?&n)", /recursion/, 0],
  ["(?P>n)", /recursion/, 0],
  ["(?(1)a|b)", /recursion/, 0],
  ["(*SKIP)", /verbs/, 0],
  ["a|*", /nothing to repeat/, 2],
  ["a**", /nothing to repeat/, 2],
  ["a{2}{3}", /nothing to repeat/, 4],
  ["a*+*", /nothing to repeat/, 3],
  ["[^x]*+$", /gives nothing back/, 0],
  ["(?:+)", /nothing to repeat/, 3],
  ["(a", /no \)/, 0],
  ["a)", /without \(/, 1],
  ["[a", /no \]/, 0],
  ["[z-a]", /wrong way/, 2],
  ["[[:nope:]]", /no such class/, 1],
  ["[[.a.]]", /collating/, 1],
  ["a{3,2}", /wrong way/, 1],
  ["a{70000}", /65535/, 1],
  ["(?:a{1000}){1000}", /too large/, 0],
  ["(?:(?:){65535}){65535}", /multiply/, 6],
  ["\\", /ends with a backslash/, 0],
  ["a\\c", /character/, 1],
  ["\\x{100}", /255/, 0],
  ["\\x{zz}", /digits/, 0],
  ["\\p{L}", /Unicode/, 0],
  ["\\X", /Unicode/, 0],
  ["\\K", /not supported/, 0],
  ["\\G", /not supported/, 0],
  ["\\y", /no such escape/, 0],
  ["[\\R]", /no meaning/, 1],
  ["[\\N]", /no meaning/, 1],
  ["(?z)", /flags/, 0],
  ["(?<n", /name/, 0],
  ["(?#abc", /no end/, 0],
  ["a++a", /gives nothing back/, 0],
  ["(?>a|ab)c", /gives nothing back/, 0],
  [".*+a", /gives nothing back/, 0],
  ["\\R\\n", /gives nothing back/, 0],
];

for (const [pattern, message, offset] of REFUSED) {
  Deno.test(`regex: refuses ${JSON.stringify(pattern)}`, () => {
    equal(probe.call("compile", pattern, MODSECURITY_3), -1);
    match(problemOf(probe), message);
    equal(probe.call("problemOffset"), offset);
    probe.end();
  });
}

Deno.test("regex: a text without a byte that must be there, or too short, cannot match", () => {
  const set = (bytes: string) => {
    const bits = new Uint8Array(32);
    for (const unit of bytes) bits[unit.charCodeAt(0) >> 3]! |= 1 << (unit.charCodeAt(0) & 7);
    return bits;
  };
  const could = (pattern: string, text: string) =>
    probe.call("couldMatch", compiled(pattern, MODSECURITY_3), set(text), text.length) !== 0;
  equal(could("\\$\\{.*\\}", "a${b}"), true);
  equal(could("\\$\\{.*\\}", "a$(b}"), false);
  equal(could("\\$\\{.*\\}", "a${b"), false);
  equal(could("[<>](?:a|b);", "ba;"), false);
  equal(could("[<>](?:a|b);", "<a;"), true);
  equal(could("(?:x;|y:)z", "z:"), false);
  equal(could("(?i)Q{3}", "qq"), false);
  equal(could("(?i)Q{3}", "qQq"), true);
  equal(could(".*", ""), true);
  probe.end();
});

Deno.test("regex: literals of which one must be there, in small letters", () => {
  const literals = (pattern: string, flags = MODSECURITY_3) => {
    const id = compiled(pattern, flags);
    return Array.from(
      { length: probe.call("literalCount", id) },
      (_, index) => String.fromCharCode(...probe.object(probe.call("literal", id, index))),
    ).sort();
  };
  deepEqual(literals("UNION.*SELECT"), ["select"]);
  deepEqual(literals("union\\s+select|x{3}yz"), ["select", "xxxyz"]);
  deepEqual(literals("(?i)[Ss]leep\\("), ["sleep("]);
  deepEqual(literals("ab(?:cd|ef)gh"), ["abcdgh", "abefgh"]);
  deepEqual(literals("x?abc"), ["abc", "xabc"]);
  deepEqual(literals("(?:abc)*"), []);
  deepEqual(literals("[a-z]+"), []);
  deepEqual(literals("foo|[a-z]+"), []);
  deepEqual(literals("(?:f[ou]o|ba+r)\\b"), ["ba", "foo", "fuo"]);
  deepEqual(literals("^\\bxyz$"), ["xyz"]);
  deepEqual(literals("a\\x00\\xe4"), ["a\0\xe4"]);
});

Deno.test("regex: patterns at and above their limits", () => {
  const nested = (depth: number) => "(".repeat(depth) + "a" + ")".repeat(depth);
  ok(compiled(nested(200), 0) >= 0);
  equal(probe.call("compile", nested(201), 0), -1);
  match(problemOf(probe), /nested/);
  ok(compiled("(?:ab){14000}", 0) >= 0);
  equal(probe.call("compile", "(?:ab){15000}", 0), -1);
  match(problemOf(probe), /too large/);
  ok(compiled("a".repeat(29_000), 0) >= 0);
  equal(probe.call("compile", "a".repeat(65_537), 0), -1);
  match(problemOf(probe), /longer/);
  for (
    const pattern of [
      "a|".repeat(32_000),
      "|".repeat(60_000),
      "()".repeat(30_000),
      "\\Q" + "a".repeat(60_000),
    ]
  ) {
    equal(probe.call("compile", pattern, 0), -1);
    match(problemOf(probe), /too many parts|too large/);
  }
  probe.end();
});

Deno.test("regex: patterns that multiply ways, texts or parts are read in bounded time", async () => {
  const metered = await meteredProbe("regex/regex_probe.ts");
  const rows = [
    `b++${"(?:a?|c?)".repeat(300)}d`,
    `${"(?:a|bc|def|gh)".repeat(400)}`,
    `(?:${Array.from({ length: 9_000 }, (_, index) => `w${index}`).join("|").slice(0, 50_000)})x`,
    `${"(?:".repeat(199)}a|b${"|c)?".repeat(199)}`,
    `${"(?:".repeat(190)}${"[a-z]x|".repeat(200)}q${"){1,2}".repeat(8)}${")".repeat(182)}`,
    `${"[^a-c]{0,9}(?:x|yy|z?)*".repeat(100)}`,
    `${"(?:a|b|c|d|e|f|g|h|i|j|kk)".repeat(2)}`.repeat(100),
  ];
  for (const pattern of rows) {
    metered.call("compile", pattern, MODSECURITY_3);
    metered.keep();
    ok(metered.fuelUsed < 400_000_000, `${metered.fuelUsed} units for ${pattern.slice(0, 60)}`);
  }
});

Deno.test("regex: later matches begin where the caller says, and see what is before", () => {
  const id = compiled("\\b(\\w)(\\w*)", MODSECURITY_3);
  const { at, length } = probe.put("one two");
  const places = (from: number) => {
    const found = probe.exports.captureFrom!(id, at, length, from);
    return found === 0 ? null : [...probe.words(found, 6)];
  };
  deepEqual(places(0), [0, 3, 0, 1, 1, 3]);
  deepEqual(places(1), [4, 7, 4, 5, 5, 7]);
  deepEqual(places(5), null);
  deepEqual(places(7), null);
  deepEqual(places(8), null);
  probe.end();
});

Deno.test("regex: compiling leaves no more behind than the expression", () => {
  const before = probe.bytesUsed;
  for (let index = 0; index < 50; index++) {
    compiled(`(?i)attack${index}[a-z]*(?:one|two){2,5}`, MODSECURITY_3);
  }
  ok(probe.bytesUsed - before < 50 * 6_000, `${(probe.bytesUsed - before) / 50} bytes each`);
});
