import assert from "node:assert/strict";
import { parseConfig } from "../config/load.ts";
import { answerAdmin } from "./admin.ts";
import type { AdminDeps, AdminPeer } from "./admin.ts";
import type { DrainOrder, DrainResult } from "./target_drain.ts";
import type { ReloadResult, Supervisor } from "./supervisor.ts";

const LOCAL: AdminPeer = { loopback: true, boundToLoopback: true };
const EXPOSED: AdminPeer = { loopback: false, boundToLoopback: false };

const CONFIG = parseConfig(`
  system { worker-threads 1; }
  listeners { listener "main" { address "127.0.0.1:8080"; }; }
  routes {
    route "r" {
      matches { path-prefix "/"; header "Authorization" "Bearer sesame"; }
      builtin-handler "status"
      policies { request-headers { set { X-Api-Key "sesame"; X-Plain "open"; }; }; }
    }
  }
`).config!;

const APPLIED: ReloadResult = {
  outcome: "applied",
  trigger: "admin",
  generation: 4,
  problems: [],
  report: "",
  warnings: [],
  durationMs: 3,
  at: "2026-01-01T00:00:00.000Z",
};

interface Fakes {
  readonly ready?: boolean;
  readonly draining?: boolean;
  readonly result?: ReloadResult;
}

function depsOf(
  { ready = true, draining = false, result = APPLIED }: Fakes = {},
): AdminDeps & { reloads: number } {
  const supervisor = {
    config: CONFIG,
    sourceName: "<my>.kdl",
    generation: 3,
    ready,
    draining,
    lastReload: result,
    fleet: { alive: 1, size: 2, restarts: 5 },
    reload: () => {
      deps.reloads++;
      return Promise.resolve(result);
    },
  } as unknown as Supervisor;
  const deps = {
    supervisor,
    drains: {
      apply: ({ upstreamId, address, force }: DrainOrder): DrainResult => {
        const outcome = upstreamId !== "ns:u"
          ? "unknown"
          : address === "unix:/a/b" && !force
          ? "last"
          : "changed";
        return {
          outcome,
          upstream: upstreamId,
          target: address,
          draining: outcome === "changed",
          inFlight: 0,
        };
      },
    },
    version: "1.2.3",
    reloads: 0,
    metrics: () => Promise.resolve({ families: [] }),
    agents: () => Promise.resolve({ summary: { total: 0, live: 0, problems: 0 }, agents: [], problems: [] }),
    certificates: () => ({ certificates: [] }),
    renew: (domain: string | undefined) =>
      Promise.resolve(
        domain === "unknown.example"
          ? []
          : [{ name: "a.example", outcome: "issued" as const, reason: null, message: null }],
      ),
    upstreams: () =>
      Promise.resolve([{
        id: "u",
        loadBalancing: "round_robin",
        targets: [{
          address: "a:1",
          weight: 1,
          status: "healthy" as const,
          draining: false,
          ejected: false,
          breaker: undefined,
          ramp: 1,
          priority: 0,
          inFlight: 0,
        }],
      }]),
  };
  return deps;
}

function ask(path: string, init: RequestInit & { peer?: AdminPeer; host?: string; fakes?: Fakes } = {}) {
  const { peer = LOCAL, host = "127.0.0.1:9090", fakes, ...rest } = init;
  return answerAdmin(new Request(`http://${host}${path}`, rest), peer, depsOf(fakes));
}

function drainPath(address: string, action: "drain" | "undrain"): string {
  return `/-/upstreams/${encodeURIComponent("ns:u")}/targets/${encodeURIComponent(address)}/${action}`;
}

