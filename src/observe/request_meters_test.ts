import { deepEqual, equal } from "node:assert/strict";
import { endedRequest } from "../../tests/support/log_fixture.ts";
import type { EndedRequest } from "../../tests/support/log_fixture.ts";
import { BytesBody } from "../core/message.ts";
import { expositionText } from "./exposition.ts";
import { createFamilies } from "./families.ts";
import { MetricsRegistry } from "./metrics.ts";
import { ListenerMeter, methodIndex, OutcomeMeter, RouteMeter, UpstreamMeter } from "./request_meters.ts";

function rig() {
  const registry = new MetricsRegistry();
  const families = createFamilies(registry, { version: "1.2.3" });
  const outcomes = new OutcomeMeter(families);
  /** Samples of a family that are not 0, without the prefix. */
  const samples = (name: string) => {
    return expositionText(registry.snapshot(), "prometheus").split("\n")
      .filter((line) => line.startsWith(`sentinel_${name}`) && !line.endsWith(" 0"))
      .map((line) => line.slice("sentinel_".length));
  };
  return { families, outcomes, samples };
}

Deno.test("RouteMeter: counts, durations and sizes of a request", () => {
  const { families, outcomes, samples } = rig();
  const meter = new RouteMeter(families, outcomes, { id: "api" });
  meter.start();
  deepEqual(samples("active_requests"), ["active_requests 1"]);
  meter.finish(
    endedRequest({
      method: "POST",
      with: { body: new BytesBody(new Uint8Array(1)), bodyBytesReceived: 150 },
    }),
    1020,
  );
  deepEqual(samples("active_requests"), []);
  deepEqual(samples("requests_total"), ['requests_total{route="api",method="POST",status="200"} 1']);
  deepEqual(samples("request_duration_seconds").slice(0, 1), [
    'request_duration_seconds_bucket{route="api",method="POST",le="0.025"} 1',
  ]);
  deepEqual(samples("request_duration_seconds_sum"), [
    'request_duration_seconds_sum{route="api",method="POST"} 0.02',
  ]);
  deepEqual(samples("request_body_size_bytes_sum"), ['request_body_size_bytes_sum{route="api"} 150']);
  deepEqual(samples("response_body_size_bytes_sum"), ['response_body_size_bytes_sum{route="api"} 512']);
  deepEqual(samples("scoped_requests_total"), []);
});

Deno.test("RouteMeter: requests without a body are not counted as bodies of 0 bytes", () => {
  const { families, outcomes, samples } = rig();
  new RouteMeter(families, outcomes, { id: "api" }).finish(endedRequest(), 1020);
  deepEqual(samples("request_body_size_bytes_count"), []);
  deepEqual(samples("response_body_size_bytes_count"), ['response_body_size_bytes_count{route="api"} 1']);
});

Deno.test("RouteMeter: methods and statuses as labels", () => {
  const tests: { name: string; request: EndedRequest; want: string }[] = [
    {
      name: "known",
      request: { method: "DELETE", with: { status: 204 } },
      want: 'method="DELETE",status="204"',
    },
    { name: "unknown method", request: { method: "PROPFIND" }, want: 'method="OTHER",status="200"' },
    { name: "methods are case-sensitive", request: { method: "get" }, want: 'method="OTHER",status="200"' },
    { name: "no answer", request: { with: { status: 0 } }, want: 'method="GET",status="499"' },
    { name: "odd status", request: { with: { status: 999 } }, want: 'method="GET",status="999"' },
  ];
  for (const { name, request, want } of tests) {
    const { families, outcomes, samples } = rig();
    const meter = new RouteMeter(families, outcomes, { id: "r" });
    meter.finish(endedRequest(request), 1000);
    meter.finish(endedRequest(request), 1000);
    deepEqual(samples("requests_total"), [`requests_total{route="r",${want}} 2`], name);
  }
});

