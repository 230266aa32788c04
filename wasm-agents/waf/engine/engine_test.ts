import { deepEqual, equal, match, ok } from "node:assert/strict";
import { response } from "../../testing/messages.ts";
import { type Waf, wafWith } from "../testing/waf_agent.ts";

/** Rule 9 lets a test look at a variable: it denies when `TX:out` is what is wanted. */
async function expandedTo(
  rules: string,
  target: string,
  parts: Parameters<Waf["judge"]>[1] = {},
): Promise<string> {
  const waf = await wafWith(`${rules}\nSecAction "id:9999,phase:2,pass,log,msg:'%{tx.out}'"`);
  const { matches } = await waf.judge(target, parts);
  return matches.find(({ id }) => id === 9999)!.msg;
}

const HEAD = { headers: { "Host": "a.example:8443", "User-Agent": "Probe/1", "Cookie": "a=1; b=two" } };

const VARIABLES = [
  { variable: "REQUEST_METHOD", want: "GET" },
  { variable: "REQUEST_URI", want: "/dir/file.php?a=1&b=x%20y" },
  { variable: "REQUEST_FILENAME", want: "/dir/file.php" },
  { variable: "REQUEST_BASENAME", want: "file.php" },
  { variable: "QUERY_STRING", want: "a=1&b=x%20y" },
  { variable: "REQUEST_LINE", want: "GET /dir/file.php?a=1&b=x%20y HTTP/1.1" },
  { variable: "REQUEST_PROTOCOL", want: "HTTP/1.1" },
  { variable: "REQUEST_HEADERS.user-agent", want: "Probe/1" },
  { variable: "REQUEST_COOKIES.b", want: "two" },
  { variable: "ARGS.b", want: "x y" },
  { variable: "ARGS_GET.a", want: "1" },
  { variable: "ARGS_NAMES.b", want: "b" },
  { variable: "ARGS_COMBINED_SIZE", want: "6" },
  { variable: "REMOTE_ADDR", want: "192.0.2.1" },
  { variable: "REMOTE_PORT", want: "40000" },
  { variable: "SERVER_NAME", want: "example.com" },
  { variable: "SERVER_PORT", want: "8443" },
  { variable: "UNIQUE_ID", want: "request-1" },
  { variable: "TIME_YEAR", want: "2026" },
  { variable: "TIME_MON", want: "0" },
  { variable: "TIME_DAY", want: "1" },
  { variable: "TIME_WDAY", want: "4" },
  { variable: "TIME_EPOCH", want: "1767225600" },
  { variable: "TIME", want: "00:00:00" },
  { variable: "REQBODY_PROCESSOR", want: "" },
  { variable: "REQBODY_ERROR", want: "0" },
  { variable: "MULTIPART_STRICT_ERROR", want: "0" },
  { variable: "HIGHEST_SEVERITY", want: "255" },
  { variable: "REQUEST_BODY_LENGTH", want: "0" },
  { variable: "ENV.PATH", want: "" },
  { variable: "RULE.id", want: "1" },
];

Deno.test("engine: variables of a request", async () => {
  for (const { variable, want } of VARIABLES) {
    const rules = `SecAction "id:1,phase:2,pass,nolog,setvar:'tx.out=%{${variable}}'"`;
    equal(await expandedTo(rules, "/dir/file.php?a=1&b=x%20y", HEAD), want, variable);
  }
});

const BODY = [
  { variable: "ARGS_POST.c", want: "3 4" },
  { variable: "ARGS.c", want: "3 4" },
  { variable: "ARGS_COMBINED_SIZE", want: "11" },
  { variable: "REQUEST_BODY", want: "c=3+4&d=" },
  { variable: "REQUEST_BODY_LENGTH", want: "8" },
  { variable: "REQBODY_PROCESSOR", want: "URLENCODED" },
];

Deno.test("engine: variables of a form", async () => {
  for (const { variable, want } of BODY) {
    const rules = `SecAction "id:1,phase:2,pass,nolog,setvar:'tx.out=%{${variable}}'"`;
    equal(await expandedTo(rules, "/?a=bcdef", { body: "c=3+4&d=" }), want, variable);
  }
});

const SETVARS = [
  { name: "a number", actions: "setvar:tx.out=5", want: "5" },
  { name: "a text", actions: "setvar:'tx.out=five six'", want: "five six" },
  { name: "no value is 1", actions: "setvar:tx.out", want: "1" },
  { name: "adding", actions: "setvar:tx.out=5,setvar:tx.out=+7", want: "12" },
  { name: "adding to nothing", actions: "setvar:tx.out=+7", want: "7" },
  { name: "subtracting", actions: "setvar:tx.out=5,setvar:tx.out=-7", want: "-2" },
  { name: "adding a variable", actions: "setvar:tx.a=3,setvar:tx.out=5,setvar:tx.out=+%{tx.a}", want: "8" },
  { name: "copying a variable", actions: "setvar:'tx.a=x y',setvar:tx.out=%{tx.a}", want: "x y" },
  { name: "removing", actions: "setvar:tx.out=5,setvar:!tx.out", want: "" },
  { name: "any letter case", actions: "setvar:TX.OUT=5,setvar:tx.Out=+1", want: "6" },
  { name: "a name put together", actions: "setvar:tx.a=ut,setvar:tx.o%{tx.a}=7", want: "7" },
  {
    name: "text with a number at its start counts as it",
    actions: "setvar:tx.out=5x,setvar:tx.out=+1",
    want: "6",
  },
  { name: "leading zeros stay", actions: "setvar:tx.out=007", want: "007" },
];

