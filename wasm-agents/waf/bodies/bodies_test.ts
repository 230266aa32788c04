import { deepEqual, equal, ok } from "node:assert/strict";
import { SeededRandom, seedFromEnvironment } from "../../../tests/support/mutations.ts";
import { compileProbe, latin1, type ProbeArgument } from "../testing/compile_probe.ts";

const probe = await compileProbe("bodies/bodies_probe.ts");

/** What a parser found, a string for each thing: kind, name, value. */
function found(parser: string, ...args: readonly ProbeArgument[]): string[] {
  const at = probe.call(parser, ...args);
  const bytes = probe.object(at);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text.split("\x02").slice(0, -1).map((line) => line.split("\x01").join("|"));
}

function tidy(): void {
  probe.end();
}

Deno.test("forms: names and values are decoded, what is no escape stays", () => {
  const cases: [string, string[]][] = [
    ["a=1&b=2", ["arg|a|1", "arg|b|2"]],
    ["a=%41%42+c", ["arg|a|AB c"]],
    ["a%5b%5d=x", ["arg|a[]|x"]],
    ["a", ["arg|a|"]],
    ["a=", ["arg|a|"]],
    ["=x", ["arg||x"]],
    ["&&a=1&", ["arg|a|1"]],
    ["a=b=c", ["arg|a|b=c"]],
    ["a=%zz%4&%", ["arg|a|%zz%4", "arg|%|"]],
    ["a=%c3%A9", ["arg|a|\xc3\xa9"]],
    ["", []],
  ];
  for (const [input, want] of cases) {
    deepEqual(found("urlEncoded", input), want, input);
  }
  tidy();
});

Deno.test("cookies: cut at semicolons, nothing decoded", () => {
  deepEqual(found("cookies", "a=1; b=2=3;c; =x;;\td=%41"), [
    "cookie|a|1",
    "cookie|b|2=3",
    "cookie|c|",
    "cookie||x",
    "cookie|d|%41",
  ]);
  tidy();
});

Deno.test("JSON: values by their ways, what is wrong is said", () => {
  const cases: [string, string[]][] = [
    ['{"a":1,"b":[true,null,{"c":"x"}],"d":{},"a":2}', [
      "arg|json.a|1",
      "arg|json.b.array_0|true",
      "arg|json.b.array_1|",
      "arg|json.b.array_2.c|x",
      "arg|json.d|",
      "arg|json.a|2",
    ]],
    ['"\\u0041\\n\\ud83d\\ude00\\ud83d"', [
      "arg|json|A\n\xf0\x9f\x98\x80\xed\xa0\xbd",
    ]],
    ["-1.5e+3", ["arg|json|-1.5e+3"]],
    ["[]", []],
    ["", ["problem||JSON ends within a value"]],
    ["[1,", ["arg|json.array_0|1", "problem||JSON ends within a value"]],
    ["[1,]", [
      "arg|json.array_0|1",
      "problem||JSON has something else where a value is expected",
    ]],
    ["{,}", ["problem||JSON has something else where a name is expected"]],
    ['{"a";1}', ["problem||JSON has no colon behind a name"]],
    ["[1 2]", [
      "arg|json.array_0|1",
      "problem||JSON has neither a comma nor the end of its array or object behind a value",
    ]],
    ["1 2", ["arg|json|1", "problem||JSON is followed by something else"]],
    ['"a\nb"', [
      "problem||JSON has a string with a bad escape or a control character",
    ]],
    ["01", ["problem||JSON has something else where a value is expected"]],
    ["[[[[1]]]]", ["problem||JSON is nested too deep"]],
  ];
  for (const [input, want] of cases) {
    deepEqual(found("json", input, 3, 0), want, input);
  }
  deepEqual(found("json", '{"a":1,"b":"xy', 3, 1), ["arg|json.a|1"]);
  deepEqual(found("json", '{"a":1]', 3, 1).at(-1)?.slice(0, 7), "problem");
  tidy();
});

