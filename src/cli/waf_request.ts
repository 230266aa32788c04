/** Requests for the firewall, from the command line or from a file with the bytes that a client sends. */

import { ProxyError } from "../core/errors.ts";
import { ChunkedDecoder } from "../http1/chunked.ts";
import type { HeadLimits } from "../http1/head_lines.ts";
import { RequestHeadParser } from "../http1/request_head.ts";
import { RESPONSE_HEAD_LIMITS, ResponseHeadParser } from "../http1/response_head.ts";
import type { SessionInput } from "./agent_session.ts";

const CR = 0x0d;
const LF = 0x0a;

/** Wider than those of listeners: what is asked about is the firewall. */
const LIMITS: HeadLimits = {
  targetBytesMax: 1024 * 1024,
  headerBytesMax: 4 * 1024 * 1024,
  headerCountMax: 10_000,
  headerNameBytesMax: 64 * 1024,
  headerValueBytesMax: 1024 * 1024,
};

/** A request without where it comes from and what answers it. */
export type SentRequest = Pick<
  SessionInput,
  "method" | "scheme" | "authority" | "target" | "headers" | "body" | "minor"
>;

/** What answers a request. */
export type AnsweredResponse = SessionInput["response"];

/**
 * Reads a request as it is sent over HTTP/1, which is taken for https. A file whose lines end in line feeds alone is
 * read as if they ended as they must. A `body` takes the place of what follows the head. Throws `ProxyError` for what the proxy
 * would refuse before anybody sees it.
 */
export function readRawRequest(file: Uint8Array, body?: Uint8Array): SentRequest {
  const bytes = withLineEnds(file);
  const parser = new RequestHeadParser(LIMITS);
  const parsed = parser.parse(bytes, 0, bytes.length);
  if (parsed === undefined) {
    throw new ProxyError("bad_request", "the head is not complete: an empty line must end it");
  }
  const { head, chunked, contentLength } = parsed;
  const { method, authority, target, headers, minor } = head;
  const rest = bytes.subarray(parser.end);
  return {
    method,
    scheme: "https",
    authority,
    target,
    minor,
    headers: Array.from(
      { length: headers.size },
      (_, index) => [headers.nameAt(index), headers.valueAt(index)] as const,
    ),
    body: body ?? (chunked ? unchunked(rest) : contentLength < 0 ? undefined : sized(rest, contentLength)),
  };
}

/**
 * Reads the response to a request with `method` as an upstream sends it over HTTP/1, line ends as above. Throws
 * `ProxyError` for what the proxy would not take.
 */
export function readRawResponse(file: Uint8Array, method: string): AnsweredResponse {
  const bytes = withLineEnds(file);
  const parser = new ResponseHeadParser({ ...LIMITS, targetBytesMax: RESPONSE_HEAD_LIMITS.targetBytesMax });
  parser.reset(0);
  if (!parser.scan(bytes, bytes.length)) {
    throw new ProxyError("upstream_protocol", "the head is not complete: an empty line must end it");
  }
  const { status, headers, framing, length } = parser.parse(bytes, method);
  const rest = bytes.subarray(parser.end);
  const bodies = {
    none: () => undefined,
    close: () => rest,
    chunked: () => unchunked(rest),
    length: () => sized(rest, length),
  };
  return {
    status,
    headers: Array.from(
      { length: headers.size },
      (_, index) => [headers.nameAt(index), headers.valueAt(index)] as const,
    ),
    body: bodies[framing](),
  };
}

/** Text as header fields hold it: one unit for each byte that is sent. */
export function byteText(text: string): string {
  let units = "";
  for (const byte of new TextEncoder().encode(text)) units += String.fromCharCode(byte);
  return units;
}

function sized(rest: Uint8Array, length: number): Uint8Array {
  if (rest.length < length) {
    throw new ProxyError(
      "bad_request",
      `the body has ${rest.length} bytes, and Content-Length says ${length}`,
    );
  }
  return rest.subarray(0, length);
}

function unchunked(rest: Uint8Array): Uint8Array {
  const decoder = new ChunkedDecoder("bad_request");
  const body = new Uint8Array(rest.length);
  let length = 0;
  for (let at = 0;; at = decoder.position) {
    const found = decoder.decode(rest, at, rest.length);
    if (found === "done") return body.subarray(0, length);
    if (found === "more") throw new ProxyError("bad_request", "the chunked body does not end");
    body.set(rest.subarray(decoder.dataStart, decoder.dataEnd), length);
    length += decoder.dataEnd - decoder.dataStart;
  }
}

/** Files that were written in an editor have no carriage returns; the body stays as it is. */
function withLineEnds(file: Uint8Array): Uint8Array {
  const first = file.indexOf(LF);
  if (first < 0 || file[first - 1] === CR) return file;
  let end = first;
  while (end >= 0 && file[end + 1] !== LF) end = file.indexOf(LF, end + 1);
  if (end < 0) return file;
  const head = file.subarray(0, end + 2);
  // A carriage return in between is somebody's attempt at something.
  if (head.includes(CR)) return file;
  const text = new TextDecoder("latin1").decode(head);
  const bytes = Uint8Array.from(text.replaceAll("\n", "\r\n"), (unit) => unit.charCodeAt(0));
  const whole = new Uint8Array(bytes.length + file.length - head.length);
  whole.set(bytes);
  whole.set(file.subarray(head.length), bytes.length);
  return whole;
}
