import { ProxyError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Body, MaybePromise } from "../core/message.ts";
import { ChunkedDecoder } from "../http1/chunked.ts";
import type { BodyFraming } from "../http1/response_head.ts";
import type { UpstreamConnection } from "./connection.ts";

/** Told when a response body needs nothing more of its connection. */
export interface ResponseBodyHost {
  /** Read to its end, with nothing wrong. */
  completed(): void;
  /** Given up, or broken: then with what went wrong. */
  abandoned(failure?: ProxyError): void;
}

/**
 * A response body as it arrives from the upstream: views into the connection's buffer. The connection
 * is let go when the end is read, not before, for until then the last view is in use.
 */
export class ResponseBody implements Body {
  /** Bytes in total: announced, or known because all of a chunked body came with its head. */
  readonly length: number | undefined;

  readonly #connection: UpstreamConnection;
  readonly #host: ResponseBodyHost;
  readonly #readTimeoutMs: number;
  readonly #chunks: ChunkedDecoder | null;
  /** Bytes to come; Infinity when only the end itself tells. */
  #remaining: number;
  #state: "open" | "ended" | "done" = "open";
  #failure: ProxyError | null = null;
  /** What was decoded ahead. */
  #first: Uint8Array | null = null;

  constructor(
    connection: UpstreamConnection,
    host: ResponseBodyHost,
    init: { readonly framing: BodyFraming; readonly length: number; readonly readTimeoutMs: number },
  ) {
    this.#connection = connection;
    this.#host = host;
    this.#readTimeoutMs = init.readTimeoutMs;
    this.#chunks = init.framing === "chunked" ? new ChunkedDecoder("upstream_protocol") : null;
    this.#remaining = init.framing === "length" ? init.length : Infinity;
    let length = init.framing === "length" ? init.length : undefined;
    if (this.#chunks !== null) {
      this.#first = this.#takeChunk(this.#chunks);
      // A length would take the place of the chunks that trailers need.
      const isWhole = this.#state === "ended" && this.#chunks.trailers === undefined;
      if (isWhole) length = this.#first?.length ?? 0;
    }
    this.length = length;
  }

  get trailers(): HeaderList | undefined {
    return this.#chunks?.trailers;
  }

  read(): MaybePromise<Uint8Array | null> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#first !== null) return this.#takeFirst();
    if (this.#state === "open") return this.#take() ?? this.#readMore();
    this.#complete();
    return null;
  }

  cancel(): void {
    if (this.#state === "done") return;
    // All of it has been handed out: as good as read to its end. Not so for a body of unknown length,
    // as whoever streams it may still be writing the last view, which the next response would overwrite.
    if (this.#state === "ended" && this.length !== undefined) return this.#complete();
    this.#state = "done";
    this.#host.abandoned();
  }

  #takeFirst(): Uint8Array | null {
    const first = this.#first;
    this.#first = null;
    return first;
  }

  #complete(): void {
    if (this.#state === "done") return;
    this.#state = "done";
    this.#host.completed();
  }

  /** The next piece at hand; null when there is none, or the end was found. */
  #take(): Uint8Array | null {
    const connection = this.#connection;
    if (this.#chunks !== null) return this.#takeChunk(this.#chunks);
    const start = connection.start;
    const take = Math.min(this.#remaining, connection.end - start);
    if (take === 0) return null;
    connection.start = start + take;
    this.#remaining -= take;
    if (this.#remaining === 0) this.#state = "ended";
    return connection.bytes.subarray(start, start + take);
  }

  /** Decodes all chunks at hand into one piece: their data is moved together, over the chunk lines. */
  #takeChunk(chunks: ChunkedDecoder): Uint8Array | null {
    const connection = this.#connection;
    const { bytes } = connection;
    let from = 0;
    let to = 0;
    try {
      while (true) {
        const found = chunks.decode(bytes, connection.start, connection.end);
        connection.start = chunks.position;
        if (found === "done") this.#state = "ended";
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
      this.#break(cause as ProxyError);
    }
    return to === 0 ? null : bytes.subarray(from, to);
  }

  async #readMore(): Promise<Uint8Array | null> {
    while (this.#state === "open") {
      const count = await this.#receive();
      if (this.#isOver()) return null;
      if (count === 0) {
        if (this.#remaining !== Infinity || this.#chunks !== null) {
          this.#break(
            new ProxyError("upstream_body_aborted", "the upstream closed within the response body"),
          );
        }
        this.#state = "ended";
        break;
      }
      const piece = this.#take();
      if (piece !== null) return piece;
    }
    this.#complete();
    return null;
  }

  /** Reads into the emptied buffer; 0 at the end of the stream. */
  async #receive(): Promise<number> {
    const connection = this.#connection;
    connection.rewind(this.#remaining);
    connection.expectWithin(this.#readTimeoutMs);
    let count: number;
    try {
      count = await connection.read();
    } catch (cause) {
      // Cancelled meanwhile: nobody is left to be told, and it was no fault of the upstream.
      if (this.#isOver()) return 0;
      this.#break(
        connection.failure ??
          new ProxyError("upstream_body_aborted", "the connection broke within the response body", { cause }),
      );
    }
    if (connection.failure !== null) this.#break(connection.failure);
    connection.dueMs = connection.deadlineMs;
    connection.end = count;
    return count;
  }

  #isOver(): boolean {
    return this.#state === "done";
  }

  #break(failure: ProxyError): never {
    this.#failure = failure;
    this.#host.abandoned(failure);
    throw failure;
  }
}
