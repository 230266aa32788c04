import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { agentFilter, agentRig, atOnce, pass, textOf, told } from "../../tests/support/agent_rig.ts";
import { allLogFields } from "../core/context.ts";
import { audit, block, outcome, trap } from "../../tests/support/fake_agent.ts";
import { plainResponse, requestContext } from "../../tests/support/filter_fixture.ts";
import type { Outcome, Summary } from "../agents/contract/sentinel_types.ts";
import type { RequestView } from "../agents/runtime/bound_agent.ts";
import { ProxyError } from "../core/errors.ts";
import { BytesBody } from "../core/message.ts";
import { Trace } from "../core/trace.ts";

/** A rig whose agent answers the request's head with this. */
function deciding(given: Partial<Outcome>, more: { options?: string; filter?: string } = {}) {
  return agentRig({
    hooks: () => ({ onRequestHeaders: () => outcome(given) }),
    handles: ["request-headers"],
    ...more,
  });
}

Deno.test("agent filter: what each decision answers", async () => {
  const headers = [{ name: "X-Why", value: "rule" }];
  const table: readonly {
    name: string;
    given: Partial<Outcome>;
    want: unknown;
    headers?: Record<string, string>;
  }[] = [
    { name: "allow", given: {}, want: undefined },
    {
      name: "block with a text",
      given: { decision: { type: "block", value: { status: 451, body: "no ☂", headers } } },
      want: [451, "agent_blocked", "no ☂"],
      headers: { "x-why": "rule", "content-type": "text/plain; charset=utf-8" },
    },
    {
      name: "block without",
      given: { decision: { type: "block", value: { status: 429, body: undefined, headers } } },
      want: [429, "agent_blocked", "page 429"],
      headers: { "x-why": "rule" },
    },
    {
      name: "redirect",
      given: { decision: { type: "redirect", value: { status: 307, location: "https://a.test/x" } } },
      want: [307, "agent_redirected", ""],
      headers: { location: "https://a.test/x" },
    },
    {
      name: "challenge basic",
      given: {
        decision: {
          type: "challenge",
          value: { kind: "BASIC", params: [{ name: "realm", value: `a "b" \\` }] },
        },
      },
      want: [401, "agent_challenged", "page 401"],
      headers: { "www-authenticate": `Basic realm="a \\"b\\" \\\\"` },
    },
    {
      name: "challenge bearer without parameters",
      given: { decision: { type: "challenge", value: { kind: "bearer", params: [] } } },
      want: [401, "agent_challenged", "page 401"],
      headers: { "www-authenticate": "Bearer" },
    },
    {
      name: "another challenge",
      given: {
        decision: { type: "challenge", value: { kind: "captcha", params: [{ name: "site", value: "7" }] } },
      },
      want: [403, "agent_challenged", "403 Forbidden\n\nChallenge: captcha\nsite: 7\n"],
    },
  ];
  for (const { name, given, want, headers: expected } of table) {
    const { live, time } = deciding(given);
    const statusPage = (_: unknown, status: number) => ({
      ...plainResponse([], status),
      body: new BytesBody(new TextEncoder().encode(`page ${status}`)),
    });
    const filter = agentFilter([live], `agent "waf"`, { clock: time, statusPage });
    const verdict = atOnce(filter.onRequest!(requestContext()));
    for (const [key, value] of Object.entries(expected ?? {})) {
      equal(verdict!.response.headers.get(key), value, name);
    }
    deepEqual(await told(verdict), want, name);
  }
});

Deno.test("agent filter: without a route's page a plain one", async () => {
  const { filter } = deciding({ decision: block(403) });
  deepEqual(await told(atOnce(filter.onRequest!(requestContext()))), [
    403,
    "agent_blocked",
    "403 Forbidden\n",
  ]);
});

Deno.test("agent filter: changes to the request and to the response", async () => {
  const { filter } = deciding({
    requestHeaders: [
      { type: "set", value: { name: "X-A", value: "new" } },
      { type: "add", value: { name: "X-B", value: "2" } },
      { type: "remove", value: "x-C" },
    ],
    responseHeaders: [{ type: "set", value: { name: "X-Out", value: "1" } }, {
      type: "remove",
      value: "Server",
    }],
    target: "/other?q=1",
    method: "PUT",
  });
  const context = requestContext({ headers: [["x-a", "old"], ["X-B", "1"], ["X-C", "3"], ["X-A", "older"]] });
  const response = plainResponse([["server", "x"], ["x-out", "0"]]);
  await pass(filter, context, response);
  deepEqual([...context.head.headers], [["Host", "www.example"], ["X-A", "new"], ["X-B", "1"], ["X-B", "2"]]);
  deepEqual([context.head.target, context.head.method, context.path], ["/other?q=1", "PUT", "/a"]);
  deepEqual([...response.headers], [["X-Out", "1"]]);
});

