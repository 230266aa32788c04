import { deepEqual, equal, match } from "node:assert/strict";
import { problemsOf, type WafRequest, wafWith } from "../testing/waf_agent.ts";

interface Case {
  readonly name: string;
  readonly rules: string;
  readonly target?: string;
  readonly parts?: WafRequest;
  readonly want: string;
}

const xml = (body: string): WafRequest => ({ body, headers: { "Content-Type": "text/xml" } });
const json = (value: unknown): WafRequest => ({
  body: JSON.stringify(value),
  headers: { "Content-Type": "application/json" },
});

/** Rule 1 denies; what stands before says where it is not to look. */
const CASES: readonly Case[] = [
  {
    name: "patterns that only differ in the case of a letter are two",
    rules:
      `SecRule ARGS:/^\\d+$/ "@rx evil" "id:2,phase:2,pass"\nSecRule ARGS:/^\\D+$/ "@rx evil" "id:1,phase:2,deny"`,
    target: "/?abc=evil",
    want: "block 403",
  },
  {
    name: "a pattern takes targets away",
    rules: 'SecRule ARGS "@rx evil" "id:1,phase:2,deny,tag:t"\nSecRuleUpdateTargetByTag t "!ARGS:/^p/"',
    target: "/?pass=evil",
    want: "allow",
  },
  {
    name: "the only target is taken away",
    rules: 'SecRule ARGS "@rx evil" "id:1,phase:2,deny"\nSecRuleUpdateTargetById 1 "!ARGS"',
    target: "/?a=evil",
    want: "allow",
  },
  {
    name: "a variable with one value is taken away",
    rules:
      'SecRule ARGS|REQUEST_BODY "@rx ^x=evil" "id:1,phase:2,deny"\nSecRuleUpdateTargetById 1 "!REQUEST_BODY"',
    parts: { body: "x=evil" },
    want: "allow",
  },
  {
    name: "another variable with one value stays",
    rules:
      'SecRule QUERY_STRING|REQUEST_BODY "@rx evil" "id:1,phase:2,deny"\nSecRuleUpdateTargetById 1 "!REQUEST_BODY"',
    target: "/?evil",
    want: "block 403",
  },
  {
    name: "all of XML is taken away",
    rules: 'SecRule ARGS|XML:/* "@rx evil" "id:1,phase:2,deny"\nSecRuleUpdateTargetById 1 "!XML"',
    parts: xml("<a>evil</a>"),
    want: "allow",
  },
  {
    name: "the text of XML is taken away",
    rules: 'SecRule ARGS|XML:/* "@rx evil" "id:1,phase:2,deny"\nSecRuleUpdateTargetById 1 "!XML:/*"',
    parts: xml("<a>evil</a>"),
    want: "allow",
  },
  {
    name: "the attributes of XML are taken away",
    rules: 'SecRule XML:/*|XML://@* "@rx evil" "id:1,phase:2,deny"\nSecRuleUpdateTargetById 1 "!XML://@*"',
    parts: xml("<a b='evil'>x</a>"),
    want: "allow",
  },
  {
    name: "the text stays",
    rules: 'SecRule XML:/*|XML://@* "@rx evil" "id:1,phase:2,deny"\nSecRuleUpdateTargetById 1 "!XML://@*"',
    parts: xml("<a b='x'>evil</a>"),
    want: "block 403",
  },
  {
    name: "ctl takes the text of XML away",
    rules: removing("XML:/*") + 'SecRule XML:/*|XML://@* "@rx evil" "id:1,phase:2,deny"',
    parts: xml("<a>evil</a>"),
    want: "allow",
  },
  {
    name: "ctl leaves the attributes",
    rules: removing("XML:/*") + 'SecRule XML:/*|XML://@* "@rx evil" "id:1,phase:2,deny"',
    parts: xml("<a b='evil'>x</a>"),
    want: "block 403",
  },
  {
    name: "ctl takes a pattern of names away",
    rules: removing("ARGS:/^p/") + 'SecRule ARGS "@rx evil" "id:1,phase:2,deny"',
    target: "/?pass=evil&x=1",
    want: "allow",
  },
  {
    name: "ctl takes nothing away of another variable",
    rules: removing("ARGS_GET:a") + 'SecRule ARGS "@rx evil" "id:1,phase:2,deny"',
    target: "/?a=evil",
    want: "block 403",
  },
  {
    name: "ctl takes two targets of two variables away",
    rules: removing("ARGS:a") + removing("ARGS_NAMES:b", 9) +
      'SecRule ARGS|ARGS_NAMES "@rx [ab]" "id:1,phase:2,deny"',
    target: "/?a=a&b=c",
    want: "block 403",
  },
  {
    name: "ctl takes both away of the same name",
    rules: removing("ARGS:a") + removing("ARGS_NAMES:a", 9) +
      'SecRule ARGS|ARGS_NAMES "@rx [ab]" "id:1,phase:2,deny"',
    target: "/?a=a",
    want: "allow",
  },
  {
    name: "ctl of a rule in between counts for what was looked at before",
    rules: removing("ARGS:b") + 'SecRule ARGS "@rx evil" "id:1,phase:2,pass"\n' +
      'SecAction "id:9,phase:2,pass,nolog,ctl:ruleRemoveTargetById=2;ARGS:a"\n' +
      'SecRule ARGS "@rx evil" "id:2,phase:2,deny"',
    target: "/?a=evil",
    want: "allow",
  },
  {
    name: "ctl leaves counts alone",
    rules: removing("ARGS:a") + 'SecRule &ARGS:a "@eq 1" "id:1,phase:2,deny"',
    target: "/?a=1",
    want: "block 403",
  },
  {
    name: "what is left out is not counted",
    rules: 'SecRule &ARGS|!ARGS:a "@eq 1" "id:1,phase:2,deny"',
    target: "/?a=1&b=2",
    want: "block 403",
  },
  {
    name: "the names of empty objects are names",
    rules: 'SecRule ARGS_NAMES "@rx attack" "id:1,phase:2,deny"',
    parts: json({ attack: {} }),
    want: "block 403",
  },
  {
    name: "a name longer than names are",
    rules: 'SecRule ARGS_NAMES "@rx attack" "id:1,phase:2,deny"',
    parts: json({ ["a".repeat(2000) + "attack"]: 1 }),
    want: "block 403",
  },
  {
    name: "a name among arguments beyond the limit",
    rules: 'SecArgumentsLimit 2\nSecRule ARGS "@rx attack" "id:1,phase:2,deny"',
    parts: json([1, 2, 3, { x: [{ attack: [] }] }]),
    want: "block 403",
  },
  {
    name: "a score that cannot get higher stays where it is",
    rules: 'SecAction "id:2,phase:1,pass,nolog,setvar:tx.x=2147483647,setvar:tx.x=+5"\n' +
      'SecRule TX:x "@gt 100" "id:1,phase:1,deny"',
    want: "block 403",
  },
  {
    name: "nothing is set in a collection that is not open",
    rules:
      'SecAction "id:2,phase:1,pass,nolog,setvar:ip.x=5,expirevar:ip.x=5"\nSecRule IP:x "@eq 5" "id:1,phase:1,deny"',
    want: "allow",
  },
  {
    name: "each step of multiMatch has its own captures",
    rules: 'SecRule ARGS "@rx ^(.+)$" "id:2,phase:2,pass,multiMatch,capture,t:none,t:urlDecode,t:lowercase,' +
      "setvar:'tx.seen=%{tx.seen}<%{TX.1}>'\"\n" + 'SecRule TX:seen "@streq <%4A><J><j>" "id:1,phase:2,deny"',
    target: "/?a=%254A",
    want: "block 403",
  },
  {
    name: "there is no location with line ends of the client's",
    rules: 'SecRule ARGS:a "@rx ." "id:1,phase:2,redirect:\'https://x.test/%{ARGS.a}\'"',
    target: "/?a=b%0d%0aX:%20y%ff",
    want: "block 403",
  },
  {
    name: "there is no location that is too long",
    rules: 'SecRule ARGS:a "@rx ." "id:1,phase:2,redirect:\'https://x.test/%{ARGS.a}\'"',
    parts: { body: `a=${"b".repeat(9000)}` },
    want: "block 403",
  },
];

