import type { BufferPool } from "../core/buffer_pool.ts";
import { type Downstream, RequestContext } from "../core/context.ts";
import type { Deadlines, Watch } from "../core/deadlines.ts";
import { ProxyError, toProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import type { Clock, Socket } from "../core/ports.ts";
import { type TunnelSide, Upgrade } from "../core/upgrade.ts";
import { type ParsedRequest, RequestHeadParser } from "../http1/request_head.ts";
import { PREFACE } from "../http2/frames.ts";
import type { RequestHandler } from "./handler.ts";
import type { HttpDate } from "./http_date.ts";
import { Input, type InputBuffers } from "./input.ts";
import type { ConnectionLimits } from "./limits.ts";
import { type BodyHost, RequestBody } from "./request_body.ts";
import { ResponseWriter } from "./response_writer.ts";
import { TunnelConnection } from "./tunnel_connection.ts";

/** Bytes of an unread request body that are worth reading to keep the connection. */
const DISCARD_BYTES_MAX = 262_144;
/** How long a refused client may go on sending before the connection is cut (RFC 9112 §9.6). */
const LINGER_MS = 1000;
const LINGER_BYTES_MAX = 1_048_576;
/** How long a drain waits for the first request of a client that has just connected. */
const DRAIN_FIRST_REQUEST_MS = 1000;

/** Room for what comes while an upgrade is awaited; the tunnel that follows has buffers of its own. */
const UPGRADE_BYTES = 256;

/** What all connections of a thread share. */
export interface ConnectionDeps extends InputBuffers {
  readonly handler: RequestHandler;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly date: HttpDate;
  /** Buffers in which responses are put together. */
  readonly outputBuffers: BufferPool;
}

/** What clients of a listener may speak: `http` is HTTP/1.1, and HTTP/2 for those who begin with its preface. */
export type ListenerProtocol = "http" | "http1" | "h2c";

/** What one connection is and may do. */
export interface ConnectionInit {
  readonly downstream: Downstream;
  readonly limits: ConnectionLimits;
  /** HTTP/1.1 alone when left out. */
  readonly protocol?: ListenerProtocol;
}

/** What of the preface looks like the head of a request. */
const PREFACE_HEAD_BYTES = PREFACE.indexOf("SM");

/** The connection waits for a request, receives one, waits for its answer, sends it, is about to leave HTTP, or is being closed. */
type Phase = "idle" | "receiving" | "answering" | "sending" | "switching" | "closing";

/**
 * One client connection: HTTP/1.1 requests in, responses out, one at a time and in order. Every wait
 * has a bound. Whatever cannot be read in exactly one way is answered and then closed.
 */
export class Connection implements BodyHost {
  readonly input: Input;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly readWatch: Watch;

  readonly #socket: Socket;
  readonly #deps: ConnectionDeps;
  readonly #downstream: Downstream;
  readonly #parser: RequestHeadParser;
  readonly #writer: ResponseWriter;
  readonly #writeWatch: Watch;
  #phase: Phase = "idle";
  #draining = false;
  #context: RequestContext | null = null;
  #body: RequestBody | null = null;
  /** The 101, or the 200 of a CONNECT, that is to be sent. */
  #switching: Response | null = null;
  #tunnel: TunnelConnection | null = null;
  /** Set while a request whose head came too late is being refused. */
  #lateRefusal: Promise<void> | null = null;
  /** Why the bytes at hand are no request. */
  #failure: ProxyError | null = null;
  readonly #protocol: ListenerProtocol;
  #http2: Uint8Array | null = null;

  constructor(
    socket: Socket,
    { downstream, limits, protocol = "http1" }: ConnectionInit,
    deps: ConnectionDeps,
  ) {
    this.#socket = socket;
    this.#downstream = downstream;
    this.#deps = deps;
    this.clock = deps.clock;
    this.limits = limits;
    this.#protocol = protocol;
    const headBytesMax = limits.head.headerBytesMax + limits.head.targetBytesMax + 256;
    this.input = new Input(socket, deps, headBytesMax);
    this.#parser = new RequestHeadParser(limits.head);
    this.input.onShift = (by) => this.#parser.shift(by);
    this.input.onEnd = () => this.#clientEnded();
    this.readWatch = { dueMs: Infinity, expire: () => this.#readExpired() };
    this.#writeWatch = { dueMs: Infinity, expire: () => this.#socket.close() };
    this.#writer = new ResponseWriter(
      socket,
      { watch: this.#writeWatch, timeoutMs: limits.sendTimeoutMs },
      deps,
    );
  }

  /** Whether no request is being received, answered or sent. */
  get isIdle(): boolean {
    return this.#phase === "idle";
  }

  /** Whether it is to end soon, also for who goes on with it. */
  get isDraining(): boolean {
    return this.#draining;
  }

  /**
   * What was read of a connection that turned out to speak HTTP/2, beginning with its preface; null for others.
   * Its socket is left open, for somebody who speaks that too.
   */
  get http2(): Uint8Array | null {
    return this.#http2;
  }

  /** What the connection has become when it has left HTTP; null for others. Whoever takes it runs it. */
  get tunnel(): TunnelConnection | null {
    return this.#tunnel;
  }

  /** Serves the connection until it ends, turns out to speak HTTP/2, or has become a tunnel. Never rejects. */
  async run(): Promise<void> {
    const { deadlines } = this.#deps;
    deadlines.add(this.readWatch);
    deadlines.add(this.#writeWatch);
    try {
      await this.#serve();
      if (this.#switching !== null) await this.#switch(this.#switching);
    } catch {
      // The socket broke while a response was being written; there is nobody left to tell.
    } finally {
      deadlines.remove(this.readWatch);
      deadlines.remove(this.#writeWatch);
      if (this.#tunnel === null) this.#end();
    }
  }

  /** Finishes the request at hand, then closes; an idle connection closes at once, a new one soon. */
  drain(): void {
    this.#draining = true;
    this.#tunnel?.drain();
    if (this.#phase !== "idle") return;
    // A client that has just connected is about to ask, and would take a close for a failure.
    if (this.#downstream.requestsServed > 0) this.#socket.close();
    else this.readWatch.dueMs = Math.min(this.readWatch.dueMs, this.clock.nowMs() + DRAIN_FIRST_REQUEST_MS);
  }

  /** Cuts the connection; a request at hand is aborted. */
  abort(): void {
    this.#tunnel?.abort();
    this.#socket.close();
    // Where a next request is at hand no read is under way that would notice the close.
    if (this.#context !== null && (this.#phase === "answering" || this.#phase === "sending")) {
      this.#abandon(this.#context);
    }
  }

  async sendContinue(): Promise<void> {
    if (this.#phase !== "answering") return;
    try {
      await this.#writer.sendContinue();
    } catch {
      // The read that follows finds the connection broken, and says so better.
    }
  }

  bodyEnded(): void {
    this.input.shrink();
    if (this.#phase === "answering" || this.#phase === "sending") this.input.ahead();
  }

  /**
   * The life of the connection, in one function: every further asynchronous call per request would
   * cost about half a microsecond.
   */
  async #serve(): Promise<void> {
    const { handler } = this.#deps;
    while (true) {
      this.#expect();
      if (this.input.available === 0) await this.input.more();
      const parsed = this.#parse() ?? await this.#receive();
      if (parsed === null) return;
      const context = this.#open(parsed);
      let answer: MaybePromise<Response>;
      try {
        const begun = handler.handle(context);
        answer = handler.respond(context, begun instanceof Promise ? await begun : begun);
      } catch (cause) {
        answer = handler.fail(context, cause);
      }
      const response = answer instanceof Promise ? await answer : answer;
      if (context.aborted) {
        response.body?.cancel();
        handler.finish(context);
        return;
      }
      if (response.status === 101 || (context.upgrade !== null && context.upgrade.accepts(response))) {
        // Not awaited here: a tunnel may last for days, and this function holds on to all of the request.
        this.#phase = "switching";
        this.#switching = response;
        return;
      }
      this.#phase = "sending";
      const close = this.#writer.closes = this.#mustClose(context, response, parsed);
      let sent = false;
      try {
        const whole = this.#writer.begin(context, response);
        if (whole === null) {
          sent = await this.#writer.send(context, response);
        } else {
          const count = await this.#socket.write(whole);
          sent = count === whole.length || await this.#writer.writeRest(whole.subarray(count));
          this.#writer.recycle();
        }
      } finally {
        if (!sent) context.aborted = true;
        handler.finish(context);
      }
      if (!sent) return;
      const body = this.#body;
      // The answer may have come while the upstream had not yet taken the last piece of the request.
      if (body !== null && body.isLent) this.input.forsake();
      const unread = body !== null && !body.isEnded;
      if (close) {
        if (unread || !this.input.ended) await this.#linger();
        return;
      }
      if (unread && !(await body.discard(DISCARD_BYTES_MAX))) return;
      this.#context = this.#body = null;
      this.#downstream.requestsServed++;
      this.#phase = "idle";
      this.input.shrink();
    }
  }

  #end(): void {
    const wasToSwitch = this.#phase === "switching";
    this.#phase = "closing";
    if (this.#http2 === null) this.#socket.close();
    if (this.#body !== null && this.#body.isLent) this.input.forsake();
    this.input.dispose();
    if (!wasToSwitch) return;
    this.#context!.aborted = true;
    this.#deps.handler.finish(this.#context!);
  }

  /** A request may come now. */
  #expect(): void {
    const { idleTimeoutMs } = this.limits;
    const headTimeoutMs = this.#draining ? DRAIN_FIRST_REQUEST_MS : this.limits.headTimeoutMs;
    const first = this.#downstream.requestsServed === 0;
    this.readWatch.dueMs = this.#deps.deadlines.coarseMs + (first ? headTimeoutMs : idleTimeoutMs);
  }

  /** Waits for the rest of a request; null when the connection is over, what cannot be read being answered. */
  async #receive(): Promise<ParsedRequest | null> {
    while (true) {
      if (this.#lateRefusal !== null) {
        await this.#lateRefusal;
        return null;
      }
      if (this.#failure !== null) {
        if (this.#takesHttp2()) return null;
        await this.#refuse(this.#failure);
        return null;
      }
      if (this.input.ended) return null;
      const reading = this.input.more();
      if (reading === null) {
        this.#failure = new ProxyError("headers_too_large", "the request head fills the buffer");
      } else await reading;
      const parsed = this.#parse();
      if (parsed !== undefined) return parsed;
    }
  }

  /** The request at hand; undefined when there is none yet, or none that can be read. */
  #parse(): ParsedRequest | undefined {
    const { input } = this;
    const parser = this.#parser;
    if (input.available === 0 || this.#lateRefusal !== null || this.#failure !== null) return undefined;
    let parsed: ParsedRequest | undefined;
    try {
      parsed = parser.parse(input.bytes, input.start, input.end);
    } catch (cause) {
      this.#failure = toProxyError(cause);
      return undefined;
    }
    if (parsed !== undefined && this.#protocol === "h2c") {
      this.#failure = new ProxyError("version_not_supported", "only HTTP/2 is spoken here");
      return undefined;
    }
    if (parsed !== undefined) {
      input.start = parser.end;
      this.readWatch.dueMs = Infinity;
      this.#phase = "answering";
    } else if (this.#phase === "idle" && parser.hasBegun) {
      this.#phase = "receiving";
      this.readWatch.dueMs = this.#deps.deadlines.coarseMs + this.limits.headTimeoutMs;
    }
    return parsed;
  }

  /**
   * Whether what could not be read as a first request is HTTP/2's preface (RFC 9113 §3.4), which was made to
   * look like a request of a version that nobody speaks.
   */
  #takesHttp2(): boolean {
    const { bytes, start, end } = this.input;
    if (this.#protocol === "http1" || this.#downstream.requestsServed > 0) return false;
    for (let i = 0; i < PREFACE_HEAD_BYTES; i++) {
      if (bytes[start + i] !== PREFACE.charCodeAt(i)) return false;
    }
    this.#http2 = bytes.slice(start, end);
    return true;
  }

  #open(parsed: ParsedRequest): RequestContext {
    const startedMs = this.clock.nowMs();
    const body = parsed.chunked || parsed.contentLength > 0
      ? new RequestBody(this, {
        contentLength: parsed.contentLength,
        expectContinue: parsed.expectContinue,
        requestDueMs: startedMs + this.limits.requestTimeoutMs,
      })
      : null;
    const context = new RequestContext({
      head: parsed.head,
      body,
      downstream: this.#downstream,
      startedMs,
      bodyBytesMax: Infinity,
    });
    this.#context = context;
    this.#body = body;
    const isConnect = parsed.head.method === "CONNECT";
    if (parsed.upgrade !== "" || isConnect) {
      context.upgrade = new Upgrade(isConnect ? "" : parsed.upgrade);
      this.input.slim(UPGRADE_BYTES);
    }
    if (isConnect) {
      // A host and a port have no path (RFC 9112 §3.2.3), but routes may have conditions for one.
      context.path = "/";
      // Without a tunnel, what was sent into it already must not be taken for requests.
      context.closeConnection = true;
    }
    if (body !== null) body.context = context;
    // A read is kept under way, so that a client that leaves is noticed.
    else if (this.input.available === 0) this.input.ahead();
    return context;
  }

  /** Sends the head that opens the tunnel, and makes it. */
  async #switch(response: Response): Promise<void> {
    const context = this.#context!;
    const { plan, upstream, accepted } = context.upgrade!;
    await this.#writer.sendSwitch(response, accepted === null ? plan!.protocol : null);
    this.#downstream.hopLines = undefined;
    const tunnel = plan!.open(new ClientSide(this.#socket, this.input.handOver()), upstream!);
    this.#tunnel = new TunnelConnection(tunnel, context, this.#deps.handler);
  }

  /** Whether the response at hand is the last one on this connection. */
  #mustClose(context: RequestContext, response: Response, parsed: ParsedRequest): boolean {
    // HTTP/1.0 knows no chunks: a body of unknown length ends with the connection (RFC 9112 §6.3).
    if (context.head.minor === 0 && response.body !== null && response.body.length === undefined) return true;
    if (!parsed.keepAlive || context.closeConnection || this.#draining || this.input.ended) return true;
    if (this.#downstream.requestsServed + 1 >= this.limits.requestsMax) return true;
    const body = this.#body;
    if (body === null || body.isEnded) return false;
    return body.isHeldBack || (body.remaining ?? Infinity) > DISCARD_BYTES_MAX;
  }

  /** Answers a request that could not be read, and closes. */
  async #refuse(error: ProxyError): Promise<void> {
    this.readWatch.dueMs = Infinity;
    if (this.input.broken) return;
    const head = {
      method: "-",
      target: "-",
      host: "",
      authority: "",
      minor: 1 as const,
      headers: new HeaderList(),
    };
    const context = new RequestContext({
      head,
      body: null,
      downstream: this.#downstream,
      startedMs: this.clock.nowMs(),
      bodyBytesMax: 0,
    });
    this.#phase = "sending";
    let sent = false;
    try {
      const response = this.#deps.handler.refuse(context, error);
      this.#writer.closes = true;
      const whole = this.#writer.begin(context, response);
      sent = whole === null
        ? await this.#writer.send(context, response)
        : await this.#writer.writeRest(whole);
      this.#writer.recycle();
    } finally {
      this.#deps.handler.finish(context);
    }
    if (sent) await this.#linger();
  }

  /**
   * Closes so that the last response arrives: our side first, then whatever the client still sends is
   * read for a while. Closing with unread bytes would reset the connection and could destroy it.
   */
  async #linger(): Promise<void> {
    this.#phase = "closing";
    this.readWatch.dueMs = this.#deps.deadlines.coarseMs + LINGER_MS;
    await this.#socket.closeWrite();
    let left = LINGER_BYTES_MAX;
    while (!this.input.ended && left > 0) {
      left -= this.input.available;
      this.input.start = this.input.end;
      await this.input.more();
    }
  }

  /**
   * The client closed its side or the connection broke. As nginx does, a close while the answer is
   * still awaited counts as leaving; a response of known length that is under way is still delivered.
   */
  #clientEnded(): void {
    const context = this.#context;
    if (context === null || (this.#body !== null && !this.#body.isEnded)) return;
    // Bytes of a next request lie before the end of the stream: the client may well be waiting.
    if (this.input.available > 0 && !this.input.broken) return;
    if (this.#phase === "sending" && !this.input.broken && !this.#writer.isStreaming) return;
    if (this.#phase !== "answering" && this.#phase !== "sending") return;
    this.#abandon(context);
  }

  /** Stops the work on a request whose client is gone. */
  #abandon(context: RequestContext): void {
    context.aborted = true;
    this.#writer.abort();
    context.onAbort?.("client_closed");
  }

  #readExpired(): void {
    if (this.#phase === "receiving") {
      const late = new ProxyError("request_head_timeout", "the request head did not arrive in time");
      // The read under way cannot be taken back, so the refusal is written beside it.
      this.#lateRefusal = this.#refuse(late).catch(() => {}).finally(() => this.#socket.close());
    } else if (this.#body !== null && this.#phase !== "closing") {
      this.#body.timedOut();
    } else {
      this.#socket.close();
    }
  }
}

/** The client's end of a tunnel. */
class ClientSide implements TunnelSide {
  readonly socket: Socket;
  early: Uint8Array;
  pending: Promise<Uint8Array> | null;
  writable = null;

  constructor(socket: Socket, { early, pending }: Pick<TunnelSide, "early" | "pending">) {
    this.socket = socket;
    this.early = early;
    this.pending = pending;
  }

  close(): void {
    this.socket.close();
  }
}
