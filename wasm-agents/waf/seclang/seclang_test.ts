import { deepEqual, equal, match, ok } from "node:assert/strict";
import { problemsOf, wafWith } from "../testing/waf_agent.ts";

Deno.test("seclang: what is wrong is said with file, line and a hint, all at once", async () => {
  const problems = await problemsOf(`
SecRuleEngin On
SecRule ARGZ "@rx a" "id:1,phase:2,deny"
SecRule ARGS "@rx (a" "id:2,phase:2,deny"
SecRule ARGS "@nope a" "id:3,phase:2,deny"
SecRule ARGS "@rx a" "id:4,phase:2,denny"
SecRule ARGS "@rx a" "phase:2,deny"
SecRule ARGS "@rx a" "id:5,phase:9,t:nope"
SecRule ARGS "@rx a" "id:5,phase:2,setvar:nowhere.a=1,ctl:ruleRemoveByIdd=1"
SecRule ARGS "@rx a
SecRule ARGS "@pmFromFile missing.data" "id:6,phase:2,severity:LOUD"
`);
  const wanted = [
    /^test\.conf:2: there is no directive "SecRuleEngin"; did you mean "SecRuleEngine"\?$/,
    /^test\.conf:3: there is no variable ARGZ; did you mean "ARGS"\?$/,
    /^test\.conf:6: there is no action "denny"; did you mean "deny"\?$/,
    /^test\.conf:7: a rule needs an id/,
    /^test\.conf:8: a phase is from 1 to 5/,
    /^test\.conf:8: there is no transformation "nope"/,
    /^test\.conf:9: "setvar" is written/,
    /^test\.conf:9: there is no ctl option "ruleRemoveByIdd"; did you mean "ruleRemoveById"\?$/,
    /^test\.conf:10: a quotation mark is not closed$/,
    /^test\.conf:11: a severity is from 0 to 7/,
    /^test\.conf:9: the id 5 is taken by the rule at test\.conf:8$/,
    /^test\.conf:4: the pattern cannot be used: /,
    /^test\.conf:5: there is no operator "@nope"/,
    /^test\.conf:11: there is no file "missing\.data"$/,
  ];
  equal(problems.length, wanted.length, problems.join("\n"));
  for (const each of wanted) {
    ok(problems.some((problem) => each.test(problem)), `${each}\n${problems.join("\n")}`);
  }
});

