import { ProxyError } from "../core/errors.ts";
import type { RequestHead } from "../core/message.ts";
import { parseAuthority } from "../http1/authority.ts";
import { parseContentLength } from "../http1/content_length.ts";
import { REQUEST_LINE, TOKEN } from "../http1/tables.ts";
import type { HeaderBlock } from "../http2/header_block.ts";

/** A request as the head of a stream tells it. */
export interface Http2Request {
  readonly head: RequestHead;
  /** Announced bytes of the body; undefined when it was not said. */
  readonly contentLength: number | undefined;
  /** No body follows. */
  readonly isWhole: boolean;
  /** The client waits for a 100 before it sends the body. */
  readonly expectContinue: boolean;
}

/** Room is made for the longest target in the bound on its bytes. */
export interface TargetLimit {
  readonly targetBytesMax: number;
}

/**
 * Reads the head of a request (RFC 9113 §8.3.1) by the rules of the HTTP/1.1 side, as it may be sent on in
 * that form: what could be read in two ways there is refused here. Throws `ProxyError`.
 */
export function readRequest(block: HeaderBlock, limits: TargetLimit): Http2Request {
  if (block.excess !== undefined) throw new ProxyError("headers_too_large", block.excess);
  if (block.problem !== undefined) throw malformed(block.problem);
  const { headers } = block;
  const method = readMethod(block.method);
  if (block.scheme !== "http" && block.scheme !== "https") throw malformed("the scheme is not http or https");
  const target = readTarget(method, block.path, limits);
  const authority = readAuthority(block);
  const host = parseAuthority(authority);
  if (host === undefined) throw malformed("the host is not valid");
  const contentLength = readLength(block);
  const expect = headers.joined("expect");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    throw new ProxyError("expectation_failed", "only 100-continue can be expected");
  }
  const head: RequestHead = { method, target, host, authority, minor: 1, major: 2, headers };
  const isWhole = block.isLast;
  return { head, contentLength, isWhole, expectContinue: expect !== undefined && !isWhole };
}

function malformed(message: string): ProxyError {
  return new ProxyError("bad_request", message);
}

function readMethod(method: string | undefined): string {
  if (method === undefined || method === "") throw malformed("there is no method");
  for (let i = 0; i < method.length; i++) {
    if (TOKEN[method.charCodeAt(i)] !== 1) throw malformed("the method is not a token");
  }
  if (method === "CONNECT") throw new ProxyError("method_not_implemented", "CONNECT is not offered here");
  return method;
}

function readTarget(method: string, path: string | undefined, { targetBytesMax }: TargetLimit): string {
  if (path === undefined || path === "") throw malformed("there is no path");
  if (path.length > targetBytesMax) {
    throw new ProxyError("target_too_long", `the request target is longer than ${targetBytesMax} bytes`);
  }
  if (path.charCodeAt(0) !== 0x2f && !(path === "*" && method === "OPTIONS")) {
    throw malformed("the path does not begin with a slash");
  }
  for (let i = 0; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    if (unit === 0x20 || REQUEST_LINE[unit] !== 1) {
      throw malformed("the path holds an octet that is not allowed");
    }
  }
  return path;
}

/** The authority, which the head then holds as Host too; two that differ are a way past a check (§8.3.1). */
function readAuthority({ authority, headers }: HeaderBlock): string {
  const index = headers.indexOf("host");
  const host = index < 0 ? undefined : headers.valueAt(index);
  if (index >= 0 && headers.indexOf("host", index + 1) >= 0) throw malformed("there is more than one Host");
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase()) {
    throw malformed("Host names another host than :authority");
  }
  const named = authority ?? host;
  if (named === undefined || named === "") throw malformed("there is no authority");
  if (host === undefined) headers.appendKeyed("host", "host", named);
  return named;
}

function readLength({ headers, isLast }: HeaderBlock): number | undefined {
  const index = headers.indexOf("content-length");
  if (index < 0) return undefined;
  if (headers.indexOf("content-length", index + 1) >= 0) {
    throw malformed("there is more than one Content-Length");
  }
  const length = parseContentLength(headers.valueAt(index));
  if (length === undefined) throw malformed("Content-Length is not a length");
  if (isLast && length > 0) throw malformed("a body is announced and does not come");
  return length;
}
