import { deepEqual, equal, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { SeededRandom, seedFromEnvironment } from "../../../tests/support/mutations.ts";
import { compileProbe, latin1 } from "../testing/compile_probe.ts";
import { NAIVE } from "./oracle/naive.ts";
import { PIECES } from "./oracle/pieces.ts";

const probe = await compileProbe("transforms/transforms_probe.ts");

/** Result of a transformation, one unit for each byte; checks that the input itself comes back when nothing changed. */
function run(name: string, input: string): string {
  const at = probe.call("run", probe.call("idOf", name), input);
  const output = String.fromCharCode(...probe.object(at));
  equal(
    probe.call("wasSame") === 1,
    output === input,
    `${name} ${JSON.stringify(input)}: the same object, or a change`,
  );
  probe.end();
  return output;
}

const NAMES = [
  "none",
  "lowercase",
  "uppercase",
  "urlDecode",
  "urlDecodeUni",
  "urlEncode",
  "htmlEntityDecode",
  "jsDecode",
  "cssDecode",
  "escapeSeqDecode",
  "base64Decode",
  "base64DecodeExt",
  "base64Encode",
  "hexDecode",
  "hexEncode",
  "sqlHexDecode",
  "cmdLine",
  "compressWhitespace",
  "removeWhitespace",
  "removeNulls",
  "replaceNulls",
  "removeComments",
  "replaceComments",
  "removeCommentsChar",
  "normalizePath",
  "normalizePathWin",
  "utf8toUnicode",
  "length",
  "md5",
  "sha1",
  "trim",
  "trimLeft",
  "trimRight",
  "parityEven7bit",
  "parityOdd7bit",
  "parityZero7bit",
];

/** Name, inputs and what comes of them. */
const TABLE: Record<string, readonly (readonly [string, string])[]> = {
  none: [["aB%41", "aB%41"], ["", ""]],
  lowercase: [["ABCxyz@[`{Z", "abcxyz@[`{z"], ["\xc4\0Q", "\xc4\0q"], [
    "longer than eight LETTERS",
    "longer than eight letters",
  ]],
  uppercase: [["abcXYZ@[`{z", "ABCXYZ@[`{Z"], ["\xe4\xfaq", "\xe4\xfaQ"]],
  urlDecode: [
    ["a+b%20c%2Bd", "a b c+d"],
    ["%", "%"],
    ["%4", "%4"],
    ["%4g%g4%%41", "%4g%g4%A"],
    ["%00%ff", "\0\xff"],
    ["%u0041", "%u0041"],
  ],
  urlDecodeUni: [
    ["%u0041%U0042", "AB"],
    ["%uff21%uFF5e%uff5f%uff00", "A~_\0"],
    ["%u12e9", "\xe9"],
    ["%u004", "%u004"],
    ["%u00g1%41", "%u00g1A"],
    ["%u", "%u"],
    ["a+%2b", "a +"],
  ],
  urlEncode: [["aZ09*", "aZ09*"], ["a b/\xff\0-", "a+b%2f%ff%00%2d"]],
  htmlEntityDecode: [
    ["&lt;&GT;&amp;&quot;&nbsp;", '<>&"\xa0'],
    ["&lt&gtx", "<&gtx"],
    ["&#65;&#x41;&#X41&#0065", "AAAA"],
    ["&#;&#x;&;&", "&#;&#x;&;&"],
    ["&#256;&#x141;", "\0A"],
    ["&#99999999999999999999;", "\xff"],
    ["&quotes;&l", "&quotes;&l"],
    ["&&lt;;", "&<;"],
  ],
  jsDecode: [
    ["\\u0041\\uff21\\x42\\103", "AABC"],
    ["\\a\\b\\f\\n\\r\\t\\v\\?\\\\\\'\\\"", "\x07\b\f\n\r\t\v?\\'\""],
    ["\\400\\377\\0\\18", " 0\xff\0\x018"],
    ["\\u004\\x4g\\q", "u004x4gq"],
    ["a\\", "a\\"],
  ],
  cssDecode: [
    ["ja\\vascript", "javascript"],
    ["\\6a\\000061\\76 a", "java"],
    ["\\ff21\\0ff21\\00ff21\\1ff21 \\f", "AAA!\x0f"],
    ["a\\\nb", "ab"],
    ["a\\", "a"],
    ["\\41\n\\41\t ", "AA "],
    ["\\g\\\\", "g\\"],
  ],
  escapeSeqDecode: [
    ['\\a\\n\\\\\\?\\"', '\x07\n\\?"'],
    ["\\x41\\X42\\xg1", "ABxg1"],
    ["\\101\\777\\8", "A\xff8"],
    ["a\\", "a\\"],
  ],
  base64Decode: [
    ["VGVzdENhc2U=", "TestCase"],
    ["VGVzdABDYXNl", "Test\0Case"],
    ["VGVzdENhc2U", "TestCase"],
    ["VGVz dENh", "Tes"],
    ["V", ""],
    ["=", ""],
    ["", ""],
  ],
  base64DecodeExt: [["VGVz dENh\nc2U=", "TestCase"], ["V.G-V_", "To\x95"], [
    "V=",
    "",
  ], ["", ""]],
  base64Encode: [["", ""], ["f", "Zg=="], ["fo", "Zm8="], ["foo", "Zm9v"], [
    "\xff\xfe\xfd\xfc",
    "//79/A==",
  ]],
  hexDecode: [["546573744361736500", "TestCase\0"], ["414", "A"], ["", ""]],
  hexEncode: [["Test\0\xff", "5465737400ff"], ["", ""]],
  sqlHexDecode: [
    ["0x414243", "ABC"],
    ["select 0X414243,0x4", "select ABC,0x4"],
    ["0xg1 00x41", "0xg1 0A"],
    ["0x", "0x"],
    ["0x41420x43", "AB0x43"],
  ],
  cmdLine: [
    ["c^m\"d' /C \\dir", "cmd/c dir"],
    ["a ,; \t\r\nb", "a b"],
    ["cat   (x", "cat(x"],
    ["a b c", "a b c"],
    ["a ' /b", "a/b"],
  ],
  compressWhitespace: [["a  b\t\n\v\f\r c ", "a b c "], ["a b", "a b"], [
    "\t",
    " ",
  ]],
  removeWhitespace: [[" a\t\n\v\f\rb\xa0c ", "abc"], ["abc", "abc"]],
  removeNulls: [["\0a\0\0b\0", "ab"], ["a", "a"], [
    "12345678\x009",
    "123456789",
  ]],
  replaceNulls: [["\0a\0", " a "]],
  removeComments: [
    ["a/*b*/c", "ac"],
    ["a<!--b-->c", "ac"],
    ["a--b", "a"],
    ["a#b", "a"],
    ["a/*b", "a "],
    ["/*a*/", "\0"],
    ["a-b/c<!-", "a-b/c<!-"],
  ],
  replaceComments: [["a/*b*/c/**/d", "a c d"], ["/*/", " "], ["a/*", "a "], [
    "a*/b/",
    "a*/b/",
  ], ["//*x*/y", "/ y"]],
  removeCommentsChar: [["a/*b*/c<!--d-->e--f#g", "abcdefg"], [
    "a-b/c",
    "a-b/c",
  ]],
  normalizePath: [
    ["/a/b/../c", "/a/c"],
    ["/a//b/./c/", "/a/b/c/"],
    ["/../../etc", "/etc"],
    ["../../etc", "../../etc"],
    ["a/../../b", "../b"],
    ["./a", "a"],
    ["/..", ""],
    ["/a/..", ""],
    ["", ""],
    ["dir/foo//bar", "dir/foo/bar"],
    ["dir//.//..//.//..//..//foo//bar", "../../foo/bar"],
  ],
  normalizePathWin: [["\\a\\..\\b", "/b"], ["c:\\x\\\\y", "c:/x/y"], [
    "/a/b",
    "/a/b",
  ]],
  utf8toUnicode: [
    ["\xc3\xa9", "%u00e9"],
    ["\xe2\x82\xac!", "%u20ac!"],
    ["\xf0\x9f\x98\x80", "%u1f600"],
    ["\xf4\x8f\xbf\xbf", "%u10ffff"],
    ["a\0b", "ab"],
    ["\xc0\xaf", "%u002f\xc0"],
    ["\xed\xa0\x80", "%ud800\xed"],
    ["\xc3", ""],
    ["\x80\xff", "\x80\xff"],
    ["\xf5\x80\x80\x80", "\xf5%u140000"],
  ],
  length: [["", "0"], ["a".repeat(12), "12"], ["1", "1"]],
  md5: [["abc", bytes(createHash("md5").update("abc").digest())]],
  sha1: [["", bytes(createHash("sha1").update("").digest())]],
  trim: [[" \ta b\n ", "a b"], ["  ", ""], ["a", "a"]],
  trimLeft: [["\va ", "a "]],
  trimRight: [[" a\f", " a"]],
  parityEven7bit: [["\0\x01\x03a", "\0\x81\x03\xe1"]],
  parityOdd7bit: [["\0\x01\x03a", "\x80\x01\x83a"]],
  parityZero7bit: [["\x80a\xff", "\0a\x7f"]],
};

function bytes(value: Uint8Array): string {
  return String.fromCharCode(...value);
}

for (const name of NAMES) {
  Deno.test(`transforms: ${name}`, () => {
    ok(TABLE[name], "has cases");
    for (const [input, want] of TABLE[name]!) {
      equal(run(name, input), want, JSON.stringify(input));
    }
  });
}

Deno.test("transforms: names in any letter case, both spellings, and none that nobody knows", () => {
  const ids = NAMES.map((name) => probe.call("idOf", name));
  deepEqual(ids, NAMES.map((_, index) => index));
  for (const [index, name] of NAMES.entries()) {
    equal(probe.call("idOf", name.toUpperCase()), index);
    equal(
      new TextDecoder().decode(probe.object(probe.call("nameOf", index))),
      name,
    );
  }
  equal(
    probe.call("idOf", "normalisePath"),
    ids[NAMES.indexOf("normalizePath")],
  );
  equal(
    probe.call("idOf", "normalisepathwin"),
    ids[NAMES.indexOf("normalizePathWin")],
  );
  for (const name of ["", "lower", "sha256", "lowercase "]) {
    equal(probe.call("idOf", name), -1);
  }
});

Deno.test("transforms: agree with plain versions of themselves on texts made of everything that means something", () => {
  const random = new SeededRandom(seedFromEnvironment());
  for (let round = 0; round < 4000; round++) {
    let input = "";
    for (let left = random.below(14); left > 0; left--) {
      input += PIECES[random.below(PIECES.length)];
    }
    for (const name of NAMES) {
      const naive = NAIVE[name];
      ok(naive, name);
      equal(run(name, input), naive(input), `${name} ${JSON.stringify(input)}`);
    }
  }
});

Deno.test("transforms: any bytes, and long ones, in linear time and memory", () => {
  const random = new SeededRandom(seedFromEnvironment());
  const long = [
    "%",
    "&#",
    "\\",
    "/../",
    "/*",
    "<!--",
    "../",
    "\xf5\x80\x80\x80",
    " ",
    "0x",
    "a/../",
    "&",
    "\0",
    "-",
  ];
  const inputs = long.map((piece) => piece.repeat(50_000 / piece.length));
  for (let round = 0; round < 200; round++) {
    inputs.push(
      Array.from(
        { length: random.below(64) },
        () => String.fromCharCode(random.below(256)),
      ).join(""),
    );
  }
  for (const input of inputs) {
    for (const name of NAMES) {
      const before = probe.bytesUsed;
      probe.call("run", probe.call("idOf", name), latin1(input));
      ok(probe.bytesUsed - before <= 6 * input.length + 512, name);
      probe.end();
    }
  }
});

Deno.test("transforms: digests over the edges of blocks", () => {
  for (const length of [1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000]) {
    const input = "q".repeat(length);
    for (const name of ["md5", "sha1"]) {
      equal(
        run(name, input),
        bytes(createHash(name).update(input).digest()),
        `${name} ${length}`,
      );
    }
  }
});

Deno.test("transforms: a map of characters says what urlDecodeUni makes of them", async () => {
  const own = await compileProbe("transforms/transforms_probe.ts");
  const decode = (input: string) => {
    const text = String.fromCharCode(
      ...own.object(own.call("run", own.call("idOf", "urlDecodeUni"), input)),
    );
    own.end();
    return text;
  };
  const file =
    "(MAC - Roman)\n\n\n1250  (ANSI)\n2039:21 00a1:22\n\n20127 (US-ASCII)\n2039:3c 00a1:21 \nff1c:3c\n\n20 (x)\n2039:40 2040:41\n";
  equal(decode("%u2039%uff1c%u2040"), "9<@");
  equal(own.call("useMap", file, "20128"), 0);
  equal(own.call("useMap", file, "2012"), 0);
  equal(own.call("useMap", file, "20127"), 1);
  own.keep();
  equal(decode("%u2039%u00a1%uff1c%u2040%u0041%41"), "<!<@AA");
  equal(own.call("useMap", "7\n\0:\xff 2039:4\n2039", "7"), 1);
  own.keep();
  equal(decode("%u2039"), "9");
});
