import { deepEqual, equal, match } from "node:assert/strict";
import { endedRequest, MemorySink } from "../../tests/support/log_fixture.ts";
import type { EndedRequest } from "../../tests/support/log_fixture.ts";
import { createAppLog } from "./app_log.ts";
import type { AgentNote } from "../core/context.ts";
import { RuleFindings } from "../core/rule_findings.ts";
import { AuditLog } from "./audit_log.ts";
import { ErrorLog } from "./error_log.ts";

const WALL_MS = 1_763_800_000_042;
const TIMESTAMP = "2025-11-22T08:26:40.042Z";

Deno.test("error log: which requests are written", () => {
  const tests = [
    { level: "warn", status: 399, want: undefined },
    { level: "warn", status: 400, want: "warn" },
    { level: "warn", status: 499, want: "warn" },
    { level: "warn", status: 500, want: "error" },
    { level: "warn", status: 0, want: "warn" },
    { level: "error", status: 499, want: undefined },
    { level: "error", status: 500, want: "error" },
  ] as const;
  for (const { level, status, want } of tests) {
    const sink = new MemorySink();
    new ErrorLog({ level }, sink).request(endedRequest({ with: { status } }), WALL_MS);
    equal(sink.lines.map((line) => JSON.parse(line).level)[0], want, `${level} ${status}`);
  }
});

Deno.test("error log: fields", () => {
  const sink = new MemorySink();
  const failed: EndedRequest = {
    with: { status: 503, errorCode: "upstream_connect_failed", errorDetail: 'refused\n"x"' },
  };
  new ErrorLog({ level: "warn" }, sink).request(endedRequest(failed), WALL_MS);
  match(sink.lines[0]!, /^[\x20-\x7e]+\n$/);
  deepEqual(JSON.parse(sink.lines[0]!), {
    timestamp: TIMESTAMP,
    trace_id: "id-1",
    level: "error",
    message: "The upstream refused the connection",
    status: 503,
    error: "upstream_connect_failed",
    fault: "upstream",
    route_id: "api",
    upstream: "backend",
    upstream_addr: "127.0.0.1:9000",
    details: 'refused\n"x"',
  });
});

const EVERYTHING = { logBlocked: true, logAgentDecisions: true, logWafEvents: true };

function note(more: Partial<AgentNote>): AgentNote {
  return { agent: "a", verdict: "allow", shadow: false, ruleIds: [], fuel: 1, ...more };
}

Deno.test("audit log: what agents had against a request", () => {
  const findings = new RuleFindings();
  findings.add([
    {
      name: "waf.matches",
      value: JSON.stringify([
        {
          id: 942100,
          msg: "SQL \u2028injection",
          tags: ["sqli", "pl1"],
          var: "ARGS:a",
          value: "1'\n",
          score: 5,
        },
        { id: 942100, msg: "again", tags: ["sqli"], score: 5 },
      ]),
    },
    { name: "waf.verdict", value: "block" },
    { name: "waf.rule", value: "949110" },
    { name: "waf.score.inbound", value: "10" },
  ]);
  const agentNotes = [
    note({ agent: "auth" }),
    note({ agent: "bots", verdict: "challenge", ruleIds: ["r1"] }),
    note({ agent: "trial", verdict: "block", shadow: true }),
    note({ agent: "waf", verdict: "block", ruleIds: ["942100"], findings }),
  ];
  const lines = (options: Partial<typeof EVERYTHING>) => {
    const sink = new MemorySink();
    new AuditLog({ ...EVERYTHING, ...options }, sink).request(
      endedRequest({ with: { agentNotes } }),
      WALL_MS,
    );
    return sink.lines.map((line) => JSON.parse(line));
  };
  const all = lines({});
  deepEqual(all.map((line) => [line.event_type, line.agent_id, line.action, line.rule_ids, line.metadata]), [
    ["agent_decision", "bots", "challenge", ["r1"], undefined],
    ["agent_decision", "trial", "block", undefined, { shadow: true }],
    ["waf_block", "waf", "block", ["942100"], { rule: "949110", inbound_score: 10 }],
  ]);
  deepEqual(all[2].tags, ["sqli", "pl1"]);
  deepEqual(all[2].matches, [
    { id: 942100, msg: "SQL \u2028injection", tags: ["sqli", "pl1"], var: "ARGS:a", value: "1'\n", score: 5 },
    { id: 942100, msg: "again", tags: ["sqli"], score: 5 },
  ]);
  agentNotes.push(note({ agent: "next", verdict: "block", shadow: true, findings }));
  deepEqual(lines({}).at(-1).metadata, { shadow: true, rule: "949110", inbound_score: 10 });
  agentNotes.pop();
  deepEqual(lines({ logWafEvents: false }).map(({ agent_id }) => agent_id), ["bots", "trial"]);
  deepEqual(lines({ logAgentDecisions: false }).map(({ agent_id }) => agent_id), ["waf"]);
});