Deno.test("RouteMeter: what was blocked and what failed", () => {
  const tests: { name: string; with: EndedRequest["with"] & object; blocked: string[]; errors: string[] }[] =
    [
      { name: "redirected", with: { reason: "redirected" }, blocked: [], errors: [] },
      {
        name: "rate limited",
        with: { reason: "rate_limited" },
        blocked: ['blocked_requests_total{reason="rate_limited"} 1'],
        errors: [],
      },
      {
        name: "body too large",
        with: { errorCode: "body_too_large" },
        blocked: ['blocked_requests_total{reason="body_size_exceeded"} 1'],
        errors: ['request_errors_total{code="body_too_large",fault="downstream"} 1'],
      },
      {
        name: "reason and code are one event",
        with: { reason: "body_too_large", errorCode: "body_too_large" },
        blocked: ['blocked_requests_total{reason="body_size_exceeded"} 1'],
        errors: ['request_errors_total{code="body_too_large",fault="downstream"} 1'],
      },
      {
        name: "upstream failure",
        with: { errorCode: "upstream_reset" },
        blocked: [],
        errors: ['request_errors_total{code="upstream_reset",fault="upstream"} 1'],
      },
    ];
  for (const { name, with: fields, blocked, errors } of tests) {
    const { families, outcomes, samples } = rig();
    new RouteMeter(families, outcomes, { id: "r" }).finish(endedRequest({ with: fields }), 1000);
    deepEqual([samples("blocked_requests"), samples("request_errors")], [blocked, errors], name);
  }
});

Deno.test("RouteMeter: namespaces and services", () => {
  const { families, outcomes, samples } = rig();
  const meter = new RouteMeter(families, outcomes, { id: "r", namespace: "n", service: undefined });
  meter.start();
  deepEqual(samples("scoped_active"), ['scoped_active_requests{namespace="n",service=""} 1']);
  meter.finish(endedRequest(), 1500);
  deepEqual(samples("scoped_active"), []);
  const labels = 'namespace="n",service="",route="r",method="GET"';
  deepEqual(samples("scoped_requests_total"), [`scoped_requests_total{${labels},status="200"} 1`]);
  deepEqual(samples("scoped_request_duration_seconds_sum"), [
    `scoped_request_duration_seconds_sum{${labels}} 0.5`,
  ]);
});

Deno.test("RouteMeter: rate limits that requests of a service met", () => {
  const { families, outcomes, samples } = rig();
  const limited: EndedRequest = { with: { logFields: { rate_limit: "per-user" } } };
  const scoped = new RouteMeter(families, outcomes, { id: "r", namespace: "n", service: "s" });
  scoped.finish(endedRequest(limited), 1000);
  scoped.finish(endedRequest(), 1000);
  new RouteMeter(families, outcomes, { id: "other" }).finish(endedRequest(limited), 1000);
  deepEqual(samples("scoped_rate_limit_hits"), [
    'scoped_rate_limit_hits_total{namespace="n",service="s",route="r",policy="per-user"} 1',
  ]);
});

Deno.test("UpstreamMeter", () => {
  const { families, samples } = rig();
  const meter = new UpstreamMeter(families, "u", { id: "r", namespace: "n", service: "s" });
  meter.attempt();
  meter.attempt();
  meter.acquired();
  meter.failure("upstream_reset");
  meter.headLatency("10.0.0.1:80", 3);
  deepEqual(samples("upstream_attempts"), ['upstream_attempts_total{upstream="u",route="r"} 2']);
  deepEqual(samples("upstream_failures"), [
    'upstream_failures_total{upstream="u",route="r",reason="upstream_reset"} 1',
  ]);
  deepEqual(samples("connection_pool_acquired"), ['connection_pool_acquired_total{upstream="u"} 1']);
  deepEqual(samples("upstream_latency_seconds_sum"), [
    'upstream_latency_seconds_sum{upstream="u",target="10.0.0.1:80"} 0.003',
  ]);
  deepEqual(samples("scoped_upstream"), [
    'scoped_upstream_attempts_total{namespace="n",service="s",upstream="u",route="r"} 2',
    'scoped_upstream_failures_total{namespace="n",service="s",upstream="u",route="r",reason="upstream_reset"} 1',
  ]);
});

Deno.test("ListenerMeter", () => {
  const { families, samples } = rig();
  const meter = new ListenerMeter(families, "main");
  meter.opened();
  meter.opened();
  meter.closed();
  meter.rejected("total_connections");
  deepEqual(samples("open_connections"), ["open_connections 1"]);
  deepEqual(samples("downstream_connections"), ['downstream_connections_total{listener="main"} 2']);
  deepEqual(samples("connection_rejected"), [
    'connection_rejected_total{listener="main",reason="total_connections"} 1',
  ]);
});

Deno.test("createFamilies: says which build runs", () => {
  deepEqual(rig().samples("build_info"), ['build_info{version="1.2.3"} 1']);
  deepEqual(rig().samples("up"), ["up 1"]);
  equal(methodIndex("OTHER"), 0, "a client that sends OTHER is no different");
});
