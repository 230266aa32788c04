import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Body, MaybePromise } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import type { Http2Stream } from "../http2/stream.ts";
import type { ConnectionLimits } from "./limits.ts";

/** What such a body needs to know. */
export interface Http2BodyInit {
  readonly contentLength: number | undefined;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  /** Clock time by which the whole request must have arrived. */
  readonly requestDueMs: number;
  /** Sends `100 Continue`; null when the client does not wait for it. */
  readonly sendContinue: (() => void) | null;
}

/** A request body as it comes on a stream: counted, bounded in size, time and slowness. */
export class Http2RequestBody implements Body {
  readonly length: number | undefined;
  /** Set once the context exists; its limit may be changed by the route. */
  context: RequestContext | null = null;
  /** Time limits do not hold: the answer has begun, so whoever answers wants what is still to come. */
  isUnhurried = false;
  /** The client may take its time between pieces, and altogether: only a long silence is too slow. */
  isStreaming = false;

  readonly #stream: Http2Stream;
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  readonly #requestDueMs: number;
  #sendContinue: (() => void) | null;
  #waitedMs = 0;

  constructor(stream: Http2Stream, init: Http2BodyInit) {
    this.#stream = stream;
    this.#clock = init.clock;
    this.#limits = init.limits;
    this.#requestDueMs = init.requestDueMs;
    this.#sendContinue = init.sendContinue;
    this.length = init.contentLength;
  }

  get trailers(): HeaderList | undefined {
    return this.#stream.trailers;
  }

  read(): MaybePromise<Uint8Array | null> {
    const next = this.#stream.read();
    if (!(next instanceof Promise)) return this.#count(next);
    const sendContinue = this.#sendContinue;
    this.#sendContinue = null;
    if (this.#stream.bytesReceived === 0) sendContinue?.();
    return this.#wait(next);
  }

  cancel(): void {
    this.#stream.cancel();
  }

  /** Whether the client has been too slow by `nowMs`. */
  isLate(nowMs: number): boolean {
    const { awaitedSinceMs } = this.#stream;
    if (this.isUnhurried || awaitedSinceMs === Infinity) return false;
    if (this.isStreaming) return nowMs - awaitedSinceMs >= this.#limits.requestTimeoutMs;
    if (nowMs >= this.#requestDueMs) return true;
    const { bodyRateMin, bodyGraceMs } = this.#limits;
    if (bodyRateMin === 0) return false;
    const patienceMs = bodyGraceMs + (this.#stream.bytesReceived * 1000) / bodyRateMin;
    return this.#waitedMs + nowMs - awaitedSinceMs > patienceMs;
  }

  async #wait(next: Promise<Uint8Array | null>): Promise<Uint8Array | null> {
    const startedMs = this.#clock.nowMs();
    const piece = await next;
    this.#waitedMs += this.#clock.nowMs() - startedMs;
    return this.#count(piece);
  }

  #count(piece: Uint8Array | null): Uint8Array | null {
    const { context } = this;
    if (piece === null || context === null) return piece;
    context.bodyBytesReceived += piece.length;
    if (context.bodyBytesReceived > context.bodyBytesMax) {
      const error = new ProxyError("body_too_large", `the body is longer than ${context.bodyBytesMax} bytes`);
      this.#stream.failReading(error);
      throw error;
    }
    return piece;
  }
}
