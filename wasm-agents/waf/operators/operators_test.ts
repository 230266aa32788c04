import { deepEqual, equal, match, ok } from "node:assert/strict";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { SeededRandom, seedFromEnvironment } from "../../../tests/support/mutations.ts";
import { compileProbe, latin1, type ProbeArgument } from "../testing/compile_probe.ts";

const probe = await compileProbe("operators/operators_probe.ts");
const encoder = new TextEncoder();

function make(name: string, argument: string, file?: string): boolean {
  const bytes: ProbeArgument[] = file === undefined ? [0, 0] : [encoder.encode(file)];
  const isMade = probe.call(
    "make",
    probe.call("idOf", name),
    encoder.encode(argument),
    ...bytes,
  ) === 1;
  probe.keep();
  return isMade;
}

function problem(): string {
  const text = new TextDecoder().decode(probe.object(probe.call("problem")));
  probe.end();
  return text;
}

/** Where the value was met; null when it was not. */
function test(value: string, argument?: string): [number, number] | null {
  const isMet = argument === undefined ? probe.call("test", value) : probe.call("testWith", value, argument);
  const found: [number, number] | null = isMet ? [probe.call("matchedFrom"), probe.call("matchedTo")] : null;
  probe.end();
  return found;
}

/** Operator, argument, value, and where it is met. */
const TABLE: readonly (readonly [string, string, string, [number, number] | null])[] = [
  ["beginsWith", "ab", "abc", [0, 2]],
  ["beginsWith", "ab", "xab", null],
  ["beginsWith", "", "x", [0, 0]],
  ["beginsWith", "abc", "ab", null],
  ["endsWith", "bc", "abc", [1, 3]],
  ["endsWith", "abcd", "bcd", null],
  ["contains", "b", "abc", [1, 2]],
  ["contains", "", "", [0, 0]],
  ["contains", "B", "abc", null],
  ["contains", "c\0", "abc\0", [2, 4]],
  ["strmatch", "needle", "a needle here", [2, 8]],
  ["containsWord", "cat", "concat a cat.", [9, 12]],
  ["containsWord", "cat", "cats", null],
  ["containsWord", "cat", "1cat2", [1, 4]],
  ["containsWord", "cat", "cat", [0, 3]],
  ["containsWord", "aa", "aaa aa", [4, 6]],
  ["containsWord", "cat", "", null],
  ["streq", "a", "a", [0, 1]],
  ["streq", "a", "A", null],
  ["streq", "", "", [0, 0]],
  ["within", "GET POST HEAD", "POST", [0, 4]],
  ["within", "GET POST HEAD", "PUT", null],
  ["within", "GET", "", [0, 0]],
  ["within", "GET", "GETS", null],
  ["eq", "5", "5", [0, 1]],
  ["eq", "5", " +5x", [0, 4]],
  ["eq", "0", "x", [0, 1]],
  ["eq", "-2147483648", "-99999999999999999999", [0, 21]],
  ["eq", "2147483647", "99999999999999999999", [0, 20]],
  ["ge", "5", "4", null],
  ["ge", "5", "5", [0, 1]],
  ["gt", "5", "5", null],
  ["gt", "-1", "0", [0, 1]],
  ["le", "5", "5", [0, 1]],
  ["le", "5", "6", null],
  ["lt", "5", "-6", [0, 2]],
  ["ipMatch", "10.0.0.0/8, 192.0.2.7", "10.255.0.1", [0, 10]],
  ["ipMatch", "10.0.0.0/8,192.0.2.7", "192.0.2.8", null],
  ["ipMatch", "10.1.2.3/8", "10.9.9.9", [0, 8]],
  ["ipMatch", "::/0", "10.0.0.1", null],
  ["ipMatch", "0.0.0.0/0", "255.255.255.255", [0, 15]],
  ["ipMatch", "2001:db8::/33", "2001:db8:7fff::1", [0, 16]],
  ["ipMatch", "2001:db8::/33", "2001:db8:8000::1", null],
  ["ipMatch", "::1", "0:0:0:0:0:0:0:1", [0, 15]],
  ["ipMatch", "::ffff:10.0.0.1", "::ffff:a00:1", [0, 12]],
  ["ipMatch", "10.0.0.1", "::ffff:10.0.0.1", null],
  ["ipMatch", "10.0.0.1", "10.0.0.01", null],
  ["ipMatch", "10.0.0.1", "10.0.0.1/32", null],
  ["validateByteRange", "32-126, 9,10", "abc\n", null],
  ["validateByteRange", "32-126", "ab\xffc", [2, 3]],
  ["validateByteRange", "1-255", "a\0", [1, 2]],
  ["validateUrlEncoding", "", "a%20b%zz", [5, 8]],
  ["validateUrlEncoding", "", "a%2", [1, 3]],
  ["validateUrlEncoding", "", "%41%%41", [3, 7]],
  ["validateUrlEncoding", "", "%41+", null],
  ["validateUrlEncoding", "", "", null],
  [
    "validateUtf8Encoding",
    "",
    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80ab\0",
    null,
  ],
  ["validateUtf8Encoding", "", "a\xc0\xaf", [1, 3]],
  ["validateUtf8Encoding", "", "\xed\xa0\x80", [0, 3]],
  ["validateUtf8Encoding", "", "\xf4\x90\x80\x80", [0, 4]],
  ["validateUtf8Encoding", "", "abc\xe2\x82", [3, 5]],
  ["validateUtf8Encoding", "", "\x80", [0, 1]],
  ["verifyCC", "\\d{13,16}", "card 4111111111111111!", [5, 21]],
  ["verifyCC", "\\d{13,16}", "card 4111111111111112 x", [8, 21]],
  ["verifyCC", "\\d{16}", "12344111111111111111", [4, 20]],
  ["verifyCC", "\\d{16}", "1234567890123456", null],
  ["verifySSN", "\\d{3}-?\\d{2}-?\\d{4}", "my 078-05-1120", [3, 14]],
  ["verifySSN", "\\d{9}", "666123456", null],
  ["verifySSN", "\\d{9}", "123456789", null],
  ["verifySSN", "\\d{9}", "740123456", null],
  ["verifySSN", "\\d{9}", "111111111", null],
  ["verifySSN", "\\d{9}", "123004567", null],
  ["verifyCPF", "[\\d.-]{14}", "529.982.247-25", [0, 14]],
  ["verifyCPF", "\\d{11}", "52998224724", null],
  ["verifyCPF", "\\d{11}", "11111111111", null],
  ["verifySVNR", "\\d{10}", "1237010180", [0, 10]],
  ["verifySVNR", "\\d{10}", "1238010180", null],
  ["unconditionalMatch", "", "abc", [0, 3]],
  ["noMatch", "", "abc", null],
  ["detectXSS", "", "<script>alert(1)</script>", [0, 25]],
  ["detectXSS", "", "a text", null],
  ["rsub", "s/b+/x/", "abbbc", [1, 4]],
  ["rsub", "s/b+/x/", "ac", null],
];

