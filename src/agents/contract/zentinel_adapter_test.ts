import { deepEqual, equal } from "node:assert/strict";
import type { Request, Response } from "./sentinel_types.ts";
import { adaptZentinel, type RequestFacts } from "./zentinel_adapter.ts";
import type { AgentResponse, Exports, Handler } from "./zentinel_types.ts";

const REQUEST: Request = {
  id: () => "r1",
  method: () => "POST",
  target: () => "/a?b",
  path: () => "/a",
  query: () => "b",
  host: () => "shop.example",
  header: () => undefined,
  headers: () => [{ name: "x", value: "y" }],
  route: () => "shop",
  upstream: () => undefined,
  traceparent: () => "",
  metadata: () => undefined,
};

const RESPONSE: Response = {
  status: () => 404,
  header: () => undefined,
  headers: () => [{ name: "server", value: "s" }],
};

const FACTS: RequestFacts = {
  clientAddress: () => "192.0.2.1",
  clientPort: () => 4711,
  tls: () => undefined,
  protocol: () => "HTTP/1.1",
  timestampMs: () => 1_700_000_000_000.75,
};

const ALLOW: AgentResponse = {
  decision: { type: "allow" },
  requestHeaders: [{ type: "set", value: { name: "a", value: "b" } }],
  responseHeaders: [{ type: "remove", value: "c" }],
  audit: { tags: ["t"], ruleIds: ["r"], confidence: 0.5, reasonCodes: ["why"] },
  needsMore: true,
};

function component(response: AgentResponse = ALLOW, overrides: Partial<Handler> = {}) {
  const heard: unknown[] = [];
  const answer = (name: string) => (...args: unknown[]) => {
    heard.push([name, ...args]);
    return response;
  };
  const exports: Exports = {
    handler: {
      getInfo: () => ({
        agentId: "guard",
        name: "A guard",
        version: "1.2.3",
        supportedEvents: ["request_headers"],
        maxBodySize: 10n,
        supportsStreaming: true,
      }),
      configure: () => ({ type: "ok", value: undefined }),
      onRequestHeaders: answer("request headers"),
      onRequestBody: answer("request body"),
      onResponseHeaders: answer("response headers"),
      onResponseBody: answer("response body"),
      ...overrides,
    },
    lifecycle: {
      healthCheck: () => ({ type: "error", value: "ill" }),
      shutdown: () => void heard.push("shutdown"),
    },
  };
  return { exports, heard };
}

function adapted(exports: Exports, facts: RequestFacts = FACTS) {
  return adaptZentinel(exports, () => facts)!;
}

const ALLOWED = {
  decision: { type: "allow" },
  requestHeaders: ALLOW.requestHeaders,
  responseHeaders: ALLOW.responseHeaders,
  target: undefined,
  method: undefined,
  metadata: [],
  audit: { tags: ["t"], ruleIds: ["r"], reasonCodes: ["why"], confidence: 0.5, custom: [] },
  needsMore: true,
};

Deno.test("zentinel adapter: request headers come with what is known of the request", () => {
  const { exports, heard } = component();
  deepEqual(adapted(exports).exports.requestHandler!.onRequestHeaders(REQUEST), ALLOWED);
  deepEqual(heard, [[
    "request headers",
    {
      correlationId: "r1",
      requestId: "r1",
      clientIp: "192.0.2.1",
      clientPort: 4711,
      serverName: "shop.example",
      protocol: "HTTP/1.1",
      tlsVersion: undefined,
      routeId: "shop",
      upstreamId: undefined,
      timestampMs: 1_700_000_000_000n,
      traceparent: undefined,
    },
    "POST",
    "/a?b",
    [{ name: "x", value: "y" }],
  ]]);
});

Deno.test("zentinel adapter: with TLS the server's name is the one of the handshake", () => {
  const { exports, heard } = component();
  const tls = () => ({ version: "TLSv1.3", serverName: "sni.example" });
  const traced = { ...REQUEST, traceparent: () => "00-1-2-01" };
  adapted(exports, { ...FACTS, tls }).exports.requestHandler!.onRequestHeaders(traced);
  const [[, metadata]] = heard as [[string, Record<string, unknown>]];
  equal(metadata["serverName"], "sni.example");
  equal(metadata["tlsVersion"], "TLSv1.3");
  equal(metadata["traceparent"], "00-1-2-01");
});

Deno.test("zentinel adapter: bodies and responses are told by the request's id", () => {
  const { exports, heard } = component();
  const agent = adapted(exports).exports;
  const chunk = new Uint8Array([1]);
  const kept = { outcome: ALLOWED, edit: { type: "keep" } };
  deepEqual(agent.requestBodyHandler!.onRequestBody(REQUEST, chunk, 2, false), kept);
  deepEqual(agent.responseHandler!.onResponseHeaders(REQUEST, RESPONSE), ALLOWED);
  deepEqual(agent.responseBodyHandler!.onResponseBody(REQUEST, RESPONSE, chunk, 3, true), kept);
  deepEqual(heard, [
    ["request body", "r1", chunk, 2, false],
    ["response headers", "r1", 404, [{ name: "server", value: "s" }]],
    ["response body", "r1", chunk, 3, true],
  ]);
});

Deno.test("zentinel adapter: block and redirect keep what they say", () => {
  const decide = (decision: AgentResponse["decision"]) =>
    adapted(component({ ...ALLOW, decision }).exports).exports.requestHandler!.onRequestHeaders(REQUEST)
      .decision;
  const block = { type: "block", value: { status: 403, body: "no", headers: [] } } as const;
  deepEqual(decide(block), block);
  deepEqual(decide({ type: "redirect", value: { url: "/login", status: 302 } }), {
    type: "redirect",
    value: { location: "/login", status: 302 },
  });
});

Deno.test("zentinel adapter: life as our agents have it", () => {
  const refuse: Partial<Handler> = { configure: (config) => ({ type: "error", value: `bad ${config}` }) };
  const { exports, heard } = component(ALLOW, refuse);
  const { lifecycle } = adapted(exports).exports;
  deepEqual(lifecycle!.describe(), { id: "guard", version: "1.2.3", summary: "A guard" });
  deepEqual(lifecycle!.configure("{}"), { type: "error", value: [{ path: "", message: "bad {}" }] });
  deepEqual(lifecycle!.health(), { type: "error", value: "ill" });
  lifecycle!.drain("replaced");
  deepEqual(heard, []);
  lifecycle!.shutdown("replaced");
  deepEqual(heard, ["shutdown"]);
  deepEqual(adapted(component().exports).exports.lifecycle!.configure(""), { type: "ok", value: undefined });
});

Deno.test("zentinel adapter: what it says about itself beyond our description", () => {
  deepEqual(adapted(component().exports).info(), {
    description: { id: "guard", version: "1.2.3", summary: "A guard" },
    supportedEvents: ["request_headers"],
    bodyBytesMax: 10n,
    supportsStreaming: true,
  });
});

Deno.test("zentinel adapter: without lifecycle it is healthy, without handler it is nothing", () => {
  const { exports } = component();
  const { lifecycle } = adapted({ ...exports, lifecycle: undefined }).exports;
  deepEqual(lifecycle!.health(), { type: "ok", value: "" });
  lifecycle!.shutdown("shutdown");
  equal(adaptZentinel({ ...exports, handler: undefined }, () => FACTS), undefined);
});
