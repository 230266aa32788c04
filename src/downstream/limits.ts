import type { HeadLimits } from "../http1/head_lines.ts";

/** Bounds of one downstream connection; times in milliseconds, `Infinity` where there is none. */
export interface ConnectionLimits {
  readonly head: HeadLimits;
  /** From the first byte of a request (or the accept) to the end of its head. */
  readonly headTimeoutMs: number;
  /** Between two requests on one connection. */
  readonly idleTimeoutMs: number;
  /** From the first byte of a request to the last byte of its body. */
  readonly requestTimeoutMs: number;
  /** Without a byte of the response taken by the client. */
  readonly sendTimeoutMs: number;
  /** Slowest request body tolerated, in bytes per second of waiting, after `bodyGraceMs`; 0 means any. */
  readonly bodyRateMin: number;
  readonly bodyGraceMs: number;
  /** Requests on one connection; the last one is answered with `Connection: close`. */
  readonly requestsMax: number;
  /** Requests at once on one HTTP/2 connection. */
  readonly streamsMax: number;
}
