import { deepEqual, equal, match, ok } from "node:assert/strict";
import { RULES, Stage } from "../../tests/support/waf_stage.ts";
import { around } from "./waf_findings.ts";

const CRS = Deno.env.get("CRS_DIR") ?? new URL("../../../shared/data/crs", import.meta.url).pathname;
const hasCrs = await Deno.stat(`${CRS}/rules`).then(() => true, () => false);
const ignore = !hasCrs && !Deno.env.has("CI");
if (ignore) {
  console.log("The OWASP Core Rule Set is not here (set CRS_DIR): its tests of the verbs waf are skipped.");
}

Deno.test("waf check: counts the rules of files that are right", async () => {
  await using stage = await Stage.make({ "a.conf": `${RULES}SecMarker END\n` });
  const { status, out } = await stage.check("a.conf");
  equal(status, 0, out);
  deepEqual(out.trimEnd().split("\n"), [
    "1 rule file, 0 data files: 5 rules, 1 further condition in chains, 1 marker",
    "rules by paranoia level: 1: 1, without one: 4",
    "nothing is wrong",
  ]);
});

Deno.test("waf check: every problem by file and line, of files and of rules, in order and once", async () => {
  await using stage = await Stage.make({
    "b.conf": [
      'SecRule ARGS "@rx a(?=b)" "id:1,phase:2,deny"',
      'SecRule ARGS "@nosuch a" "id:2,phase:2,deny"',
      'SecRule ARGS "@pmFromFile none.data" "id:3,phase:2,deny,nosuch"',
      "Include nothing/*.conf",
      "SecFoo on",
    ].join("\n"),
  });
  const { status, out } = await stage.check("b.conf");
  equal(status, 1);
  const lines = out.trimEnd().split("\n");
  const file = stage.path("b.conf");
  deepEqual(lines.slice(0, 6).map((line) => line.slice(0, line.indexOf(" "))), [
    `${file}:1:`,
    `${file}:2:`,
    `${file}:3:`,
    `${file}:3:`,
    `${file}:4:`,
    `${file}:5:`,
  ]);
  match(lines[0]!, /look-around is not supported, .*; match/);
  match(lines[2]!, /there is no file "none\.data"; it is looked for in/);
  match(lines[3]!, /there is no action "nosuch"/);
  equal(lines.at(-1), "6 errors, 0 warnings");
});

Deno.test("waf check: rules above the paranoia level are checked too", async () => {
  await using stage = await Stage.make({
    "a.conf": [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.detection_paranoia_level=1,setvar:tx.blocking_paranoia_level=1"',
      'SecRule TX:DETECTION_PARANOIA_LEVEL "@lt 3" "id:2,phase:2,pass,nolog,skipAfter:END"',
      `SecRule ARGS "@rx a(b" "id:3,phase:2,deny,tag:'paranoia-level/3'"`,
      "SecMarker END",
    ].join("\n"),
  });
  const { status, out } = await stage.check("a.conf");
  equal(status, 1);
  match(out, /a\.conf:3: /);
  match(out, /^1 error, 0 warnings$/m);
});

Deno.test("waf check: warnings are shown and are no failure", async () => {
  await using stage = await Stage.make({
    "a.conf": `SecRuleEngine On\nSecAuditLog /var/log/a.log\n${RULES}`,
  });
  const { status, out } = await stage.check("a.conf");
  equal(status, 0, out);
  match(out, /a\.conf:2: warning: /);
  match(out, /^0 errors, 1 warning$/m);
});

Deno.test("waf check: the same warning of many places is one line", async () => {
  const rule = (id: number) =>
    `SecRule REQUEST_URI "@streq /${id}" "id:${id},phase:1,deny,ctl:auditLogParts=+E"`;
  await using stage = await Stage.make({ "a.conf": [1, 2, 3, 4].map(rule).join("\n") });
  const { status, out } = await stage.check("a.conf");
  equal(status, 0, out);
  match(out, /a\.conf:1: warning: ctl:auditLogParts has no effect .* \(and at 3 more places\)$/m);
  match(out, /^0 errors, 4 warnings$/m);
  equal(out.match(/auditLogParts/g)?.length, 1);
});

Deno.test("waf check: folders in the order of the Core Rule Set, their includes and data files", async () => {
  await using stage = await Stage.make({
    "crs-setup.conf.example": 'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
    "rules/b.conf": 'SecRule ARGS "@pmFromFile words.data" "id:2,phase:2,deny"\nInclude more/c.conf',
    "rules/more/c.conf": 'SecAction "id:3,phase:1,pass,nolog"',
    "rules/words.data": "SecRule\n",
    "empty/notes.txt": "",
  });
  const whole = await stage.check("");
  equal(whole.status, 0, whole.out);
  match(whole.out, /^3 rule files, 1 data file: 3 rules, /m);
  const empty = await stage.check("empty");
  equal(empty.status, 1);
  match(empty.out, /empty: no rule files are in this folder; their names end in \.conf$/m);
  const none = await stage.check("none/*.conf");
  equal(none.status, 1);
  match(none.out, /^no file matches ".*none\/\*\.conf"/);
  match(none.out, /^1 error, 0 warnings$/m);
  equal((await stage.waf("check")).status, 2);
});