Deno.test("audit log: the line of a firewall is the only one of a request that it refused", () => {
  const findings = new RuleFindings();
  findings.add([
    { name: "waf.matches", value: '[{"id":1,"msg":"m"}]' },
    { name: "waf.verdict", value: "block" },
  ]);
  const types = (
    shadow: boolean,
    options: Partial<typeof EVERYTHING> = {},
    { verdict = "block", reason = "agent_blocked" }: { verdict?: "block" | "allow"; reason?: string } = {},
  ) => {
    const sink = new MemorySink();
    const agentNotes = [note({ agent: "waf", verdict, shadow, findings })];
    new AuditLog({ ...EVERYTHING, ...options }, sink).request(
      endedRequest({ with: { agentNotes, reason } }),
      WALL_MS,
    );
    return sink.lines.map((line) => JSON.parse(line).event_type);
  };
  deepEqual(types(false), ["waf_block"]);
  deepEqual(types(true), ["waf_block", "blocked"]);
  deepEqual(types(false, { logWafEvents: false }), ["blocked"]);
  deepEqual(types(false, {}, { verdict: "allow" }), ["waf_block", "blocked"]);
  deepEqual(types(false, {}, { reason: "rate_limited" }), ["waf_block", "rate_limit_exceeded"]);
});

Deno.test("audit log: matches are written as the engine wrote them where that is safe", () => {
  const plain = '[{"id":1,"msg":"m\\u000a"}]';
  const cases = [
    { name: "plain", lists: [plain], want: plain },
    { name: "blanks", lists: ['[{"id":1, "msg":"m"}]'], want: '[{"id":1,"msg":"m"}]' },
    { name: "a line end", lists: ['[{"id":1,\n"msg":"m"}]'], want: '[{"id":1,"msg":"m"}]' },
    { name: "no ASCII", lists: ['[{"id":1,"msg":"\u2028"}]'], want: '[{"id":1,"msg":"\\u2028"}]' },
    { name: "two lists", lists: [plain, plain, '[{"id":2}]'], want: '[{"id":1,"msg":"m\\u000a"},{"id":2}]' },
    {
      name: "the same in a list that is not plain",
      lists: [plain, '[{"id":1,"msg":"m\\n"}, {"id":2}]'],
      want: '[{"id":1,"msg":"m\\u000a"},{"id":2}]',
    },
    { name: "something else in it", lists: ['[ {"id":1},7]'], want: '[{"id":1}]' },
    { name: "a bracket in a string", lists: ['[{"id":1,"msg":"[}],"}]'], want: '[{"id":1,"msg":"[}],"}]' },
    { name: "deep under a name that comes twice", lists: ['[{"a":[[[[[7]]]]],"a":7}]'], want: '[{"a":7}]' },
    { name: "deep", lists: ['[{"id":1,"a":[[[[7]]]]}]'], want: '[{"id":1,"a":[[["[7]"]]]}]' },
  ];
  for (const { name, lists, want } of cases) {
    const findings = new RuleFindings();
    for (const value of lists) findings.add([{ name: "waf.matches", value }]);
    const sink = new MemorySink();
    const agentNotes = [note({ agent: "waf", verdict: "allow", findings })];
    new AuditLog(EVERYTHING, sink).request(endedRequest({ with: { agentNotes } }), WALL_MS);
    equal(/"matches":(.*\]),?/.exec(sink.lines[0]!)?.[1], want, name);
  }
});

