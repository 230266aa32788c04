import { deepEqual, equal, rejects } from "node:assert/strict";
import {
  bodyText,
  editTexts,
  expectAllowed,
  expectBlocked,
  expectPlainAllow,
  expectRedirect,
} from "../testing/expect.ts";
import { ConfigRefused, loadAgent } from "../testing/load_agent.ts";
import { request, response } from "../testing/messages.ts";

const FILE = new URL("../dist/echo.wasm", import.meta.url);
const GRANTS = ["log", "metrics"] as const;

Deno.test("echo: says who it is and how it is", async () => {
  const agent = await loadAgent(FILE, { grants: GRANTS, config: { verbose: true } });
  deepEqual(await agent.describe(), {
    id: "echo",
    version: "1.0.0",
    summary: "Shows every hook and every decision of an agent",
  });
  deepEqual(await agent.health(), { type: "ok", value: "hello" });
  await agent.drain("config-reload");
  deepEqual(await agent.health(), { type: "error", value: "draining" });
  await agent.shutdown("replaced");
  deepEqual(agent.host.lines, [{ level: "info", message: "Replaced", fields: {} }]);
});

Deno.test("echo: each decision about a request", async () => {
  const agent = await loadAgent(FILE, { config: { greeting: "grüezi", status: 451 } });
  const blocked = await agent.onRequest(request("/block"));
  expectBlocked(blocked, {
    status: 451,
    body: "Blocked by echo\n",
    headers: [{ name: "x-echo", value: "grüezi" }],
    ruleIds: ["echo-block"],
    reasonCodes: ["ASKED_FOR"],
  });
  deepEqual(blocked.audit.tags, ["demo"]);
  equal(blocked.audit.confidence, 1);
  expectRedirect(await agent.onRequest(request("/redirect")), { status: 307, location: "/elsewhere" });
  deepEqual((await agent.onRequest(request("/challenge"))).decision, {
    type: "challenge",
    value: { kind: "basic", params: [{ name: "realm", value: "echo" }] },
  });
  const rewritten = await agent.onRequest(request("/rewrite", { method: "POST" }));
  equal(rewritten.target, "/rewritten?from=echo");
  equal(rewritten.method, "GET");
  equal((await agent.onRequest(request("/wait"))).needsMore, true);
});

Deno.test("echo: edits headers on both sides and leaves notes", async () => {
  const agent = await loadAgent(FILE);
  const outcome = await agent.onRequest(
    request("/a?b=1", { headers: { "X-Echo": ["one", "two"] }, host: "h.test" }),
  );
  expectAllowed(outcome);
  deepEqual(editTexts(outcome.requestHeaders), [
    "set x-echo: hello",
    "add x-echo-seen: one, two",
    "remove x-echo-secret",
  ]);
  deepEqual(editTexts(outcome.responseHeaders), ["set x-echo-request: GET /a"]);
  deepEqual(outcome.metadata, [{ name: "greeting", value: "hello" }]);
  deepEqual(outcome.audit.custom, [{ name: "host", value: "h.test" }]);
});

Deno.test("echo: bodies", async () => {
  const agent = await loadAgent(FILE);
  const post = request("/", { method: "POST" });
  for (
    const [body, want] of [["drop", "drop"], ["other", "keep"], ["shout", "SHOUT"], ["", "keep"]] as const
  ) {
    equal(bodyText(await agent.onRequestBody(post, body)), want, body);
  }
  deepEqual((await agent.onRequestBody(post, "shout")).outcome.audit.tags, ["shouted"]);
  expectBlocked((await agent.onRequestBody(post, "block")).outcome, { status: 403, ruleIds: ["echo-body"] });
  const exchange = {
    request: post,
    response: response(200, { "content-type": "application/problem+json; a=b" }),
  };
  equal(bodyText(await agent.onResponseBody(exchange, "[1]")), '{"echo":[1]}');
  equal(bodyText(await agent.onResponseBody(exchange, "[1", { last: false })), "keep");
  const page = { request: post, response: response(200, { "content-type": "text/html" }) };
  equal(bodyText(await agent.onResponseBody(page, "[1]")), "keep");
});

