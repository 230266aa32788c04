import type { FetchRequest, FetchResponse } from "../contract/sentinel_types.ts";

/** Longest URL, in characters. */
export const FETCH_URL_CHARS_MAX = 8192;
/** Header lines of a request. */
export const FETCH_HEADERS_MAX = 64;
/** Names and values of its headers together. */
export const FETCH_HEADER_BYTES_MAX = 16_384;

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const NO_BODY: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Headers that belong to the connection or are made from the request (RFC 9110 §7.6.1): not the agent's to set. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** ISO 8859-1 without controls; a tab is allowed within (RFC 9110 §5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Why a request is not sent: a word for metrics and a sentence for the agent. */
export interface RequestProblem {
  readonly reason: "method" | "url" | "header" | "size";
  readonly message: string;
}

/** What is wrong with a request, wherever it goes. */
export function requestProblem(request: FetchRequest, bodyBytesMax: number): RequestProblem | undefined {
  const { method, url, body } = request;
  if (!METHODS.has(method)) {
    return { reason: "method", message: `The method must be one of ${[...METHODS].join(", ")}` };
  }
  if (body !== undefined && NO_BODY.has(method)) {
    return { reason: "method", message: `A ${method} request has no body` };
  }
  if (url.length > FETCH_URL_CHARS_MAX) {
    return { reason: "url", message: `The URL has more than ${FETCH_URL_CHARS_MAX} characters` };
  }
  if (body !== undefined && body.length > bodyBytesMax) {
    return { reason: "size", message: `The body has ${body.length} bytes; ${bodyBytesMax} are allowed` };
  }
  return headerProblem(request);
}

function headerProblem({ headers }: FetchRequest): RequestProblem | undefined {
  if (headers.length > FETCH_HEADERS_MAX) {
    return {
      reason: "header",
      message: `There are ${headers.length} headers; ${FETCH_HEADERS_MAX} are allowed`,
    };
  }
  let bytes = 0;
  for (const { name, value } of headers) {
    bytes += name.length + value.length;
    if (!TOKEN.test(name)) return { reason: "header", message: "The name of a header is not a token" };
    if (CONNECTION_HEADERS.has(name.toLowerCase())) {
      return { reason: "header", message: `The header ${name} is not for the agent to set` };
    }
    if (!VALUE.test(value)) {
      return { reason: "header", message: `The value of ${name} has characters that no header can have` };
    }
  }
  if (bytes <= FETCH_HEADER_BYTES_MAX) return undefined;
  return {
    reason: "header",
    message: `The headers have ${bytes} bytes; ${FETCH_HEADER_BYTES_MAX} are allowed`,
  };
}

/** The size of a request or an answer, for the meter. */
export function fetchBytes(message: FetchRequest | FetchResponse): number {
  let bytes = message.body?.length ?? 0;
  if ("url" in message) bytes += message.url.length;
  for (const { name, value } of message.headers) bytes += name.length + value.length;
  return bytes;
}
