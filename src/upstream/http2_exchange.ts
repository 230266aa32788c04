import type { RequestContext } from "../core/context.ts";
import { type ErrorCode, ProxyError, toProxyError } from "../core/errors.ts";
import type { Body, Response } from "../core/message.ts";
import { parseContentLength } from "../http1/content_length.ts";
import { sendBody } from "../http2/body_sender.ts";
import { H2_ERROR } from "../http2/frames.ts";
import type { HeaderBlock } from "../http2/header_block.ts";
import type { Breakage, Http2Stream, StreamOwner } from "../http2/stream.ts";
import { cleanHeaders } from "./clean_headers.ts";
import type { ExchangeTimeouts } from "./forward.ts";
import type { Http2Connection } from "./http2_connection.ts";
import type { LiveTarget } from "./live_target.ts";
import { writeRequestFields } from "./outgoing_fields.ts";

/** Informational responses before the final one; more is an attack on our patience. */
const INFORMATIONAL_MAX = 16;

/** What an exchange over HTTP/2 takes place between. */
export interface Http2ExchangeEnds {
  /** Holds a place for the exchange's stream. */
  readonly connection: Http2Connection;
  /** Has the request counted in flight already; the exchange counts it out when it is over. */
  readonly target: LiveTarget;
  readonly scheme: "http" | "https";
}

/**
 * One request and its response as a stream of an HTTP/2 connection. Whatever happens to it leaves the
 * connection to the other streams.
 */
export class Http2Exchange implements StreamOwner {
  /** The target has answered something, so the request must not be repeated. */
  sawBytes = false;
  /** `Clock.nowMs` when the response head was complete. */
  headMs = 0;

