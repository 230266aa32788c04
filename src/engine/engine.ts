import type { CidrSet } from "../core/cidr.ts";
import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ProxyError, toProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import type { RequestHandler } from "../downstream/handler.ts";
import { matchingPath } from "../routing/path.ts";
import type { RouteTable } from "../routing/table.ts";
import type { Verdict } from "../filters/filter.ts";
import { keepReceived } from "../filters/received_headers.ts";
import { cleanHeaders } from "../upstream/clean_headers.ts";
import { bufferRequest, bufferResponse } from "./buffering.ts";
import { clientAddress } from "./client_address.ts";
import type { LiveRoute } from "./live_route.ts";
import { challengeAnswer, type ChallengeAnswers } from "./challenges.ts";
import { type ClientCertificateHeaders, tellClientCertificate } from "./client_certificate_headers.ts";
import { answerLastHop } from "./max_forwards.ts";
import type { Snapshot } from "./snapshot.ts";

/** Turns an error into what the client sees. */
export interface ErrorPage {
  render(context: RequestContext, code: ErrorCode): Response;
}

/** What a listener's requests are matched against. */
export interface ListenerView {
  readonly table: RouteTable<LiveRoute>;
  /** Peers whose forwarding headers are believed. */
  readonly trusted: CidrSet;
  /** What upstreams are told of client certificates; null where no listener tells. */
  readonly clientCertificates: ClientCertificateHeaders | null;
  /** A route has a filter that asks for headers as they were received. */
  readonly keepsReceived: boolean;
}

/** Answers requests by the current snapshot: the straight way from a parsed head to a response. */
export class Engine implements RequestHandler {
  readonly #clock: Clock;
  #snapshot: Snapshot;
  #challenges: ChallengeAnswers = null;