Deno.test("JSON: no name of a member goes by unseen, however long the ways are", () => {
  const long = (length: number) => "k".repeat(length);
  const array = (count: number) => `[${Array(count).fill(1).join()}]`;
  const cases: { name: string; text: string; named?: number; want: string[] }[] = [
    { name: "an empty object", text: '{"a":{"b":{}}}', want: ["arg|json.a.b|"] },
    { name: "an empty array", text: '{"a":[[]]}', want: [] },
    { name: "as long as a name may be", text: `{"${long(1019)}":1}`, want: [`arg|json.${long(1019)}|1`] },
    { name: "longer than that", text: `{"${long(1020)}x":1}`, want: [`arg|${long(1020)}x|1`] },
    {
      name: "longer, of an object",
      text: `{"${long(1100)}x":{"b":1}}`,
      want: [`arg|${long(1100)}x|`, `arg|${long(1024)}|`, "arg|b|1"],
    },
    {
      name: "before one that takes its place",
      text: `{"a":{"${long(1018)}":[1]}}`,
      want: ["arg|json.a|", `arg|${long(1018)}|`, "arg|array_0|1"],
    },
    {
      name: "when names do not count any more",
      text: '{"a":1,"b":[2,3,{"c":4,"d":{"e":5}}]}',
      named: 1,
      want: ["arg|json.a|1", "arg|b|", "arg||2", "arg||3", "arg|c|4", "arg|d|", "arg|e|5"],
    },
    {
      name: "elements when names do not count",
      text: array(3),
      named: 0,
      want: ["arg||1", "arg||1", "arg||1"],
    },
  ];
  for (const { name, text, named = 0x7fffffff, want } of cases) {
    probe.call("setNamedMax", named);
    deepEqual(found("json", text, 9, 0), want, name);
  }
  probe.call("setNamedMax", 0x7fffffff);
  // Of a deep tree of many values the names together are not much longer than the text.
  const deep = `{"${long(500)}":${array(5000)}}`;
  const bytes = found("json", deep, 9, 0).join("").length;
  ok(bytes < 0x10000 + 12 * deep.length, `${bytes} bytes`);
  tidy();
});

Deno.test("JSON: agrees with the host's reader on random texts", () => {
  const random = seeded();
  for (let round = 0; round < 3000; round++) {
    let text = JSON.stringify(randomValue(random, 4));
    if (random() < 0.6) text = mutated(text, random);
    const lines = found(
      "json",
      latin1(text.replace(/[^\x00-\xff]/g, "?")),
      100,
      0,
    );
    const problem = lines.some((line) => line.startsWith("problem"));
    let isSound = true;
    try {
      JSON.parse(text.replace(/[^\x00-\xff]/g, "?"));
    } catch {
      isSound = false;
    }
    equal(problem, !isSound, text);
    probe.end();
  }
});

function randomValue(random: () => number, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 0 ? 7 : 5));
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) {
    return Math.round(random() * 1e6) / (random() < 0.5 ? 1 : 1000);
  }
  if (kind < 5) {
    return ["", "a b", 'q"\\/\n', "é\u0001", "<x>"][Math.floor(random() * 5)];
  }
  const count = Math.floor(random() * 4);
  const values = Array.from(
    { length: count },
    () => randomValue(random, depth - 1),
  );
  return kind === 5 ? values : Object.fromEntries(values.map((value, index) => [`k${index}`, value]));
}

function mutated(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const piece = [
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "0",
    "-",
    "e",
    "x",
    " ",
    "\n",
    "\\u12",
  ][
    Math.floor(random() * 15)
  ]!;
  const kind = random();
  if (kind < 0.3) return text.slice(0, at) + text.slice(at + 1);
  if (kind < 0.7) return text.slice(0, at) + piece + text.slice(at);
  return text.slice(0, at);
}

Deno.test("XML: texts and attributes, references, and what is not well-formed", () => {
  const cases: [string, string[]][] = [
    [
      '<?xml version="1.0"?><a b="1&amp;2" c=\'x\'>t&#65;&#x1F600;<!-- n --><![CDATA[<q>]]></a>',
      [
        "attribute||1&2",
        "attribute||x",
        "text||tA\xf0\x9f\x98\x80",
        "text||<q>",
      ],
    ],
    ['<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', [
      "text||&x;",
    ]],
    ["<a><b/>t</a>\n", ["text||t"]],
    ["<a>&nope;</a>", [
      "text||&nope;",
      problem(
        "a reference to an entity that is not declared, or to no character",
      ),
    ]],
    ["<a><b></a>", [
      problem("an end tag that does not belong to the open element"),
    ]],
    ["<a>", ["problem||XML ends within the document"]],
    ["<a/><b/>", [problem("text or a second element outside of its element")]],
    ["text", [problem("text or a second element outside of its element")]],
    ["<a b>", [problem("a tag that cannot be read")]],
    ["<a b=c>", [problem("a tag that cannot be read")]],
    ["", ["problem||XML has no element"]],
  ];
  for (const [input, want] of cases) {
    deepEqual(found("xml", input, 0), want, input);
  }
  deepEqual(found("xml", "<a>t", 1), ["text||t"]);
  deepEqual(found("xml", "<a>".repeat(600), 0), [
    "problem||XML is nested too deep",
  ]);
  tidy();
});

