/** One table of everything that can go wrong on the request path. */

/** Whose fault a failure is; a label of metrics and a field of logs. */
export type Fault = "config" | "downstream" | "upstream" | "agent" | "internal";

/**
 * When the same request may be tried again:
 * `never` · `reused` only if a kept-alive connection died before its first byte, and the method is
 * idempotent · `unsent` nothing of the request reached the upstream, so any method may be repeated ·
 * `refused` the upstream says that it did not begin, so any method may be repeated · `timeout` only where a
 * retry policy says so. A policy may allow more after `reused` too.
 */
export type RetryRule = "never" | "reused" | "unsent" | "refused" | "timeout";

interface ErrorRow {
  readonly status: number;
  readonly fault: Fault;
  readonly retry: RetryRule;
  /** What a client is told: no detail, no cause. */
  readonly text: string;
}

/** The client's doing. */
function downstream(status: number, text: string): ErrorRow {
  return { status, fault: "downstream", retry: "never", text };
}

function upstream(status: number, retry: RetryRule, text: string): ErrorRow {
  return { status, fault: "upstream", retry, text };
}

function agent(status: number, text: string): ErrorRow {
  return { status, fault: "agent", retry: "never", text };
}

function internal(status: number, text: string): ErrorRow {
  return { status, fault: "internal", retry: "never", text };
}

/** Code → status, fault, retry rule and public text. Codes are metric labels and log fields. */
export const ERRORS = {
  bad_request: downstream(400, "The request could not be understood"),
  method_not_allowed: downstream(405, "The method is not allowed here"),
  connect_target_refused: downstream(403, "Tunnels to this target are not allowed"),
  request_head_timeout: downstream(408, "The request head did not arrive in time"),
  request_body_timeout: downstream(408, "The request body did not arrive in time"),
  body_too_large: downstream(413, "The request body is larger than this route allows"),
  target_too_long: downstream(414, "The request target is too long"),
  expectation_failed: downstream(417, "The expectation cannot be met"),
  upgrade_required: downstream(426, "This version of the protocol is not spoken here"),
  websocket_not_enabled: downstream(403, "WebSocket is not enabled here"),
  headers_too_large: downstream(431, "The request headers are too large"),
  client_closed: downstream(499, "The client closed the connection"),
  version_not_supported: downstream(505, "The HTTP version is not supported"),
  method_not_implemented: downstream(501, "The method or transfer coding is not implemented"),
  route_not_found: downstream(404, "No route matches this request"),
  rate_limited: downstream(429, "Rate limit exceeded"),
  tunnels_overloaded: internal(503, "The route is at its limit of open connections"),
  client_tunnels_overloaded: downstream(429, "Too many open connections from this address"),
  overloaded: internal(503, "The proxy is at its limit of requests in flight"),
  filter_failed: internal(503, "A required check could not be made"),
  agent_blocked: agent(403, "The request was refused"),
  agent_failed: agent(503, "A required check could not be made"),
  agent_body_corrupt: agent(400, "The body cannot be decoded for its check"),
  agent_body_too_large: agent(413, "The body is larger than its check allows"),
  request_timeout: upstream(504, "never", "The request took longer than its time limit"),
  upstream_unavailable: upstream(503, "never", "No target of the upstream is available"),
  upstream_queue_full: upstream(503, "never", "The upstream is at its connection limit"),
  upstream_connect_failed: upstream(503, "unsent", "The upstream refused the connection"),
  upstream_connect_timeout: upstream(504, "unsent", "The upstream did not accept the connection in time"),
  connect_target_failed: upstream(502, "never", "The target of the tunnel could not be reached"),
  upstream_tls_failed: upstream(502, "unsent", "The TLS connection to the upstream failed"),
  upstream_refused: upstream(503, "refused", "The upstream did not take the request"),
  upstream_reset: upstream(502, "reused", "The upstream closed the connection before answering"),
  upstream_try_timeout: upstream(504, "timeout", "The upstream did not answer in time"),
  upstream_read_timeout: upstream(504, "timeout", "The upstream did not answer in time"),
  upstream_write_timeout: upstream(504, "never", "The upstream did not take the request in time"),
  upstream_too_slow: upstream(504, "never", "The upstream did not answer in time"),
  upstream_protocol: upstream(502, "never", "The upstream sent an invalid response"),
  upstream_body_aborted: upstream(502, "never", "The upstream broke off its response"),
  upstream_head_too_large: upstream(502, "never", "The upstream sent too many headers"),
  response_too_large: upstream(502, "never", "The response is too large to buffer"),
  shutting_down: internal(503, "The proxy is shutting down"),
  internal_bug: internal(500, "Internal error"),
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