  constructor(snapshot: Snapshot, clock: Clock) {
    this.#snapshot = snapshot;
    this.#clock = clock;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Requests that begin from now on are answered by this snapshot; the old one is returned. */
  swap(snapshot: Snapshot): Snapshot {
    const old = this.#snapshot;
    this.#snapshot = snapshot;
    return old;
  }

  /** Proofs for authorities that are given from now on, before any route. */
  showChallenges(answers: ReadonlyMap<string, string>): void {
    this.#challenges = answers.size === 0 ? null : answers;
  }

  handle(context: RequestContext): MaybePromise<Response> {
    const snapshot = this.#snapshot;
    snapshot.retain();
    context.lease = snapshot;
    if (this.#challenges !== null) {
      const proof = challengeAnswer(context, this.#challenges);
      if (proof !== null) {
        snapshot.names.name(context);
        snapshot.unroutedMeter.start();
        return proof;
      }
    }
    const route = this.#enter(context, snapshot);
    if (route.bufferResponses || (route.bufferRequests && context.body !== null)) {
      return serveBuffered(context, route);
    }
    const verdict = route.chain.request(context);
    if (verdict instanceof Promise) return verdict.then((settled) => serve(context, route, settled));
    return serve(context, route, verdict);
  }

  /** The response phase: the filters that saw the request, backwards. */
  respond(context: RequestContext, response: Response): MaybePromise<Response> {
    const route = context.route as LiveRoute | null;
    if (route === null) return finished(context, response);
    const failed = (cause: unknown) => {
      response.body?.cancel();
      return finished(context, this.#errorAnswer(context, cause));
    };
    try {
      const pending = route.chain.response(context, response);
      if (pending instanceof Promise) return pending.then(() => finished(context, response), failed);
    } catch (cause) {
      return failed(cause);
    }
    return finished(context, response);
  }

  fail(context: RequestContext, cause: unknown): MaybePromise<Response> {
    return this.respond(context, this.#errorAnswer(context, cause));
  }

  refuse(context: RequestContext, error: ProxyError): Response {
    const snapshot = this.#snapshot;
    snapshot.retain();
    context.lease = snapshot;
    snapshot.names.name(context);
    snapshot.unroutedMeter.start();
    const response = this.#errorAnswer(context, error);
    context.closeConnection = true;
    context.status = response.status;
    return response;
  }

  finish(context: RequestContext): void {
    const now = this.#clock.nowMs();
    const lease = context.lease as Snapshot | null;
    context.body?.cancel();
    context.upgrade?.end();
    context.onAbort = null;
    if (lease === null) return;
    context.lease = null;
    const route = context.route as LiveRoute | null;
    if (context.aborted && context.errorCode === undefined) context.errorCode = "client_closed";
    try {
      route?.chain.end(context);
      (route?.meter ?? lease.unroutedMeter).finish(context, now);
      lease.requestLog.write(context, now);
    } finally {
      // Whatever goes wrong with a line of a log, the configuration is not to be held for ever.
      context.afterwards?.requestEnded();
      lease.release(context);
    }
  }

  /** Everything that is settled before the route's chain runs. Throws `ProxyError`. */
  #enter(context: RequestContext, snapshot: Snapshot): LiveRoute {
    snapshot.names.name(context);
    const listener = snapshot.listeners.get(context.downstream.listenerId);
    if (listener !== undefined) {
      context.clientIp = clientAddress(context, listener.trusted);
      if (listener.keepsReceived) keepReceived(context);
    }
    cleanHeaders(context);
    if (listener !== undefined && listener.clientCertificates !== null) {
      tellClientCertificate(context, listener.clientCertificates);
    }
    const path = context.matchedPath = matchingPath(context.path);
    const route = path === undefined ? undefined : listener?.table.match(at(context, path));
    if (route === undefined) {
      snapshot.unroutedMeter.start();
      if (path === undefined) {
        throw new ProxyError("bad_request", "the path has a bad escape or leaves the root");
      }
      throw new ProxyError(
        "route_not_found",
        `no route for ${context.head.method} ${context.head.host}${path}`,
      );
    }
    context.route = route;
    route.meter.start();
    context.trace?.note({ step: "route", subject: route.id, outcome: "matched", detail: route.endpointText });
    context.bodyBytesMax = route.bodyBytesMax;
    if (context.upgrade !== null) route.upgrades.choose(context);
    if (route.timeoutMs !== Infinity) context.deadlineMs = context.startedMs + route.timeoutMs;
    const announced = context.body?.length;
    if (announced !== undefined && announced > route.bodyBytesMax) {
      throw new ProxyError("body_too_large", `${announced} bytes announced, ${route.bodyBytesMax} allowed`);
    }
    return route;
  }

  #errorAnswer(context: RequestContext, cause: unknown): Response {
    const error = toProxyError(cause);
    context.errorCode = error.code;
    context.errorDetail = error.message;
    context.trace?.note({
      step: "error",
      subject: error.code,
      outcome: `${error.status}`,
      detail: error.message,
    });
    if (error.code === "client_closed" || context.aborted) {
      context.aborted = true;
      context.closeConnection = true;
      return { status: error.status, reason: "", headers: new HeaderList(), body: null };
    }
    // What is wrong with a message may be wrong with the next one on the connection too.
    if (error.fault === "downstream" && error.code !== "route_not_found") context.closeConnection = true;
    const page = (context.route as LiveRoute | null)?.errorPage ??
      (context.lease as Snapshot).errorPage;
    try {
      return page.render(context, error.code);
    } catch {
      // Not even the error could be shown: the status alone must do, for a request always gets an answer.
      return { status: error.status, reason: "", headers: new HeaderList(), body: null };
    }
  }
}

/** Goes on after the filters: with their answer, or to where the route ends. */
function serve(context: RequestContext, route: LiveRoute, verdict: Verdict): MaybePromise<Response> {
  if (verdict !== undefined) {
    context.reason = verdict.reason;
    return verdict.response;
  }
  if (context.upgrade !== null) {
    route.upgrades.admit(context);
    const opening = context.upgrade?.plan?.connect?.();
    if (opening !== undefined) return opening;
  }
  return answerLastHop(context) ?? route.endpoint.serve(context);
}

/** As a request is served whose body, or whose answer, is to be whole before it goes on. */
async function serveBuffered(context: RequestContext, route: LiveRoute): Promise<Response> {
  if (route.bufferRequests && context.body !== null) await bufferRequest(context, route.bufferBytesMax);
  const verdict = await route.chain.request(context);
  const response = await serve(context, route, verdict);
  if (route.bufferResponses && verdict === undefined) await bufferResponse(response, route.bufferBytesMax);
  return response;
}

/** Tells the client under which name the request stands in the logs. */
function finished(context: RequestContext, response: Response): Response {
  response.headers.setKeyed("X-Correlation-Id", "x-correlation-id", context.requestId);
  context.status = response.status;
  return response;
}

/** The context with the path that routes match on. */
function at(context: RequestContext, path: string): RequestContext {
  context.path = path;
  return context;
}