Deno.test("engine: what the proxy says of the protocol, and of a body that no header announces", async () => {
  const waf = await wafWith(`SecRule REQUEST_PROTOCOL "@streq HTTP/2" "id:1,phase:1,pass,log"
    SecRule REQUEST_BODY "@streq bad" "id:2,phase:2,deny"`);
  const metadata = { "http.protocol": "HTTP/2", "http.body": "1" };
  const message = waf.request("/", { method: "POST", metadata });
  const head = await waf.agent.onRequest(message);
  deepEqual([head.needsMore, head.audit.ruleIds], [true, ["1"]]);
  const { outcome } = await waf.agent.onRequestBody(message, "bad");
  equal(outcome.decision.type, "block");
});

Deno.test("engine: who takes the id of another request does not get at its state", async () => {
  const waf = await wafWith(`SecRequestBodyAccess On
    SecRule REQUEST_URI "@beginsWith /open" "id:1,phase:1,pass,nolog,ctl:ruleEngine=Off"
    SecRule REQUEST_BODY|ARGS "@contains evil" "id:2,phase:2,deny"`);
  const of = (serial: string, path: string) =>
    waf.request(path, { id: "same", method: "POST", metadata: { "http.body": "1", "http.serial": serial } });
  const victim = of("1", "/x");
  equal((await waf.agent.onRequest(victim)).needsMore, true);
  await waf.agent.onRequest(of("2", "/open"));
  const { outcome } = await waf.agent.onRequestBody(victim, "a=evil");
  equal(outcome.decision.type, "block");
});

Deno.test("engine: setvar", async () => {
  for (const { name, actions, want } of SETVARS) {
    equal(await expandedTo(`SecAction "id:1,phase:1,pass,nolog,${actions}"`, "/"), want, name);
  }
});

const FLOW = [
  { name: "deny", rules: 'SecAction "id:1,phase:1,deny"', want: "block 403" },
  { name: "drop", rules: 'SecAction "id:1,phase:1,drop"', want: "block 403" },
  {
    name: "a status that is none of a refusal",
    rules: 'SecAction "id:1,phase:1,deny,status:200"',
    want: "block 403",
  },
  {
    name: "redirect",
    rules: "SecAction \"id:1,phase:1,redirect:'https://a.example/%{ARGS.a}'\"",
    want: "redirect 302 https://a.example/1",
  },
  {
    name: "redirect to what is no address any more",
    rules: 'SecRule ARGS:a "@streq 1" "id:1,phase:1,redirect:\'https://a.example/ %{MATCHED_VAR}\'"',
    want: "block 403",
  },
  {
    name: "redirect for good",
    rules: 'SecAction "id:1,phase:1,redirect:/x,status:301"',
    want: "redirect 301 /x",
  },
  {
    name: "pass goes on",
    rules: 'SecAction "id:1,phase:1,pass"\nSecAction "id:2,phase:1,deny"',
    want: "block 403",
  },
  {
    name: "allow ends all",
    rules: 'SecAction "id:1,phase:1,allow"\nSecAction "id:2,phase:2,deny"',
    want: "allow",
  },
  {
    name: "allow:request ends all of the request",
    rules: 'SecAction "id:1,phase:1,allow:request"\nSecAction "id:2,phase:2,deny"',
    want: "allow",
  },
  {
    name: "allow:phase ends the phase",
    rules:
      'SecAction "id:1,phase:1,allow:phase"\nSecAction "id:2,phase:1,deny"\nSecAction "id:3,phase:2,deny,status:400"',
    want: "block 400",
  },
  {
    name: "skip jumps over rules",
    rules:
      'SecAction "id:1,phase:1,pass,skip:1"\nSecAction "id:2,phase:1,deny"\nSecAction "id:3,phase:1,deny,status:400"',
    want: "block 400",
  },
  {
    name: "skip does not count other phases",
    rules:
      'SecAction "id:1,phase:1,pass,skip:1"\nSecAction "id:4,phase:2,pass"\nSecAction "id:2,phase:1,deny"\nSecAction "id:3,phase:1,deny,status:400"',
    want: "block 400",
  },
  {
    name: "skipAfter",
    rules:
      'SecAction "id:1,phase:1,pass,skipAfter:END"\nSecAction "id:2,phase:1,deny"\nSecMarker END\nSecAction "id:3,phase:1,deny,status:400"',
    want: "block 400",
  },
  {
    name: "skipAfter holds for its phase",
    rules: 'SecAction "id:1,phase:1,pass,skipAfter:END"\nSecAction "id:2,phase:2,deny"\nSecMarker END',
    want: "block 403",
  },
  {
    name: "phases come in their order",
    rules: 'SecAction "id:1,phase:2,deny,status:400"\nSecAction "id:2,phase:1,deny"',
    want: "block 403",
  },
  {
    name: "detection only",
    rules: 'SecRuleEngine DetectionOnly\nSecAction "id:1,phase:1,deny"',
    want: "allow",
  },
  { name: "off", rules: 'SecRuleEngine Off\nSecAction "id:1,phase:1,deny"', want: "allow" },
  {
    name: "a chain that matches",
    rules: 'SecRule ARGS:a "@streq 1" "id:1,phase:2,deny,chain"\nSecRule REQUEST_METHOD "@streq GET"',
    want: "block 403",
  },
  {
    name: "a chain that does not",
    rules: 'SecRule ARGS:a "@streq 1" "id:1,phase:2,deny,chain"\nSecRule REQUEST_METHOD "@streq POST"',
    want: "allow",
  },
  {
    name: "a negated operator",
    rules: 'SecRule REQUEST_METHOD "!@streq POST" "id:1,phase:1,deny"',
    want: "block 403",
  },
  {
    name: "a negated pattern",
    rules: 'SecRule REQUEST_METHOD "!@rx ^(?:POST|PUT)$" "id:1,phase:1,deny"',
    want: "block 403",
  },
  {
    name: "a negated pattern over nothing",
    rules: 'SecRule ARGS:none "!@rx a" "id:1,phase:2,deny"',
    want: "allow",
  },
  {
    name: "a negated list of phrases",
    rules: 'SecRule REQUEST_METHOD "!@pm POST PUT" "id:1,phase:1,deny"',
    want: "block 403",
  },
  { name: "exclusion", rules: 'SecRule ARGS|!ARGS:a "@streq 1" "id:1,phase:2,deny"', want: "allow" },
  {
    name: "exclusion by pattern",
    rules: 'SecRule ARGS|!ARGS:/^A/ "@streq 1" "id:1,phase:2,deny"',
    want: "allow",
  },
];

