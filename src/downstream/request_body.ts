import type { RequestContext } from "../core/context.ts";
import type { Watch } from "../core/deadlines.ts";
import { ProxyError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Body, MaybePromise } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import { ChunkedDecoder } from "../http1/chunked.ts";
import type { Input } from "./input.ts";
import type { ConnectionLimits } from "./limits.ts";

/** Bodies at least this long are read through a large buffer. */
const LARGE_BODY_BYTES = 8192;

/** What a request body needs of its connection. */
export interface BodyHost {
  readonly input: Input;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  /** The time limit on reading from the client. */
  readonly readWatch: Watch;
  /** Writes `100 Continue` when the client waits for it and nothing was answered yet. */
  sendContinue(): Promise<void>;
  /** The body's last piece has been taken and used. May be called again. */
  bodyEnded(): void;
}

/** How the body is framed and how long it may take. */
export interface BodyInit {
  /** Announced length, or -1 for chunked. */
  readonly contentLength: number;
  readonly expectContinue: boolean;
  /** Clock time by which the whole request must have arrived. */
  readonly requestDueMs: number;
}

/** A request body as it arrives: counted, bounded in size, time and slowness. */
export class RequestBody implements Body {
  readonly length: number | undefined;
  /** Set by the connection once the context exists; its limit may be changed by the route. */
  context: RequestContext | null = null;

  readonly #host: BodyHost;
  readonly #requestDueMs: number;
  readonly #chunks: ChunkedDecoder | null;
  #remaining: number;
  #ended = false;
  #cancelled = false;
  #expectContinue: boolean;
  #waitedMs = 0;
  #failure: ProxyError | null = null;
  #wake: (() => void) | null = null;
  /** How often reads were called off: one that waits since an earlier count is not wanted any more. */
  #calledOff = 0;
  /** The last piece handed out may be in use: nobody has asked for what follows it. */
  #isLent = false;

  constructor(host: BodyHost, init: BodyInit) {
    this.#host = host;
    this.#requestDueMs = init.requestDueMs;
    this.#expectContinue = init.expectContinue;
    this.#chunks = init.contentLength < 0 ? new ChunkedDecoder("bad_request") : null;
    this.#remaining = init.contentLength;
    this.length = init.contentLength < 0 ? undefined : init.contentLength;
    if (init.contentLength < 0 || init.contentLength > LARGE_BODY_BYTES) host.input.enlarge();
  }

  get trailers(): HeaderList | undefined {
    return this.#chunks?.trailers;
  }

  /** All of it has been read. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** The client still waits for `100 Continue`, so it has sent none of the body. */
  get isHeldBack(): boolean {
    return this.#expectContinue;
  }

  /** Somebody may still look at the last piece, for instance because an upstream is slow to take it. */
  get isLent(): boolean {
    return this.#isLent;
  }

  /** Bytes yet to come; undefined when nobody knows. */
  get remaining(): number | undefined {
    return this.#ended ? 0 : this.#chunks === null ? this.#remaining : undefined;
  }

