/** What a request costs grows no faster than its bytes, whatever it is built from, and neither does memory. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { SeededRandom } from "../../../tests/support/mutations.ts";
import { type WafRequest, wafWith } from "../testing/waf_agent.ts";

interface Case {
  readonly name: string;
  readonly rules: string;
  readonly config?: Record<string, unknown>;
  /** About so many bytes. */
  readonly request: (bytes: number) => WafRequest;
  /** Sizes of the smaller request; the other one has twice as many bytes. */
  readonly bytes?: number;
}

/** Looks at everything, through chains such as rule sets have. */
const LOOK =
  `SecRule ARGS|ARGS_NAMES|FILES|MULTIPART_PART_HEADERS|XML:/*|XML://@* "@rx (?i)un(i)on\\s+select" "id:1,phase:2,deny,capture,t:none,t:urlDecodeUni,t:htmlEntityDecode,t:jsDecode"
SecRule ARGS|ARGS_NAMES|XML:/* "@detectSQLi" "id:2,phase:2,deny,multiMatch,t:none,t:urlDecodeUni,t:lowercase"
SecRule ARGS|ARGS_NAMES|XML:/* "@detectXSS" "id:3,phase:2,deny,t:none,t:urlDecodeUni"
`;

const form = (body: string): WafRequest => ({ body });
const typed = (type: string) => (body: string): WafRequest => ({ body, headers: { "Content-Type": type } });
const multipart = typed("multipart/form-data; boundary=B");
const xml = typed("text/xml");
const json = typed("application/json");
const fields = (bytes: number) => Array.from({ length: bytes / 10 }, (_, index) => `a${index}=b`).join("&");
const part = (parameters: string, content = "x") =>
  `--B\r\nContent-Disposition: form-data${parameters}\r\n\r\n${content}\r\n`;

const CASES: readonly Case[] = [
  { name: "parameters of a part", rules: LOOK, request: (n) => multipart(part(';a=""'.repeat(n / 5))) },
  {
    name: "names of a file",
    rules: LOOK,
    request: (n) => multipart(part(";name=a" + ";filename=a;filename=b".repeat(n / 22))),
  },
  { name: "parts", rules: LOOK, request: (n) => multipart(part(";name=a").repeat(n / 60) + "--B--") },
  { name: "elements of JSON", rules: LOOK, request: (n) => json(`[${"1,".repeat(n / 2)}1]`), bytes: 20_000 },
  { name: "escapes of JSON", rules: LOOK, request: (n) => json(`[${'"\\n",'.repeat(n / 5)}1]`) },
  {
    name: "elements deep in JSON",
    rules: LOOK,
    request: (n) => json('{"aaaaaaaaaaaaaaaa":['.repeat(50) + "1,".repeat(n / 2) + "1" + "]}".repeat(50)),
    bytes: 20_000,
  },
  { name: "attributes", rules: LOOK, request: (n) => xml(`<a ${'b="c" '.repeat(n / 6)}/>`) },
  { name: "elements of XML", rules: LOOK, request: (n) => xml(`<a>${"<b>c</b>".repeat(n / 8)}</a>`) },
  {
    name: "references",
    rules: LOOK,
    request: (n) => xml(`<!DOCTYPE a><a>${"&aaaaaaaaaaaaaaaaa".repeat(n / 18)}</a>`),
  },
  { name: "arguments", rules: LOOK, request: (n) => form(fields(n)) },
  { name: "comments of SQL", rules: LOOK, request: (n) => form(`a=${"/*".repeat(n / 2)}`) },
  { name: "tags", rules: LOOK, request: (n) => form(`a=${"<a b=".repeat(n / 5)}`) },
  {
    name: "many targets taken away",
    rules: Array.from(
      { length: 300 },
      (_, index) =>
        `SecAction "id:${index + 1},phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=t;ARGS:z${index}"\n`,
    ).join("") + Array.from(
      { length: 50 },
      (_, index) => `SecRule ARGS "!@rx ^b+$" "id:${index + 1000},phase:2,pass,nolog,tag:t"\n`,
    ).join(""),
    request: (n) => form(fields(n)),
    bytes: 5_000,
  },
  {
    name: "a text that grows with each match",
    rules: `SecAction "id:1,phase:1,pass,nolog,setvar:tx.all=x"
      SecRule ARGS "@rx ." "id:2,phase:2,pass,nolog,setvar:'tx.all=%{tx.all}|%{MATCHED_VAR}'"`,
    request: (n) =>
      form(Array.from({ length: n / 200 }, (_, index) => `a${index}=${"b".repeat(200)}`).join("&")),
    bytes: 100_000,
  },
  {
    name: "tags and messages put together",
    rules:
      `SecRule ARGS "@rx ." "id:1,phase:2,deny,tag:'%{MATCHED_VAR}',tag:'x%{MATCHED_VAR}',msg:'%{MATCHED_VAR}'"`,
    request: (n) => form(`a=${"%01".repeat(n / 3)}`),
    bytes: 200_000,
  },
  {
    name: "a replacement that reads on",
    rules: 'SecRule ARGS "@rsub s/a(?:.*b)?/x/g" "id:1,phase:2,deny"',
    request: (n) => form(`a=${"a".repeat(n)}`),
    bytes: 20_000,
  },
  {
    name: "numbers whose expression reads on",
    rules: 'SecRule ARGS "@verifySSN 1(?:.*2)?" "id:1,phase:2,deny"',
    request: (n) => form(`a=${"1".repeat(n)}`),
    bytes: 20_000,
  },
  {
    name: "matches that a chain looks at",
    rules:
      'SecRule ARGS|ARGS_NAMES "@rx ." "id:1,phase:2,pass,chain"\nSecRule MATCHED_VARS_NAMES "@rx ." "chain"\n' +
      'SecRule MATCHED_VARS "@rx zzz"',
    request: (n) => form(fields(n)),
    bytes: 5_000,
  },
];