Deno.test("engine: what rules do to a request", async () => {
  for (const { name, rules, want } of FLOW) {
    equal((await (await wafWith(rules)).judge("/?a=1")).decision, want, name);
  }
});

const CONTROLS = [
  { name: "no control", ctl: "", want: "block 403" },
  { name: "ruleEngine", ctl: "ctl:ruleEngine=Off", want: "allow" },
  { name: "ruleEngine, detection only", ctl: "ctl:ruleEngine=DetectionOnly", want: "allow" },
  { name: "ruleRemoveById", ctl: "ctl:ruleRemoveById=2", want: "allow" },
  { name: "ruleRemoveById, a range", ctl: "ctl:ruleRemoveById=2-5", want: "allow" },
  { name: "ruleRemoveById, another", ctl: "ctl:ruleRemoveById=3", want: "block 403" },
  { name: "ruleRemoveByTag", ctl: "ctl:ruleRemoveByTag=attack", want: "allow" },
  { name: "ruleRemoveByMsg", ctl: "ctl:ruleRemoveByMsg=Bad", want: "allow" },
  { name: "ruleRemoveTargetById", ctl: "ctl:ruleRemoveTargetById=2;ARGS:a", want: "allow" },
  { name: "ruleRemoveTargetById, all of it", ctl: "ctl:ruleRemoveTargetById=2;ARGS", want: "allow" },
  { name: "ruleRemoveTargetById, another", ctl: "ctl:ruleRemoveTargetById=2;ARGS:b", want: "block 403" },
  { name: "ruleRemoveTargetById, by pattern", ctl: "ctl:ruleRemoveTargetById=2;ARGS:/^A$/", want: "allow" },
  { name: "ruleRemoveTargetByTag", ctl: "ctl:ruleRemoveTargetByTag=attack;ARGS:a", want: "allow" },
  { name: "ruleRemoveTargetByMsg", ctl: "ctl:ruleRemoveTargetByMsg=Bad;ARGS:a", want: "allow" },
];

Deno.test("engine: ctl", async () => {
  for (const { name, ctl, want } of CONTROLS) {
    const waf = await wafWith(
      `SecRule REQUEST_METHOD "@streq GET" "id:1,phase:1,pass,nolog${ctl === "" ? "" : `,${ctl}`}"
      SecRule ARGS "@streq 1" "id:2,phase:2,deny,tag:attack,msg:Bad"`,
    );
    equal((await waf.judge("/?a=1")).decision, want, name);
    // The next transaction begins anew.
    equal((await waf.judge("/?a=1", { method: "PUT" })).decision, "block 403", `${name}, afterwards`);
  }
});

