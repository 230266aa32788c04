/** Requests as they are when they have ended, and sinks that remember: for tests of logs and metrics. */

import type { TlsFacts } from "../../src/core/tls.ts";
import { RequestContext } from "../../src/core/context.ts";
import type { RouteInfo } from "../../src/core/context.ts";
import { HeaderList } from "../../src/core/headers.ts";
import type { AccessLogOptions } from "../../src/observe/access_log.ts";
import type { LineSink } from "../../src/observe/sink.ts";

export interface EndedRequest {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly minor?: 0 | 1;
  readonly route?: Partial<RouteInfo> | null;
  readonly tls?: TlsFacts;
  /** Fields of the context to set. */
  readonly with?: Partial<RequestContext>;
}

/** A request that came at 1000 ms and was answered with 200 by target 127.0.0.1:9000 unless told otherwise. */
export function endedRequest(request: EndedRequest = {}): RequestContext {
  const context = new RequestContext({
    head: {
      method: request.method ?? "GET",
      target: request.target ?? "/a",
      host: "www.example",
      authority: "www.example:8080",
      minor: request.minor ?? 1,
      headers: HeaderList.from(request.headers ?? []),
    },
    body: null,
    downstream: {
      listenerId: "main",
      namespace: undefined,
      scheme: "http",
      tls: request.tls ?? null,
      localPort: 8080,
      peerIp: "192.0.2.7",
      peerPort: 40_000,
      peerTrusted: false,
      requestsServed: 0,
    },
    startedMs: 1000,
    bodyBytesMax: 1_000_000,
  });
  const route: RouteInfo = {
    id: "api",
    serviceType: "api",
    pathPrefixes: [],
    namespace: undefined,
    service: undefined,
  };
  context.route = request.route === null ? null : { ...route, ...request.route };
  context.requestId = "id-1";
  context.status = 200;
  context.upstreamId = "backend";
  context.targetAddress = "127.0.0.1:9000";
  context.attempts = 1;
  context.upstreamHeadMs = 1.25;
  context.bodyBytesSent = 512;
  return Object.assign(context, request.with);
}

/** Options of the access log with every field on. */
export function accessLogOptions(changes: Partial<AccessLogOptions> = {}): AccessLogOptions {
  return {
    format: "json",
    includeTraceId: true,
    sampleRate: 1,
    sampleErrorsAlways: true,
    redactHeaders: [],
    redactQueryParams: ["token"],
    fields: { ...ALL_FIELDS },
    ...changes,
  };
}

/** Every switch of the access log. */
export const ALL_FIELDS: AccessLogOptions["fields"] = {
  timestamp: true,
  traceId: true,
  method: true,
  path: true,
  query: true,
  protocol: true,
  host: true,
  status: true,
  latencyMs: true,
  bodyBytesSent: true,
  bodyBytes: true,
  upstreamAddr: true,
  upstreamAttempts: true,
  connectionReused: true,
  rateLimitHit: true,
  userAgent: true,
  referer: true,
  clientIp: true,
  tls: true,
  routeId: true,
  upstream: true,
  namespace: true,
  service: true,
};

/** A sink that keeps its lines. */
export class MemorySink implements LineSink {
  readonly lines: string[] = [];

  write(line: string): void {
    this.lines.push(line);
  }
}