function problem(what: string): string {
  return `problem||XML has ${what}`;
}

const FLAGS = [
  "BOUNDARY_QUOTED",
  "BOUNDARY_WHITESPACE",
  "DATA_BEFORE",
  "DATA_AFTER",
  "HEADER_FOLDING",
  "INVALID_HEADER_FOLDING",
  "LF_LINE",
  "CRLF_LINE",
  "MISSING_SEMICOLON",
  "INVALID_QUOTING",
  "INVALID_PART",
  "FILE_LIMIT_EXCEEDED",
  "UNMATCHED_BOUNDARY",
];

function multipart(
  body: string,
  type = "multipart/form-data; boundary=X",
): { lines: string[]; flags: string[] } {
  const lines = found("multipart", body, type, 2, 0).filter((line) => !line.startsWith("header"));
  const flags = probe.call("flags");
  return {
    lines,
    flags: FLAGS.filter((name, bit) => (flags >> bit & 1) === 1 && name !== "CRLF_LINE"),
  };
}

function seeded(): () => number {
  const random = new SeededRandom(seedFromEnvironment());
  return () => random.below(1_000_000) / 1_000_000;
}

const field = (disposition: string, content = "1") =>
  `--X\r\nContent-Disposition: ${disposition}\r\n\r\n${content}\r\n`;

Deno.test("multipart: fields and files", () => {
  const body = field('form-data; name="a"', "1\r\n2") +
    field('form-data; name="f"; filename="x.php"', "<?php") + "--X--\r\n";
  deepEqual(multipart(body), {
    lines: ["arg|a|1\r\n2", "file|f|x.php", "content|5|<?php"],
    flags: [],
  });
  equal(probe.call("isStrictError"), 0);
  deepEqual(
    multipart(`${field("form-data; name=a; filename*=utf-8''%41%2e")}--X--`)
      .lines,
    [
      "file|a|A.",
      "content|1|1",
    ],
  );
  deepEqual(
    multipart(`${field('form-data; name="a\\"b\\\\c\\d"')}--X--`).lines,
    ['arg|a"b\\c\\d|1'],
  );
  tidy();
});

Deno.test("multipart: every flag", () => {
  const whole = `${field('form-data; name="a"')}--X--\r\n`;
  const cases: [body: string, flags: string[], type?: string][] = [
    [whole, ["BOUNDARY_QUOTED"], 'multipart/form-data; boundary="X"'],
    [whole, ["BOUNDARY_WHITESPACE"], "multipart/form-data; boundary =X"],
    [whole, ["BOUNDARY_WHITESPACE"], "multipart/form-data; boundary= X"],
    [`junk\r\n${whole}`, ["DATA_BEFORE"]],
    [`${whole}junk`, ["DATA_AFTER"]],
    [whole.replaceAll("\r\n", "\n"), ["LF_LINE"]],
    [`${field('form-data;\r\n name="a"')}--X--`, ["HEADER_FOLDING"]],
    [`${field('form-data;\r\n\x0bname="a"')}--X--`, [
      "HEADER_FOLDING",
      "INVALID_HEADER_FOLDING",
    ]],
    [`${field('form-data name="a"')}--X--`, ["MISSING_SEMICOLON"]],
    [`${field("form-data; name='a'")}--X--`, ["INVALID_QUOTING"]],
    [`${field("form-data; name=a'b")}--X--`, ["INVALID_QUOTING"]],
    [`${field('form-data; name="a"; name="b"')}--X--`, ["INVALID_PART"]],
    [`${field('form-data; name="a"; filename="x"').repeat(3)}--X--`, [
      "FILE_LIMIT_EXCEEDED",
    ]],
    [`${field('form-data; name="a"', "--Y\r\nz")}--X--`, [
      "UNMATCHED_BOUNDARY",
    ]],
  ];
  for (const [body, flags, type] of cases) {
    const got = multipart(body, type);
    deepEqual(got.flags, flags, body);
    equal(got.lines.some((line) => line.startsWith("problem")), false, body);
    equal(
      probe.call("isStrictError"),
      flags.includes("UNMATCHED_BOUNDARY") ? 0 : 1,
      body,
    );
  }
  tidy();
});

