import { ProxyError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import { parseContentLength } from "./content_length.ts";
import { type HeadLimits, HeadLines } from "./head_lines.ts";
import { FIELD_VALUE } from "./tables.ts";

/** How the end of a response body is recognised (RFC 9112 §6.3). */
export type BodyFraming = "none" | "length" | "chunked" | "close";

/** A response head as an upstream sent it, checked. */
export interface ParsedResponse {
  readonly status: number;
  /** Reason phrase as received; octets outside ASCII read as `?`. */
  readonly reason: string;
  /** Every header line but the hop-by-hop ones; `Content-Length` stays. */
  readonly headers: HeaderList;
  readonly framing: BodyFraming;
  /** Bytes of the body for framing `length`, else 0. */
  readonly length: number;
  /** Whether the sender takes another request on this connection. */
  readonly keepAlive: boolean;
  /** The protocol that `Upgrade` names in a 101 whose `Connection` names it; empty otherwise. */
  readonly upgrade: string;
}

/** Bounds that hold for the heads of upstreams unless configured otherwise. */
export const RESPONSE_HEAD_LIMITS: HeadLimits = Object.freeze({
  // Room for a reason phrase: responses have no target.
  targetBytesMax: 1024,
  headerBytesMax: 65_536,
  headerCountMax: 256,
  headerNameBytesMax: 256,
  headerValueBytesMax: 65_536,
});

/** `HTTP/1.x SP 3DIGIT`: the shortest status line, without the space that should follow (RFC 9112 §4). */
const STATUS_LINE_BYTES_MIN = 12;
const SPACE = 0x20;
const TAB = 0x09;

/**
 * Parses the response heads of one connection. Strict where two readers could disagree about where a
 * response ends, for behind that lies the next client's response: such answers are `upstream_protocol`.
 *
 * Use: `reset`, then `scan` with all bytes so far until it returns true, then `parse`.
 */
export class ResponseHeadParser {
  readonly #lines: HeadLines;
  #start = 0;

  constructor(limits: HeadLimits = RESPONSE_HEAD_LIMITS) {
    this.#lines = new HeadLines(limits, {
      firstLine: FIELD_VALUE,
      malformed: "upstream_protocol",
      tooLarge: "upstream_head_too_large",
    });
  }

  /** Offset just past the head, once `scan` returned true. */
  get end(): number {
    return this.#lines.end;
  }

  /** The next head begins at `start`. */
  reset(start: number): void {
    this.#start = start;
    this.#lines.reset(start);
  }

  /** Looks at the bytes up to `end`; true when the head is complete. Throws `ProxyError`. */
  scan(bytes: Uint8Array, end: number): boolean {
    const complete = this.#lines.scan(bytes, end);
    if (!complete && !this.#lines.hasFirstLine) checkVersion(bytes, this.#start, end);
    return complete;
  }

  /** The complete head as the answer to a request with `method`. Throws `ProxyError`. */
  parse(bytes: Uint8Array, method: string): ParsedResponse {
    const lineLength = this.#lines.firstLineLength;
    const status = readStatusLine(bytes, this.#start, this.#start + lineLength);
    const text = this.#lines.text(bytes);
    const reason = lineLength > STATUS_LINE_BYTES_MIN + 1
      ? text.slice(STATUS_LINE_BYTES_MIN + 1, lineLength)
      : "";
    const minor = bytes[this.#start + 7]! & 1;
    return readFraming({ status, reason, headers: this.#lines.headers(bytes, text) }, minor, method);
  }
}

const VERSION_PREFIX = [0x48, 0x54, 0x54, 0x50, 0x2f, 0x31, 0x2e]; // HTTP/1.

/** Notices what is not HTTP/1 at the first bytes, rather than when the line grew past its bound. */
function checkVersion(bytes: Uint8Array, start: number, end: number): void {
  const length = Math.min(end - start, VERSION_PREFIX.length);
  for (let i = 0; i < length; i++) {
    if (bytes[start + i] !== VERSION_PREFIX[i]) throw malformed("the answer is not HTTP/1");
  }
}

function malformed(message: string): ProxyError {
  return new ProxyError("upstream_protocol", message);
}

/** Checks the status line in `bytes[start, end)` and returns the status. */
function readStatusLine(bytes: Uint8Array, start: number, end: number): number {
  checkVersion(bytes, start, end);
  if (end - start < STATUS_LINE_BYTES_MIN) throw malformed("the status line is too short");
  const minor = bytes[start + 7]!;
  if (minor !== 0x30 && minor !== 0x31) throw malformed("the answer is neither HTTP/1.0 nor HTTP/1.1");
  if (bytes[start + 8] !== SPACE) throw malformed("the status line has no space before the status");
  let status = 0;
  for (let at = start + 9; at < start + STATUS_LINE_BYTES_MIN; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) throw malformed("the status is not a number");
    status = status * 10 + digit;
  }
  if (status < 100) throw malformed(`the status ${status} is out of range`);
  if (end - start > STATUS_LINE_BYTES_MIN && bytes[start + STATUS_LINE_BYTES_MIN] !== SPACE) {
    throw malformed("the status is not followed by a space");
  }
  for (let at = start + STATUS_LINE_BYTES_MIN; at < end; at++) {
    const octet = bytes[at]!;
    if (octet === 0x7f || (octet < SPACE && octet !== TAB)) {
      throw malformed("the reason phrase holds a control character");
    }
    // The phrase means nothing to anybody (RFC 9112 §4), and an ASCII head decodes faster.
    if (octet > 0x7f) bytes[at] = 0x3f;
  }
  return status;
}

/** What a header line means for the message as such. */
type Role = "length" | "coding" | "connection" | "upgrade" | "hop";

/** Hop-by-hop headers (RFC 9110 §7.6.1) and those that frame the message. */
const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ["content-length", "length"],
  ["transfer-encoding", "coding"],
  ["connection", "connection"],
  ["keep-alive", "hop"],
  ["proxy-connection", "hop"],
  ["proxy-authenticate", "hop"],
  ["proxy-authentication-info", "hop"],
  ["te", "hop"],
  // Trailers are not passed on, so what announces them is not either.
  ["trailer", "hop"],
  ["upgrade", "upgrade"],
]);

interface Head {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
}

/** One walk over the lines: finds the framing and drops what is not for the next hop. */
function readFraming(head: Head, minor: number, method: string): ParsedResponse {
  const { headers } = head;
  let coding: string | undefined;
  let length: string | undefined;
  let connection: string | undefined;
  let upgrade = "";
  let kept = 0;
  for (let i = 0; i < headers.size; i++) {
    const role = ROLES.get(headers.keyAt(i));
    if (role !== undefined) {
      const value = headers.valueAt(i);
      if (role === "length") {
        if (length === undefined) length = value;
        else if (length !== value) throw malformed("Content-Length headers differ");
        else continue;
      } else {
        if (role === "coding") {
          if (coding !== undefined) throw malformed("there is more than one Transfer-Encoding header");
          coding = value;
        } else if (role === "connection") {
          connection = connection === undefined ? value : `${connection},${value}`;
        } else if (role === "upgrade") upgrade = upgrade === "" ? value : `${upgrade},${value}`;
        continue;
      }
    }
    headers.move(i, kept++);
  }
  headers.truncate(kept);
  const keepAlive = connection === undefined ? minor === 1 : readConnection(connection, headers, minor);
  if (head.status === 101) return switching(head, minor === 1 && hasUpgrade(connection) ? upgrade : "");
  return frame(head, { coding, length, keepAlive, minor, method });
}

interface FramingFields {
  readonly coding: string | undefined;
  readonly length: string | undefined;
  readonly keepAlive: boolean;
  readonly minor: number;
  readonly method: string;
}

/** The rules of RFC 9112 §6.3, in its order, refusing what it calls errors or leaves open. */
function frame({ status, reason, headers }: Head, fields: FramingFields): ParsedResponse {
  const { coding, length: lengthText, keepAlive } = fields;
  // Checked even where no body follows: a HEAD answer's length is passed on.
  const length = lengthText === undefined ? 0 : readLength(lengthText);
  if (coding !== undefined) {
    if (lengthText !== undefined) throw malformed("Content-Length and Transfer-Encoding together");
    if (fields.minor === 0) throw malformed("Transfer-Encoding in an HTTP/1.0 response");
    if (coding.toLowerCase() !== "chunked") throw malformed("Transfer-Encoding is not chunked");
  }
  if (fields.method === "HEAD" || status < 200 || status === 204 || status === 304) {
    // A body that must not be there would be read as the next response, so such connections end here.
    const clean = status !== 204 || (coding === undefined && length === 0);
    return {
      status,
      reason,
      headers,
      framing: "none",
      length: 0,
      keepAlive: keepAlive && clean,
      upgrade: "",
    };
  }
  if (coding !== undefined) {
    return { status, reason, headers, framing: "chunked", length: 0, keepAlive, upgrade: "" };
  }
  if (lengthText !== undefined) {
    const framing = length === 0 ? "none" : "length";
    return { status, reason, headers, framing, length, keepAlive, upgrade: "" };
  }
  return { status, reason, headers, framing: "close", length: 0, keepAlive: false, upgrade: "" };
}

function readLength(value: string): number {
  const length = parseContentLength(value);
  if (length === undefined) throw malformed("Content-Length is not a length");
  return length;
}

/** Reads the Connection options: whether the connection stays, and which headers were for us only. */
function readConnection(connection: string, headers: HeaderList, minor: number): boolean {
  if (connection === "keep-alive" || connection === "Keep-Alive") return true;
  let keepAlive = minor === 1;
  let close = false;
  for (const option of connection.toLowerCase().split(",")) {
    const key = option.trim();
    if (key === "close") close = true;
    else if (key === "keep-alive") keepAlive = true;
    else if (key !== "content-length") headers.remove(key);
  }
  return keepAlive && !close;
}

/** What follows a 101 is another protocol, so its framing headers mean nothing (RFC 9112 §6.3). */
function switching({ status, reason, headers }: Head, upgrade: string): ParsedResponse {
  return { status, reason, headers, framing: "none", length: 0, keepAlive: false, upgrade };
}

function hasUpgrade(connection = ""): boolean {
  return connection.toLowerCase().split(",").some((option) => option.trim() === "upgrade");
}