Deno.test("echo: responses and the end of requests", async () => {
  const agent = await loadAgent(FILE, { grants: GRANTS, config: { verbose: true } });
  const allowed = await agent.onResponse(request("/"), response(204));
  deepEqual(editTexts(allowed.responseHeaders), ["add x-echo-status: 204"]);
  expectBlocked(await agent.onResponse(request("/"), response(503)), {
    status: 502,
    body: '{"error":"the origin failed"}',
    headers: [{ name: "content-type", value: "application/json" }],
  });
  const agents = [{ agent: "echo", verdict: "allow", ruleIds: ["a", "b"] }];
  await agent.onRequestComplete(request("/", { id: "r7" }), {
    status: 404,
    agents,
    error: "x",
    requestBytes: 2n ** 40n,
  });
  await agent.onRequestComplete(request("/"), { status: 200 });
  deepEqual([...agent.host.metrics], [["requests{class=4xx}", 1], ["requests{class=2xx}", 1]]);
  deepEqual(agent.host.lines[0], {
    level: "info",
    message: "Request is over",
    fields: { id: "r7", status: "404" },
  });
});

Deno.test("echo: WebSockets", async () => {
  const agent = await loadAgent(FILE, { grants: GRANTS });
  const encode = (text: string) => new TextEncoder().encode(text);
  const text = (data: string) => ({ opcode: "text", fin: true, data: encode(data) }) as const;
  expectPlainAllow(await agent.onWebSocketOpen(request("/")));
  expectBlocked(await agent.onWebSocketOpen(request("/block")), { status: 403 });
  const cases = [
    { frame: text("hi"), want: { type: "allow" } },
    { frame: { opcode: "binary", fin: true, data: encode("drop") } as const, want: { type: "allow" } },
    { frame: text("drop"), want: { type: "drop" } },
    { frame: text("ping"), want: { type: "answer", value: [text("pong")] } },
    { frame: text("shout é"), want: { type: "replace", value: text("É") } },
    { frame: text("bye"), want: { type: "close", value: { code: 1000, reason: "hello" } } },
  ];
  for (const { frame, want } of cases) {
    deepEqual(JSON.stringify(await agent.onWebSocketFrame(request("/"), frame)), JSON.stringify(want));
  }
  await agent.onWebSocketClose(request("/"), { code: 1001, reason: "away" });
  await agent.onWebSocketClose(request("/"));
  deepEqual([...agent.host.metrics], [["websockets{code=1001}", 1], ["websockets{code=none}", 1]]);
});

Deno.test("echo: inspections of prompts", async () => {
  const agent = await loadAgent(FILE);
  const subject = {
    inspection: "pii-detection",
    model: "m",
    categories: ["a", "b"],
    route: undefined,
  } as const;
  deepEqual(await agent.onGuardrailInspect({ ...subject, content: "fine" }), {
    detected: false,
    confidence: 0,
    detections: [],
    redacted: undefined,
  });
  const found = await agent.onGuardrailInspect({ ...subject, content: "a secret, a secret" });
  deepEqual(found, {
    detected: true,
    confidence: 0.5,
    detections: [{
      category: "secret",
      description: "The word itself",
      severity: "low",
      confidence: 0.5,
      span: undefined,
    }],
    redacted: "a ******, a ******",
  });
});

Deno.test("echo: problems of the configuration are told all at once, with their places", async () => {
  const config = { greeting: "", status: 200, verbos: true, nested: { a: 1 } };
  await rejects(loadAgent(FILE, { config }), (error: unknown) => {
    deepEqual((error as ConfigRefused).problems, [
      { path: "status", message: "must be from 400 to 599" },
      { path: "greeting", message: "must not be empty" },
      { path: "verbos", message: 'is not known here; did you mean "verbose"?' },
      { path: "nested", message: "is not known here" },
    ]);
    return true;
  });
});

Deno.test("echo: an import that is not granted ends the call", async () => {
  const agent = await loadAgent(FILE);
  await rejects(agent.onRequestComplete(request("/")), { name: "AgentTrap", kind: "denied" });
});