Deno.test("agent filter: a refused request is left as it is, and the answer carries the edits", async () => {
  const { filter } = deciding({
    decision: block(403, "no"),
    requestHeaders: [{ type: "set", value: { name: "X-A", value: "new" } }],
    responseHeaders: [{ type: "set", value: { name: "X-Out", value: "1" } }],
  });
  const context = requestContext();
  const verdict = await pass(filter, context, plainResponse());
  equal(context.head.headers.has("x-a"), false);
  equal(verdict!.response.headers.get("x-out"), "1");
});

Deno.test("agent filter: an outcome that breaks a rule changes nothing", () => {
  const { filter } = deciding({
    requestHeaders: [{ type: "set", value: { name: "X-A", value: "1" } }, {
      type: "set",
      value: { name: "Host", value: "evil" },
    }],
  });
  const context = requestContext();
  equal(atOnce(filter.onRequest!(context)), undefined);
  deepEqual([...context.head.headers], [["Host", "www.example"]]);
  equal(context.agentNotes![0]!.verdict, "failed");
});

Deno.test("agent filter: every way to fail, open and closed, of the agent and of the filter", () => {
  const table = [
    { options: "", filter: "", refuses: false },
    { options: `failure-mode "closed"`, filter: "", refuses: true },
    { options: `failure-mode "closed"`, filter: `failure-mode "open"`, refuses: false },
    { options: "", filter: `failure-mode "fail-closed"`, refuses: true },
  ];
  for (const { options, filter: given, refuses } of table) {
    for (const kind of ["fuel", "memory", "stack", "unreachable", "malformed", "denied", "host"] as const) {
      const { filter } = agentRig({
        hooks: () => ({ onRequestHeaders: () => trap(kind) }),
        handles: ["request-headers"],
        options,
        filter: given,
      });
      const context = requestContext();
      const ask = () => atOnce(filter.onRequest!(context));
      if (refuses) {
        throws(
          ask,
          (error) =>
            error instanceof ProxyError && error.code === "agent_failed" && error.message.includes(kind),
        );
      } else equal(ask(), undefined);
      filter.onEnd!(context);
      deepEqual(context.agentNotes!.map(({ verdict }) => verdict), ["failed"]);
      deepEqual(allLogFields(context), { agent_waf_failure: kind });
    }
  }
});

Deno.test("agent filter: the next agent sees what the one before changed and noted", async () => {
  const seen: unknown[] = [];
  const first = deciding({
    requestHeaders: [{ type: "set", value: { name: "X-User", value: "ann" } }],
    metadata: [{ name: "trust", value: "high" }],
    target: "/new",
  });
  const second = agentRig({
    hooks: () => ({
      onRequestHeaders(view) {
        seen.push(
          view.header("x-USER"),
          view.metadata("trust"),
          view.target(),
          view.path(),
          view.headers().at(-1),
        );
        return outcome();
      },
    }),
    handles: ["request-headers"],
    id: "second",
  });
  const context = requestContext();
  await first.filter.onRequest!(context);
  await second.filter.onRequest!(context);
  deepEqual(seen, ["ann", "high", "/new", "/a", { name: "X-User", value: "ann" }]);
});

Deno.test("agent filter: all that can be asked of a request", () => {
  let view: RequestView | undefined;
  const { filter, time } = agentRig({
    hooks: () => ({ onRequestHeaders: (given) => (view = given, outcome()) }),
    handles: ["request-headers"],
  });
  time.now = 1500;
  const context = requestContext({
    method: "POST",
    target: "/a/../b?x=1",
    path: "/b",
    headers: [["X", "1"], ["x", "2"]],
  });
  context.upstreamId = "u";
  context.traceparent = "00-1-2-01";
  filter.onRequest!(context);
  const given = view!;
  deepEqual(
    [
      given.id(),
      given.method(),
      given.target(),
      given.path(),
      given.query(),
      given.host(),
      given.header("X"),
    ],
    ["request-1", "POST", "/a/../b?x=1", "/b", "x=1", "www.example", "1, 2"],
  );
  deepEqual(
    [given.route(), given.upstream(), given.traceparent(), given.metadata("a"), given.header("none")],
    ["r", "u", "00-1-2-01", undefined, undefined],
  );
  deepEqual(
    [given.clientAddress(), given.clientPort(), given.tls(), given.protocol(), given.timestampMs()],
    ["192.0.2.1", 40_000, undefined, "HTTP/1.1", 1_700_000_001_000],
  );
  context.clientIp = "198.51.100.9";
  equal(given.clientPort(), 0, "behind a proxy only the address is known");
});

