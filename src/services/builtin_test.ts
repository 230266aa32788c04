import assert from "node:assert/strict";
import { requestContext } from "../../tests/support/filter_fixture.ts";
import type { BytesBody, Response } from "../core/message.ts";
import { type BuiltinDeps, type BuiltinHandler, createBuiltinService } from "./builtin.ts";
import type { ConfigSummary } from "./builtin_views.ts";
import { uptimeText } from "./uptime.ts";

const CONFIG: ConfigSummary = {
  server: { worker_threads: 0 },
  listeners: [{
    id: "web",
    address: "0.0.0.0:8080",
    protocol: "http",
    default_route: null,
    request_timeout_secs: 60,
    keepalive_timeout_secs: 75,
    tls_enabled: false,
  }],
  routes: [
    {
      id: "alive",
      priority: 50,
      matches: { path: ["/health"], pathPrefix: [], pathRegex: [], host: [] },
      upstream: null,
      service_type: "builtin",
      builtin_handler: "health",
      filters: [],
      waf_enabled: false,
    },
    {
      id: "<app>",
      priority: 10,
      matches: { path: [], pathPrefix: ["/app"], pathRegex: [], host: ["a.example"] },
      upstream: "app",
      service_type: "web",
      builtin_handler: null,
      filters: ["f"],
      waf_enabled: false,
    },
  ],
  upstreams: [{ id: "app" }],
  agents: [],
  filters: ["f"],
  waf: null,
  limits: {},
};

const DEPS: BuiltinDeps = {
  sources: { processMetrics: () => ({ families: [] }) },
  version: "1.2.3",
  instanceId: "i-1",
  clock: { nowMs: () => 93_785_000, wallMs: () => 1_700_000_000_000 },
  startedMs: 1000,
  config: CONFIG,
  upstreams: () => [{
    id: "app",
    loadBalancing: "round_robin",
    targets: [
      { address: "10.0.0.1:80", weight: 1, status: "healthy", failureRate: 0.25 },
      { address: "10.0.0.2:80", weight: 2, status: "unhealthy", lastError: "refused" },
      { address: "10.0.0.3:80", weight: 1, status: "unknown" },
    ],
  }],
};
const NOW = "2023-11-14T22:13:20.000Z";

async function ask(handler: BuiltinHandler, accept?: string, deps: BuiltinDeps = DEPS) {
  const context = requestContext({ headers: accept === undefined ? [] : [["Accept", accept]] });
  const response: Response = await createBuiltinService(handler, deps).serve(context);
  const text = new TextDecoder().decode((response.body as BytesBody).read()!);
  return { status: response.status, headers: response.headers, text };
}

Deno.test("handlers answer in the documented shape", async (t) => {
  const cases: readonly { handler: BuiltinHandler; status: number; want: unknown }[] = [
    {
      handler: "status",
      status: 200,
      want: {
        status: "ok",
        version: "1.2.3",
        uptime: "1d 2h 3m 4s",
        uptime_secs: 93_784,
        instance_id: "i-1",
        timestamp: NOW,
      },
    },
    { handler: "health", status: 200, want: { status: "healthy", timestamp: NOW } },
    {
      handler: "not-found",
      status: 404,
      want: {
        error: "Not Found",
        status: 404,
        message: "The requested resource was not found",
        request_id: "request-1",
        timestamp: NOW,
      },
    },
    { handler: "config", status: 200, want: { timestamp: NOW, request_id: "request-1", config: CONFIG } },
    {
      handler: "upstreams",
      status: 200,
      want: {
        timestamp: NOW,
        request_id: "request-1",
        summary: { total_upstreams: 1, total_targets: 3, healthy: 1, unhealthy: 1, unknown: 1 },
        upstreams: [{
          id: "app",
          load_balancing: "round_robin",
          targets: [
            { address: "10.0.0.1:80", weight: 1, status: "healthy", failure_rate: 0.25, last_error: null },
            {
              address: "10.0.0.2:80",
              weight: 2,
              status: "unhealthy",
              failure_rate: null,
              last_error: "refused",
            },
            { address: "10.0.0.3:80", weight: 1, status: "unknown", failure_rate: null, last_error: null },
          ],
        }],
      },
    },
  ];
  for (const { handler, status, want } of cases) {
    await t.step(handler, async () => {
      const answer = await ask(handler);
      assert.equal(answer.status, status);
      assert.deepEqual(JSON.parse(answer.text), want);
      assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
      assert.equal(answer.headers.get("x-request-id"), "request-1");
      const cacheControl = handler === "not-found" ? undefined : "no-cache, no-store, must-revalidate";
      assert.equal(answer.headers.get("cache-control"), cacheControl);
    });
  }
});

Deno.test("status is a page for browsers", async () => {
  const { headers, text } = await ask("status", "text/html,application/xml;q=0.9,*/*;q=0.8");
  assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(headers.get("vary"), "Accept");
  for (const part of ["Version 1.2.3", "1d 2h 3m 4s", "10.0.0.2:80", `class="unhealthy"`, `href="/health"`]) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(text.includes("&lt;app&gt;") && !text.includes("<app>"), "ids are escaped");
  assert.ok(!/(?:src|href)="(?:https?:)?\/\//.test(text), "nothing is fetched");
  assert.equal((await ask("status", "*/*")).headers.get("content-type"), "application/json; charset=utf-8");
});

Deno.test("what is not there", async () => {
  const empty: BuiltinDeps = { ...DEPS, config: undefined, upstreams: () => [] };
  assert.equal((await ask("config", undefined, empty)).status, 503);
  assert.equal(
    JSON.parse((await ask("upstreams", undefined, empty)).text).message,
    "No upstreams configured",
  );
  assert.equal((await ask("status", "text/html", empty)).status, 200);
});

Deno.test("metrics of the whole process, at once or later", async () => {
  const family = {
    name: "sentinel_x_total",
    type: "counter",
    help: "X.",
    labelNames: [],
    series: [{ labels: [], values: [3] }],
  };
  const snapshot = { families: [family] } as unknown as Awaited<
    ReturnType<BuiltinDeps["sources"]["processMetrics"]>
  >;
  for (const processMetrics of [() => snapshot, () => Promise.resolve(snapshot)]) {
    const { headers, text } = await ask("metrics", undefined, { ...DEPS, sources: { processMetrics } });
    assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.match(text, /^sentinel_x_total 3$/m);
    assert.equal(headers.get("cache-control"), undefined);
  }
});

Deno.test("uptimes for people", () => {
  const cases = [[0, "0s"], [999, "0s"], [59_999, "59s"], [60_000, "1m 0s"], [3_600_000, "1h 0m 0s"], [
    86_399_999,
    "23h 59m 59s",
  ], [-5, "0s"]] as const;
  for (const [ms, want] of cases) assert.equal(uptimeText(ms), want);
});
