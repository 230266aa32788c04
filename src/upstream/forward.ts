import type { Ending } from "../balancers/balancer.ts";
import type { RequestContext } from "../core/context.ts";
import { ProxyError, toProxyError } from "../core/errors.ts";
import type { Body, Response } from "../core/message.ts";
import type { ParsedResponse } from "../http1/response_head.ts";
import { cleanHeaders } from "./clean_headers.ts";
import type { UpstreamConnection } from "./connection.ts";
import type { LiveTarget } from "./live_target.ts";
import { formatRequestHead, writeByteString } from "./outgoing_head.ts";
import { RequestSender } from "./request_sender.ts";
import { ResponseBody, type ResponseBodyHost } from "./response_body.ts";

/** Informational responses before the final one; more is an attack on our patience. */
const INFORMATIONAL_MAX = 16;

/** Time limits of one exchange, in milliseconds. */
export interface ExchangeTimeouts {
  /** Without a byte from the target, once it has the request. */
  readonly readMs: number;
  /** Without the target taking a byte. */
  readonly writeMs: number;
  /** `Clock.nowMs` when the connection for this attempt was there. */
  startedMs: number;
  /** `Clock.nowMs` by which the response head must be there, for a request that is sent at once. */
  readonly headDueMs: number;
  /** Time for the response head once an upload is complete. */
  readonly headMs: number;
}

/** What an exchange takes place between. */
export interface ExchangeEnds {
  readonly connection: UpstreamConnection;
  /** Has the request counted in flight already; the exchange counts it out when it is over. */
  readonly target: LiveTarget;
}

/**
 * One request and its response on one connection. Once answered the connection belongs to the response
 * body, and goes back to its pool when that has been read to its end; whatever else happens closes it.
 */
export class Exchange implements ResponseBodyHost {
  /** The target has answered something, so the request must not be repeated. */
  sawBytes = false;
  /** `Clock.nowMs` when the response head was complete. */
  headMs = 0;

  readonly #connection: UpstreamConnection;
  readonly #target: LiveTarget;
  readonly #context: RequestContext;
  readonly #timeouts: ExchangeTimeouts;
  #sender: RequestSender | null = null;
  #headArrived = false;
  /** Informational responses skipped so far. */
  #informational = 0;
  #keepAlive = false;
  /** `Clock.nowMs` when the target had all of the request; Infinity before. */
  #sentMs = Infinity;
  #over = false;

  constructor({ connection, target }: ExchangeEnds, context: RequestContext, timeouts: ExchangeTimeouts) {
    this.#connection = connection;
    this.#target = target;
    this.#context = context;
    this.#timeouts = timeouts;
  }

  /** Sends the request. Then `received` is given what `UpstreamConnection.read` brings, until it answers. */
  begin(): void {
    const connection = this.#connection;
    const context = this.#context;
    // The client's own pace while it uploads is bounded by its listener.
    const headDueMs = context.body === null ? this.#timeouts.headDueMs : Infinity;
    connection.deadlineMs = Math.min(context.deadlineMs, headDueMs);
    context.onAbort = connection.abort;
    this.#send();
  }

  /** Takes `count` more bytes, 0 being the end; the final response head once it is whole. Throws `ProxyError`. */
  received(count: number): Response | undefined {
    const connection = this.#connection;
    if (count === 0) throw this.reset(undefined);
    this.sawBytes = true;
    connection.end += count;
    if (connection.failure !== null) throw connection.failure;
    const parsed = this.#parse();
    return parsed === undefined ? undefined : this.#respond(parsed);
  }

  /** What it means that the connection broke. */
  reset(cause: unknown): ProxyError {
    const when = this.sawBytes ? "within the response head" : "before answering";
    return new ProxyError("upstream_reset", `the upstream closed the connection ${when}`, { cause });
  }

  /** Gives the exchange up; why, as far as is known. */
  failed(cause: unknown): ProxyError {
    const error = this.#connection.failure ?? toProxyError(cause);
    this.abandoned(error);
    return error;
  }