Deno.test("engine: captures fill TX, and those without a part in the match are gone", async () => {
  const rules = `SecAction "id:1,phase:2,pass,nolog,setvar:tx.2=old"
    SecRule ARGS:a "@rx ^(b+)(c)?(d)$" "id:2,phase:2,pass,nolog,capture,setvar:'tx.out=%{tx.0}|%{tx.1}|%{tx.2}|%{tx.3}'"`;
  equal(await expandedTo(rules, "/?a=bbd"), "bbd|bb||d");
  const phrases = `SecRule ARGS:a "@pm one two" "id:2,phase:2,pass,nolog,capture,setvar:'tx.out=%{tx.0}'"`;
  equal(await expandedTo(phrases, "/?a=xTWOx"), "TWO");
});

Deno.test("engine: long values are shown around what was captured, and captures for logs have a budget", async () => {
  const waf = await wafWith(
    `SecRequestBodyLimit 4000000
    SecRule ARGS_POST "@rx (?:needle|pin)x{1,500}" "id:1,phase:2,pass,log,capture,logdata:'%{TX.0}'"
    SecRule ARGS_POST "@rx (needle)" "id:2,phase:2,pass,nolog,capture,setvar:tx.read=%{tx.1}"
    SecRule TX:read "@rx ." "id:3,phase:2,pass,log"`,
  );
  const shown = async (before: number) => {
    const { matches } = await waf.judge("/", { body: `a=${"y".repeat(before)}needlex` });
    equal(matches.find(({ id }) => id === 3)!.value, "needle");
    return matches.find(({ id }) => id === 1)!;
  };
  const short = await shown(1000);
  equal(short.data, "needlex");
  equal(short.value, `${"y".repeat(64)}needlex`);
  const long = await shown(100_000);
  equal(long.data, "y".repeat(512));
});

Deno.test("engine: variables are set once for each value that matches", async () => {
  const rules = 'SecRule ARGS "@rx ^b" "id:1,phase:2,pass,nolog,setvar:tx.out=+5"';
  equal(await expandedTo(rules, "/?a=b1&b=b2&c=x&d=b3"), "15");
});

Deno.test("engine: a chain knows what its links have matched", async () => {
  const rules = `SecRule ARGS "@rx ^b" "id:1,phase:2,pass,nolog,chain,setvar:'tx.first=%{MATCHED_VAR_NAME}'"
    SecRule MATCHED_VARS "@rx 2$" "setvar:'tx.out=%{tx.first} %{MATCHED_VAR} %{MATCHED_VAR_NAME}'"`;
  equal(await expandedTo(rules, "/?a=b1&b=b2"), "ARGS:b b2 MATCHED_VARS:ARGS:b");
});

Deno.test("engine: multiMatch looks at every step", async () => {
  const rule = (more: string) => `SecRule ARGS "@streq BAD" "id:1,phase:2,deny,t:none,t:lowercase${more}"`;
  equal((await (await wafWith(rule(""))).judge("/?a=BAD")).decision, "allow");
  equal((await (await wafWith(rule(",multiMatch"))).judge("/?a=BAD")).decision, "block 403");
});

Deno.test("engine: TX variables by pattern, with and without a slot", async () => {
  const rules =
    `SecRule ARGS "@rx ." "id:1,phase:2,pass,nolog,setvar:'tx.seen_%{MATCHED_VAR_NAME}=%{MATCHED_VAR}'"
    SecAction "id:2,phase:2,pass,nolog,setvar:tx.seen_x=bad"
    SecRule TX:/^seen_/ "@streq bad" "id:3,phase:2,pass,nolog,setvar:'tx.out=%{tx.out}%{MATCHED_VAR_NAME} '"`;
  equal(await expandedTo(rules, "/?a=bad&b=good"), "TX:seen_x TX:seen_ARGS:a ");
});

Deno.test("engine: a match is listed with all that is known about it", async () => {
  const waf = await wafWith(
    `SecRule ARGS "@rx bad" "id:7,phase:2,deny,severity:CRITICAL,tag:one,tag:two,msg:'Bad in %{MATCHED_VAR_NAME}',logdata:'%{MATCHED_VAR}',setvar:tx.anomaly_score=+5"`,
  );
  const { matches, facts, outcome } = await waf.judge("/?q=so+bad");
  deepEqual(matches, [{
    id: 7,
    phase: 2,
    msg: "Bad in ARGS:q",
    severity: 2,
    tags: ["one", "two"],
    var: "ARGS:q",
    value: "so bad",
    data: "so bad",
    score: 5,
    file: "test.conf",
    line: 1,
  }]);
  deepEqual(outcome.audit.ruleIds, ["7"]);
  deepEqual(outcome.audit.tags, ["one", "two"]);
  deepEqual(outcome.audit.reasonCodes, ["WAF_BLOCKED"]);
  equal(facts["waf.score.inbound"], "5");
  equal(facts["waf.verdict"], "block");
  equal(facts["waf.rule"], "7");
});

