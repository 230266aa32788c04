import { deepEqual, equal } from "node:assert/strict";
import { type Waf, wafWith } from "../testing/waf_agent.ts";

/** Rule 9999 lets a test look at a variable: its message is `TX:out`. */
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
