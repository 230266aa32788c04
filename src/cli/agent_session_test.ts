import assert from "node:assert/strict";
import {
  audit,
  block,
  bodyOutcome,
  FakeFactory,
  liveAgent,
  outcome,
  trap,
} from "../../tests/support/fake_agent.ts";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import type { AgentEvent } from "../agents/options.ts";
import type { BoundAgent } from "../agents/runtime/bound_agent.ts";
import { describeRun, runAsJson } from "./agent_report.ts";
import { runSession } from "./agent_session.ts";
import type { SessionInput, SessionResult } from "./agent_session.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (words: string) => new TextEncoder().encode(words);

function input(changes: Partial<SessionInput> = {}): SessionInput {
  return {
    method: "POST",
    scheme: "https",
    authority: "A.example:8443",
    target: "/x/../y?q=1",
    headers: [["X-One", "1"]],
    body: undefined,
    clientIp: "192.0.2.1",
    response: { status: 200, headers: [["Server", "x"]], body: undefined },
    ...changes,
  };
}

async function session(
  agent: Partial<BoundAgent>,
  given: SessionInput,
  handles: readonly AgentEvent[] = Object.keys(EVENTS_OF).filter((hook) => hook in agent).map((hook) =>
    EVENTS_OF[hook as keyof typeof EVENTS_OF]
  ),
): Promise<{ result: SessionResult; shown: string[] }> {
  const factory = new FakeFactory((instance) => {
    instance.used = 7;
    return agent;
  }, handles);
  const time = new FakeTime();
  const { live } = liveAgent(factory, time);
  const result = await runSession(live, given, time);
  assert.equal(live.state().calls, 0);
  const report = {
    title: "waf 1",
    request: "POST /",
    handles,
    result,
    memoryBytes: live.state().memoryBytes,
  };
  live.dispose("shutdown");
  JSON.parse(runAsJson(report));
  return { result, shown: describeRun(report).split("\n") };
}

const EVENTS_OF = {
  onRequestHeaders: "request-headers",
  onRequestBody: "request-body",
  onResponseHeaders: "response-headers",
  onResponseBody: "response-body",
  onRequestComplete: "request-complete",
} as const;

Deno.test("agent session: an agent that is shown received headers does not see its own edits, which are sent on", async () => {
  const edit = outcome({ requestHeaders: [{ type: "set", value: { name: "X-One", value: "2" } }] });
  for (const [options, seen] of [["", "2"], [`headers "received"`, "1"]]) {
    const factory = new FakeFactory(() => ({
      onRequestHeaders: () => edit,
      onResponseHeaders: (request) => outcome({ audit: audit({ tags: [request.header("x-one")!] }) }),
    }), ["request-headers", "response-headers"]);
    const time = new FakeTime();
    const { live } = liveAgent(factory, time, { options: options! });
    const { hooks, sent } = await runSession(live, input(), time);
    assert.deepEqual(hooks[1]!.outcome?.audit.tags, [seen]);
    assert.equal(sent.headers.get("x-one"), "2");
    live.dispose("shutdown");
  }
});

Deno.test("agent session: the agent sees the request as the proxy would show it", async () => {
  const seen: unknown[] = [];
  await session({
    onRequestHeaders(request) {
      seen.push(request.method(), request.target(), request.path(), request.query(), request.host());
      seen.push(request.header("x-one"), request.header("Host"), request.clientAddress(), request.protocol());
      seen.push(request.headers().map(({ name, value }) => `${name}: ${value}`));
      return outcome();
    },
  }, input({ body: bytes("abc") }));
  assert.deepEqual(seen, [
    "POST",
    "/x/../y?q=1",
    "/y",
    "q=1",
    "a.example",
    "1",
    "A.example:8443",
    "192.0.2.1",
    "HTTP/1.1",
    ["X-One: 1", "Host: A.example:8443", "Content-Length: 3"],
  ]);
});