Deno.test("waf explain: each rule with its variable, value, data and score, then the verdict", async () => {
  await using stage = await Stage.make();
  const blocked = await stage.explain("--request", "GET https://a.example/x?q=%65viL77&r=good");
  equal(blocked.status, 3, blocked.err);
  deepEqual(blocked.out.trimEnd().split("\n"), [
    "request   GET https://a.example/x?q=%65viL77&r=good",
    "rule 10  Evil words  (score 5, phase 2, critical)",
    "  variable  ARGS:q",
    '  value     "eviL77"',
    "  data      Matched Data: eviL77 found within ARGS:q",
    `  place     ${stage.path("a.conf")}:1`,
    "rule 20  Too much  (score 0, phase 2)",
    "  variable  TX:inbound_anomaly_score",
    '  value     "5"',
    `  place     ${stage.path("a.conf")}:9`,
    "scores    inbound 5, outbound -",
    "verdict   block 406 by rule 20",
  ]);
  const passed = await stage.explain("--request", "https://a.example/x?q=good");
  equal(passed.status, 0);
  match(passed.out, /^no rule matches\nscores {4}inbound -, outbound -\nverdict {3}allow$/m);
});

Deno.test("waf explain: headers, a body's file, and rules that do not log", async () => {
  await using stage = await Stage.make({ "a.conf": RULES, "body": "a=so+bad" });
  const request = ["--request", "POST https://a.example/", "-H", "X-Probe: on"];
  const form = ["-H", "Content-Type: application/x-www-form-urlencoded", "--body-file", stage.path("body")];
  const without = await stage.explain(...request);
  equal(without.status, 0);
  match(without.out, /^no rule matches$/m);
  const all = await stage.explain(...request, ...form, "--all");
  equal(all.status, 3, all.err);
  match(all.out, /^rule 11 /m);
  match(all.out, /^rule 12 .*\(score 9, /m);
  match(all.out, /^scores {4}inbound 9,/m);
});

Deno.test("waf explain: a whole request as it is sent, with either kind of line end, whole or in chunks", async () => {
  const heads = ["POST /?x=1 HTTP/1.1", "Host: a.example", "Content-Type: application/x-www-form-urlencoded"];
  await using stage = await Stage.make({
    "a.conf": RULES,
    "crlf": [...heads, "Content-Length: 6", "", "q=evil"].join("\r\n"),
    "lf": [...heads, "Content-Length: 7", "", "q=evil\n"].join("\n"),
    "chunks": [...heads, "Transfer-Encoding: chunked", "", "4", "q=ev", "2", "il", "0", "", ""].join("\r\n"),
    "short": [...heads, "Content-Length: 60", "", "q=evil"].join("\r\n"),
    "twice": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
  });
  for (const name of ["crlf", "lf", "chunks"]) {
    const { status, out, err } = await stage.explain("--raw", stage.path(name));
    equal(status, 3, name + err);
    match(out, /^ {2}variable {2}ARGS:q$/m);
  }
  for (const [name, why] of [["short", /the body has 6 bytes/], ["twice", /more than one Host/]] as const) {
    const { status, out } = await stage.explain("--raw", stage.path(name));
    equal(status, 3);
    match(out, /^verdict {3}refused with 400 before any rule is asked: /);
    match(out, why);
  }
});

Deno.test("waf explain: nothing is hidden, nor is a terminal told what to do", async () => {
  await using stage = await Stage.make({
    "a.conf": 'SecRule ARGS:password "@rx x" "id:1,phase:1,pass,log,msg:\'%{MATCHED_VAR}\'"',
  });
  const { status, out } = await stage.explain("--request", "GET https://a.example/?password=x%1b%5b2Jy");
  equal(status, 0);
  ok(!out.includes("\x1b"));
  match(out, /value {5}"x\\u001b\[2Jy"/);
});

Deno.test("waf explain: an engine that only detects blocks nothing, and says what it would have", async () => {
  await using stage = await Stage.make({ "a.conf": `SecRuleEngine DetectionOnly\n${RULES}` });
  const { status, out } = await stage.explain("--request", "GET https://a.example/?q=evil");
  equal(status, 0);
  match(out, /^verdict {3}allow: rule 20 would have ended it, but the engine only detects$/m);
});

Deno.test("waf explain: the rules that come with the firewall, and JSON", async () => {
  await using stage = await Stage.make({});
  const attack = "GET https://a.example/?f=../../../../etc/passwd";
  const { status, out } = await stage.waf("explain", "--request", attack, "--json");
  equal(status, 3);
  const said = JSON.parse(out) as {
    readonly isBlocked: boolean;
    readonly inbound: number;
    readonly matches: readonly { readonly id: number; readonly var?: string }[];
  };
  ok(said.isBlocked && said.inbound > 0);
  ok(said.matches.some((each) => each.var === "ARGS:f"));
  equal((await stage.waf("explain", "--request", "GET https://a.example/?f=shoes")).status, 0);
});

Deno.test("waf explain: what is typed wrongly, and rules that are wrong", async () => {
  await using stage = await Stage.make({ "a.conf": "SecFoo\nSecBar\n" });
  const cases: readonly {
    readonly args: readonly string[];
    readonly status: number;
    readonly want: RegExp;
  }[] = [
    { args: [], status: 2, want: /^error: give a request/ },
    { args: ["--request", "GET /x"], status: 2, want: /^error: --request expects a URL/ },
    { args: ["--request", "https://a/", "-H", "x"], status: 2, want: /^error: --header expects/ },
    {
      args: ["--request", "https://a/", "--raw", "x"],
      status: 2,
      want: /^error: --raw is the whole request/,
    },
    {
      args: ["--request", "https://a/", "--paranoia-level", "5"],
      status: 2,
      want: /^error: --paranoia-level/,
    },
    {
      args: ["--request", "https://a/", "--body-file", "/nowhere/x"],
      status: 2,
      want: /^error: cannot read/,
    },
    { args: ["--request", "https://a/"], status: 1, want: /a\.conf:1: .*SecFoo.*\n.*a\.conf:2: .*SecBar/ },
  ];
  for (const { args, status, want } of cases) {
    const outcome = await stage.explain(...args);
    match(outcome.err, want);
    equal(outcome.status, status, outcome.err);
    equal(outcome.out, "");
  }
});

Deno.test("waf explain: of a long value the part around what matched", () => {
  const value = `${"a".repeat(300)}<script>${"b".repeat(300)}`;
  const data = `Matched Data: <script> found within ARGS:x: ${value}`;
  equal(around({ value, data }), `…"${"a".repeat(60)}<script>${"b".repeat(60)}"…`);
  equal(around({ value, data: "<script> in ARGS:x" }), around({ value, data }));
  equal(around({ value, match: "<script>" }), around({ value, data }));
  equal(around({ value }), `"${"a".repeat(120)}"…`);
  equal(around({ value: "short", data: "Matched Data: other found within ARGS:x: short" }), '"short"');
  equal(around({ value: "short", valueFrom: 9, valueBytes: 14 }), '…"short"');
  equal(around({ value: "short", valueFrom: 0, valueBytes: 14 }), '"short"…');
});

Deno.test({ name: "waf: the Core Rule Set is right, and its levels differ", ignore }, async () => {
  await using stage = await Stage.make({});
  const checked = await stage.waf("check", CRS);
  equal(checked.status, 0, checked.out);
  match(
    checked.out,
    /: warning: no rule judges REQBODY_ERROR and MULTIPART_STRICT_ERROR, .* add rules 200002 /,
  );
  match(checked.out, /^0 errors, 1 warning$/m);
  match(checked.out, /^rules by paranoia level: 1: \d+, 2: \d+, 3: \d+, 4: \d+, /m);
  const browser = ["-H", "User-Agent: Mozilla/5.0", "-H", "Accept: */*"];
  const ask = (level: string, target: string) =>
    stage.waf(
      "explain",
      "--rules",
      CRS,
      "--paranoia-level",
      level,
      "--request",
      `GET https://a.example${target}`,
      ...browser,
    );
  const attack = await ask("1", "/?id=1%27+UNION+SELECT+password+FROM+users--");
  equal(attack.status, 3, attack.err);
  match(attack.out, /^rule 942\d+ .*\(score 5, phase 2, critical\)\n {2}variable {2}ARGS:id\n {2}value /m);
  match(attack.out, /^verdict {3}block 403 by rule 949110$/m);
  const clean = "/?note=%7Ba%7D%5Bb%5D%28c%29%3B%3B";
  equal((await ask("1", "/?note=shoes")).status, 0);
  const counts = [];
  for (const level of ["1", "4"]) {
    counts.push((await ask(level, clean)).out.split("\n").filter((line) => line.startsWith("rule ")).length);
  }
  ok(counts[0]! < counts[1]!, counts.join(" < "));
});