  completed(): void {
    if (this.#over) return;
    const connection = this.#connection;
    const sender = this.#sender;
    if (sender !== null && !sender.isHandedOver) this.#stopSending(sender);
    this.#end("complete");
    if (this.#keepAlive) connection.finish();
    else connection.close();
  }

  abandoned(failure?: ProxyError): void {
    if (this.#over) return;
    if (failure !== undefined) this.#target.failed(this.#context, failure.code);
    const sender = this.#sender;
    if (sender !== null && !sender.isHandedOver) this.#stopSending(sender);
    this.#end("cut");
    this.#connection.close();
  }

  #end(how: Ending): void {
    this.#over = true;
    this.#target.ended(this.#context, how);
    this.#release();
  }

  /** The connection is not to be told any more when the client leaves. */
  #release(): void {
    if (this.#context.onAbort === this.#connection.abort) this.#context.onAbort = null;
  }

  #send(): void {
    const connection = this.#connection;
    const context = this.#context;
    cleanHeaders(context);
    const text = formatRequestHead(context, this.#target.host);
    if (text.length > connection.output.length) connection.growOutput(text.length);
    const headBytes = writeByteString(text, connection.output);
    const body = context.body;
    if (body === null) {
      connection.send(connection.output.subarray(0, headBytes));
      this.#sentMs = this.#timeouts.startedMs;
      connection.dueMs = Math.min(this.#sentMs + this.#timeouts.readMs, connection.deadlineMs);
    } else {
      connection.dueMs = connection.deadlineMs;
      this.#sender = new RequestSender(connection, body, this.#timeouts.writeMs);
      this.#stream(this.#sender, body, headBytes);
    }
  }

  /** Streams the body beside reading the response. Never rejects. */
  async #stream(sender: RequestSender, body: Body, headBytes: number): Promise<void> {
    const connection = this.#connection;
    try {
      await sender.run(headBytes);
      if (this.#headArrived) return;
      this.#sentMs = connection.clock.nowMs();
      const headDueMs = this.#sentMs + this.#timeouts.headMs;
      connection.deadlineMs = Math.min(this.#context.deadlineMs, headDueMs);
      connection.expectWithin(this.#timeouts.readMs);
    } catch (cause) {
      if (this.#over || sender.isStopped) return;
      if (connection.writeFailed) {
        // The target may have answered before it stopped reading: the response decides.
        body.cancel();
        this.#context.closeConnection = true;
      } else {
        connection.fail(toProxyError(cause));
      }
    }
  }

  /** The final response head, or undefined while bytes are missing. Informational ones are skipped. */
  #parse(): ParsedResponse | undefined {
    const connection = this.#connection;
    const { parser } = connection;
    while (this.#informational <= INFORMATIONAL_MAX) {
      if (!parser.scan(connection.bytes, connection.end)) {
        if (connection.end === connection.bytes.length && !connection.growInput()) {
          throw new ProxyError("upstream_head_too_large", "the response head does not fit the buffer");
        }
        return undefined;
      }
      const parsed = parser.parse(connection.bytes, this.#context.head.method);
      connection.start = parser.end;
      if (parsed.status >= 200) return parsed;
      if (parsed.status === 101) {
        if (this.#context.upgrade !== null) return parsed;
        throw new ProxyError("upstream_protocol", "the upstream switched protocols unasked");
      }
      this.#informational++;
      parser.reset(connection.start);
    }
    throw new ProxyError("upstream_protocol", "the upstream sent too many informational responses");
  }

  #respond(parsed: ParsedResponse): Response {
    if (parsed.status === 101) return this.#switch(parsed);
    const connection = this.#connection;
    const context = this.#context;
    this.#headArrived = true;
    this.headMs = connection.clock.nowMs();
    // How long a client takes to upload is not the target's doing.
    this.#target.answered(context, parsed.status, Math.max(0, this.headMs - this.#sentMs));
    this.#keepAlive = parsed.keepAlive;
    connection.deadlineMs = context.deadlineMs;
    connection.dueMs = context.deadlineMs;
    const sender = this.#sender;
    if (sender !== null && !sender.isHandedOver && parsed.status >= 300) {
      // The target has made up its mind; what the client still sends would be for nothing (RFC 9112 §9.5). After
      // a success it may well go on reading, even if it closes then: it may answer with what it is sent.
      this.#stopSending(sender);
    }
    const { status, reason, headers } = parsed;
    headers.appendKeyed("Via", "via", "1.1 sentinel");
    if (parsed.framing === "none") {
      this.completed();
      return { status, reason, headers, body: null };
    }
    const init = { framing: parsed.framing, length: parsed.length, readTimeoutMs: this.#timeouts.readMs };
    return { status, reason, headers, body: new ResponseBody(connection, this, init) };
  }

  /** The target leaves HTTP as it was asked to: the connection is no exchange's any more. */
  #switch({ status, reason, headers, upgrade }: ParsedResponse): Response {
    const wish = this.#context.upgrade!;
    wish.plan!.checkAnswer(upgrade, headers);
    this.headMs = this.#connection.clock.nowMs();
    this.#target.answered(this.#context, status, Math.max(0, this.headMs - this.#sentMs));
    this.#over = true;
    this.#release();
    wish.upstream = this.#connection.handOver(endOfTunnel(this.#target, this.#context));
    headers.appendKeyed("Via", "via", "1.1 sentinel");
    return { status, reason, headers, body: null };
  }

  /** Gives up the rest of the request body; neither connection can then be used again. */
  #stopSending(sender: RequestSender): void {
    sender.stop();
    this.#keepAlive = false;
    this.#context.closeConnection = true;
  }
}

/** The request is in flight at its target for as long as the tunnel lasts. Holds on to nothing of the exchange. */
function endOfTunnel(target: LiveTarget, context: RequestContext): () => void {
  return () => target.ended(context, "complete");
}