Deno.test("agent session: every hook in order, edits of one visible to the next", async () => {
  const seen: string[] = [];
  const { result, shown } = await session({
    onRequestHeaders: () =>
      outcome({
        requestHeaders: [
          { type: "set", value: { name: "X-Waf", value: "clean" } },
          { type: "remove", value: "X-One" },
        ],
        responseHeaders: [{ type: "add", value: { name: "X-Seen", value: "yes" } }],
        target: "/z",
        metadata: [{ name: "k", value: "v" }],
        audit: audit({ ruleIds: ["r1", "r2"], tags: ["t"], reasonCodes: ["c"], confidence: 0.12345 }),
      }),
    onRequestBody(request, chunk) {
      seen.push(
        `${text(chunk.data)} ${chunk.index} ${chunk.last} ${request.target()} ${request.metadata("k")}`,
      );
      seen.push(`${request.header("x-waf")} ${request.header("x-one")}`);
      return bodyOutcome({ type: "replace", value: bytes("other") });
    },
    onResponseHeaders(_request, response) {
      seen.push(`${response.status()} ${response.header("x-seen")}`);
      return outcome({ responseHeaders: [{ type: "remove", value: "Server" }] });
    },
    onResponseBody(_request, response, chunk) {
      seen.push(`${response.header("server")} ${text(chunk.data)}`);
      return bodyOutcome({ type: "drop" });
    },
    onRequestComplete(_request, summary) {
      seen.push(`${summary.status} ${summary.requestBytes} ${summary.agents[0]!.verdict}`);
    },
  }, input({ body: bytes("abc"), response: { status: 201, headers: [["Server", "x"]], body: bytes("hi") } }));
  assert.deepEqual(seen, [
    "abc 0 true /z v",
    "clean undefined",
    "201 yes",
    "undefined hi",
    "201 3 allow",
  ]);
  assert.equal(result.verdict, "allow");
  assert.deepEqual(result.hooks.map(({ hook }) => hook), Object.values(EVENTS_OF));
  assert.equal(result.sent.headers.get("x-waf"), "clean");
  for (
    const line of [
      "request-headers   allow  (fuel 0, 0.000 ms)",
      "  request header  set X-Waf: clean",
      "  request header  remove X-One",
      "  response header add X-Seen: yes",
      "  target          /z",
      "  metadata        k=v",
      "  rules           r1,r2",
      "  confidence      0.123",
      '  body            replaced by "other"',
      "  body            dropped",
      "request-complete  done  (fuel 0, 0.000 ms)",
      "memory    64 KiB",
      "verdict   allow",
    ]
  ) {
    assert.ok(shown.includes(line), `${line}\n${shown.join("\n")}`);
  }
});

Deno.test("agent session: the first refusal ends it", async () => {
  const never = () => assert.fail("was called");
  for (
    const [decision, want] of [
      [block(403, "no\x1b[2J"), "block 403"],
      [{ type: "redirect", value: { status: 302, location: "/login" } }, "redirect 302 to /login"],
      [{ type: "challenge", value: { kind: "basic", params: [] } }, "challenge basic"],
    ] as const
  ) {
    const { result, shown } = await session({
      onRequestHeaders: () => outcome({ decision }),
      onRequestBody: never,
      onResponseHeaders: never,
    }, input({ body: bytes("abc") }));
    assert.equal(result.verdict, decision.type);
    assert.ok(shown.some((line) => line.startsWith(`request-headers   ${want}  (`)), shown.join("\n"));
    assert.ok(!shown.join("").includes("\x1b"), "the terminal is not commanded");
  }
});

Deno.test("agent session: without a body the body hook is called only when it is asked for", async () => {
  const bodies: number[] = [];
  const agent = (needsMore: boolean): Partial<BoundAgent> => ({
    onRequestHeaders: () => outcome({ needsMore }),
    onRequestBody(_request, { data }) {
      bodies.push(data.length);
      return bodyOutcome({ type: "keep" }, { decision: block(413) });
    },
  });
  assert.equal((await session(agent(false), input())).result.verdict, "allow");
  assert.deepEqual(bodies, []);
  assert.equal((await session(agent(true), input())).result.verdict, "block");
  assert.deepEqual(bodies, [0]);
});

Deno.test("agent session: a trap is the verdict, and an agent that handles nothing is told so", async () => {
  const { result, shown } = await session({ onRequestHeaders: () => trap("fuel") }, input());
  assert.equal(result.verdict, "failed");
  assert.ok(shown.includes("  fuel            trap: fuel"), shown.join("\n"));
  const none = await session({}, input());
  assert.equal(none.result.verdict, "allow");
  assert.ok(none.shown.some((line) => line.startsWith("no call: ")));
});