for (const [name, argument, value, want] of TABLE) {
  Deno.test(`operators: @${name} ${argument} on ${JSON.stringify(value)}`, () => {
    ok(make(name, argument), problem());
    deepEqual(test(value), want);
    if (/^(verify|rsub)/.test(name)) return;
    // The same from an argument that comes with the value.
    ok(make(name, "%{tx.x}"), problem());
    deepEqual(test(value, argument), want);
  });
}

Deno.test("operators: names in any letter case, and none that nobody knows", () => {
  equal(probe.call("idOf", "BEGINSWITH"), probe.call("idOf", "beginsWith"));
  for (const name of ["", "rx", "pm", "begins", "streq "]) {
    equal(probe.call("idOf", name), -1);
  }
  probe.end();
});

Deno.test("operators: what cannot be read is refused, with what is wrong", () => {
  const cases: [string, string, RegExp][] = [
    ["ipMatch", "10.0.0.0/33", /"10\.0\.0\.0\/33" is no address/],
    ["ipMatch", "10.0.0.256", /no address/],
    ["ipMatch", "1:2:3:4:5:6:7:8:9", /no address/],
    ["ipMatch", "1::2::3", /no address/],
    ["ipMatch", " , ", /names no address/],
    ["ipMatchFromFile", "a.data", /no file/],
    ["validateByteRange", "1-256", /"1-256" is no range/],
    ["validateByteRange", "9-1", /no range/],
    ["validateByteRange", "", /no range/],
    ["verifyCC", "(", /expression cannot be used/],
    ["verifySSN", "", /needs an expression/],
    ["rsub", "s/a/", /s\/expression\/replacement\/flags/],
    ["rsub", "s/a/b/q", /unknown flag/],
    ["rsub", "s/(/b/", /cannot be used/],
    ...[
      "geoLookup",
      "rbl",
      "fuzzyHash",
      "inspectFile",
      "validateSchema",
      "validateDTD",
      "gsbLookup",
      "validateHash",
    ]
      .map((
        name,
      ): [string, string, RegExp] => [name, "x", /^is not supported: /]),
  ];
  for (const [name, argument, want] of cases) {
    equal(make(name, argument), false, `${name} ${argument}`);
    match(problem(), want);
  }
});

