/** One table of everything that can go wrong on the request path. */

/** Whose fault a failure is; a label of metrics and a field of logs. */
export type Fault = "config" | "downstream" | "upstream" | "agent" | "internal";

/**
 * When the same request may be tried again:
 * `never` · `reused` only if a kept-alive connection died before its first byte, and the method is
 * idempotent · `unsent` nothing of the request reached the upstream, so any method may be repeated ·
 * `idempotent` any failure before the response head, for idempotent methods.
 */
export type RetryRule = "never" | "reused" | "unsent" | "idempotent";

interface ErrorRow {
  readonly status: number;
  readonly fault: Fault;
  readonly retry: RetryRule;
  /** What a client is told: no detail, no cause. */
  readonly text: string;
}

function row(status: number, fault: Fault, retry: RetryRule, text: string): ErrorRow {
  return { status, fault, retry, text };
}

/** Code → status, fault, retry rule and public text. Codes are metric labels and log fields. */
export const ERRORS = {
  bad_request: row(400, "downstream", "never", "The request could not be understood"),
  request_head_timeout: row(408, "downstream", "never", "The request head did not arrive in time"),
  request_body_timeout: row(408, "downstream", "never", "The request body did not arrive in time"),
  body_too_large: row(413, "downstream", "never", "The request body is larger than this route allows"),
  target_too_long: row(414, "downstream", "never", "The request target is too long"),
  expectation_failed: row(417, "downstream", "never", "The expectation cannot be met"),
  headers_too_large: row(431, "downstream", "never", "The request headers are too large"),
  client_closed: row(499, "downstream", "never", "The client closed the connection"),
  version_not_supported: row(505, "downstream", "never", "The HTTP version is not supported"),
  method_not_implemented: row(501, "downstream", "never", "The method or transfer coding is not implemented"),
  route_not_found: row(404, "downstream", "never", "No route matches this request"),
  rate_limited: row(429, "downstream", "never", "Rate limit exceeded"),
  overloaded: row(503, "internal", "never", "The proxy is at its limit of requests in flight"),
  filter_failed: row(503, "internal", "never", "A required check could not be made"),
  request_timeout: row(504, "upstream", "never", "The request took longer than its time limit"),
  upstream_unavailable: row(503, "upstream", "never", "No target of the upstream is available"),
  upstream_queue_full: row(503, "upstream", "never", "The upstream is at its connection limit"),
  upstream_connect_failed: row(503, "upstream", "unsent", "The upstream refused the connection"),
  upstream_connect_timeout: row(
    504,
    "upstream",
    "unsent",
    "The upstream did not accept the connection in time",
  ),
  upstream_tls_failed: row(502, "upstream", "unsent", "The TLS connection to the upstream failed"),
  upstream_reset: row(502, "upstream", "reused", "The upstream closed the connection before answering"),
  upstream_read_timeout: row(504, "upstream", "idempotent", "The upstream did not answer in time"),
  upstream_write_timeout: row(504, "upstream", "idempotent", "The upstream did not take the request in time"),
  upstream_protocol: row(502, "upstream", "never", "The upstream sent an invalid response"),
  upstream_body_aborted: row(502, "upstream", "never", "The upstream broke off its response"),
  upstream_head_too_large: row(502, "upstream", "never", "The upstream sent too many headers"),
  response_too_large: row(502, "upstream", "never", "The response is too large to buffer"),
  shutting_down: row(503, "internal", "never", "The proxy is shutting down"),
  internal_bug: row(500, "internal", "never", "Internal error"),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** A failure on the request path. `message` is for logs; clients see the code's public text only. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get fault(): Fault {
    return ERRORS[this.code].fault;
  }

  get retry(): RetryRule {
    return ERRORS[this.code].retry;
  }
}

/** Anything thrown, as a `ProxyError`; what is not one already is a bug of ours. */
export function toProxyError(cause: unknown): ProxyError {
  if (cause instanceof ProxyError) return cause;
  const message = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new ProxyError("internal_bug", message, { cause });
}
