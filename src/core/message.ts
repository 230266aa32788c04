/** Requests and responses as the dataplane sees them: heads as data, bodies as pull streams. */

import type { HeaderList } from "./headers.ts";

/** What arrives at once or later; callers await only when it is a promise. */
export type MaybePromise<T> = T | Promise<T>;

/** A request head, parsed and checked; see `http1/request_head.ts` for what is refused. */
export interface RequestHead {
  /** Token as received; methods are case-sensitive (RFC 9110 §9.1). */
  method: string;
  /** Request target in origin-form (or `*`), byte for byte as received. What goes upstream. */
  target: string;
  /** Authority in lower case, without port: what routes match on. Empty when HTTP/1.0 sent none. */
  host: string;
  /** Authority as received (Host header or absolute-form), port included. */
  authority: string;
  /** Minor HTTP/1 version: 0 or 1; 1 for HTTP/2, whose messages mean the same. */
  minor: 0 | 1;
  /** 2 when it came over HTTP/2; absent for HTTP/1. */
  readonly major?: 2;
  headers: HeaderList;
}

/** A response head. */
export interface ResponseHead {
  status: number;
  /** Reason phrase; empty means the standard one is written. */
  reason: string;
  headers: HeaderList;
}

/**
 * A message body, pulled chunk by chunk: whoever reads sets the pace, which is the backpressure.
 * One reader only. A body that is not read to its end must be cancelled.
 */
export interface Body {
  /** Bytes in total, when known before reading. */
  readonly length: number | undefined;
  /** Fields that followed the body (RFC 9110 §6.5), known once `read` gave null; undefined when there are none. */
  readonly trailers?: HeaderList | undefined;
  /**
   * The next bytes (never empty), or null at the end. The view is valid until the next call.
   * Throws a `ProxyError` when the sender fails, stalls or breaks a limit.
   */
  read(): MaybePromise<Uint8Array | null>;
  /** Gives the rest up and releases what feeds it. Safe to call twice and after the end. */
  cancel(): void;
}

/** A whole response; `body` null means none is sent. */
export interface Response extends ResponseHead {
  body: Body | null;
}

/** The protocol of a request as logs name it. */
export function protocolName(head: RequestHead): "HTTP/1.0" | "HTTP/1.1" | "HTTP/2" {
  return head.major === 2 ? "HTTP/2" : head.minor === 1 ? "HTTP/1.1" : "HTTP/1.0";
}

/** A body held in memory. */
export class BytesBody implements Body {
  readonly length: number;
  readonly trailers: HeaderList | undefined;
  #bytes: Uint8Array | null;

  constructor(bytes: Uint8Array, trailers?: HeaderList) {
    this.length = bytes.length;
    this.trailers = trailers;
    this.#bytes = bytes.length > 0 ? bytes : null;
  }

  read(): Uint8Array | null {
    const bytes = this.#bytes;
    this.#bytes = null;
    return bytes;
  }

  cancel(): void {
    this.#bytes = null;
  }
}
