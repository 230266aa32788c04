import type { ErrorCode } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";

/** Codes of gRPC that failures of a proxy can have (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const GRPC = {
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** What a status means to a gRPC client (https://grpc.github.io/grpc/core/md_doc_http-grpc-status-mapping.html). */
const BY_STATUS: Readonly<Record<number, number>> = {
  400: GRPC.internal,
  401: GRPC.unauthenticated,
  403: GRPC.permissionDenied,
  404: GRPC.unimplemented,
  429: GRPC.unavailable,
  500: GRPC.internal,
  502: GRPC.unavailable,
  503: GRPC.unavailable,
  504: GRPC.unavailable,
};

/** Where the code says more than its status. */
const BY_CODE: Partial<Record<ErrorCode, number>> = {
  request_timeout: GRPC.deadlineExceeded,
  request_body_timeout: GRPC.deadlineExceeded,
  upstream_read_timeout: GRPC.deadlineExceeded,
  upstream_try_timeout: GRPC.deadlineExceeded,
  body_too_large: GRPC.resourceExhausted,
  headers_too_large: GRPC.resourceExhausted,
  rate_limited: GRPC.resourceExhausted,
};

/** Whether a request is a call of gRPC, whose client understands nothing but its own errors. */
export function isGrpc(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.startsWith("application/grpc")) return false;
  const rest = contentType.charAt("application/grpc".length);
  return rest === "" || rest === "+" || rest === ";";
}

/** An error as a gRPC client reads it: a head alone, which stands for the trailers ("Trailers-Only"). */
export function grpcError(error: {
  readonly status: number;
  readonly code: ErrorCode | undefined;
  /** For the client. */
  readonly message: string;
  readonly requestId: string;
}): Response {
  const { status, code, message, requestId } = error;
  const grpcStatus = (code === undefined ? undefined : BY_CODE[code]) ?? BY_STATUS[status] ?? GRPC.unknown;
  const headers = HeaderList.from([
    ["Content-Type", "application/grpc"],
    ["grpc-status", String(grpcStatus)],
    ["grpc-message", escapeMessage(message)],
    ["X-Request-Id", requestId],
  ]);
  return { status: 200, reason: "", headers, body: null };
}

/** Visible ASCII stays, everything else and `%` is escaped octet by octet, as gRPC asks. */
function escapeMessage(message: string): string {
  let text = "";
  for (const octet of new TextEncoder().encode(message)) {
    const isPlain = octet >= 0x20 && octet <= 0x7e && octet !== 0x25;
    text += isPlain ? String.fromCharCode(octet) : "%" + octet.toString(16).toUpperCase().padStart(2, "0");
  }
  return text;
}
