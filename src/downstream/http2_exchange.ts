import { RequestContext } from "../core/context.ts";
import { type ErrorCode, ProxyError, toProxyError } from "../core/errors.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import { sendBody } from "../http2/body_sender.ts";
import { H2_ERROR } from "../http2/frames.ts";
import type { HeaderBlock } from "../http2/header_block.ts";
import type { Breakage, Http2Stream, StreamOwner } from "../http2/stream.ts";
import type { Http2ServerConnection } from "./http2_connection.ts";
import { type Http2Request, readRequest } from "./http2_request.ts";
import { Http2RequestBody } from "./http2_request_body.ts";
import { hasBody, writeResponseFields } from "./http2_response.ts";

/** One request of a client and its answer, on a stream of its connection. */
export class Http2Exchange implements StreamOwner {
  readonly #connection: Http2ServerConnection;
  readonly #stream: Http2Stream;
  #context: RequestContext | null = null;
  #body: Http2RequestBody | null = null;
  /** The body of the answer while it is being sent. */
  #response: Response | null = null;

  constructor(connection: Http2ServerConnection, stream: Http2Stream) {
    this.#connection = connection;
    this.#stream = stream;
    stream.owner = this;
  }

  /** Answers the request whose head this is. Never rejects. */
  async run(block: HeaderBlock): Promise<void> {
    const { deps, downstream, limits } = this.#connection;
    const { handler } = deps;
    const startedMs = deps.clock.nowMs();
    let request: Http2Request;
    try {
      request = readRequest(block, limits.head);
    } catch (cause) {
      downstream.requestsServed++;
      return await this.#refuse(this.#connection.unreadable(startedMs), toProxyError(cause));
    }
    const context = this.#open(request, startedMs);
    downstream.requestsServed++;
    let answer: MaybePromise<Response>;
    try {
      const begun = handler.handle(context);
      answer = handler.respond(context, begun instanceof Promise ? await begun : begun);
    } catch (cause) {
      answer = handler.fail(context, cause);
    }
    await this.#answer(context, answer instanceof Promise ? await answer : answer);
  }

  head(): void {
    // The only head came before this owner; a second one is read as trailers.
  }

  received(): void {
    // Whoever reads the body is woken by the stream itself.
  }

  over(): void {}

  broken({ message }: Breakage): void {
    this.#abandon("client_closed", message);
  }

  check(nowMs: number): void {
    const { limits, session } = this.#connection;
    const body = this.#body;
    if (body !== null && body.isLate(nowMs)) {
      const received = this.#context?.bodyBytesReceived ?? 0;
      this.#stream.failReading(
        new ProxyError("request_body_timeout", `the body stalled after ${received} bytes`),
      );
    }
    if (nowMs - this.#stream.blockedSinceMs < limits.sendTimeoutMs) return;
    session.reset(this.#stream, H2_ERROR.cancel);
    this.#abandon("client_closed", "the client takes no more of the answer");
  }

  #open(request: Http2Request, startedMs: number): RequestContext {
    const { deps, downstream, limits } = this.#connection;
    const { head, contentLength, expectContinue, isWhole } = request;
    const body = isWhole ? null : new Http2RequestBody(this.#stream, {
      contentLength,
      clock: deps.clock,
      limits,
      requestDueMs: startedMs + limits.requestTimeoutMs,
      sendContinue: expectContinue ? () => this.#sendContinue() : null,
    });
    const context = new RequestContext({ head, body, downstream, startedMs, bodyBytesMax: Infinity });
    this.#context = context;
    this.#stream.length = contentLength;
    if (body !== null) {
      body.context = context;
      // Calls of gRPC may stream for hours.
      body.isStreaming = head.headers.get("content-type")?.startsWith("application/grpc") === true;
      this.#body = body;
    }
    return context;
  }

  async #refuse(context: RequestContext, error: ProxyError): Promise<void> {
    await this.#answer(context, this.#connection.deps.handler.refuse(context, error));
  }

  /** Sends the answer, if anybody is left to get it. */
  async #answer(context: RequestContext, response: Response): Promise<void> {
    const { handler } = this.#connection.deps;
    const { session } = this.#connection;
    const stream = this.#stream;
    let isSent = false;
    try {
      if (context.aborted || stream.isSendingOver) response.body?.cancel();
      else isSent = await this.#send(context, response);
    } catch (cause) {
      const error = toProxyError(cause);
      context.errorCode ??= error.code;
      context.errorDetail ??= error.message;
    } finally {
      if (!isSent) context.aborted = true;
      handler.finish(context);
    }
    // An early end has to look like one; what is left of the request is not needed for a complete answer.
    if (!isSent) session.reset(stream, H2_ERROR.internalError);
    else if (!stream.remoteEnded) session.reset(stream, H2_ERROR.noError);
  }

  /** True when all of it has been put into the output. */
  async #send(context: RequestContext, response: Response): Promise<boolean> {
    const { session, deps } = this.#connection;
    const stream = this.#stream;
    const { body } = response;
    if (this.#body !== null && context.status < 400) this.#body.isUnhurried = true;
    try {
      const date = deps.date.now(deps.deadlines.coarseMs, deps.clock);
      writeResponseFields(session.sender, stream, { context, response, date });
    } catch (cause) {
      body?.cancel();
      // Half a header block leaves the two tables different: nothing can be said on this connection any more.
      session.close("a response head could not be written");
      throw cause;
    }
    if (body === null || !hasBody(context, response)) {
      body?.cancel();
      session.localEnd(stream);
      return true;
    }
    this.#response = response;
    try {
      const announced = body.length;
      const isSent = await sendBody(session, stream, {
        body,
        sent: (bytes) => context.bodyBytesSent += bytes,
      });
      return isSent && (announced === undefined || context.bodyBytesSent === announced);
    } finally {
      body.cancel();
      this.#response = null;
    }
  }

  #sendContinue(): void {
    const { session } = this.#connection;
    const stream = this.#stream;
    if (stream.isSendingOver || this.#response !== null) return;
    session.sender.informational(stream, 100);
  }

  /** The client is gone, or will not take the answer: stops the work on it. */
  #abandon(code: ErrorCode, message: string): void {
    this.#stream.fail(new ProxyError(code, message));
    const context = this.#context;
    if (context === null || context.aborted) return;
    context.aborted = true;
    this.#response?.body?.cancel();
    context.onAbort?.("client_closed");
  }
}
