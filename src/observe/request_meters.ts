import type { RequestContext } from "../core/context.ts";
import { ERRORS } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Families } from "./families.ts";
import type { HandshakeFailure, TlsFacts } from "../core/tls.ts";
import type { Counter, Gauge, Histogram } from "./metrics.ts";

/** Methods that are label values; every other one is `OTHER`, since clients may invent them without end. */
export const METHOD_LABELS = Object.freeze([
  "OTHER",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "TRACE",
  "CONNECT",
]);

/** Route label of requests that no route took. */
export const NO_ROUTE_LABEL = "none";

/** Status of a request that went on in another protocol: how long that lasted says nothing about answers. */
const STATUS_SWITCHED = 101;
/** Status of a request whose client left before there was an answer. */
const STATUS_WITHOUT_ANSWER = 499;

/**
 * Which reasons and error codes count as refused by a rule or limit, and under which name. Redirects,
 * preflights and failures are answers of the proxy too, but nothing was blocked.
 */
const BLOCKED_LABELS: ReadonlyMap<string, string> = new Map([
  ["rate_limited", "rate_limited"],
  ["body_too_large", "body_size_exceeded"],
  ["headers_too_large", "header_size_exceeded"],
  ["target_too_long", "target_length_exceeded"],
  ["overloaded", "overloaded"],
  ["filter_failed", "filter_failed"],
  ["inference_rate_limited", "inference_rate_limited"],
  ["budget_exhausted", "budget_exhausted"],
  ["prompt_injection", "prompt_injection"],
  ["geo_blocked", "geo_blocked"],
  ["websocket_not_enabled", "websocket_not_enabled"],
  ["tunnels_overloaded", "tunnels_overloaded"],
  ["client_tunnels_overloaded", "tunnels_overloaded"],
  ["websocket_message_too_big", "websocket_message_too_big"],
  ["websocket_rate_limited", "websocket_rate_limited"],
  ["websocket_protocol_error", "websocket_protocol_error"],
  ["websocket_inspection_closed", "websocket_inspection_closed"],
  ["websocket_inspection_failed", "websocket_inspection_failed"],
  ["validation_failed", "validation_failed"],
  ["agent_blocked", "agent_blocked"],
  ["agent_challenged", "agent_challenged"],
  ["agent_failed", "agent_failed"],
  ["agent_body_too_large", "agent_body_too_large"],
]);

/** The `blocked_requests_total` label for why the proxy answered by itself; undefined when that is no refusal. */
export function blockedLabel(reason: string): string | undefined {
  return BLOCKED_LABELS.get(reason);
}

/** Which route a meter counts for. */
export interface MeteredRoute {
  readonly id: string;
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
}

/** Counts that do not depend on the route, resolved once for all route meters. */
export class OutcomeMeter {
  readonly #families: Families;
  readonly #blocked = new Map<string, Counter>();
  readonly #errors = new Map<ErrorCode, Counter>();

  constructor(families: Families) {
    this.#families = families;
  }

  /** Counts why the proxy answered by itself, where that means the request was refused. */
  blocked(reason: string): void {
    let counter = this.#blocked.get(reason);
    if (counter === undefined) {
      const label = blockedLabel(reason);
      if (label === undefined) return;
      this.#blocked.set(reason, counter = this.#families.blockedRequests.labels(label));
    }
    counter.inc();
  }

  failed(code: ErrorCode): void {
    let counter = this.#errors.get(code);
    if (counter === undefined) {
      counter = this.#families.requestErrors.labels(code, ERRORS[code].fault);
      this.#errors.set(code, counter);
    }
    counter.inc();
  }
}

/** What is counted per request, with the children of one route at hand. Build one per route and snapshot. */
export class RouteMeter {
  readonly #families: Families;
  readonly #outcomes: OutcomeMeter;
  readonly #route: string;
  readonly #scope: readonly [namespace: string, service: string] | undefined;
  readonly #active: Gauge;
  readonly #scopedActive: Gauge | undefined;
  readonly #requestBytes: Histogram;
  readonly #responseBytes: Histogram;
  /** By method index. */
  readonly #durations: (Histogram | undefined)[] = METHOD_LABELS.map(() => undefined);
  readonly #scopedDurations: (Histogram | undefined)[] = METHOD_LABELS.map(() => undefined);
  /** By method index and status; see `answerKey`. */
  readonly #answers = new Map<number, Counter>();
  readonly #scopedAnswers = new Map<number, Counter>();
  /** By the id of the limit. */
  readonly #scopedLimitHits = new Map<string, Counter>();

  constructor(families: Families, outcomes: OutcomeMeter, route: MeteredRoute) {
    this.#families = families;
    this.#outcomes = outcomes;
    this.#route = route.id;
    this.#scope = scopeOf(route);
    this.#active = families.activeRequests.labels();
    this.#scopedActive = this.#scope && families.scopedActiveRequests.labels(...this.#scope);
    this.#requestBytes = families.requestBodySize.labels(route.id);
    this.#responseBytes = families.responseBodySize.labels(route.id);
  }