Deno.test("agent filter: the response phase", async () => {
  const decide = (given: Partial<Outcome>, filter = "") =>
    agentRig({
      hooks: () => ({
        onResponseHeaders(_request, response) {
          return outcome(response.status() === 200 ? given : {});
        },
      }),
      handles: ["response-headers"],
      filter,
    });
  const edits = { responseHeaders: [{ type: "set", value: { name: "X-Out", value: "1" } }] } as const;
  const edited = plainResponse([["Server", "s"]]);
  await pass(decide(edits).filter, requestContext(), edited);
  equal(edited.headers.get("x-out"), "1");

  let cancelled = 0;
  const blocked = {
    ...plainResponse([["Server", "s"]]),
    body: { length: 3, read: () => null, cancel: () => cancelled++ },
  };
  const context = requestContext();
  await pass(decide({ decision: block(502, "no"), ...edits }).filter, context, blocked);
  deepEqual([blocked.status, context.reason, cancelled, await textOf(blocked.body)], [
    502,
    "agent_blocked",
    1,
    "no",
  ]);
  deepEqual([blocked.headers.get("server"), blocked.headers.get("x-out")], [undefined, "1"]);

  const untouched = plainResponse();
  await pass(decide(edits, `phase "request"`).filter, requestContext(), untouched);
  equal(untouched.headers.size, 0);
  const late = decide({ target: "/x" });
  const response = plainResponse();
  await pass(late.filter, requestContext(), response);
  equal(late.meter.count("failed response-headers malformed"), 1);
});

Deno.test("agent filter: closed in the response phase refuses, and the agent does not see its own answer", async () => {
  const closed = agentRig({
    hooks: () => ({ onResponseHeaders: () => trap() }),
    handles: ["response-headers"],
    options: `failure-mode "closed"`,
  });
  const context = requestContext();
  closed.filter.onRequest!(context);
  throws(
    () => closed.filter.onResponse!(context, plainResponse()),
    (error) => error instanceof ProxyError && error.code === "agent_failed",
  );
  let calls = 0;
  const own = agentRig({
    hooks: () => ({
      onRequestHeaders: () => outcome({ decision: block(403) }),
      onResponseHeaders: () => (calls++, outcome()),
    }),
    handles: ["request-headers", "response-headers"],
  });
  await pass(own.filter, requestContext(), plainResponse());
  equal(calls, 0);
});

Deno.test("agent filter: phase response leaves the request alone", async () => {
  const seen: string[] = [];
  const { filter } = agentRig({
    hooks: () => ({
      onRequestHeaders: () => (seen.push("request"), outcome()),
      onResponseHeaders: () => (seen.push("response"), outcome()),
    }),
    handles: ["request-headers", "response-headers"],
    filter: `phase "response"`,
  });
  await pass(filter, requestContext(), plainResponse());
  deepEqual(seen, ["response"]);
});

Deno.test("agent filter: what is written down", async () => {
  const { filter } = agentRig({
    hooks: (instance) => ({
      onRequestHeaders() {
        instance.used = 100;
        return outcome({
          decision: block(403),
          audit: audit({
            tags: ["t1", "t1", "t2"],
            ruleIds: Array.from({ length: 40 }, (_, at) => `r${at}`),
            reasonCodes: ["c"],
            confidence: 0.123456,
            custom: Array.from({ length: 20 }, (_, at) => ({ name: `k${at}`, value: "v".repeat(500) })),
          }),
        });
      },
    }),
    handles: ["request-headers"],
  });
  const context = requestContext();
  context.trace = new Trace();
  await pass(filter, context, plainResponse());
  const note = context.agentNotes![0]!;
  deepEqual([note.agent, note.verdict, note.shadow, note.fuel, note.ruleIds.length, note.ruleIds[0]], [
    "waf",
    "block",
    false,
    100,
    16,
    "r0",
  ]);
  const fields = allLogFields(context)!;
  deepEqual([fields["agent_waf_tags"], fields["agent_waf_reasons"], fields["agent_waf_confidence"]], [
    "t1,t2",
    "c",
    0.123,
  ]);
  equal(Object.keys(fields).length, 3 + 8, "so many of the agent's own");
  equal((fields["agent_waf_k0"] as string).length, 128);
  const [step] = context.trace.steps;
  deepEqual([step!.step, step!.subject, step!.outcome], ["agent", "waf", "block"]);
  match(step!.detail!, /request-headers, fuel 100, rules r0 r1 .*r15, tags t1/);
});