Deno.test("audit log: what is deeper than any call can follow is one line like everything else", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const findings = new RuleFindings();
  const value = `[{"id":${deep}},{"id":1,"tags":["a",${deep}]}]`;
  for (let call = 0; call < 2; call++) findings.add([{ name: "waf.matches", value }]);
  const sink = new MemorySink();
  const agentNotes = [note({ agent: "waf", verdict: "allow", findings })];
  new AuditLog(EVERYTHING, sink).request(endedRequest({ with: { agentNotes } }), WALL_MS);
  const line = JSON.parse(sink.lines[0]!);
  deepEqual([line.rule_ids, line.tags, line.matches.length], [["", "1"], ["a"], 2]);
});

Deno.test("audit log: which requests are written, and as what", () => {
  const tests = [
    { name: "an ordinary answer", with: {}, want: undefined },
    { name: "a redirect", with: { reason: "redirected" }, want: undefined },
    { name: "an upstream failure", with: { errorCode: "upstream_reset" }, want: undefined },
    { name: "a rate limit", with: { reason: "rate_limited" }, want: "rate_limit_exceeded rate_limited" },
    { name: "a limit", with: { errorCode: "body_too_large" }, want: "blocked body_size_exceeded" },
  ] as const;
  for (const { name, with: fields, want } of tests) {
    const sink = new MemorySink();
    new AuditLog(EVERYTHING, sink).request(endedRequest({ with: fields }), WALL_MS);
    const events = sink.lines.map((line) => JSON.parse(line));
    equal(events.map((event) => `${event.event_type} ${event.reason}`)[0], want, name);
    new AuditLog({ ...EVERYTHING, logBlocked: false }, sink).request(endedRequest({ with: fields }), WALL_MS);
    equal(sink.lines.length, events.length, "switched off");
  }
});

Deno.test("audit log: fields", () => {
  const sink = new MemorySink();
  const log = new AuditLog(EVERYTHING, sink);
  log.request(
    endedRequest({
      target: "/a?token=x",
      route: { namespace: "n", service: "s" },
      with: { status: 429, reason: "rate_limited" },
    }),
    WALL_MS,
  );
  log.configChange({ reason: "reloaded", metadata: { generation: 2 } }, WALL_MS);
  log.event({
    type: "waf_block",
    traceId: "t",
    method: "G\n",
    path: "/",
    clientIp: "::1",
    ruleIds: ["1", "2"],
    tags: [],
    agentId: "waf",
  }, WALL_MS);
  deepEqual(sink.lines.map((line) => JSON.parse(line)), [
    {
      timestamp: TIMESTAMP,
      trace_id: "id-1",
      event_type: "rate_limit_exceeded",
      method: "GET",
      path: "/a",
      client_ip: "192.0.2.7",
      route_id: "api",
      reason: "rate_limited",
      action: "block",
      status_code: 429,
      namespace: "n",
      service: "s",
    },
    {
      timestamp: TIMESTAMP,
      trace_id: "",
      event_type: "config_change",
      method: "-",
      path: "/-/config",
      client_ip: "internal",
      reason: "reloaded",
      metadata: { generation: 2 },
    },
    {
      timestamp: TIMESTAMP,
      trace_id: "t",
      event_type: "waf_block",
      method: "G\n",
      path: "/",
      client_ip: "::1",
      agent_id: "waf",
      rule_ids: ["1", "2"],
    },
  ]);
});

Deno.test("application log: level, JSON and text", () => {
  const clock = { wallMs: () => WALL_MS };
  const tests = [
    {
      format: "json",
      fields: { worker: 1, name: 'a"b', level: "mine", gone: undefined, cause: new Error("no\n") },
      want:
        `{"timestamp":"${TIMESTAMP}","level":"warn","message":"It \\"failed\\"","thread":"main","worker":1,` +
        '"name":"a\\"b","field_level":"mine","cause":"Error: no\\u000a"}\n',
    },
    {
      format: "text",
      fields: { worker: 1, path: "/a/b", name: 'a"b\n', gone: undefined, cause: new Error("no") },
      want:
        `${TIMESTAMP} WARN  It "failed" thread=main worker=1 path=/a/b name="a\\x22b\\x0a" cause="Error: no"\n`,
    },
  ] as const;
  for (const { format, fields, want } of tests) {
    const sink = new MemorySink();
    const log = createAppLog({ level: "warn", format, sink, clock, fields: { thread: "main" } });
    log("info", "Too quiet");
    log("warn", 'It "failed"', fields);
    deepEqual(sink.lines, [want]);
  }
});