Deno.test("engine: values that are not to be shown are not", async () => {
  const rules = `SecRule ARGS|REQUEST_COOKIES "@rx bad" "id:1,phase:2,pass,log,logdata:'%{MATCHED_VAR}'"`;
  const waf = await wafWith(rules, { config: { redact: ["ARGS:pin", "REQUEST_COOKIES"] } });
  const shown = async (target: string, cookie: string) =>
    (await waf.judge(target, { headers: { Cookie: cookie } })).matches[0]!;
  equal((await shown("/?pin=bad", "")).value, "[redacted]");
  equal((await shown("/?pin=bad", "")).data, "[redacted]");
  equal((await shown("/?pins=bad", "")).value, "bad");
  equal((await shown("/", "a=bad")).value, "[redacted]");
});

const PIN = { redact: ["ARGS:pin"] };
const SAYS =
  "log,msg:'m %{MATCHED_VAR}',logdata:'%{TX.0} in %{MATCHED_VAR_NAME}: %{MATCHED_VAR}',tag:'t/%{MATCHED_VAR}',tag:'fixed'";

const REDACTIONS: readonly {
  readonly name: string;
  readonly rules: string;
  readonly target?: string;
  readonly parts?: Parameters<Waf["judge"]>[1];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly want: Readonly<Record<string, unknown>>;
}[] = [
  {
    name: "what a rule says of it",
    rules: `SecRule ARGS "@rx bad(\\w+)" "id:1,phase:2,pass,capture,${SAYS}"`,
    want: {
      value: "[redacted]",
      msg: "m [redacted]",
      data: "[redacted] in ARGS:pin: [redacted]",
      tags: ["t/[redacted]", "fixed"],
    },
  },
  {
    name: "nothing of others",
    rules: `SecRule ARGS "@rx bad(\\w+)" "id:1,phase:2,pass,capture,${SAYS}"`,
    target: "/?pins=badnews",
    want: {
      value: "badnews",
      msg: "m badnews",
      data: "badnews in ARGS:pins: badnews",
      tags: ["t/badnews", "fixed"],
    },
  },
  {
    name: "its other names",
    rules: `SecRule ARGS_GET "@rx bad" "id:1,phase:2,pass,log,msg:'%{MATCHED_VAR}'"`,
    want: { var: "ARGS_GET:pin", value: "[redacted]", msg: "[redacted]" },
  },
  {
    name: "a macro that names it",
    rules:
      `SecRule REQUEST_METHOD "@streq GET" "id:1,phase:2,pass,log,msg:'%{ARGS.pin} %{ARGS_GET.pin} %{ARGS.a}'"`,
    target: "/?pin=badnews&a=b",
    want: { value: "GET", msg: "[redacted] [redacted] b" },
  },
  {
    name: "what a chain has taken of it",
    rules: 'SecRule ARGS:pin "@rx bad(.*)" "id:1,phase:2,pass,capture,log,msg:\'%{TX.1} %{tx.n} %{tx.s}\',' +
      'setvar:tx.n=5,setvar:\'tx.s=%{MATCHED_VAR}\',chain"\nSecRule TX:1 "@streq news" ""',
    want: { var: "TX:1", value: "[redacted]", msg: "[redacted] 5 [redacted]" },
  },
  {
    name: "MATCHED_VARS",
    rules: 'SecRule ARGS:pin "@rx bad" "id:1,phase:2,pass,log,chain"\nSecRule MATCHED_VARS "@rx news" ""',
    want: { var: "MATCHED_VARS:ARGS:pin", value: "[redacted]" },
  },
  {
    name: "what an earlier rule has left",
    rules: 'SecRule ARGS:pin "@rx bad(.*)" "id:2,phase:2,pass,capture,nolog"\n' +
      `SecAction "id:1,phase:2,pass,log,msg:'%{TX.1} %{MATCHED_VAR} %{REQUEST_METHOD}'"`,
    want: { msg: "[redacted] [redacted] GET" },
  },
  {
    name: "in a query",
    rules: `SecRule REQUEST_URI "@rx bad" "id:1,phase:2,pass,log,logdata:'%{MATCHED_VAR}'"`,
    target: "/a?b=1&PIN=badnews&spin=2&pin=x#y",
    want: {
      value: "/a?b=1&PIN=[redacted]&spin=2&pin=[redacted]#y",
      data: "/a?b=1&PIN=[redacted]&spin=2&pin=[redacted]#y",
    },
  },
  {
    name: "in a long text, of which what is around the match is shown",
    rules: `SecRule REQUEST_URI "@rx evil" "id:1,phase:2,pass,capture,log"`,
    target: `/?${"x".repeat(600)}&pin=${"9".repeat(100)}evil`,
    want: { value: "pin=[redacted]" },
  },
  {
    name: "in JSON",
    rules: `SecRule REQUEST_BODY "@rx bad" "id:1,phase:2,pass,log,ctl:forceRequestBodyVariable=On"`,
    target: "/",
    parts: {
      headers: { "Content-Type": "text/plain" },
      body: '{"a":"bad","pin" : "1\\"2","b":3}',
    },
    want: { value: '{"a":"bad","pin" : [redacted],"b":3}' },
  },
  {
    name: "cookies with their header",
    rules: `SecRule REQUEST_HEADERS:Cookie "@rx bad" "id:1,phase:2,pass,log"`,
    parts: { headers: { Cookie: "sid=bad" } },
    config: { redact: ["REQUEST_COOKIES:sid"] },
    want: { value: "[redacted]" },
  },
  {
    name: "cookies by default",
    rules: `SecRule REQUEST_COOKIES "@rx bad" "id:1,phase:2,pass,log"`,
    parts: { headers: { Cookie: "sid=bad" } },
    config: {},
    want: { value: "[redacted]" },
  },
  {
    name: "the tag of the match, not of a later one",
    rules: `SecRule ARGS:a "@rx b" "id:1,phase:2,pass,log,tag:'t/%{MATCHED_VAR}'"\n` +
      `SecRule ARGS:c "@rx d" "id:2,phase:2,pass,log"`,
    target: "/?a=b&c=d",
    want: { tags: ["t/b"] },
  },
];