const REFUSED = [
  { rules: 'SecRule ARGS "@rx a" "id:1,chain"', want: /1: the chain has no end/ },
  {
    rules: 'SecRule ARGS "@rx a" "id:1,chain"\nSecMarker X',
    want: /1: the chain has no end: another directive/,
  },
  { rules: 'SecRule ARGS "@rx a" "id:1,chain"\nSecRule ARGS "@rx b" "deny"', want: /2: only the first rule/ },
  { rules: 'SecRule XML://user/name "@rx a" "id:1"', want: /1: XML:\/\/user\/name: paths other than/ },
  { rules: 'SecRule REQUEST_URI:a "@rx a" "id:1"', want: /1: REQUEST_URI has one value/ },
  { rules: 'SecRule ARGS "@rx %{TX.a}%{TX.b}" "id:1"', want: /1: a pattern can have one/ },
  { rules: 'SecRule ARGS "@rx a" "id:1,exec:/bin/x"', want: /1: the action "exec" is not supported/ },
  { rules: 'SecRule ARGS "@rx a" "id:1,msg:\'%{NOPE}\'"', want: /1: %\{NOPE\}: there is no variable NOPE/ },
  { rules: "SecRuleScript a.lua", want: /1: SecRuleScript is not supported/ },
  { rules: "SecRequestBodyLimit many", want: /1: SecRequestBodyLimit takes a whole number/ },
  { rules: "SecRequestBodyAccess Maybe", want: /1: SecRequestBodyAccess cannot be "Maybe"/ },
  { rules: "Include nowhere/*.conf", want: /1: no file is named nowhere/ },
  { rules: "<Location /a>", want: /1: containers other than/ },
  { rules: 'SecRule ARGS:/(/ "@rx a" "id:1"', want: /1: the pattern \/\(\/ cannot be used/ },
  { rules: 'SecRule ARGS "@rx a" "id:1,redirect:x,status:99"', want: /1: a status is from 100 to 599/ },
];

Deno.test("seclang: refuses what it cannot do", async () => {
  for (const { rules, want } of REFUSED) {
    const problems = await problemsOf(rules);
    ok(problems.length > 0, `"${rules}" loads`);
    match(problems[0]!, want);
  }
});

const ACCEPTED = [
  "SecAuditEngine RelevantOnly",
  "SecAuditLogParts ABIJDEFHZ",
  "SecDebugLogLevel 0",
  "SecTmpDir /tmp/",
  "SecUnicodeMapFile missing.mapping 20127",
  "SecPcreMatchLimit 1000",
];

Deno.test("seclang: directives without an effect are named", async () => {
  const waf = await wafWith(ACCEPTED.join("\n"));
  deepEqual(waf.warnings.length, ACCEPTED.length);
  match(waf.warnings[0]!, /^test\.conf:1 SecAuditEngine has no effect here: the proxy has logs of its own$/);
  match(waf.warnings[3]!, /^test\.conf:4 SecTmpDir has no effect here$/);
});

const READ = [
  { name: "a plain rule", rules: 'SecRule ARGS "@streq bad" "id:1,phase:2,deny"', target: "/?a=bad" },
  {
    name: "lines joined",
    rules: 'SecRule ARGS \\\n  "@streq bad" \\\n  "id:1,\\\n  phase:2,deny"',
    target: "/?a=bad",
  },
  {
    name: "a comment within joined lines",
    rules: 'SecRule ARGS "@streq bad" \\\n# a word\n"id:1,phase:2,deny"',
    target: "/?a=bad",
  },
  { name: "no operator name means rx", rules: 'SecRule ARGS "^b.d$" "id:1,phase:2,deny"', target: "/?a=bad" },
  {
    name: "single quotation marks",
    rules: "SecRule ARGS '@streq bad' 'id:1,phase:2,deny'",
    target: "/?a=bad",
  },
  {
    name: "quotation marks inside",
    rules: 'SecRule ARGS "@rx say \\"it\\"" "id:1,phase:2,deny"',
    target: "/?a=say%20%22it%22",
  },
  { name: "backslashes stay", rules: 'SecRule ARGS "@rx ^a\\\\b$" "id:1,phase:2,deny"', target: "/?a=a%5Cb" },
  {
    name: "words in any letter case",
    rules: 'secrule args "@STREQ bad" "ID:1,PHASE:2,DENY"',
    target: "/?a=bad",
  },
  {
    name: "no actions but defaults",
    rules: 'SecDefaultAction "phase:2,deny"\nSecRule ARGS "@streq bad" "id:1"',
    target: "/?a=bad",
  },
  {
    name: "block does what the defaults say",
    rules: 'SecDefaultAction "phase:2,deny,status:406"\nSecRule ARGS "@streq bad" "id:1,block"',
    target: "/?a=bad",
    want: "block 406",
  },
  {
    name: "transformations of the defaults",
    rules: 'SecDefaultAction "phase:2,pass,t:lowercase"\nSecRule ARGS "@streq bad" "id:1,deny"',
    target: "/?a=BAD",
  },
  {
    name: "t:none forgets them",
    rules: 'SecDefaultAction "phase:2,pass,t:lowercase"\nSecRule ARGS "@streq BAD" "id:1,t:none,deny"',
    target: "/?a=BAD",
  },
  { name: "a selector", rules: 'SecRule ARGS:b "@streq bad" "id:1,phase:2,deny"', target: "/?b=bad" },
  {
    name: "a selector with a pattern and a bar in it",
    rules: 'SecRule ARGS:/^(x|b)$/ "@streq bad" "id:1,phase:2,deny"',
    target: "/?B=bad",
  },
  {
    name: "a quoted selector",
    rules: 'SecRule "ARGS:\'/^(x|b)$/\'" "@streq bad" "id:1,phase:2,deny"',
    target: "/?b=bad",
  },
  { name: "a count", rules: 'SecRule &ARGS "@gt 1" "id:1,phase:2,deny"', target: "/?a=1&b=2" },
  { name: "a count of nothing", rules: 'SecRule &ARGS:c "@eq 0" "id:1,phase:2,deny"', target: "/?a=1" },
  { name: "phase by name", rules: 'SecRule ARGS "@streq bad" "id:1,phase:request,deny"', target: "/?a=bad" },
  {
    name: "IfModule",
    rules: '<IfModule security2_module>\nSecRule ARGS "@streq bad" "id:1,phase:2,deny"\n</IfModule>',
    target: "/?a=bad",
  },
  {
    name: "a comma in quotation marks",
    rules: 'SecRule ARGS "@streq bad" "id:1,phase:2,msg:\'a, b\',deny"',
    target: "/?a=bad",
  },
  {
    name: "status before deny",
    rules: 'SecRule ARGS "@streq bad" "id:1,phase:2,status:418,deny"',
    target: "/?a=bad",
    want: "block 418",
  },
];

Deno.test("seclang: reads rules as ModSecurity does", async () => {
  for (const { name, rules, target, want } of READ) {
    const waf = await wafWith(rules);
    equal((await waf.judge(target)).decision, want ?? "block 403", name);
    equal((await waf.judge("/?c=good")).decision, "allow", name);
  }
});

Deno.test("seclang: files include each other, from their own folder or by full name", async () => {
  const files = {
    "rules/a.conf": "Include more/*.conf",
    "rules/more/b.conf": 'SecRule ARGS "@pmFromFile words.data" "id:1,phase:2,deny"',
    "rules/more/words.data": "# words\nbad\n\nworse\n",
  };
  const waf = await wafWith("Include rules/a.conf\nIncludeOptional none/*.conf", { files });
  equal((await waf.judge("/?a=much+WORSE")).decision, "block 403");
  equal((await waf.judge("/?a=words")).decision, "allow");
  deepEqual(await problemsOf("Include test.conf"), [
    "test.conf:1: files include each other more than 16 deep",
  ]);
});

const UPDATES = [
  { name: "remove by id", update: "SecRuleRemoveById 1", want: "allow" },
  { name: "remove by range", update: 'SecRuleRemoveById 5 "0-3"', want: "allow" },
  { name: "remove another", update: "SecRuleRemoveById 2", want: "block 403" },
  { name: "remove by tag", update: "SecRuleRemoveByTag attack-.*", want: "allow" },
  { name: "remove by message", update: 'SecRuleRemoveByMsg "Bad word"', want: "allow" },
  { name: "a target less", update: 'SecRuleUpdateTargetById 1 "!ARGS:a"', want: "allow" },
  {
    name: "a target less by tag",
    update: 'SecRuleUpdateTargetByTag attack-word "!ARGS:/^a/"',
    want: "allow",
  },
  {
    name: "a target less by message",
    update: 'SecRuleUpdateTargetByMsg "Bad word" "!ARGS:a"',
    want: "allow",
  },
  { name: "another target less", update: 'SecRuleUpdateTargetById 1 "!ARGS:b"', want: "block 403" },
  { name: "a target replaced", update: 'SecRuleUpdateTargetById 1 "REQUEST_COOKIES" "ARGS"', want: "allow" },
  { name: "other actions", update: 'SecRuleUpdateActionById 1 "deny,status:409"', want: "block 409" },
  { name: "pass instead", update: 'SecRuleUpdateActionById 1 "pass"', want: "allow" },
];

Deno.test("seclang: later directives change rules", async () => {
  for (const { name, update, want } of UPDATES) {
    const waf = await wafWith(
      `SecRule ARGS "@streq bad" "id:1,phase:2,deny,msg:'Bad word',tag:'attack-word'"\n${update}`,
    );
    equal((await waf.judge("/?a=bad")).decision, want, name);
  }
});
