/** Lets a component of the reference's world be called like one of ours. */

import type {
  BodyOutcome,
  ConfigProblem,
  Decision,
  Description,
  Exports,
  Header,
  Outcome,
  Request,
  RequestBodyHandler,
  RequestHandler,
  Response,
  ResponseBodyHandler,
  ResponseHandler,
  Result,
} from "./sentinel_types.ts";
import type {
  AgentResponse,
  Exports as ZentinelExports,
  Handler,
  Lifecycle as ZentinelLifecycle,
  RequestMetadata,
} from "./zentinel_types.ts";

/** What the reference's world tells of a request that ours asks of other interfaces. */
export interface RequestFacts {
  /** The client's address as far as it can be believed. */
  clientAddress(): string;
  clientPort(): number;
  /** Undefined for a connection without TLS. */
  tls(): { readonly version: string; readonly serverName: string | undefined } | undefined;
  /** `HTTP/1.1` or `HTTP/1.0`. */
  protocol(): string;
  /** Unix time in milliseconds at which the request began. */
  timestampMs(): number;
}

/** What a component of the reference's world says about itself, beyond what our description has. */
export interface ZentinelInfo {
  readonly description: Description;
  /** In the component's own spelling, such as `request_headers`. */
  readonly supportedEvents: readonly string[];
  /** Bytes; 0 when the component names no limit. */
  readonly bodyBytesMax: bigint;
  readonly supportsStreaming: boolean;
}

/** A component of the reference's world behind our interfaces. */
export interface ZentinelAgent {
  readonly exports: Exports;
  /** Asks the component; a call into it like any other. */
  info(): ZentinelInfo;
}

type Parts = { readonly handler: Handler; readonly lifecycle: ZentinelLifecycle | undefined };

/**
 * Our interfaces over a bound component of the reference's world. `factsOf` finds the facts of a request that is lent
 * to it. Undefined when the component has no `handler`, without which it could not be told anything.
 */
export function adaptZentinel(
  { handler, lifecycle }: ZentinelExports,
  factsOf: (request: Request) => RequestFacts,
): ZentinelAgent | undefined {
  if (handler === undefined) return undefined;
  const info = () => infoOf(handler);
  return {
    exports: {
      lifecycle: lifecycleOf({ handler, lifecycle }),
      requestHandler: requestHandler(handler, factsOf),
      requestBodyHandler: requestBodyHandler(handler),
      responseHandler: responseHandler(handler),
      responseBodyHandler: responseBodyHandler(handler),
      completionHandler: undefined,
      websocketHandler: undefined,
      guardrailHandler: undefined,
    },
    info,
  };
}

function infoOf(handler: Handler): ZentinelInfo {
  const { agentId, name, version, supportedEvents, maxBodySize, supportsStreaming } = handler.getInfo();
  return {
    description: { id: agentId, version, summary: name },
    supportedEvents,
    bodyBytesMax: maxBodySize,
    supportsStreaming,
  };
}

function lifecycleOf({ handler, lifecycle }: Parts): Exports["lifecycle"] {
  return {
    describe: () => infoOf(handler).description,
    configure: (config): Result<undefined, readonly ConfigProblem[]> => {
      const result = handler.configure(config);
      return result.type === "ok" ? result : { type: "error", value: [{ path: "", message: result.value }] };
    },
    health: () => lifecycle === undefined ? { type: "ok", value: "" } : lifecycle.healthCheck(),
    // That world has no word for it: the component just gets no more calls.
    drain: () => {},
    shutdown: () => lifecycle?.shutdown(),
  };
}

function requestHandler(handler: Handler, factsOf: (request: Request) => RequestFacts): RequestHandler {
  return {
    onRequestHeaders: (request) => {
      const metadata = metadataOf(request, factsOf(request));
      return outcomeOf(
        handler.onRequestHeaders(metadata, request.method(), request.target(), request.headers()),
      );
    },
  };
}

function requestBodyHandler(handler: Handler): RequestBodyHandler {
  return {
    onRequestBody: (...[request, chunk, index, last]: Parameters<RequestBodyHandler["onRequestBody"]>) =>
      bodyOutcomeOf(handler.onRequestBody(request.id(), chunk, index, last)),
  };
}

function responseHandler(handler: Handler): ResponseHandler {
  return {
    onResponseHeaders: (request: Request, response: Response) =>
      outcomeOf(handler.onResponseHeaders(request.id(), response.status(), response.headers())),
  };
}

function responseBodyHandler(handler: Handler): ResponseBodyHandler {
  return {
    onResponseBody: (...args: Parameters<ResponseBodyHandler["onResponseBody"]>) => {
      const [request, , chunk, index, last] = args;
      return bodyOutcomeOf(handler.onResponseBody(request.id(), chunk, index, last));
    },
  };
}

function metadataOf(request: Request, facts: RequestFacts): RequestMetadata {
  const id = request.id();
  const tls = facts.tls();
  const host = request.host();
  const traceparent = request.traceparent();
  return {
    // Events of one request are told by this; the reference's two ids are one here.
    correlationId: id,
    requestId: id,
    clientIp: facts.clientAddress(),
    clientPort: facts.clientPort(),
    serverName: tls?.serverName ?? (host === "" ? undefined : host),
    protocol: facts.protocol(),
    tlsVersion: tls?.version,
    routeId: request.route(),
    upstreamId: request.upstream(),
    timestampMs: BigInt(Math.trunc(facts.timestampMs())),
    traceparent: traceparent === "" ? undefined : traceparent,
  };
}

const NO_HEADERS: readonly Header[] = Object.freeze([]);

function outcomeOf(response: AgentResponse): Outcome {
  const { tags, ruleIds, reasonCodes, confidence } = response.audit;
  return {
    decision: decisionOf(response),
    requestHeaders: response.requestHeaders,
    responseHeaders: response.responseHeaders,
    target: undefined,
    method: undefined,
    metadata: NO_HEADERS,
    audit: { tags, ruleIds, reasonCodes, confidence, custom: NO_HEADERS },
    needsMore: response.needsMore,
  };
}

function decisionOf({ decision }: AgentResponse): Decision {
  if (decision.type !== "redirect") return decision;
  const { url, status } = decision.value;
  return { type: "redirect", value: { status, location: url } };
}

function bodyOutcomeOf(response: AgentResponse): BodyOutcome {
  return { outcome: outcomeOf(response), edit: { type: "keep" } };
}