for (const { name, rules, config = {}, request, bytes = 30_000 } of CASES) {
  Deno.test(`costs: ${name}`, async () => {
    const waf = await wafWith(rules, { config });
    const cost = async (size: number) => {
      await waf.judge("/", request(size));
      return waf.agent.fuelUsed;
    };
    const once = await cost(bytes);
    const twice = await cost(2 * bytes);
    ok(twice < 2.6 * once + 200_000, `${once} units for ${bytes} bytes, ${twice} for twice as many`);
  });
}

Deno.test("costs: a collection of many variables is written as fast as they are many", async () => {
  const waf = await wafWith(
    `SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
    SecRule ARGS_NAMES "@rx ." "id:2,phase:2,pass,nolog,setvar:'ip.%{MATCHED_VAR}=+1'"`,
    { config: { "arguments-limit": 10_000 } },
  );
  const written = async (count: number) => {
    let fuel = 0;
    for (let round = 0; round < 2; round++) {
      const body = fields(10 * count);
      const headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": String(body.length),
      };
      const message = waf.request("/", { method: "POST", headers, clientAddress: `192.0.2.${count / 100}` });
      await waf.agent.onRequest(message);
      await waf.agent.onRequestBody(message, body);
      await waf.agent.onRequestComplete(message);
      fuel = waf.agent.fuelUsed;
    }
    return fuel;
  };
  const once = await written(1000);
  const twice = await written(2000);
  ok(twice < 2.6 * once, `${once} units for 1000 variables, ${twice} for 2000`);
});

Deno.test("costs: a large body takes the room of many small transactions at once", async () => {
  const waf = await wafWith('SecRequestBodyLimit 3000000\nSecRule ARGS "@rx x" "id:1,phase:2,deny"');
  const headers = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": "2000000" };
  for (let count = 0; count < 4096; count++) {
    await waf.agent.onRequest(waf.request("/", { method: "POST", headers }));
  }
  const message = waf.request("/", { method: "POST", headers });
  await waf.agent.onRequest(message);
  const { outcome } = await waf.agent.onRequestBody(message, "a".repeat(2_000_000), { last: false });
  equal(outcome.needsMore, true);
  ok(waf.agent.fuelUsed < 10_000_000, `${waf.agent.fuelUsed} units`);
});

