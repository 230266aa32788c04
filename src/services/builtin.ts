import type { RequestContext } from "../core/context.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import { exposition } from "../observe/exposition.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import { preferredFormat } from "./accept.ts";
import { prettyJson, textResponse } from "./answers.ts";
import type { BuiltinSources, ConfigSummary, UpstreamView } from "./builtin_views.ts";
import type { Service } from "./service.ts";
import { statusPage } from "./status_page.ts";
import { uptimeText } from "./uptime.ts";

/** What the handlers are made of. */
export interface BuiltinDeps {
  readonly sources: BuiltinSources;
  readonly version: string;
  readonly instanceId: string;
  readonly clock: Clock;
  /** `Clock.nowMs` when the program began to serve. */
  readonly startedMs: number;
  /** Undefined while there is none to show. */
  readonly config: ConfigSummary | undefined;
  upstreams(): readonly UpstreamView[];
}

type Handler = (context: RequestContext, deps: BuiltinDeps) => MaybePromise<Response>;

/** Word in the configuration → what answers. Whatever the method; HEAD is the engine's business. */
const HANDLERS = {
  status,
  health,
  metrics,
  "not-found": notFound,
  config,
  upstreams,
} as const satisfies Readonly<Record<string, Handler>>;

export type BuiltinHandler = keyof typeof HANDLERS;

const NO_CACHE = ["Cache-Control", "no-cache, no-store, must-revalidate"] as const;
const OFFERS = [
  { format: "json", mediaTypes: ["application/json"] },
  { format: "html", mediaTypes: ["text/html", "application/xhtml+xml"] },
] as const;

/** The service of a route with a `builtin-handler`. */
export function createBuiltinService(handler: BuiltinHandler, deps: BuiltinDeps): Service {
  const handle: Handler = HANDLERS[handler];
  return { serve: (context) => handle(context, deps) };
}

function json(context: RequestContext, status: number, value: unknown): Response {
  return textResponse(status, prettyJson(value), [
    ["Content-Type", "application/json; charset=utf-8"],
    ["X-Request-Id", context.requestId],
    NO_CACHE,
  ]);
}

function status(context: RequestContext, deps: BuiltinDeps): Response {
  const uptimeMs = deps.clock.nowMs() - deps.startedMs;
  const format = preferredFormat<"json" | "html">(context.head.headers.joined("accept"), [...OFFERS]);
  if (format === "html") {
    const upstreams = deps.upstreams();
    const page = statusPage({ ...deps, uptimeMs, upstreams, requestId: context.requestId });
    return textResponse(200, page, [
      ["Content-Type", "text/html; charset=utf-8"],
      ["X-Request-Id", context.requestId],
      NO_CACHE,
      ["Vary", "Accept"],
      ["Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"],
    ]);
  }
  const response = json(context, 200, {
    status: "ok",
    version: deps.version,
    uptime: uptimeText(uptimeMs),
    uptime_secs: Math.trunc(uptimeMs / 1000),
    instance_id: deps.instanceId,
    timestamp: timestamp(deps),
  });
  response.headers.append("Vary", "Accept");
  return response;
}

function health(context: RequestContext, deps: BuiltinDeps): Response {
  return json(context, 200, { status: "healthy", timestamp: timestamp(deps) });
}

function metrics(context: RequestContext, deps: BuiltinDeps): MaybePromise<Response> {
  const snapshot = deps.sources.processMetrics();
  const accept = context.head.headers.joined("accept");
  const respond = (known: MetricsSnapshot) => {
    const { contentType, text } = exposition(known, accept);
    return textResponse(200, text, [["Content-Type", contentType], ["X-Request-Id", context.requestId]]);
  };
  return snapshot instanceof Promise ? snapshot.then(respond) : respond(snapshot);
}

function notFound(context: RequestContext, deps: BuiltinDeps): Response {
  const response = json(context, 404, {
    error: "Not Found",
    status: 404,
    message: "The requested resource was not found",
    request_id: context.requestId,
    timestamp: timestamp(deps),
  });
  response.headers.remove("cache-control");
  return response;
}

function config(context: RequestContext, deps: BuiltinDeps): Response {
  const about = { timestamp: timestamp(deps), request_id: context.requestId };
  if (deps.config === undefined) {
    return json(context, 503, {
      ...about,
      error: "Service Unavailable",
      message: "No configuration is loaded",
    });
  }
  return json(context, 200, { ...about, config: deps.config });
}

function upstreams(context: RequestContext, deps: BuiltinDeps): Response {
  const all = deps.upstreams();
  const targets = all.flatMap((upstream) => upstream.targets);
  const count = (wanted: string) => targets.filter((target) => target.status === wanted).length;
  return json(context, 200, {
    timestamp: timestamp(deps),
    request_id: context.requestId,
    summary: {
      total_upstreams: all.length,
      total_targets: targets.length,
      healthy: count("healthy"),
      unhealthy: count("unhealthy"),
      unknown: count("unknown"),
    },
    upstreams: all.map((upstream) => ({
      id: upstream.id,
      load_balancing: upstream.loadBalancing,
      targets: upstream.targets.map((target) => ({
        address: target.address,
        weight: target.weight,
        status: target.status,
        failure_rate: target.failureRate ?? null,
        last_error: target.lastError ?? null,
      })),
    })),
    ...(all.length === 0 ? { message: "No upstreams configured" } : {}),
  });
}

function timestamp(deps: BuiltinDeps): string {
  return new Date(deps.clock.wallMs()).toISOString();
}