Deno.test("engine: values that are not to be shown are in no other text of a match", async () => {
  for (const { name, rules, target = "/?pin=badnews", parts, config = PIN, want } of REDACTIONS) {
    const { matches } = await (await wafWith(rules, { config })).judge(target, parts);
    const found = matches.find(({ id }) => id === 1) as Readonly<Record<string, unknown>> | undefined;
    ok(found !== undefined, name);
    deepEqual(Object.fromEntries(Object.keys(want).map((key) => [key, found[key]])), want, name);
  }
});

Deno.test("engine: nolog keeps a match out of the log, and the option trace brings it back", async () => {
  const rules = 'SecRule ARGS "@rx bad" "id:1,phase:2,pass,nolog"';
  deepEqual((await (await wafWith(rules)).judge("/?a=bad")).ids, []);
  deepEqual((await (await wafWith(rules, { config: { trace: true } })).judge("/?a=bad")).ids, [1]);
});

Deno.test("engine: bytes that are no text are shown in the log", async () => {
  const waf = await wafWith(`SecRule ARGS "@rx bad" "id:1,phase:2,pass,log,logdata:'%{MATCHED_VAR}'"`);
  equal((await waf.judge("/?a=bad%00%ff%22%c3%a9%e2%82")).matches[0]!.data, 'bad\0\u00ff"é\u00e2\u0082');
});

Deno.test("engine: a body in pieces gets the verdict of the whole", async () => {
  const waf = await wafWith(
    'SecRule ARGS_POST:b "@streq bad" "id:1,phase:2,deny"\nSecRule ARGS_GET:a "@streq 1" "id:2,phase:1,pass,nolog,setvar:tx.a=seen"\nSecRule TX:a "@streq seen" "id:3,phase:2,pass,log"',
  );
  const body = "a=1&b=bad&c=3";
  for (let size = 1; size <= body.length; size++) {
    const headers = {
      "Content-Type": "application/x-www-form-urlencoded",
      "Content-Length": String(body.length),
    };
    const message = waf.request("/?a=1", { method: "POST", headers });
    equal((await waf.agent.onRequest(message)).needsMore, true);
    let last;
    for (let index = 0; index * size < body.length; index++) {
      const isLast = (index + 1) * size >= body.length;
      const piece = body.slice(index * size, (index + 1) * size);
      last = await waf.agent.onRequestBody(message, piece, { index, last: isLast });
      equal(last.outcome.needsMore, !isLast);
    }
    equal(last!.outcome.decision.type, "block", `pieces of ${size}`);
    deepEqual(last!.outcome.audit.ruleIds, ["1"], `pieces of ${size}`);
    await waf.agent.onRequestComplete(message);
  }
});

const LIMITS = [
  { action: "Reject", length: 20, want: "block 403" },
  { action: "Reject", length: 21, want: "block 413" },
  { action: "ProcessPartial", length: 21, want: "block 403" },
  { action: "ProcessPartial", length: 21, late: true, want: "allow" },
];

Deno.test("engine: bodies over the limit", async () => {
  for (const { action, length, late = false, want } of LIMITS) {
    const waf = await wafWith(
      `SecRequestBodyLimit 20\nSecRequestBodyLimitAction ${action}\nSecRule ARGS_POST "@rx bad" "id:1,phase:2,deny"`,
    );
    const body = late ? `a=${"x".repeat(length - 5)}bad` : `a=bad${"x".repeat(length - 5)}`;
    equal((await waf.judge("/", { body })).decision, want, `${action} ${length} ${late}`);
  }
  const detecting = await wafWith(
    'SecRuleEngine DetectionOnly\nSecRequestBodyLimit 20\nSecRule ARGS_POST "@rx bad" "id:1,phase:2,deny"',
  );
  equal((await detecting.judge("/", { body: `a=bad${"x".repeat(30)}` })).facts["waf.verdict"], "detected");
});