function removing(target: string, id = 8): string {
  return `SecAction "id:${id},phase:1,pass,nolog,ctl:ruleRemoveTargetById=1;${target}"\n`;
}

for (const { name, rules, target = "/", parts, want } of CASES) {
  Deno.test(`targets: ${name}`, async () => {
    const waf = await wafWith(rules);
    equal((await waf.judge(target, parts)).decision, want);
  });
}

Deno.test("targets: too many chains of transformations are an error, not fewer transformations", async () => {
  const rule = (id: number) => {
    const steps = Array.from(
      { length: 11 },
      (_, bit) => (id >> bit) & 1 ? "t:urlDecode" : "t:htmlEntityDecode",
    );
    return `SecRule ARGS "@rx evil" "id:${id},phase:2,deny,t:none,${steps.join(",")}"`;
  };
  const problems = await problemsOf(Array.from({ length: 600 }, (_, index) => rule(index + 1)).join("\n"));
  match(problems[0]!, /at most 1024/);
});

Deno.test("targets: keys of collections may be any bytes, and different ones are different", async () => {
  const waf = await wafWith(
    `SecRule REQUEST_COOKIES:sid "@rx ." "id:1,phase:1,pass,nolog,setsid:%{REQUEST_COOKIES.sid}"
    SecAction "id:2,phase:1,pass,nolog,setvar:session.n=+1"
    SecRule SESSION:n "@gt 1" "id:3,phase:1,deny"`,
  );
  const judged = async (sid: string) => {
    const message = waf.request("/", { headers: { Cookie: `sid=${sid}` } });
    const { decision } = await waf.agent.onRequest(message);
    await waf.agent.onRequestComplete(message);
    return decision.type;
  };
  const keys = ["a", "\xff", "\xfe", "%ff", "\0", "\u00e9\u0001", "x".repeat(300), "\xff".repeat(100)];
  for (const key of keys) equal(await judged(key), "allow", key);
  for (const key of keys) equal(await judged(key), "block", key);
});

Deno.test("targets: what others have set in a collection meanwhile stays, and numbers add up", async () => {
  const rules = `SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.all=+1"
    SecRule ARGS:set "@rx ." "id:2,phase:1,pass,nolog,setvar:'ip.%{ARGS.set}=+1'"
    SecRule ARGS:unset "@rx ." "id:3,phase:1,pass,nolog,setvar:!ip.b"
    SecAction "id:4,phase:1,pass,log,msg:'%{ip.all} %{ip.a} %{ip.b}'"`;
  const waf = await wafWith(rules);
  const seen = async (query: string) => {
    const { matches } = await waf.judge(`/?${query}`);
    return matches[0]!.msg;
  };
  const first = waf.request("/?set=a", { id: "first" });
  const second = waf.request("/?set=b", { id: "second" });
  await waf.agent.onRequest(first);
  await waf.agent.onRequest(second);
  await waf.agent.onRequestComplete(first);
  await waf.agent.onRequestComplete(second);
  equal(await seen(""), "3 1 1");
  const third = waf.request("/?unset=1", { id: "third" });
  await waf.agent.onRequest(third);
  await waf.agent.onRequestComplete(third);
  deepEqual(await seen(""), "4 1 ");
});