  readonly #connection: Http2Connection;
  readonly #target: LiveTarget;
  readonly #scheme: "http" | "https";
  readonly #context: RequestContext;
  readonly #timeouts: ExchangeTimeouts;
  #stream: Http2Stream | null = null;
  /** The request body while it is being sent. */
  #sending: Body | null = null;
  /** Body bytes put out so far. */
  #sent = 0;
  /** `Clock.nowMs` when the target had all of the request; Infinity before. */
  #sentMs = Infinity;
  #informational = 0;
  #response: Response | null = null;
  #failure: ProxyError | null = null;
  /** The stream is gone, and the request counted out. */
  #isOver = false;
  #settle: { resolve(response: Response): void; reject(error: ProxyError): void } | null = null;
  /** `Clock.nowMs` by which something must come from the target, and by which the request is given up. */
  #dueMs = Infinity;
  #deadlineMs = Infinity;
  readonly #abort = (cause: ErrorCode): void => {
    this.#fail(new ProxyError(cause, "the request was abandoned"), H2_ERROR.cancel);
  };

  constructor(ends: Http2ExchangeEnds, context: RequestContext, timeouts: ExchangeTimeouts) {
    this.#connection = ends.connection;
    this.#target = ends.target;
    this.#scheme = ends.scheme;
    this.#context = context;
    this.#timeouts = timeouts;
  }

  /** Sends the request. Resolves with the response head; rejects with `ProxyError`, the stream being gone. */
  run(): Promise<Response> {
    const connection = this.#connection;
    const context = this.#context;
    const { body } = context;
    const { headDueMs, startedMs, readMs } = this.#timeouts;
    // The client's own pace while it uploads is bounded by its listener.
    this.#deadlineMs = Math.min(context.deadlineMs, body === null ? headDueMs : Infinity);
    context.onAbort = this.#abort;
    cleanHeaders(context);
    const stream = this.#stream = connection.open();
    stream.owner = this;
    const answered = new Promise<Response>((resolve, reject) => this.#settle = { resolve, reject });
    if (connection.isGone) {
      this.broken({ type: "refused", code: H2_ERROR.connectError, message: "the connection has ended" });
      connection.session.abandon(stream);
      return answered;
    }
    if (!this.#writeHead(stream)) return answered;
    if (body === null) {
      connection.session.localEnd(stream);
      this.#sentMs = startedMs;
      this.#dueMs = startedMs + readMs;
    } else {
      this.#sending = body;
      void this.#send(stream, body);
    }
    return answered;
  }

  /** Called before the answer is looked at: all of a short body may have come with its head. */
  settleLength(): void {
    const stream = this.#stream!;
    if (stream.remoteEnded && stream.trailers === undefined) stream.length ??= stream.bytesReceived;
  }

  head(block: HeaderBlock): void {
    this.sawBytes = true;
    const stream = this.#stream!;
    if (block.problem !== undefined || block.excess !== undefined) {
      const code = block.problem === undefined ? "upstream_head_too_large" : "upstream_protocol";
      return this.#fail(new ProxyError(code, block.problem ?? block.excess!), H2_ERROR.protocolError);
    }
    const status = statusOf(block);
    if (status === undefined || status === 101 || (status < 200 && block.isLast)) {
      const error = new ProxyError("upstream_protocol", `the answer has the status "${block.status}"`);
      return this.#fail(error, H2_ERROR.protocolError);
    }
    if (status >= 200) return this.#respond(stream, block, status);
    if (++this.#informational > INFORMATIONAL_MAX) {
      const error = new ProxyError("upstream_protocol", "the upstream sent too many informational responses");
      this.#fail(error, H2_ERROR.enhanceYourCalm);
    }
  }

  received(): void {
    const stream = this.#stream!;
    if (!stream.remoteEnded || stream.localEnded) return;
    const body = this.#sending;
    // The answer is complete: what is still to be sent of the request would be for nothing (RFC 9113 §8.1).
    if (body === null || this.#sent === body.length) return;
    this.#stopSending();
    this.#connection.session.reset(stream, H2_ERROR.noError);
  }

  broken(why: Breakage): void {
    this.#fail(this.#errorFor(why), undefined);
  }

  over(): void {
    this.#isOver = true;
    if (this.#context.onAbort === this.#abort) this.#context.onAbort = null;
    const isComplete = this.#failure === null && this.#response !== null &&
      (this.#response.body === null || this.#stream!.remoteEnded);
    this.#target.ended(this.#context, isComplete ? "complete" : "cut");
  }

  check(nowMs: number): void {
    const stream = this.#stream!;
    const { readMs, writeMs } = this.#timeouts;
    if (nowMs >= this.#deadlineMs) {
      const error = new ProxyError(
        "request_timeout",
        "the request ran out of time while the upstream had it",
      );
      this.#fail(error, H2_ERROR.cancel);
    } else if (nowMs >= this.#dueMs || nowMs - stream.awaitedSinceMs >= readMs) {
      const error = new ProxyError("upstream_read_timeout", "the upstream was silent for too long");
      this.#fail(error, H2_ERROR.cancel);
    } else if (nowMs - stream.blockedSinceMs >= writeMs) {
      const error = new ProxyError("upstream_write_timeout", "the upstream did not take the request in time");
      this.#fail(error, H2_ERROR.cancel);
    }
  }

  /** False when that failed, which was then dealt with. */
  #writeHead(stream: Http2Stream): boolean {
    const { session } = this.#connection;
    const target = { host: this.#target.host, scheme: this.#scheme };
    try {
      writeRequestFields(session.sender, stream, { context: this.#context, target });
      return true;
    } catch (cause) {
      this.#fail(toProxyError(cause), undefined);
      // Half a header block leaves the two tables different: nothing can be said on this connection any more.
      session.close("a request head could not be written");
      return false;
    }
  }

  /** Streams the body beside the response. Never rejects. */
  async #send(stream: Http2Stream, body: Body): Promise<void> {
    const { session } = this.#connection;
    try {
      const isSent = await sendBody(session, stream, { body, sent: (bytes) => this.#sent += bytes });
      this.#sending = null;
      if (!isSent) return body.cancel();
      const now = this.#connection.clock.nowMs();
      this.#sentMs = now;
      if (this.#response !== null) return;
      this.#deadlineMs = Math.min(this.#context.deadlineMs, now + this.#timeouts.headMs);
      this.#dueMs = now + this.#timeouts.readMs;
    } catch (cause) {
      this.#sending = null;
      body.cancel();
      this.#fail(toProxyError(cause), H2_ERROR.cancel);
    }
  }

  #respond(stream: Http2Stream, block: HeaderBlock, status: number): void {
    const { headers, isLast } = block;
    const length = headers.joined("content-length");
    const announced = length === undefined ? undefined : parseContentLength(length);
    if (length !== undefined && announced === undefined) {
      const error = new ProxyError("upstream_protocol", "Content-Length is not a length");
      return this.#fail(error, H2_ERROR.protocolError);
    }
    const now = this.headMs = this.#connection.clock.nowMs();
    stream.hasHead = true;
    this.#dueMs = Infinity;
    this.#deadlineMs = this.#context.deadlineMs;
    for (const key of NOT_PASSED_ON) headers.remove(key);
    headers.appendKeyed("via", "via", "2 sentinel");
    const hasBody = this.#context.head.method !== "HEAD" && status !== 204 && status !== 304;
    if (hasBody) stream.length = announced;
    else if (!isLast) stream.length = 0;
    const body = isLast || !hasBody ? null : stream;
    const response = this.#response = { status, reason: "", headers, body };
    this.#target.answered(this.#context, status, Math.max(0, now - this.#sentMs));
    const settle = this.#settle;
    this.#settle = null;
    settle?.resolve(response);
    // A body where none may be is not waited for.
    if (!hasBody && !isLast) stream.cancel();
  }

  /** Ends the exchange with an error; `code` resets the stream, undefined means that it is gone already. */
  #fail(error: ProxyError, code: number | undefined): void {
    if (this.#failure !== null || this.#isOver) return;
    this.#failure = error;
    const stream = this.#stream!;
    this.#target.failed(this.#context, error.code);
    this.#stopSending();
    const settle = this.#settle;
    this.#settle = null;
    if (code !== undefined) this.#connection.session.reset(stream, code);
    stream.fail(error);
    settle?.reject(error);
  }

  #stopSending(): void {
    const body = this.#sending;
    if (body === null) return;
    this.#sending = null;
    body.cancel();
    // What the client still sends belongs to this request, and nobody reads it.
    this.#context.closeConnection = true;
  }

  #errorFor({ type, message }: Breakage): ProxyError {
    if (type === "refused") return new ProxyError("upstream_refused", message);
    if (type === "violation") return new ProxyError("upstream_protocol", message);
    return new ProxyError(this.#response === null ? "upstream_reset" : "upstream_body_aborted", message);
  }
}

/** Fields of a response that are for this hop only, or about it. */
const NOT_PASSED_ON: readonly string[] = ["proxy-authenticate", "proxy-authentication-info"];

/** Three digits from 100 to 599 (RFC 9113 §8.3.2). */
function statusOf({ status }: HeaderBlock): number | undefined {
  return status !== undefined && /^[1-5]\d\d$/.test(status) ? Number(status) : undefined;
}