Deno.test("engine: a body that there is no room to keep, or whose start is lost, does not go by unseen", async () => {
  const rules = 'SecRequestBodyLimit 1000000\nSecRule ARGS_POST "@rx bad" "id:1,phase:2,deny"';
  const waf = await wafWith(rules, { config: { "state-bytes": 65536 } });
  const headers = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": "200000" };
  const message = waf.request("/", { method: "POST", headers });
  await waf.agent.onRequest(message);
  const big = await waf.agent.onRequestBody(message, `a=${"x".repeat(100_000)}`, { last: false });
  deepEqual(big.outcome.decision, { type: "block", value: { status: 413, body: undefined, headers: [] } });
  const other = waf.request("/", { method: "POST", headers });
  await waf.agent.onRequest(other);
  await waf.agent.onRequestComplete(other);
  const late = await waf.agent.onRequestBody(other, "rest", { index: 3, last: true });
  equal(late.outcome.decision.type, "block");
  const detecting = await wafWith(`${rules}\nSecRuleEngine DetectionOnly`, {
    config: { "state-bytes": 65536 },
  });
  const third = detecting.request("/", { method: "POST", headers });
  await detecting.agent.onRequest(third);
  const seen = await detecting.agent.onRequestBody(third, `a=bad${"x".repeat(100_000)}`, { last: false });
  deepEqual(seen.outcome.audit.ruleIds, ["1"]);
});

Deno.test("engine: cookies beyond the limit are looked at together", async () => {
  const waf = await wafWith('SecRule REQUEST_COOKIES "@contains evil" "id:1,phase:2,deny"');
  const cookies = (last: string) => ({ headers: { "Cookie": "a;".repeat(1500) + last } });
  equal((await waf.judge("/", cookies("x=evil"))).decision, "block 403");
  equal((await waf.judge("/", cookies("x=fine"))).decision, "allow");
});

Deno.test("engine: headers of parts beyond the limit are an error of the body", async () => {
  const waf = await wafWith('SecRule REQBODY_ERROR "@eq 1" "id:1,phase:2,deny"');
  const part = '--b\r\nContent-Disposition: form-data; name="a"\r\n' + "X: y\r\n".repeat(30) + "\r\nv\r\n";
  const form = (parts: number) => ({
    headers: { "Content-Type": "multipart/form-data; boundary=b" },
    body: part.repeat(parts) + "--b--\r\n",
  });
  equal((await waf.judge("/", form(100))).decision, "allow");
  equal((await waf.judge("/", form(140))).decision, "block 403");
});

Deno.test("engine: arguments beyond the limit are looked at together", async () => {
  const waf = await wafWith(
    'SecArgumentsLimit 3\nSecRule ARGS "@rx bad" "id:1,phase:2,deny"\nSecRule &ARGS "@gt 4" "id:2,phase:2,deny,status:500"',
  );
  equal((await waf.judge("/?a=1&b=2&c=3&d=4&e=bad")).decision, "block 403");
  equal((await waf.judge("/?a=1&b=2&c=3&d=4&e=5&f=6")).decision, "allow");
});

Deno.test("engine: responses, with what the request has left behind", async () => {
  const waf = await wafWith(`SecResponseBodyAccess On
    SecAction "id:1,phase:1,pass,nolog,setvar:'tx.word=%{ARGS.a}',setvar:tx.n_%{ARGS.a}=5"
    SecRule RESPONSE_STATUS "@streq 500" "id:2,phase:3,deny,status:502"
    SecRule RESPONSE_HEADERS:Server "@contains %{tx.word}" "id:3,phase:3,deny,status:503"
    SecRule RESPONSE_BODY "@contains secret" "id:4,phase:4,deny,status:504,chain"
    SecRule TX:n_a "@eq 5"`);
  const judged = async (status: number, headers: Record<string, string>, body?: string) => {
    const message = waf.request("/?a=a");
    await waf.agent.onRequest(message);
    const verdict = await waf.judgeResponse(message, response(status, headers), body);
    await waf.agent.onRequestComplete(message);
    return verdict.decision;
  };
  const html = { "Content-Type": "text/html; charset=utf-8" };
  equal(await judged(200, html), "more");
  equal(await judged(500, html), "block 502");
  equal(await judged(200, { Server: "apache" }), "block 503");
  equal(await judged(200, html, "a secret"), "block 504");
  equal(await judged(200, html, "nothing"), "allow");
  equal(await judged(200, { "Content-Type": "image/png" }, "a secret"), "allow");
});

Deno.test("engine: collections last from request to request, and end", async () => {
  const waf = await wafWith(`SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
    SecRule ARGS:a "@rx ." "id:2,phase:1,pass,nolog,setvar:ip.count=+1,expirevar:ip.count=60"
    SecRule IP:count "@gt 2" "id:3,phase:1,deny,status:429"
    SecAction "id:4,phase:5,pass,nolog"`);
  const judged = async (clientAddress: string) => {
    const message = waf.request("/?a=1", { clientAddress });
    const { decision } = await waf.agent.onRequest(message);
    await waf.agent.onRequestComplete(message);
    return decision.type;
  };
  deepEqual([await judged("192.0.2.1"), await judged("192.0.2.1")], ["allow", "allow"]);
  equal(await judged("192.0.2.2"), "allow");
  equal(await judged("192.0.2.1"), "block");
  waf.host.wallMs += 61_000;
  equal(await judged("192.0.2.1"), "allow");
});

