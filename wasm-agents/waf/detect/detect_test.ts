import { equal, ok } from "node:assert/strict";
import { SeededRandom, seedFromEnvironment } from "../../../tests/support/mutations.ts";
import { compileProbe } from "../testing/compile_probe.ts";

const probe = await compileProbe("detect/detect_probe.ts");
probe.call("prepare");
const encoder = new TextEncoder();

function sqli(value: string): string {
  const at = probe.call("sqli", encoder.encode(value));
  const found = at === 0 ? "" : new TextDecoder().decode(probe.object(at));
  probe.end();
  return found;
}

function xss(value: string): boolean {
  return probe.call("xss", encoder.encode(value)) !== 0;
}

Deno.test("SQL injection: what changes a statement, with the row of tokens that says so", () => {
  const cases: [string, string][] = [
    ["1234 OR 1=1", "1&1"],
    ["-1839' or '1'='1", "s&s"],
    ['-1839" or "1"="2', "s&s"],
    ["2010-01-01'+sleep(20.to_i)+'", "sof(1"],
    ["x' and 526=527", "s&1"],
    ["foo') UNION ALL select NULL --", "s)UE1"],
    ["foo')waitfor delay'5:0:20'--", "s)Tks"],
    ["x' and sleep(12) -- ", "s&f(1"],
    ["1'||(select extractvalue(xmltype('<?xml", "s&(Ef"],
    ["sleep(20)", "f(1)"],
    ['a@b.example" sleep(10.to_i) "', "sf(1n"],
    ["admin'--", "sc"],
    ["admin'#", "sc"],
    ["1; drop table users", "1;Tkn"],
    ["1;INSERT /*x*/INTO t(id) VALUES (3)-- -", "1;kkn"],
    ["1 order by 3", "1B1"],
    ["1/*!50000union*/select 1", "1X"],
    ["1 union/**/select password from users", "1UEnk"],
    ["select * from users", "Eokn"],
    ["' = '", "sos"],
    ["1 or exists(select 1)", "1&k(E"],
    ["') or ('a'='a", "s)&(s"],
    ["1 and 1=1#", "1&1?"],
    ["x'; exec xp_cmdshell('dir')--", "s;TTs"],
    ["1,(select 1)", "1,(E1"],
    ["'||$$a$$||'", "s&s"],
  ];
  for (const [value, want] of cases) equal(sqli(value).slice(0, want.length), want, value);
});

Deno.test("SQL injection: what people write is none", () => {
  for (
    const value of [
      "",
      "1",
      "O'Brien",
      "rock' and roll",
      "rock 'n' roll",
      "it's a dog and 'cats' are not",
      "fish and chips",
      "1 and 2",
      "2 or 3 weeks",
      "select a pen from the table",
      "drop me a line; thanks",
      "the union of workers",
      "order by phone",
      '5" x 6" frames',
      "count me in",
      "a -- b",
      "C# and F#",
      "user@example.org",
      "2026-11-26",
      "a=1&b=2",
      '{"a": [1, 2]}',
      "1+1=2",
      "(555) 010-9999",
      '"></a></root>',
      "length&&(",
      'He said "yes" and "no".',
      "function call(x) { return x; }",
      "Left (WA, RR), following wood edge",
      "create a table for two",
      "https://example.org/a?b=c#d",
    ]
  ) equal(sqli(value), "", value);
});

Deno.test("XSS: what makes a browser run something, wherever a page puts it", () => {
  for (
    const value of [
      "<script>alert(1)</script>",
      "<ScRiPt src=//x>",
      "<img src=x onerror=alert(1)>",
      '<img/src="x"/onerror=alert(1)>',
      "<svg/onload=alert(1)>",
      "<a href=javascript:alert(1)>x",
      '<a href="jav&#x09;ascript:alert(1)">',
      '<a href=" &#106;avascript&colon;alert(1)">',
      "<a href='java\nscript:x'>",
      "<a href=data:text/html,x>",
      "<form action=vbscript:x>",
      "<iframe srcdoc='x'>",
      "<p style='x:expression(1)'>",
      "x onclick=alert(1)",
      "x' onfocus='alert(1)' autofocus='",
      'x" onmouseover="alert(1)',
      "x` onload=`a",
      "<!DOCTYPE html>",
      "<!--[if gte IE 4]>",
      "<!ENTITY x>",
      "<?import namespace=x>",
      "<x\0 onclick=1>",
      "<scr\0ipt>",
      "<animate attributeName=href values=javascript:x>",
      "<x xmlns=a>",
      "--><script>",
      "'><svg onload=1",
    ]
  ) ok(xss(value), value);
});

Deno.test("XSS: what people write is none", () => {
  for (
    const value of [
      "",
      "a < b and c > d",
      "x<y",
      "1 <2",
      "<3",
      "I <3 you",
      "<b>bold</b> and <i>italic</i>",
      '<p class="x">text</p>',
      '<a href="https://example.org/">link</a>',
      "<!-- a comment -->",
      "online=1",
      "once=1&only=2",
      "one = two",
      "onclick",
      "javascript: the good parts",
      "href=javascript",
      "a=\"b\" c='d'",
      "if (a<b) onclick()",
      "3 > 2",
      "</script",
      "name=on value=off",
    ]
  ) ok(!xss(value), value);
});

Deno.test("detectors: no bytes make them trap, and time grows with the bytes alone", () => {
  const random = new SeededRandom(seedFromEnvironment());
  const pieces = [
    "'",
    '"',
    "`",
    "<",
    ">",
    "/*",
    "*/",
    "/*!",
    "--",
    "#",
    "\n",
    " ",
    "\\",
    "(",
    ")",
    ",",
    ";",
    ".",
    "@",
    "@@",
    "$",
    "$$",
    "$a$",
    "0x",
    "1e",
    "1",
    "select",
    "union",
    "and",
    "or",
    "sleep",
    "[",
    "]",
    "{",
    "=",
    "<!--",
    "-->",
    "<?",
    "</",
    "<a ",
    "<a href=",
    "onload=",
    "javascript:",
    "&#x",
    "&#",
    "&",
    ";",
    "\0",
    "\xff",
    "N'",
    "!",
    "|",
  ];
  for (let round = 0; round < 20_000; round++) {
    let text = "";
    for (let count = random.below(20); count > 0; count--) text += random.pick(pieces);
    sqli(text);
    xss(text);
  }
  for (const piece of pieces) {
    const large = piece.repeat(Math.floor(60_000 / piece.length));
    const started = performance.now();
    sqli(large);
    xss(large);
    sqli(`'${large}`);
    xss(`<a href=${large}`);
    ok(performance.now() - started < 1000, `60 KB of ${JSON.stringify(piece)}`);
  }
});