Deno.test("admin: endpoints and their statuses", async () => {
  const cases: { name: string; path: string; method?: string; fakes?: Fakes; want: number; body: RegExp }[] =
    [
      { name: "page", path: "/", want: 200, body: /Sentinel 1\.2\.3: serving/ },
      { name: "page escapes", path: "/", want: 200, body: /&lt;my&gt;\.kdl/ },
      { name: "health", path: "/health", want: 200, body: /healthy/ },
      { name: "ready", path: "/ready", want: 200, body: /"ready"/ },
      {
        name: "draining",
        path: "/ready",
        fakes: { ready: false, draining: true },
        want: 503,
        body: /draining/,
      },
      { name: "not ready", path: "/ready", fakes: { ready: false }, want: 503, body: /not ready/ },
      { name: "config", path: "/config", want: 200, body: /"listeners"/ },
      { name: "certificates", path: "/acme", want: 200, body: /"certificates"/ },
      { name: "renew", path: "/acme/renew", method: "POST", want: 200, body: /"issued"/ },
      { name: "renew by GET", path: "/acme/renew", want: 405, body: /Use POST/ },
      {
        name: "renew nothing",
        path: "/acme/renew?name=unknown.example",
        method: "POST",
        want: 404,
        body: /no such certificate/,
      },
      { name: "upstreams", path: "/upstreams", want: 200, body: /"healthy": 1/ },
      { name: "generation", path: "/-/generation", want: 200, body: /"generation": 3/ },
      { name: "metrics", path: "/metrics", want: 200, body: /^\s*$/ },
      { name: "nothing there", path: "/nope", want: 404, body: /nothing here/ },
      { name: "no prototype is an endpoint", path: "/constructor", want: 404, body: /nothing here/ },
      { name: "wrong method", path: "/health", method: "DELETE", want: 405, body: /GET, HEAD/ },
      { name: "reload by GET", path: "/-/reload", want: 405, body: /POST/ },
      { name: "reload", path: "/-/reload", method: "POST", want: 200, body: /"applied"/ },
      { name: "drain", path: drainPath("b:1", "drain"), method: "POST", want: 200, body: /"target": "b:1"/ },
      { name: "undrain", path: drainPath("b:1", "undrain"), method: "POST", want: 200, body: /"changed"/ },
      {
        name: "drain the last",
        path: drainPath("unix:/a/b", "drain"),
        method: "POST",
        want: 409,
        body: /force/,
      },
      {
        name: "drain it all the same",
        path: `${drainPath("unix:/a/b", "drain")}?force=true`,
        method: "POST",
        want: 200,
        body: /"target": "unix:\/a\/b"/,
      },
      { name: "drain by GET", path: drainPath("b:1", "drain"), want: 405, body: /POST/ },
      {
        name: "drain nobody",
        path: "/-/upstreams/x/targets/b:1/drain",
        method: "POST",
        want: 404,
        body: /no such/,
      },
      {
        name: "bad escape",
        path: "/-/upstreams/%zz/targets/b:1/drain",
        method: "POST",
        want: 405,
        body: /GET/,
      },
    ];
  for (const { name, path, method, fakes, want, body } of cases) {
    const response = await ask(path, { ...(method ? { method } : {}), ...(fakes ? { fakes } : {}) });
    assert.equal(response.status, want, name);
    assert.match(await response.text(), body, name);
  }
});

Deno.test("admin: a failed reload says why", async () => {
  const result: ReloadResult = {
    ...APPLIED,
    outcome: "failed",
    report: "x.kdl:1:2: bad",
    problems: ["has errors"],
  };
  const response = await ask("/-/reload", { method: "POST", fakes: { result } });
  assert.equal(response.status, 409);
  assert.equal((await response.json()).reasons, "x.kdl:1:2: bad\nhas errors");
  const draining = await ask("/-/reload", { method: "POST", fakes: { result, draining: true } });
  assert.equal(draining.status, 503);
});

Deno.test("admin: the configuration is shown without its secrets", async () => {
  const text = await (await ask("/config")).text();
  assert.equal(text.includes("sesame"), false, text);
  assert(text.includes("open") && text.includes("[redacted]"));
});

Deno.test("admin: who may do what", async () => {
  const post = (headers: Record<string, string> = {}) => ({ method: "POST", headers });
  const cases: { name: string; init: Parameters<typeof ask>[1]; path?: string; want: number }[] = [
    { name: "curl on this machine", init: post(), want: 200 },
    { name: "the admin page itself", init: post({ origin: "http://127.0.0.1:9090" }), want: 200 },
    { name: "another site", init: post({ origin: "http://evil.example" }), want: 403 },
    { name: "another port", init: post({ origin: "http://127.0.0.1:8080" }), want: 403 },
    { name: "an opaque origin", init: post({ origin: "null" }), want: 403 },
    { name: "a cross-site form", init: post({ "sec-fetch-site": "cross-site" }), want: 403 },
    { name: "a same-site form", init: post({ "sec-fetch-site": "same-site" }), want: 403 },
    {
      name: "localhost",
      init: { ...post({ origin: "http://localhost:9090" }), host: "localhost:9090" },
      want: 200,
    },
    { name: "IPv6 loopback", init: { ...post(), host: "[::1]:9090" }, want: 200 },
    { name: "a rebound name", init: { ...post(), host: "evil.example:9090" }, want: 403 },
    { name: "a rebound name reading", init: { host: "evil.example:9090" }, path: "/config", want: 403 },
    {
      name: "a rebound name on an exposed listener",
      init: {
        ...post({ origin: "http://evil.example:9090" }),
        host: "evil.example:9090",
        peer: { loopback: true, boundToLoopback: false },
      },
      want: 403,
    },
    { name: "another machine", init: { ...post(), peer: EXPOSED }, want: 403 },
    {
      name: "a scraper by name",
      init: { host: "sentinel:9090", peer: EXPOSED },
      path: "/metrics",
      want: 200,
    },
  ];
  for (const { name, init, path = "/-/reload", want } of cases) {
    assert.equal((await ask(path, init)).status, want, name);
  }
});