const EXCLUSIONS = [
  { exclusion: { ids: "1" }, target: "/a/b?q=bad", want: "allow" },
  { exclusion: { ids: "2-9" }, target: "/a/b?q=bad", want: "block 403" },
  { exclusion: { tags: "attack" }, target: "/a/b?q=bad", want: "allow" },
  { exclusion: { ids: "1", path: "/a" }, target: "/a/b?q=bad", want: "allow" },
  { exclusion: { ids: "1", path: "/a" }, target: "/ab?q=bad", want: "block 403" },
  { exclusion: { ids: "1", path: "/a*" }, target: "/ab?q=bad", want: "allow" },
  { exclusion: { ids: "1", host: "Example.com" }, target: "/?q=bad", want: "allow" },
  { exclusion: { ids: "1", host: "other.example" }, target: "/?q=bad", want: "block 403" },
  { exclusion: { ids: "1", targets: "ARGS:q" }, target: "/?q=bad", want: "allow" },
  { exclusion: { ids: "1", targets: "ARGS:q", path: "/x" }, target: "/?q=bad", want: "block 403" },
];

Deno.test("engine: exclusions of the operator", async () => {
  for (const { exclusion, target, want } of EXCLUSIONS) {
    const waf = await wafWith('SecRule ARGS "@streq bad" "id:1,phase:2,deny,tag:attack"', {
      config: { exclusions: [exclusion] },
    });
    equal((await waf.judge(target)).decision, want, JSON.stringify(exclusion));
  }
});

/** The gate of the Core Rule Set in small. */
const GATED =
  `SecRule &TX:level "@eq 0" "id:1,phase:1,pass,nolog,tag:crs,setvar:tx.level=%{tx.blocking_paranoia_level}"
  SecRule TX:level "@lt 2" "id:2,phase:2,pass,nolog,tag:crs,skipAfter:END"
  SecRule ARGS "@rx bad" "id:3,phase:2,deny,tag:crs"
  SecMarker END`;

Deno.test("engine: options set the level, and have the last word", async () => {
  const judged = async (level: number, before: string) =>
    (await (await wafWith(`${before}\n${GATED}`, { config: { "paranoia-level": level } })).judge("/?a=bad"))
      .decision;
  equal(await judged(1, ""), "allow");
  equal(await judged(2, ""), "block 403");
  equal(
    await judged(2, 'SecAction "id:9,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=1"'),
    "block 403",
  );
  // What a request can change is not concluded from.
  equal(await judged(1, 'SecRule ARGS:a "@rx ." "id:9,phase:1,pass,nolog,setvar:tx.level=2"'), "block 403");
  equal(
    await judged(1, 'SecRule ARGS:a "@rx ." "id:9,phase:1,pass,nolog,ctl:ruleRemoveById=2"'),
    "block 403",
  );
  equal(
    await judged(1, 'SecRule ARGS:a "@rx ." "id:9,phase:1,pass,nolog,ctl:ruleRemoveById=1"'),
    "block 403",
  );
  equal(await judged(2, 'SecRule ARGS:a "@rx ." "id:9,phase:1,pass,nolog,ctl:ruleRemoveByTag=crs"'), "allow");
});

Deno.test("engine: a transaction whose state is lost is begun anew", async () => {
  const waf = await wafWith(
    'SecRule ARGS_GET:a "@streq 1" "id:1,phase:1,pass,nolog,setvar:tx.a=1"\nSecRule TX:a "@eq 1" "id:2,phase:3,deny,status:502"',
  );
  const message = waf.request("/?a=1");
  equal((await waf.judgeResponse(message, response(200))).decision, "block 502");
});

Deno.test("engine: requests leave nothing behind in memory", async () => {
  const waf = await wafWith(
    `SecRule ARGS "@rx (b)ad" "id:1,phase:2,pass,log,capture,setvar:'tx.a_%{MATCHED_VAR}=%{tx.0}',msg:'%{tx.1}'"
    SecRule ARGS "@pm bad" "id:2,phase:2,pass,log,capture"
    SecRule TX:a_bad "@streq bad" "id:3,phase:3,deny"`,
  );
  const run = async () => {
    for (let round = 0; round < 300; round++) {
      const message = waf.request("/?a=bad", { method: "POST", headers: { "Content-Length": "5" } });
      await waf.agent.onRequest(message);
      await waf.agent.onRequestBody(message, "b=bad");
      await waf.agent.onResponse(message, response(200));
      if (round % 2 === 0) await waf.agent.onRequestComplete(message);
    }
    return waf.agent.memoryBytes;
  };
  const before = await run();
  for (let more = 0; more < 5; more++) equal(await run(), before);
  ok(before < 64 << 20);
  match(String(before), /^\d+$/);
});
