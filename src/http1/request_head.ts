import { ProxyError } from "../core/errors.ts";
import type { RequestHead } from "../core/message.ts";
import { parseAuthority } from "./authority.ts";
import { parseContentLength } from "./content_length.ts";
import { type HeadLimits, HeadLines } from "./head_lines.ts";
import { REQUEST_LINE, TOKEN } from "./tables.ts";

/** A request head and what it says about the message and the connection around it. */
export interface ParsedRequest {
  readonly head: RequestHead;
  /** Body bytes announced by Content-Length; -1 when there is none or it is chunked. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectContinue: boolean;
  /** Whether the client wants to use the connection again. */
  readonly keepAlive: boolean;
  /** Protocols that the client would rather go on in (RFC 9110 §7.8), as it wrote them; empty for none. */
  readonly upgrade: string;
}

const CR = 0x0d;
const LF = 0x0a;

/** Empty lines tolerated before a request line (RFC 9112 §2.2), in bytes. */
const LEADING_EMPTY_BYTES_MAX = 4;

/**
 * Parses request heads from a connection's buffer, one after the other (RFC 9112 §3). What two
 * implementations could read differently is refused with `bad_request`, whose answer closes the
 * connection: see the checks below, each with its section.
 */
export class RequestHeadParser {
  readonly #lines: HeadLines;
  readonly #targetBytesMax: number;
  #started = false;
  readonly #hosts = new LastHost();

