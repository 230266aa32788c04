import ipaddr from "ipaddr.js";
import { resolveConfig } from "../config/resolve.ts";
import { exposition } from "../observe/exposition.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import { adminPage, reasons } from "./admin_page.ts";
import type { CertificatesView, RenewalView } from "./acme_view.ts";
import type { AgentsView } from "./agent_view.ts";
import type { UpstreamView } from "./discovery_companion.ts";
import { sanitize } from "./sanitize.ts";
import type { Supervisor } from "./supervisor.ts";
import { drainOrder } from "./target_drain.ts";
import type { DrainOrder, TargetDrains } from "./target_drain.ts";

/** What the admin listener can show and do. */
export interface AdminDeps {
  readonly supervisor: Supervisor;
  readonly version: string;
  metrics(): Promise<MetricsSnapshot>;
  upstreams(): Promise<readonly UpstreamView[]>;
  agents(): Promise<AgentsView>;
  certificates(): CertificatesView;
  /** Renews the certificate that has this name, or all of them. */
  renew(domain: string | undefined): Promise<readonly RenewalView[]>;
  readonly drains: Pick<TargetDrains, "apply">;
}

/** Who asks: the peer of the connection, and whether the listener is bound to loopback alone. */
export interface AdminPeer {
  readonly loopback: boolean;
  readonly boundToLoopback: boolean;
}

type Endpoint = (request: Request, deps: AdminDeps) => Response | Promise<Response>;

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/": page,
  "/health": () => json(200, { status: "healthy" }),
  "/ready": ready,
  "/config": (_request, { supervisor }) => json(200, sanitize(supervisor.config)),
  "/upstreams": upstreams,
  "/agents": async (_request, { agents }) => json(200, await agents()),
  "/acme": (_request, { certificates }) => json(200, certificates()),
  "/-/generation": generation,
};

/** Answers one request to the admin listener. */
export async function answerAdmin(request: Request, peer: AdminPeer, deps: AdminDeps): Promise<Response> {
  const refusal = refuse(request, peer);
  if (refusal !== undefined) return json(403, { error: refusal });
  const url = new URL(request.url);
  const { pathname } = url;
  if (pathname === "/-/reload") {
    return request.method === "POST" ? await reload(deps) : notAllowed("POST");
  }
  if (pathname === "/acme/renew") {
    return request.method === "POST" ? await renew(request, deps) : notAllowed("POST");
  }
  const order = drainOrder(url);
  if (order !== undefined) {
    return request.method === "POST" ? drain(order, deps) : notAllowed("POST");
  }
  if (request.method !== "GET" && request.method !== "HEAD") return notAllowed("GET, HEAD");
  if (pathname === deps.supervisor.config.observability.metrics.path) return await metrics(request, deps);
  const endpoint = Object.hasOwn(ENDPOINTS, pathname) ? ENDPOINTS[pathname] : undefined;
  return await endpoint?.(request, deps) ?? json(404, { error: "There is nothing here; see /" });
}

/**
 * Why a request is refused, or undefined. Only people on this machine may change anything, and their
 * browsers must not be talked into it by other sites: neither by a cross-site request, which carries a
 * foreign Origin, nor by a name that was rebound to a loopback address.
 */
function refuse(request: Request, peer: AdminPeer): string | undefined {
  const { host, hostname } = new URL(request.url);
  if (peer.boundToLoopback && !isLocalName(hostname)) {
    return "The admin listener answers to localhost and IP addresses only";
  }
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  if (!peer.loopback) return "Changes are accepted from this machine only";
  const site = request.headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") {
    return "Requests of other sites are refused";
  }
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== `http://${host}`) return "Requests of other sites are refused";
  if (origin !== null && !isLocalName(hostname)) return "Requests of other sites are refused";
  return undefined;
}

function isLocalName(hostname: string): boolean {
  const bare = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return bare === "localhost" || bare.endsWith(".localhost") || ipaddr.isValid(bare);
}

/** Whether an address is one of this machine's loopback addresses. */
export function isLoopback(ip: string): boolean {
  return ipaddr.isValid(ip) && ipaddr.process(ip).range() === "loopback";
}

function page(_request: Request, { supervisor, version }: AdminDeps): Response {
  const { config, fleet } = supervisor;
  const html = adminPage({
    version,
    configName: supervisor.sourceName,
    generation: supervisor.generation,
    workers: { alive: fleet.alive, size: fleet.size, restarts: fleet.restarts },
    state: supervisor.draining ? "draining" : supervisor.ready ? "serving" : "not ready",
    listeners: resolveConfig(config).listeners,
    metricsPath: config.observability.metrics.path,
    lastReload: supervisor.lastReload,
  });
  return respond(200, "text/html; charset=utf-8", html);
}

function ready(_request: Request, { supervisor }: AdminDeps): Response {
  const { ready, draining, generation, fleet } = supervisor;
  const status = ready ? "ready" : draining ? "draining" : "not ready";
  return json(ready ? 200 : 503, { status, generation, workers: fleet.alive });
}

function generation(_request: Request, { supervisor }: AdminDeps): Response {
  const { generation, sourceName, lastReload } = supervisor;
  return json(200, { generation, config: sourceName, lastReload });
}

async function upstreams(_request: Request, deps: AdminDeps): Promise<Response> {
  const states = await deps.upstreams();
  const targets = states.flatMap((state) => state.targets);
  const count = (status: string) => targets.filter((target) => target.status === status).length;
  return json(200, {
    summary: {
      totalUpstreams: states.length,
      totalTargets: targets.length,
      healthy: count("healthy"),
      unhealthy: count("unhealthy"),
      unknown: count("unknown"),
    },
    upstreams: states,
  });
}

async function metrics(request: Request, deps: AdminDeps): Promise<Response> {
  const { contentType, text } = exposition(await deps.metrics(), request.headers.get("accept") ?? "");
  return respond(200, contentType, text);
}

async function reload({ supervisor }: AdminDeps): Promise<Response> {
  const result = await supervisor.reload("admin");
  if (result.outcome === "applied") return json(200, result);
  return json(supervisor.draining ? 503 : 409, { ...result, reasons: reasons(result) });
}

/** Waits for the authority, which takes seconds, or minutes where DNS is asked. */
async function renew(request: Request, deps: AdminDeps): Promise<Response> {
  const renewals = await deps.renew(new URL(request.url).searchParams.get("name") ?? undefined);
  if (renewals.length === 0) return json(404, { error: "There is no such certificate; see /acme" });
  const isWell = renewals.every(({ outcome }) => outcome !== "failed");
  return json(isWell ? 200 : 502, { renewals });
}

function drain(order: DrainOrder, { drains }: AdminDeps): Response {
  const result = drains.apply(order);
  if (result.outcome === "unknown") return json(404, { error: "There is no such target; see /upstreams" });
  if (result.outcome === "last") {
    return json(409, { ...result, error: "It is the last target in service; add ?force=true to drain it" });
  }
  return json(200, result);
}

function notAllowed(allow: string): Response {
  const response = json(405, { error: `Use ${allow}` });
  response.headers.set("allow", allow);
  return response;
}

function json(status: number, value: unknown): Response {
  return respond(status, "application/json; charset=utf-8", `${JSON.stringify(value, null, 2)}\n`);
}

function respond(status: number, contentType: string, body: string): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": contentType,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    },
  });
}
