/** What the firewall does with messages in their parts, what it keeps between them, and what it says of them. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { response } from "../../testing/messages.ts";
import { type Waf, wafWith } from "../testing/waf_agent.ts";

/** The proxy's facts of a request in one note, and each in its own, as older proxies have them. */
const FACT_NOTES = {
  "in one": (facts: { protocol: string; body: string; serial: string }) => ({
    "http.facts": `${facts.protocol} ${facts.body} ${facts.serial}`,
  }),
  "each in its own": ({ protocol, body, serial }: { protocol: string; body: string; serial: string }) => ({
    "http.protocol": protocol,
    "http.body": body,
    "http.serial": serial,
  }),
};

for (const [how, notes] of Object.entries(FACT_NOTES)) {
  Deno.test(`engine: what the proxy says of the protocol, and of a body that no header announces, ${how}`, async () => {
    const waf = await wafWith(`SecRule REQUEST_PROTOCOL "@streq HTTP/2" "id:1,phase:1,pass,log"
      SecRule REQUEST_BODY "@streq bad" "id:2,phase:2,deny"`);
    const metadata = notes({ protocol: "HTTP/2", body: "1", serial: "waf-1-1" });
    const message = waf.request("/", { method: "POST", metadata });
    const head = await waf.agent.onRequest(message);
    deepEqual([head.needsMore, head.audit.ruleIds], [true, ["1"]]);
    const { outcome } = await waf.agent.onRequestBody(message, "bad");
    equal(outcome.decision.type, "block");
    const without = notes({ protocol: "HTTP/1.1", body: "0", serial: "waf-1-2" });
    const other = await waf.agent.onRequest(waf.request("/", { method: "POST", metadata: without }));
    deepEqual([other.needsMore, other.audit.ruleIds], [false, []]);
  });

  Deno.test(`engine: who takes the id of another request does not get at its state, facts ${how}`, async () => {
    const waf = await wafWith(`SecRequestBodyAccess On
      SecRule REQUEST_URI "@beginsWith /open" "id:1,phase:1,pass,nolog,ctl:ruleEngine=Off"
      SecRule REQUEST_BODY|ARGS "@contains evil" "id:2,phase:2,deny"`);
    const of = (serial: string, path: string) =>
      waf.request(path, {
        id: "same",
        method: "POST",
        metadata: notes({ protocol: "HTTP/1.1", body: "1", serial }),
      });
    const victim = of("1", "/x");
    equal((await waf.agent.onRequest(victim)).needsMore, true);
    await waf.agent.onRequest(of("2", "/open"));
    const { outcome } = await waf.agent.onRequestBody(victim, "a=evil");
    equal(outcome.decision.type, "block");
  });
}

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
  equal(short.match, "needlex");
  deepEqual([short.valueFrom, short.valueBytes], [936, 1007]);
  const long = await shown(100_000);
  equal(long.data, "y".repeat(512));
  equal(long.match, undefined);
  deepEqual([long.value!.length, long.valueFrom, long.valueBytes], [512, 0, 100_007]);
});

/** Rules that capture nothing, and what of a long value is shown of each. */
const SHOWN = [
  { rule: 'SecRule ARGS_POST "@rx ne{2}dle"', match: "needle" },
  { rule: 'SecRule ARGS_POST "@rx (?i)NEEDLE" "t:lowercase"', match: "needle" },
  { rule: 'SecRule ARGS_POST "@pm straw needle"', match: "needle" },
  { rule: 'SecRule ARGS_POST "@contains needle"', match: "needle" },
  { rule: 'SecRule ARGS_POST "@contains %{tx.word}"', match: "needle" },
  { rule: 'SecRule REQUEST_METHOD "@streq POST" "chain"\nSecRule ARGS_POST "@rx needle"', match: "needle" },
  { rule: 'SecRule ARGS_POST "!@rx straw"', match: undefined },
  { rule: 'SecRule ARGS_POST "@unconditionalMatch"', match: undefined },
];

Deno.test("engine: of a long value what is around the match is shown, whatever the operator", async () => {
  for (const { rule, match } of SHOWN) {
    const numbered = rule.includes('" "')
      ? rule.replace('" "', '" "id:1,phase:2,pass,log,')
      : `${rule} "id:1,phase:2,pass,log"`;
    const waf = await wafWith(`SecAction "id:9,phase:1,pass,nolog,setvar:tx.word=needle"\n${numbered}`);
    const body = `a=${"y".repeat(3000)}needle${"z".repeat(3000)}`;
    const shown = (await waf.judge("/", { body })).matches[0]!;
    deepEqual(
      [shown.match, shown.valueFrom, shown.valueBytes],
      [match, match === undefined ? 0 : 2936, 6006],
      rule,
    );
    equal(
      shown.value,
      match === undefined ? "y".repeat(512) : `${"y".repeat(64)}needle${"z".repeat(442)}`,
      rule,
    );
  }
});

Deno.test("engine: a value is cut between characters, and what is not to be shown stays so", async () => {
  const rules = 'SecRule ARGS_POST "@rx needle" "id:1,phase:2,pass,log"';
  const body = `a=${"é€".repeat(300)}needle${"😀".repeat(300)}`;
  const waf = await wafWith(rules);
  const { value, match } = (await waf.judge("/", { body })).matches[0]!;
  ok(/^[é€]+needle(?:😀)+$/u.test(value!), value);
  equal(match, "needle");
  const hiding = await wafWith(rules, { config: { redact: ["ARGS_POST:a"] } });
  const hidden = (await hiding.judge("/", { body })).matches[0]!;
  deepEqual([hidden.value, hidden.match], ["[redacted]", undefined]);
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
    want: { value: "pin=[redacted]", match: undefined },
  },
  {
    name: "in what was met, where that is longer than what is shown",
    rules: `SecRule REQUEST_URI "@rx evil.*" "id:1,phase:2,pass,log"`,
    target: `/?a=evil${"x".repeat(450)}&pin=badnews&b=1`,
    want: { match: undefined },
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