  constructor(limits: HeadLimits) {
    this.#targetBytesMax = limits.targetBytesMax;
    this.#lines = new HeadLines(limits, {
      firstLine: REQUEST_LINE,
      malformed: "bad_request",
      tooLarge: "headers_too_large",
    });
  }

  /** Offset just past the head that `parse` returned. */
  get end(): number {
    return this.#lines.end;
  }

  /** Part of a head has been seen, more than empty lines before it. */
  get hasBegun(): boolean {
    return this.#started;
  }

  /** The buffer was compacted: everything now lies `by` bytes further to the front. */
  shift(by: number): void {
    if (this.#started) this.#lines.shift(by);
  }

  /** The head that starts at `start`, or undefined when bytes are missing. Throws `ProxyError`. */
  parse(bytes: Uint8Array, start: number, end: number): ParsedRequest | undefined {
    if (!this.#started) {
      let from = start;
      while (from + 1 < end && bytes[from] === CR && bytes[from + 1] === LF) from += 2;
      if (from - start > LEADING_EMPTY_BYTES_MAX) throw malformed("empty lines before the request");
      if (from >= end || (bytes[from] === CR && from + 1 >= end)) return undefined;
      this.#lines.reset(from);
      this.#started = true;
    }
    if (!this.#lines.scan(bytes, end)) return undefined;
    this.#started = false;
    const text = this.#lines.text(bytes);
    const line = readRequestLine(text, this.#lines.firstLineLength);
    if (line.target.length > this.#targetBytesMax) {
      throw new ProxyError(
        "target_too_long",
        `the request target is longer than ${this.#targetBytesMax} bytes`,
      );
    }
    const head = readTarget({
      method: line.method,
      target: line.target,
      host: "",
      authority: "",
      minor: line.minor,
      headers: this.#lines.headers(bytes, text),
    }, this.#hosts);
    const { contentLength, chunked, expectContinue } = readFraming(head);
    const connection = head.headers.joined("connection");
    if (connection === undefined) {
      return { head, contentLength, chunked, expectContinue, keepAlive: head.minor === 1, upgrade: "" };
    }
    const keepAlive = wantsKeepAlive(head, connection);
    return {
      head,
      contentLength,
      chunked,
      expectContinue,
      keepAlive,
      upgrade: offeredUpgrade(head, connection),
    };
  }
}

/** The requests of one connection nearly always name the same host, which is then parsed once. */
class LastHost {
  #authority = "";
  #host: string | undefined;

  of(authority: string): string | undefined {
    if (authority !== this.#authority) {
      this.#authority = authority;
      this.#host = parseAuthority(authority);
    }
    return this.#host;
  }
}

function malformed(message: string): ProxyError {
  return new ProxyError("bad_request", message);
}

function readRequestLine(text: string, lineLength: number): Pick<RequestHead, "method" | "target" | "minor"> {
  const methodEnd = text.indexOf(" ");
  const targetEnd = text.indexOf(" ", methodEnd + 1);
  if (methodEnd <= 0 || targetEnd < 0 || targetEnd >= lineLength) {
    throw malformed("the request line is not complete");
  }
  // Most requests are GETs, whose method then is one shared string.
  const method = methodEnd === 3 && text.startsWith("GET") ? "GET" : readMethod(text.slice(0, methodEnd));
  const target = text.slice(methodEnd + 1, targetEnd);
  if (target === "") throw malformed("the request target is empty");
  return { method, target, minor: readVersion(text.slice(targetEnd + 1, lineLength)) };
}

function readMethod(method: string): string {
  for (let i = 0; i < method.length; i++) {
    if (TOKEN[method.charCodeAt(i)] !== 1) throw malformed("the method is not a token");
  }
  return method;
}

function readVersion(version: string): 0 | 1 {
  if (version === "HTTP/1.1") return 1;
  if (version === "HTTP/1.0") return 0;
  if (/^HTTP\/\d\.\d$/.test(version)) {
    throw new ProxyError("version_not_supported", `${version} is not spoken here`);
  }
  throw malformed("the request line does not end in an HTTP version");
}

/** Sorts out the four target forms (RFC 9112 §3.2) and which host is meant. */
function readTarget(head: RequestHead, hosts: LastHost): RequestHead {
  const { method, target, headers } = head;
  const host = readHost(head);
  if (method === "CONNECT") return readConnectTarget(head, host, hosts);
  if (target.charCodeAt(0) === 0x2f) return withAuthority(head, host, hosts);
  if (target === "*") {
    if (method !== "OPTIONS") throw malformed('only OPTIONS may ask for "*"');
    return withAuthority(head, host, hosts);
  }
  const scheme = /^https?:\/\//i.exec(target)?.[0];
  if (scheme === undefined) throw malformed("the request target has none of the forms of RFC 9112");
  const rest = target.slice(scheme.length);
  const authorityEnd = rest.search(/[/?]/);
  const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd);
  // The target's authority would win over Host (§3.2.2); two different ones are a way to get a request past a check.
  if (host !== "" && authority.toLowerCase() !== host.toLowerCase()) {
    throw malformed("the target names another host than the Host header");
  }
  const path = authorityEnd < 0 ? "" : rest.slice(authorityEnd);
  head.target = path.charCodeAt(0) === 0x2f ? path : method === "OPTIONS" && path === "" ? "*" : `/${path}`;
  if (host === "") headers.set("Host", authority);
  return withAuthority(head, authority, hosts);
}

/**
 * CONNECT names a host and a port and nothing else (RFC 9112 §3.2.3), in Host once more (§3.2), where clients leave
 * out the port of HTTPS. It has no content (RFC 9110 §9.3.6): what follows may be meant for the tunnel already.
 */
function readConnectTarget(head: RequestHead, host: string, hosts: LastHost): RequestHead {
  const { target, headers } = head;
  if (head.minor === 0) throw new ProxyError("version_not_supported", "CONNECT over HTTP/1.0");
  const colon = target.lastIndexOf(":");
  const port = target.slice(colon + 1);
  if (colon <= 0 || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535 || target.includes("%")) {
    throw malformed("the target of CONNECT is not a host and a port");
  }
  const named = host.toLowerCase();
  const wanted = target.toLowerCase();
  if (named !== wanted && named !== wanted.slice(0, colon)) {
    throw malformed("the target of CONNECT is another one than that of the Host header");
  }
  if (headers.has("content-length") || headers.has("transfer-encoding")) {
    throw malformed("CONNECT has no content");
  }
  return withAuthority(head, target, hosts);
}

/** The Host header: exactly one in HTTP/1.1, at most one in HTTP/1.0 (RFC 9112 §3.2). */
function readHost(head: RequestHead): string {
  const { headers } = head;
  const index = headers.indexOf("host");
  if (index < 0) {
    if (head.minor === 1) throw malformed("the Host header is missing");
    return "";
  }
  if (headers.indexOf("host", index + 1) >= 0) throw malformed("there is more than one Host header");
  const host = headers.valueAt(index);
  if (host === "") throw malformed("the Host header is empty");
  return host;
}

function withAuthority(head: RequestHead, authority: string, hosts: LastHost): RequestHead {
  head.authority = authority;
  if (authority !== "") {
    const host = hosts.of(authority);
    if (host === undefined) throw malformed("the host is not valid");
    head.host = host;
  }
  return head;
}

interface Framing {
  readonly contentLength: number;
  readonly chunked: boolean;
  readonly expectContinue: boolean;
}

const NO_BODY: Framing = { contentLength: -1, chunked: false, expectContinue: false };

/** How long the body is (RFC 9112 §6.3), refusing everything that could be read in two ways. */
function readFraming(head: RequestHead): Framing {
  const { headers } = head;
  const coding = headers.indexOf("transfer-encoding");
  const length = headers.indexOf("content-length");
  if (coding < 0 && length < 0) {
    if (headers.has("expect")) readExpect(head);
    return NO_BODY;
  }
  if (coding >= 0) {
    if (length >= 0) throw malformed("Content-Length and Transfer-Encoding together");
    if (head.minor === 0) throw malformed("Transfer-Encoding in an HTTP/1.0 request");
    if (headers.indexOf("transfer-encoding", coding + 1) >= 0) {
      throw malformed("there is more than one Transfer-Encoding header");
    }
    checkCoding(headers.valueAt(coding));
    return { contentLength: -1, chunked: true, expectContinue: readExpect(head) };
  }
  if (headers.indexOf("content-length", length + 1) >= 0) {
    throw malformed("there is more than one Content-Length header");
  }
  return {
    contentLength: readLength(headers.valueAt(length)),
    chunked: false,
    expectContinue: readExpect(head),
  };
}

function checkCoding(value: string): void {
  const coding = value.toLowerCase();
  if (coding === "chunked") return;
  if (/^(?:(?:gzip|x-gzip|deflate|compress|x-compress)[ \t]*,[ \t]*)+chunked$/.test(coding)) {
    throw new ProxyError("method_not_implemented", "transfer codings other than chunked are not decoded");
  }
  throw malformed("Transfer-Encoding is not chunked");
}

function readLength(value: string): number {
  const length = parseContentLength(value);
  if (length === undefined) throw malformed("Content-Length is not a length");
  return length;
}

function readExpect(head: RequestHead): boolean {
  const value = head.headers.joined("expect");
  // An HTTP/1.0 client cannot know of 100 (RFC 9110 §10.1.1).
  if (value === undefined || head.minor === 0) return false;
  if (value.toLowerCase() === "100-continue") return true;
  throw new ProxyError("expectation_failed", "only 100-continue can be expected");
}

function wantsKeepAlive(head: RequestHead, connection: string): boolean {
  let keepAlive = head.minor === 1;
  for (const option of connection.toLowerCase().split(",")) {
    const token = option.trim();
    if (token === "close") return false;
    if (token === "keep-alive") keepAlive = true;
  }
  return keepAlive;
}

/** What `Upgrade` offers, if `Connection` says that it is meant for us; HTTP/1.0 knows no such thing. */
function offeredUpgrade({ headers, minor }: RequestHead, connection: string): string {
  const offer = headers.joined("upgrade");
  if (offer === undefined || minor === 0) return "";
  const isMeant = connection.toLowerCase().split(",").some((option) => option.trim() === "upgrade");
  return isMeant ? offer : "";
}