  /** The route was chosen. Every `start` is followed by one `finish`. */
  start(): void {
    this.#active.inc();
    this.#scopedActive?.inc();
  }

  /** Records everything about a request that ended; `nowMs` is `Clock.nowMs` at its last byte. */
  finish(context: RequestContext, nowMs: number): void {
    this.#active.dec();
    const method = methodIndex(context.head.method);
    const status = context.status === 0 ? STATUS_WITHOUT_ANSWER : context.status;
    const seconds = Math.max(0, nowMs - context.startedMs) / 1000;
    const key = answerKey(method, status);
    (this.#answers.get(key) ?? this.#answersOf(method, status)).inc();
    if (status === STATUS_SWITCHED) return this.#finishTunnel(context, key);
    (this.#durations[method] ?? this.#durationOf(method)).observe(seconds);
    if (context.bodyBytesReceived > 0 || context.body !== null) {
      this.#requestBytes.observe(context.bodyBytesReceived);
    }
    this.#responseBytes.observe(context.bodyBytesSent);
    const reason = context.reason ?? context.errorCode;
    if (reason !== undefined) this.#outcomes.blocked(reason);
    if (context.errorCode !== undefined) this.#outcomes.failed(context.errorCode);
    if (this.#scope === undefined) return;
    this.#scopedActive!.dec();
    this.#scopedAnswers.get(key)!.inc();
    this.#scopedDurations[method]!.observe(seconds);
    const limit = context.logFields?.["rate_limit"];
    if (typeof limit === "string") this.#limitHitsOf(this.#scope, limit).inc();
  }

  #finishTunnel(context: RequestContext, key: number): void {
    if (context.reason !== undefined) this.#outcomes.blocked(context.reason);
    if (context.errorCode !== undefined) this.#outcomes.failed(context.errorCode);
    if (this.#scope === undefined) return;
    this.#scopedActive!.dec();
    this.#scopedAnswers.get(key)!.inc();
  }

  #limitHitsOf(scope: readonly [string, string], limit: string): Counter {
    let counter = this.#scopedLimitHits.get(limit);
    if (counter === undefined) {
      counter = this.#families.scopedRateLimitHits.labels(...scope, this.#route, limit);
      this.#scopedLimitHits.set(limit, counter);
    }
    return counter;
  }

  #answersOf(method: number, status: number): Counter {
    const labels = [this.#route, METHOD_LABELS[method]!, String(status)] as const;
    const counter = this.#families.requests.labels(...labels);
    const key = answerKey(method, status);
    this.#answers.set(key, counter);
    if (this.#scope !== undefined) {
      this.#scopedAnswers.set(key, this.#families.scopedRequests.labels(...this.#scope, ...labels));
    }
    return counter;
  }

  #durationOf(method: number): Histogram {
    const labels = [this.#route, METHOD_LABELS[method]!] as const;
    const histogram = this.#families.requestDuration.labels(...labels);
    this.#durations[method] = histogram;
    if (this.#scope !== undefined) {
      const scoped = this.#families.scopedRequestDuration.labels(...this.#scope, ...labels);
      this.#scopedDurations[method] = scoped;
    }
    return histogram;
  }
}

/** What is counted per attempt at an upstream on behalf of one route. Build one per route and upstream. */
export class UpstreamMeter {
  readonly #families: Families;
  readonly #upstream: string;
  readonly #route: string;
  readonly #scope: readonly [namespace: string, service: string] | undefined;
  readonly #attempts: Counter;
  readonly #scopedAttempts: Counter | undefined;
  readonly #acquired: Counter;
  readonly #failures = new Map<string, readonly Counter[]>();
  readonly #latencies = new Map<string, Histogram>();
  readonly #retries = new Map<string, Counter>();
  #retriesRefused: Counter | undefined;
  #hedgesWon: Counter | undefined;

  constructor(families: Families, upstream: string, route: MeteredRoute) {
    this.#families = families;
    this.#upstream = upstream;
    this.#route = route.id;
    this.#scope = scopeOf(route);
    this.#attempts = families.upstreamAttempts.labels(upstream, route.id);
    this.#scopedAttempts = this.#scope &&
      families.scopedUpstreamAttempts.labels(...this.#scope, upstream, route.id);
    this.#acquired = families.connectionPoolAcquired.labels(upstream);
  }

  /** A target is about to be tried. */
  attempt(): void {
    this.#attempts.inc();
    this.#scopedAttempts?.inc();
  }

  /** A connection was taken from the pool, or opened for it. */
  acquired(): void {
    this.#acquired.inc();
  }

  /** An attempt failed; `reason` is an error code. */
  failure(reason: ErrorCode): void {
    let counters = this.#failures.get(reason);
    if (counters === undefined) this.#failures.set(reason, counters = this.#failureCounters(reason));
    for (const counter of counters) counter.inc();
  }

  /** An attempt is followed by another; `reason` is one of a few fixed words. */
  retry(reason: string): void {
    let counter = this.#retries.get(reason);
    if (counter === undefined) {
      counter = this.#families.upstreamRetries.labels(this.#upstream, this.#route, reason);
      this.#retries.set(reason, counter);
    }
    counter.inc();
  }

  /** The second of two attempts at once had the better answer. */
  hedgeWon(): void {
    this.#hedgesWon ??= this.#families.hedgesWon.labels(this.#upstream, this.#route);
    this.#hedgesWon.inc();
  }

  /** A retry was called for, and the retry budget had no room. */
  retryRefused(): void {
    this.#retriesRefused ??= this.#families.retriesRefused.labels(this.#upstream, this.#route);
    this.#retriesRefused.inc();
  }

  /** A response head arrived `ms` after the attempt began. */
  headLatency(target: string, ms: number): void {
    let latency = this.#latencies.get(target);
    if (latency === undefined) {
      latency = this.#families.upstreamLatency.labels(this.#upstream, target);
      this.#latencies.set(target, latency);
    }
    latency.observe(ms / 1000);
  }

  #failureCounters(reason: string): readonly Counter[] {
    const labels = [this.#upstream, this.#route, reason] as const;
    const counters = [this.#families.upstreamFailures.labels(...labels)];
    if (this.#scope !== undefined) {
      counters.push(this.#families.scopedUpstreamFailures.labels(...this.#scope, ...labels));
    }
    return counters;
  }
}

/** What is counted per connection of one listener. */
export class ListenerMeter {
  readonly #families: Families;
  readonly #listener: string;
  readonly #accepted: Counter;
  readonly #open: Gauge;
  readonly #rejected = new Map<string, Counter>();
  readonly #handshakes = new Map<string, { readonly count: Counter; readonly duration: Histogram }>();
  /** What happens on connections that speak HTTP/2. */
  readonly http2: { opened(): void; closed(): void; flooded(kind: string): void; refused(): void };

  constructor(families: Families, listener: string) {
    this.#families = families;
    this.#listener = listener;
    this.#accepted = families.downstreamConnections.labels(listener);
    this.#open = families.openConnections.labels();
    const connections = families.http2Connections.labels();
    const refused = families.http2RefusedStreams.labels(listener);
    this.http2 = {
      opened: () => connections.inc(),
      closed: () => connections.dec(),
      // The words are few and fixed, and this is rare.
      flooded: (kind) => families.http2Floods.labels(listener, kind).inc(),
      refused: () => refused.inc(),
    };
  }

  /** A connection was taken in. */
  opened(): void {
    this.#accepted.inc();
    this.#open.inc();
  }

  /** A connection that was taken in has ended. */
  closed(): void {
    this.#open.dec();
  }

  /** A TLS handshake is complete, after so many milliseconds. */
  handshaken({ version, resumed }: TlsFacts, durationMs: number): void {
    const key = resumed ? `${version} resumed` : version;
    let meter = this.#handshakes.get(key);
    if (meter === undefined) {
      meter = {
        count: this.#families.tlsHandshakes.labels(this.#listener, version, resumed ? "true" : "false"),
        duration: this.#families.tlsHandshakeDuration.labels(version),
      };
      this.#handshakes.set(key, meter);
    }
    meter.count.inc();
    meter.duration.observe(durationMs / 1000);
  }

  /** A TLS handshake came to nothing. */
  handshakeFailed(failure: HandshakeFailure): void {
    this.#families.tlsHandshakeFailures.labels(this.#listener, failure).inc();
  }

  /** A connection was closed before a request was read; `reason` is one of a few fixed words. */
  rejected(reason: string): void {
    let counter = this.#rejected.get(reason);
    if (counter === undefined) {
      counter = this.#families.connectionsRejected.labels(this.#listener, reason);
      this.#rejected.set(reason, counter);
    }
    counter.inc();
  }
}

/** Index into `METHOD_LABELS`; methods are case-sensitive (RFC 9110 §9.1). */
export function methodIndex(method: string): number {
  if (method === "GET") return 1;
  if (method === "POST") return 3;
  const index = METHOD_LABELS.indexOf(method);
  return index < 0 ? 0 : index;
}

// Statuses have three digits, so the pair fits one small integer.
function answerKey(method: number, status: number): number {
  return method * 1000 + status;
}

function scopeOf(route: MeteredRoute): readonly [string, string] | undefined {
  if (route.namespace === undefined) return undefined;
  return [route.namespace, route.service ?? ""];
}