Deno.test("costs: expressions that a text leads on and on end the request, not the agent", async () => {
  const rules = `SecRule ARGS "@rx a.{0,200}b.{0,200}c.{0,200}d" "id:1,phase:2,pass"
    SecRule ARGS "!@rx a.{0,200}b.{0,200}c.{0,200}d" "id:2,phase:2,pass,ctl:ruleEngine=Off"
    SecRule ARGS "@rx x" "id:3,phase:2,pass"`;
  const random = new SeededRandom(1);
  const text = (bytes: number) =>
    `x=d${Array.from({ length: bytes }, () => random.pick(["a", "b", "c"])).join("")}`;
  for (
    const { bytes, engine, want } of [
      { bytes: 1000, engine: "On", want: "allow" },
      { bytes: 100_000, engine: "On", want: "block 403 WAF_WORK_LIMIT" },
      { bytes: 100_000, engine: "DetectionOnly", want: "allow WAF_WORK_LIMIT" },
    ]
  ) {
    const waf = await wafWith(`SecRuleEngine ${engine}\n${rules}`, { fuel: 2_000_000_000 });
    for (let round = 0; round < 2; round++) {
      const { decision, outcome, ids } = await waf.judge("/", { body: text(bytes) });
      const limit = outcome.audit.reasonCodes.filter((code) => code === "WAF_WORK_LIMIT");
      equal([decision, ...limit].join(" "), want);
      if (limit.length > 0) deepEqual(ids, []);
      // The next call has all of its steps again.
      equal((await waf.judge("/?x=x")).decision, "allow");
    }
  }
});

const NO_FILES_LIMITS: readonly {
  name: string;
  body: string;
  type?: string;
  action?: string;
  want: string;
}[] = [
  { name: "a form at the limit", body: `a=bad${"x".repeat(45)}`, want: "block 403" },
  { name: "a form above it", body: `a=bad${"x".repeat(46)}`, want: "block 413" },
  {
    name: "a form that is cut there",
    body: `a=bad${"x".repeat(46)}`,
    action: "ProcessPartial",
    want: "block 403",
  },
  { name: "what is behind the cut", body: `a=${"x".repeat(48)}bad`, action: "ProcessPartial", want: "allow" },
  { name: "JSON above it", body: `["bad${"x".repeat(44)}"]`, type: "application/json", want: "block 413" },
  {
    name: "JSON that is cut",
    body: `["bad","${"x".repeat(44)}"]`,
    type: "application/json",
    action: "ProcessPartial",
    want: "block 403",
  },
  {
    name: "a body of no type",
    body: `bad${"x".repeat(100)}`,
    type: "application/octet-stream",
    want: "allow",
  },
  {
    name: "a form with a large file",
    body:
      `--B\r\nContent-Disposition:form-data;name=a\r\n\r\n\r\n--B\r\nContent-Disposition:form-data;name=a;filename=b\r\n\r\n${
        "x".repeat(500)
      }\r\n--B--\r\n`,
    type: "multipart/form-data; boundary=B",
    want: "allow",
  },
  {
    name: "a form with an error that no rule asks about, which is looked at as a whole",
    body: `--B\r\nContent-Disposition:form-data;name=a;filename=b\r\n\r\n${"x".repeat(500)}`,
    type: "multipart/form-data; boundary=B",
    want: "block 413",
  },
  {
    name: "a form whose names leave no room for what comes behind",
    body: `--B\nContent-Disposition:form-data;name=${
      "x".repeat(70)
    }\n\n\n--B\nContent-Disposition:form-data;name=a\n\nbad\n--B--`,
    type: "multipart/form-data;boundary=B",
    want: "block 413",
  },
  {
    name: "a form with a large field",
    body: `--B\nContent-Disposition:form-data;name=a\n\n${"x".repeat(500)}\n--B--`,
    type: "multipart/form-data;boundary=B",
    want: "block 413",
  },
];

Deno.test("costs: of a body only so much is looked at, besides the contents of files", async () => {
  for (
    const { name, body, type = "application/x-www-form-urlencoded", action = "Reject", want }
      of NO_FILES_LIMITS
  ) {
    const limit = type.startsWith("multipart") ? 200 : 50;
    const waf = await wafWith(
      `SecRequestBodyNoFilesLimit ${limit}\nSecRequestBodyLimitAction ${action}\nSecRule ARGS "@rx bad" "id:1,phase:2,deny"`,
    );
    equal((await waf.judge("/", { body, headers: { "Content-Type": type } })).decision, want, name);
  }
});