Deno.test("operators: a file of addresses has one on each line, comments and blank lines", () => {
  const file = "# ours\r\n10.0.0.0/8\r\n\n  192.0.2.1 # one\n2001:db8::/32";
  ok(make("ipMatchFromFile", "ours.data", file), problem());
  for (const value of ["10.1.1.1", "192.0.2.1", "2001:db8::5"]) {
    ok(test(value), value);
  }
  for (const value of ["11.1.1.1", "192.0.2.2", "2001:db9::", ""]) {
    equal(test(value), null, value);
  }
  equal(make("ipMatchF", "ours.data", "10.0.0.1\nnonsense"), false);
  match(problem(), /"nonsense" .*line 2/);
});

Deno.test("operators: addresses as Node.js reads them", () => {
  const random = new SeededRandom(seedFromEnvironment());
  const address = (): string => {
    if (random.below(2) === 0) {
      return Array.from(
        { length: 4 },
        () => random.pick([0, 1, 9, 10, 255, 256]),
      ).join(".");
    }
    const groups = Array.from(
      { length: random.below(9) },
      () => random.pick(["0", "1", "db8", "ffff", "", "12345"]),
    );
    return groups.join(":") + random.pick(["", "", ":10.0.0.1", "::"]);
  };
  for (let round = 0; round < 3000; round++) {
    const value = address();
    const family = isIPv4(value) ? "ipv4" : isIPv6(value) ? "ipv6" : null;
    equal(make("ipMatch", value), family !== null, value);
    if (family === null) continue;
    const bits = random.below(family === "ipv4" ? 33 : 129);
    const list = new BlockList();
    list.addSubnet(value, bits, family);
    ok(make("ipMatch", `${value}/${bits}`), value);
    for (let count = 0; count < 3; count++) {
      const other = address();
      const isOwn = family === "ipv4"
        ? isIPv4(other)
        : isIPv6(other) && !/^::(ffff:)?\d+\.|^[0:]*:ffff:/.test(other);
      if (isOwn) {
        equal(
          test(other) !== null,
          list.check(other, family),
          `${other} in ${value}/${bits}`,
        );
      }
    }
  }
});

Deno.test("operators: many networks that overlap are searched as one by one", () => {
  const random = new SeededRandom(seedFromEnvironment());
  const list = new BlockList();
  const networks = Array.from({ length: 300 }, () => {
    const base = `10.${random.below(4)}.${random.below(256)}.${random.below(256)}`;
    const bits = 20 + random.below(13);
    list.addSubnet(base, bits, "ipv4");
    return `${base}/${bits}`;
  });
  ok(make("ipMatch", networks.join(",")));
  for (let round = 0; round < 2000; round++) {
    const value = `10.${random.below(5)}.${random.below(256)}.${random.below(256)}`;
    equal(test(value) !== null, list.check(value, "ipv4"), value);
  }
});

Deno.test("operators: rsub puts groups in, once or everywhere", () => {
  const cases = [
    ["s/(a)(b)?/[\\1\\2\\0]/", "xabab", "x[abab]ab"],
    ["s/(a)(b)?/[\\2]/g", "aab", "[][b]"],
    ["s|/|\\||g", "a/b/c", "a|b|c"],
    ["s/A/x/gi", "aAb", "xxb"],
    ["s/x*/-/g", "ab", "-a-b-"],
    ["s/a//g", "aaa", ""],
    ["s/^/\\d/", "q", "\\dq"],
  ];
  for (const [argument, value, want] of cases) {
    ok(make("rsub", argument!), problem());
    equal(probe.call("test", value!), 1);
    equal(
      String.fromCharCode(...probe.object(probe.call("replaced"))),
      want,
      argument,
    );
    probe.end();
  }
});

