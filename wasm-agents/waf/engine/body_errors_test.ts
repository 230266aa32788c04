import { deepEqual, equal, match } from "node:assert/strict";
import { wafWith } from "../testing/waf_agent.ts";

const LOOKS = 'SecRule ARGS|ARGS_NAMES|XML:/* "@contains evil" "id:1,phase:2,deny"';
const JUDGES = 'SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,deny,status:400"';
const STRICT = 'SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,deny,status:400"';

const JSON_TYPE = "application/json";
const FORM = "multipart/form-data; boundary=b";
const PART = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n';

/** Bodies with an error, behind which a parser does not read on. */
const BROKEN = [
  { name: "JSON", type: JSON_TYPE, body: (word: string) => `{"a":1}}{"b":"${word}"}` },
  { name: "JSON from its start", type: JSON_TYPE, body: (word: string) => `)]}'\n{"b":"${word}"}` },
  { name: "JSON with a bare word", type: JSON_TYPE, body: (word: string) => `{"a":NaN,"b":"${word}"}` },
  { name: "XML", type: "text/xml", body: (word: string) => `<a></b><c>${word}</c>` },
  { name: "multipart without an end", type: FORM, body: (word: string) => `${PART}--b\r\nX: ${word}` },
  { name: "multipart, behind its end", type: FORM, body: (word: string) => `${PART}--b--\r\n${word}` },
  {
    name: "multipart of another boundary",
    type: FORM,
    body: (word: string) => `--c\r\n\r\n${word}\r\n--c--`,
  },
];

const post = (type: string, body: string) => ({ headers: { "Content-Type": type }, body });

Deno.test("body errors: where no rule judges them, the body is looked at as a whole", async () => {
  const waf = await wafWith(LOOKS);
  for (const { name, type, body } of BROKEN) {
    equal((await waf.judge("/", post(type, body("evil")))).decision, "block 403", name);
    equal((await waf.judge("/", post(type, body("fine")))).decision, "allow", name);
  }
});

Deno.test("body errors: where a rule judges them, it alone does", async () => {
  const waf = await wafWith(`${LOOKS}\n${JUDGES}\n${STRICT}`);
  for (const { name, type, body } of BROKEN) {
    for (const word of ["evil", "fine"]) {
      equal((await waf.judge("/", post(type, body(word)))).decision, "block 400", `${name}, ${word}`);
    }
  }
});

Deno.test("body errors: a rule that asks only under a condition, too early or for a number does not judge them", async () => {
  const { type, body } = BROKEN[0]!;
  for (
    const rule of [
      'SecRule REQUEST_URI "@beginsWith /api" "id:2,phase:2,deny,chain"\nSecRule REQBODY_ERROR "@eq 1"',
      'SecRule REQBODY_ERROR "!@eq 0" "id:2,phase:1,deny"',
      'SecRule &REQBODY_ERROR "@eq 0" "id:2,phase:2,deny"',
      `${JUDGES}\nSecRuleRemoveById 200002`,
    ]
  ) {
    const waf = await wafWith(`${LOOKS}\n${rule}`);
    equal((await waf.judge("/", post(type, body("evil")))).decision, "block 403", rule);
  }
});

Deno.test("body errors: the whole is one argument without a name, besides those that were read", async () => {
  const waf = await wafWith(
    `SecRule ARGS_POST "@rx ." "id:1,phase:2,pass,log,setvar:'tx.all=%{tx.all}%{MATCHED_VAR_NAME}=%{MATCHED_VAR};'"
    SecAction "id:2,phase:2,pass,log,msg:'%{tx.all}'"`,
  );
  const all = async (type: string, body: string) =>
    (await waf.judge("/", post(type, body))).matches.find(({ id }) => id === 2)!.msg;
  equal(await all(JSON_TYPE, '{"a":"1"'), 'ARGS_POST:json.a=1;ARGS_POST={"a":"1";');
  equal(await all(JSON_TYPE, '{"a":"1"}'), "ARGS_POST:json.a=1;");
  equal(await all(FORM, `${PART}--b--\r\n`), "ARGS_POST:a=v;");
});

Deno.test("body errors: rules that look at bodies and do not judge them are warned of", async () => {
  const warnings = async (rules: string, config: Record<string, unknown> = {}) =>
    (await wafWith(rules, { config })).warnings.map((line) =>
      /^(\S+) no rule judges ([\w ]+),/.exec(line)?.slice(1)
    );
  deepEqual(await warnings(`\n${LOOKS}`), [
    ["test.conf:2", "REQBODY_ERROR and MULTIPART_STRICT_ERROR"],
  ]);
  deepEqual(await warnings(`${LOOKS}\n${JUDGES}`), [["test.conf:1", "MULTIPART_STRICT_ERROR"]]);
  deepEqual(await warnings(`${LOOKS}\n${JUDGES}\n${STRICT}`), []);
  deepEqual(await warnings('SecRule REQUEST_URI "@streq /a" "id:1,phase:1,deny"'), []);
  deepEqual(await warnings(LOOKS, { "inspect-request-body": false }), []);
  match((await wafWith(LOOKS)).warnings[0]!, /add rules 200002 and 200003 of modsecurity\.conf-recommended/);
});