Deno.test("multipart: what cannot be read in one way is a problem", () => {
  const whole = `${field('form-data; name="a"')}--X--\r\n`;
  const cases: [body: string, problem: RegExp, type?: string][] = [
    [whole, /no boundary/, "multipart/form-data"],
    [
      whole,
      /more than one boundary/,
      "multipart/form-data; boundary=X; boundary=Y",
    ],
    [whole, /empty, too long/, "multipart/form-data; boundary="],
    [
      whole,
      /empty, too long/,
      `multipart/form-data; boundary=${"a".repeat(71)}`,
    ],
    [whole, /empty, too long/, "multipart/form-data; boundary=a\x01"],
    ["no part", /no part/],
    [field('form-data; name="a"'), /last boundary is missing/],
    [
      `${field('form-data; name="a"')}--Xtail\r\n`,
      /followed by something else/,
    ],
    [
      `--X\r\nContent-Type: text/plain\r\n\r\nx\r\n--X--`,
      /no readable Content-Disposition/,
    ],
    [
      `${field('attachment; name="a"')}--X--`,
      /no readable Content-Disposition/,
    ],
    [`${field("form-data")}--X--`, /no readable Content-Disposition/],
    [`${field('form-data; name="a')}--X--`, /no readable Content-Disposition/],
    [`${field(`form-data; name=a${";a=b".repeat(16)}`)}--X--`, /no readable Content-Disposition/],
    [`--X\r\nnonsense\r\n\r\nx\r\n--X--`, /without a colon/],
    [`--X\r\n${"a: b\r\n".repeat(40)}\r\nx\r\n--X--`, /too many header lines/],
    [
      `--X\r\nContent-Disposition: form-data; name=a\r\n${" \r\n".repeat(40)}\r\n`,
      /too many header lines/,
    ],
  ];
  for (const [body, want, type] of cases) {
    const { lines } = multipart(body, type);
    ok(want.test(lines.at(-1) ?? ""), `${body}: ${lines}`);
    equal(probe.call("isStrictError"), 1);
  }
  tidy();
});

Deno.test("parsers: no bytes make them trap, and time grows with the bytes alone", () => {
  const random = seeded();
  const pieces = [
    "--X",
    "--X--",
    "\r\n",
    "\n",
    ": ",
    'name="',
    '"',
    ";",
    "form-data",
    "Content-Disposition: ",
    "filename",
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "&#x",
    "&",
    "<!DOCTYPE",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\\u00",
    "\\",
    "%",
    "+",
    "=",
    ';a=""',
    ";filename=a;filename=b",
    " ",
    "\0",
    "\xff",
    "a",
    "1",
  ];
  for (let round = 0; round < 4000; round++) {
    const count = Math.floor(random() * 40);
    let text = "";
    for (let i = 0; i < count; i++) {
      text += pieces[Math.floor(random() * pieces.length)]!;
    }
    const partial = round & 1;
    found("urlEncoded", text);
    found("cookies", text);
    found("json", text, 20, partial);
    found("xml", text, partial);
    found("multipart", text, "multipart/form-data; boundary=X", 5, partial);
    found("multipart", "--X\r\n\r\n", text, 5, partial);
    tidy();
  }
  for (const piece of pieces) {
    const large = latin1(piece.repeat(Math.floor(300_000 / piece.length)));
    const disposition = (parameters: Uint8Array) => {
      const head = latin1("--X\r\nContent-Disposition: form-data; name=a");
      const body = new Uint8Array(head.length + parameters.length + 4);
      body.set(head);
      body.set(parameters, head.length);
      body.set([13, 10, 13, 10], head.length + parameters.length);
      return body;
    };
    const started = performance.now();
    for (
      const run of [
        () => found("urlEncoded", large),
        () => found("json", large, 10_000, 0),
        () => found("xml", large, 0),
        () => found("multipart", large, "multipart/form-data; boundary=X", 5, 0),
        () => found("multipart", disposition(large), "multipart/form-data; boundary=X", 5, 0),
      ]
    ) {
      run();
      tidy();
    }
    ok(
      performance.now() - started < 3000,
      `300 KB of ${JSON.stringify(piece)}`,
    );
  }
});