Deno.test("operators: rsub keeps to its limits of matches and growth", () => {
  ok(make("rsub", `s/a/${"b".repeat(4000)}/g`));
  const value = "a".repeat(60_000);
  equal(probe.call("test", value), 1);
  const length = probe.object(probe.call("replaced")).length;
  ok(
    length > value.length && length <= value.length + (1 << 20),
    String(length),
  );
  probe.end();
});

Deno.test("operators: detectSQLi captures its row of tokens, and no call leaves memory behind", () => {
  ok(make("detectSQLi", ""));
  equal(probe.call("test", "1 union select 1"), 1);
  const row = String.fromCharCode(...probe.object(probe.call("captured")));
  match(row, /^1UE1/);
  probe.end();
  for (const [name, argument, value] of TABLE) {
    ok(make(name, argument));
    const before = probe.bytesUsed;
    for (let round = 0; round < 3; round++) test(value);
    equal(probe.bytesUsed, before, name);
  }
});

Deno.test("operators: long arguments are found where a plain search finds them", () => {
  const random = new SeededRandom(seedFromEnvironment());
  const text = (length: number) => Array.from({ length }, () => "ab"[random.below(8) === 0 ? 1 : 0]).join("");
  for (let round = 0; round < 1500; round++) {
    const value = text(random.below(400));
    const start = random.below(value.length + 1);
    const argument = random.below(3) === 0
      ? text(random.below(100))
      : value.slice(start, start + random.below(200));
    ok(make("contains", argument));
    const at = value.indexOf(argument);
    deepEqual(
      test(value),
      at < 0 ? null : [at, at + argument.length],
      `${argument} in ${value}`,
    );
  }
});

Deno.test("operators: UTF-8 as the platform's decoder sees it, whole numbers as they are", () => {
  const random = new SeededRandom(seedFromEnvironment());
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const pieces = [
    0x41,
    0x80,
    0xbf,
    0xc2,
    0xc1,
    0xe0,
    0xa0,
    0xed,
    0x9f,
    0xef,
    0xf0,
    0x90,
    0xf4,
    0x8f,
    0xf5,
    0xff,
  ];
  ok(make("validateUtf8Encoding", ""));
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from(
      { length: random.below(9) },
      () => random.pick(pieces),
    );
    let isValid = true;
    try {
      decoder.decode(bytes);
    } catch {
      isValid = false;
    }
    equal(
      test(String.fromCharCode(...bytes)) === null,
      isValid,
      bytes.join(" "),
    );
  }
});

Deno.test("operators: no bytes make one of them trap", () => {
  const random = new SeededRandom(seedFromEnvironment());
  const seeds = TABLE.map(([, argument, value]) => [latin1(argument), latin1(value)] as const);
  for (const [name, argument] of TABLE) {
    ok(make(name, argument));
    for (let round = 0; round < 60; round++) {
      const value = Uint8Array.from(
        { length: random.below(80) },
        () => random.below(256),
      );
      const [other, known] = random.pick(seeds);
      probe.call("test", value);
      probe.call(
        "testWith",
        random.below(2) === 0 ? value : known,
        random.below(2) === 0 ? value : other,
      );
      probe.end();
    }
  }
});

Deno.test("operators: texts built to take long take no more than their length allows", () => {
  const value = "a".repeat(200_000);
  const cases: [string, string][] = [
    ["contains", `${"a".repeat(5000)}b`],
    ["containsWord", `${"a".repeat(5000)}`],
    ["containsWord", "aaaaaaaab"],
    ["within", "x"],
    ["verifyCC", "a{1,16}"],
    ["verifySSN", "a+"],
  ];
  const began = performance.now();
  for (const [name, argument] of cases) {
    ok(make(name, argument), name);
    equal(test(value), null, name);
  }
  ok(performance.now() - began < 5_000);
});
