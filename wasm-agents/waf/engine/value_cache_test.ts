import { deepEqual, equal } from "node:assert/strict";
import { response } from "../../testing/messages.ts";
import { type Waf, wafWith } from "../testing/waf_agent.ts";

/** More different values than are remembered, each twice, so that everything known before is gone. */
const OTHERS = 3000;

const RULES = `
  SecRule ARGS "@rx ABC" "id:1,phase:2,pass,log"
  SecRule ARGS "@rx abc" "id:2,phase:2,pass,log,t:lowercase"
  SecRule ARGS "!@rx ^[a-z]+$" "id:3,phase:2,pass,log"
  SecRule ARGS "@validateByteRange 32-126" "id:4,phase:2,pass,log"
  SecRule ARGS "@rx (b+)(c?)" "id:5,phase:2,pass,log,capture,msg:'%{TX.1}|%{TX.2}'"
  SecRule ARGS "@rx abc" "id:6,phase:2,pass,log,multiMatch,t:urlDecode,t:lowercase"
  SecRule ARGS "@pm abc xyz" "id:7,phase:2,pass,log,capture,msg:'%{TX.0}'"
  SecRule ARGS "@detectSQLi" "id:8,phase:2,pass,log,capture,msg:'%{TX.0}'"
  SecRule REQUEST_HEADERS:Allowed "@rx (.*)" "id:9,phase:1,pass,nolog,capture,setvar:tx.allowed=%{TX.1}"
  SecRule ARGS "!@within %{tx.allowed}" "id:10,phase:2,pass,log"
  SecRule REQUEST_HEADERS:Spare "@rx ." "id:11,phase:1,pass,nolog,ctl:ruleRemoveTargetById=2;ARGS:a"
  SecRule ARGS|!ARGS:b "@contains x" "id:12,phase:2,pass,log,t:base64Decode"
  SecRule ARGS_NAMES|ARGS "@streq a" "id:13,phase:2,pass,log"
  SecRule ARGS "@rx ^$" "id:14,phase:2,pass,log,t:removeWhitespace"`;

const REQUESTS: readonly { readonly query: string; readonly headers?: Record<string, string> }[] = [
  { query: "a=ABC" },
  { query: "a=abc", headers: { Allowed: "abc" } },
  { query: "a=abc", headers: { Spare: "1" } },
  { query: "a=ABC&b=ABC&a=abc" },
  { query: "a=%2561bc" },
  { query: "b=abbbc" },
  { query: "a=1'+or+'1'='1" },
  { query: "a=eHl6&b=eHl6" },
  { query: "a=&b=+" },
  { query: "a=%00%ff" },
  { query: "a=a&b=a", headers: { Allowed: "a" } },
  { query: `a=${"ABC".repeat(80)}` },
  { query: `a=${"%61bc".repeat(300)}` },
];

async function seen(waf: Waf, { query, headers = {} }: (typeof REQUESTS)[number]) {
  const { matches } = await waf.judge(`/?${query}`, { headers });
  return matches.map(({ id, msg, value, var: name }) => ({ id, msg, value, name }));
}

Deno.test("value cache: what is known of a value gives the answer that it got when it was new", async () => {
  const warm = await wafWith(RULES);
  for (const wanted of REQUESTS) {
    const first = await seen(await wafWith(RULES), wanted);
    for (let round = 0; round < 4; round++) {
      deepEqual(
        await seen(warm, wanted),
        first,
        `${wanted.query} ${JSON.stringify(wanted.headers)} round ${round}`,
      );
    }
  }
  // Once more with everything known, in the other order.
  for (const wanted of REQUESTS.toReversed()) {
    deepEqual(await seen(warm, wanted), await seen(await wafWith(RULES), wanted), wanted.query);
  }
});

Deno.test("value cache: values with more found out than an entry has room for", async () => {
  const chains = Array.from(
    { length: 40 },
    (_, id) =>
      `SecRule ARGS "@contains 6${id % 10}" "id:${id + 1},phase:2,pass,log,${
        "t:hexEncode,".repeat(id % 4 + 1)
      }${"t:trim,".repeat(id)}t:lowercase"`,
  ).join("\n");
  const warm = await wafWith(chains);
  for (const value of ["short", "x".repeat(100), "y".repeat(256), "z".repeat(257)]) {
    const first = await seen(await wafWith(chains), { query: `a=${value}` });
    for (let round = 0; round < 4; round++) {
      deepEqual(await seen(warm, { query: `a=${value}` }), first, `${value.length} bytes, round ${round}`);
    }
  }
});

Deno.test("value cache: what a rule took from a value lasts until the response, also when the value is forgotten", async () => {
  const waf = await wafWith(`
    SecRule ARGS:keep "@rx ^(\\w+)-" "id:1,phase:1,pass,nolog,capture,setvar:tx.kept=%{TX.1}"
    SecRule ARGS "@rx ^v[0-9]+$" "id:2,phase:2,pass,nolog,t:lowercase"
    SecRule RESPONSE_STATUS "@streq 500" "id:3,phase:3,pass,log,msg:'%{tx.kept}'"
    SecRule TX:1 "@streq word" "id:4,phase:3,pass,log,msg:'captured'"`);
  for (let round = 0; round < 3; round++) await waf.judge("/?keep=word-1");
  const message = waf.request("/?keep=word-1");
  await waf.agent.onRequest(message);
  for (let other = 0; other < OTHERS; other++) {
    for (let twice = 0; twice < 2; twice++) await waf.judge(`/?a=V${other}`);
  }
  const { matches } = await waf.judgeResponse(message, response(500, {}));
  deepEqual(matches.map(({ msg }) => msg), ["word", "captured"]);
});

Deno.test("value cache: a hundred thousand values leave nothing behind in memory", async () => {
  const waf = await wafWith(RULES);
  const run = async (round: number) => {
    for (let index = 0; index < 5000; index++) await waf.judge(`/?a=${round % 2 * 2500 + index}&b=abc`);
    return waf.agent.memoryBytes;
  };
  const before = await run(0);
  for (let round = 1; round < 4; round++) equal(await run(round), before);
});