Deno.test("agent filter: the agent is told how the request ended, with what the others said", () => {
  const summaries: Summary[] = [];
  const first = deciding({ audit: audit({ ruleIds: ["r1"] }) });
  const second = agentRig({
    hooks: () => ({ onRequestComplete: (_request, summary) => void summaries.push(summary) }),
    handles: ["request-complete"],
    id: "audit",
  });
  const context = requestContext();
  first.filter.onRequest!(context);
  second.filter.onRequest!(context);
  Object.assign(context, {
    status: 502,
    bodyBytesReceived: 5,
    bodyBytesSent: 7,
    attempts: 2,
    errorCode: "upstream_reset",
  });
  second.time.now = 1250;
  second.filter.onEnd!(context);
  first.filter.onEnd!(context);
  second.filter.onEnd!(context);
  deepEqual(summaries, [{
    status: 502,
    durationMs: 250,
    requestBytes: 5n,
    responseBytes: 7n,
    upstreamAttempts: 2,
    error: "upstream_reset",
    agents: [
      { agent: "waf", verdict: "allow", ruleIds: ["r1"] },
      { agent: "audit", verdict: "skipped", ruleIds: [] },
    ],
  }]);
});

Deno.test("agent filter: instances are let go as soon as nothing more can come", async () => {
  const table = [
    { name: "head only", handles: ["request-headers"], after: { request: 0, response: 0 } },
    {
      name: "response head",
      handles: ["request-headers", "response-headers"],
      after: { request: 1, response: 0 },
    },
    {
      name: "to the end",
      handles: ["request-headers", "request-complete"],
      after: { request: 1, response: 1 },
    },
  ] as const;
  for (const { name, handles, after } of table) {
    const { filter, live } = agentRig({
      hooks: () => ({
        onRequestHeaders: () => outcome(),
        onResponseHeaders: () => outcome(),
        onRequestComplete: () => {},
      }),
      handles,
      options: `isolation "fresh"`,
    });
    const context = requestContext();
    await filter.onRequest!(context);
    equal(live.pool.live, after.request, `${name}: after the request`);
    await filter.onResponse!(context, plainResponse());
    equal(live.pool.live, after.response, `${name}: after the response head`);
    filter.onEnd!(context);
    equal(live.pool.live, 0, `${name}: at the end`);
  }
});

Deno.test("agent filter: who waits for an agent stops when the client leaves, or the time is up", async () => {
  const waits = () => new Promise<Outcome>(() => {});
  for (const event of ["request-headers", "response-headers"] as const) {
    for (const cause of ["request_timeout", "client_closed"] as const) {
      const { filter, live, time } = agentRig({
        hooks: () => ({ onRequestHeaders: waits, onResponseHeaders: waits }),
        handles: [event],
        filter: "timeout-ms 30000",
      });
      const context = Object.assign(requestContext(), { deadlineMs: time.now + 1000 });
      const told: string[] = [];
      const before = context.onAbort = (code) => void told.push(code);
      const failed = rejects(
        pass(filter, context, plainResponse()),
        (error) => error instanceof ProxyError && error.code === cause,
      );
      await time.advance(999);
      if (cause === "client_closed") context.onAbort!(cause);
      else await time.advance(1);
      await failed;
      equal(context.onAbort, before, "who waited before waits again");
      deepEqual(told, cause === "client_closed" ? [cause] : []);
      await time.advance(30_000);
      deepEqual([live.state().calls, time.pending], [0, 1], "only the sweep of deadlines is left");
    }
  }
});

Deno.test("agent filter: a call that waits is bounded by the filter's own time limit", async () => {
  const { filter, time } = agentRig({
    hooks: () => ({ onRequestHeaders: () => new Promise<Outcome>(() => {}) }),
    handles: ["request-headers"],
    filter: `timeout-ms 50\nfailure-mode "closed"`,
  });
  const failed = rejects(
    filter.onRequest!(requestContext()) as Promise<unknown>,
    /timeout: it waited longer than 50 ms/,
  );
  await time.advance(50);
  await failed;
});

Deno.test("agent filter: bodies cannot be asked for of an agent that has no word for them", () => {
  const { live } = deciding({});
  throws(
    () => agentFilter([live], `agent "waf"\ninspect-body #true`),
    /does not handle bodies: it handles request-headers/,
  );
});