  read(): MaybePromise<Uint8Array | null> {
    this.#isLent = false;
    if (this.#failure !== null) throw this.#failure;
    // The connection may be at its next request already, so a late reader must not touch the buffer.
    if (this.#cancelled) return null;
    if (this.#ended) return this.#finish();
    return this.#take() ?? (this.#ended ? this.#finish() : this.#readMore());
  }

  cancel(): void {
    this.#cancelled = true;
    const wake = this.#wake;
    if (wake === null) return;
    this.#wake = null;
    this.#calledOff++;
    this.#host.readWatch.dueMs = Infinity;
    wake();
  }

  /** Called when the read watch runs out while this body is awaited. */
  timedOut(): void {
    this.#failure ??= new ProxyError(
      "request_body_timeout",
      `the body stalled after ${this.context?.bodyBytesReceived ?? 0} bytes`,
    );
    this.#wake?.();
  }

  /** Reads and drops the rest, at most `bytesMax` bytes; true when the end was reached. */
  async discard(bytesMax: number): Promise<boolean> {
    let left = bytesMax;
    while (!this.#ended && left >= 0) {
      const chunk = this.#take() ?? (this.#ended ? null : await this.#readMore());
      if (chunk === null) break;
      left -= chunk.length;
    }
    this.#isLent = false;
    return this.#ended;
  }

  async #readMore(): Promise<Uint8Array | null> {
    const { input, clock, readWatch } = this.#host;
    const calledOff = this.#calledOff;
    if (this.#expectContinue) {
      this.#expectContinue = false;
      if (input.available === 0) {
        await this.#host.sendContinue();
        if (this.#cancelled) return null;
      }
    }
    while (true) {
      const startedMs = clock.nowMs();
      readWatch.dueMs = Math.min(this.#requestDueMs, startedMs + this.#patienceMs());
      await this.#moreOrTimeout();
      // The time limit belongs to whoever reads now.
      if (calledOff !== this.#calledOff) return null;
      this.#wake = null;
      readWatch.dueMs = Infinity;
      this.#waitedMs += clock.nowMs() - startedMs;
      if (this.#failure !== null) throw this.#failure;
      const chunk = this.#take();
      if (chunk !== null) return chunk;
      if (this.#ended) return this.#finish();
      if (input.ended) {
        throw this.#failure = new ProxyError("client_closed", "the client closed within the request body");
      }
    }
  }

  /** A read under way cannot be taken back, so a time limit wakes the waiting side instead. */
  #moreOrTimeout(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      const reading = this.#host.input.more();
      if (reading === null) resolve();
      else reading.then(resolve);
    });
  }

  /** How much longer the client may keep us waiting before it is slower than the minimum rate. */
  #patienceMs(): number {
    const { bodyRateMin, bodyGraceMs } = this.#host.limits;
    if (bodyRateMin === 0) return Infinity;
    const received = this.context?.bodyBytesReceived ?? 0;
    return Math.max(0, bodyGraceMs + (received * 1000) / bodyRateMin - this.#waitedMs);
  }

  /** The next piece among the bytes at hand, or null when there is none. */
  #take(): Uint8Array | null {
    const { input } = this.#host;
    if (this.#chunks === null) {
      const take = Math.min(this.#remaining, input.available);
      if (take > 0) {
        const chunk = input.bytes.subarray(input.start, input.start + take);
        input.start += take;
        this.#remaining -= take;
        this.#count(take);
        if (this.#remaining === 0) this.#ended = true;
        this.#isLent = true;
        return chunk;
      }
      if (this.#remaining === 0) this.#ended = true;
      return null;
    }
    return this.#takeChunk(this.#chunks);
  }

  /**
   * Decodes all chunks at hand into one piece: their data is moved together, over the chunk lines. Else a
   * client that sends single bytes as chunks would cause a write upstream for every six it sends.
   */
  #takeChunk(chunks: ChunkedDecoder): Uint8Array | null {
    const { input } = this.#host;
    const { bytes } = input;
    let from = 0;
    let to = 0;
    try {
      while (true) {
        const found = chunks.decode(bytes, input.start, input.end);
        input.start = chunks.position;
        if (found === "done") this.#ended = true;
        if (found !== "data") break;
        if (to === 0) {
          from = chunks.dataStart;
          to = chunks.dataEnd;
        } else {
          bytes.copyWithin(to, chunks.dataStart, chunks.dataEnd);
          to += chunks.dataEnd - chunks.dataStart;
        }
      }
    } catch (cause) {
      throw this.#failure = cause as ProxyError;
    }
    if (to === 0) return null;
    this.#count(to - from);
    this.#isLent = true;
    return bytes.subarray(from, to);
  }

  #count(bytes: number): void {
    const context = this.context;
    if (context === null) return;
    context.bodyBytesReceived += bytes;
    if (context.bodyBytesReceived > context.bodyBytesMax) {
      throw this.#failure = new ProxyError(
        "body_too_large",
        `the body is longer than ${context.bodyBytesMax} bytes`,
      );
    }
  }

  /** The last piece has been used, so the buffer it lay in may be read into again. */
  #finish(): null {
    this.#host.bodyEnded();
    return null;
  }
}
