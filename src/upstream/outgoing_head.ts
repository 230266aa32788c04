import type { Downstream, RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { RequestHead } from "../core/message.ts";
import { LineWriter } from "../http1/line_writer.ts";

/** Name under which the proxy appears in `Via` and `Forwarded`. */
const PSEUDONYM = "sentinel";

/** Headers that are written anew; the number says which. */
export const HOST = 1;
export const CONTENT_LENGTH = 2;
const REQUEST_ID = 3;
export const TRACEPARENT = 4;
export const FORWARDED_FOR = 5;
export const FORWARDED_PROTO = 6;
export const FORWARDED_HOST = 7;
export const FORWARDED_PORT = 8;
export const FORWARDED = 9;
const FRAMING = 10;

/** Keys of headers that are not passed on as they are, in requests over either protocol. */
export const OWN: ReadonlyMap<string, number> = new Map([
  ["host", HOST],
  ["content-length", CONTENT_LENGTH],
  ["x-request-id", REQUEST_ID],
  ["x-correlation-id", REQUEST_ID],
  ["traceparent", TRACEPARENT],
  ["x-forwarded-for", FORWARDED_FOR],
  ["x-forwarded-proto", FORWARDED_PROTO],
  ["x-forwarded-host", FORWARDED_HOST],
  ["x-forwarded-port", FORWARDED_PORT],
  ["forwarded", FORWARDED],
  ["connection", FRAMING],
  ["transfer-encoding", FRAMING],
]);

/**
 * The request head for the upstream as a byte string, put together from the parsed parts: nothing the
 * client wrote is copied without having been understood. Lines keep their order and letter case; ours
 * follow at the end. The headers must have been cleaned (`cleanHeaders`) before.
 *
 * Added: `Via` (RFC 9110 §7.6.3), `X-Forwarded-For/-Proto/-Host/-Port`, `Forwarded` (RFC 7239) when a
 * trusted peer sent one, `X-Request-Id`, `X-Correlation-Id`, `traceparent`. `targetAddress` stands in as
 * Host for clients of HTTP/1.0 that named none.
 */
export function formatRequestHead(context: RequestContext, targetAddress: string): string {
  const { head, body } = context;
  const { headers } = head;
  const host = head.authority === "" ? targetAddress : head.authority;
  let start = head.method + " " + head.target + " HTTP/1.1\r\n";
  if (!headers.has("host")) start += "Host: " + host + "\r\n";
  const lines = new LineWriter(start, headers);
  let hostWritten = false;
  let lengthWritten = false;
  let seen = 0;
  let forwardedFor = "";
  let forwarded = "";
  for (let i = 0; i < headers.size; i++) {
    const own = OWN.get(headers.keyAt(i));
    if (own === undefined) {
      lines.line(i);
      continue;
    }
    switch (own) {
      case HOST:
        if (!hostWritten && headers.valueAt(i) === host) lines.line(i);
        else if (!hostWritten) lines.text(headers.nameAt(i) + ": " + host + "\r\n");
        hostWritten = true;
        break;
      case CONTENT_LENGTH:
        if (!lengthWritten && (body === null || body.length !== undefined)) {
          lines.text(headers.nameAt(i) + ": " + (body === null ? 0 : body.length) + "\r\n");
          lengthWritten = true;
        }
        break;
      case TRACEPARENT:
        if (context.traceparent === "") lines.line(i);
        break;
      case FORWARDED_FOR:
        forwardedFor += headers.valueAt(i) + ", ";
        break;
      case FORWARDED:
        forwarded += headers.valueAt(i) + ", ";
        break;
      case FORWARDED_PROTO:
      case FORWARDED_HOST:
      case FORWARDED_PORT:
        seen |= 1 << own;
        lines.line(i);
        break;
    }
  }
  let text = lines.end();
  if (!lengthWritten) text += bodyLine(context);
  // TE speaks of this hop only, so Connection has to name it (RFC 9110 §10.1.4).
  if (context.acceptsTrailers) text += "TE: trailers\r\nConnection: TE\r\n";
  if (forwarded !== "") text += "Forwarded: " + forwarded + forwardedElement(context) + "\r\n";
  text += seen === 0 && forwardedFor === ""
    ? usualHopLines(context)
    : hopLines(context, { seen, forwardedFor, asked: askedHost(context) });
  if (context.requestId !== "") {
    text += "X-Request-Id: " + context.requestId + "\r\nX-Correlation-Id: " + context.requestId + "\r\n";
  }
  if (context.traceparent !== "") text += "traceparent: " + context.traceparent + "\r\n";
  const plan = context.upgrade?.plan;
  if (plan != null) text += "Connection: Upgrade\r\nUpgrade: " + plan.protocol + "\r\n";
  return text + "\r\n";
}

/** How the body is framed when the client's own Content-Length line could not stay where it was. */
function bodyLine(context: RequestContext): string {
  const { body, head } = context;
  if (body === null) {
    // Methods that are expected to have content announce that there is none (RFC 9110 §8.6).
    const { method } = head;
    return method === "POST" || method === "PUT" || method === "PATCH" ? "Content-Length: 0\r\n" : "";
  }
  return body.length === undefined
    ? "Transfer-Encoding: chunked\r\n"
    : "Content-Length: " + body.length + "\r\n";
}

/** What the client asked for, also where a filter has since chosen another authority. */
export function askedHost({ head }: RequestContext): string {
  return head.headers.get("host") ?? head.authority;
}

/** `hopLines` for a client that sent none of these headers: the same for every request of its connection. */
function usualHopLines(context: RequestContext): string {
  const { downstream, head } = context;
  const asked = askedHost(context);
  const known = downstream.hopLines;
  if (known !== undefined && known.host === asked && known.minor === head.minor) return known.text;
  const text = hopLines(context, { seen: 0, forwardedFor: "", asked });
  downstream.hopLines = { host: asked, minor: head.minor, text };
  return text;
}

/** The lines that tell the upstream where the request came from, without those a trusted peer sent (`seen`). */
function hopLines(
  { downstream, head }: RequestContext,
  { seen, forwardedFor, asked }: {
    readonly seen: number;
    readonly forwardedFor: string;
    readonly asked: string;
  },
): string {
  let text = "";
  if (forwardedFor !== "" || downstream.peerIp !== "") {
    text += "X-Forwarded-For: " + appendPeer(forwardedFor, downstream) + "\r\n";
  }
  if ((seen & (1 << FORWARDED_PROTO)) === 0) text += "X-Forwarded-Proto: " + downstream.scheme + "\r\n";
  if ((seen & (1 << FORWARDED_HOST)) === 0 && asked !== "") text += "X-Forwarded-Host: " + asked + "\r\n";
  if ((seen & (1 << FORWARDED_PORT)) === 0 && downstream.localPort !== 0) {
    text += "X-Forwarded-Port: " + downstream.localPort + "\r\n";
  }
  return text + "Via: " + viaElement(head) + "\r\n";
}

/** This hop's element of `Via`: the protocol that the request came in (RFC 9110 §7.6.3). */
export function viaElement({ major, minor }: RequestHead): string {
  return major === 2 ? `2 ${PSEUDONYM}` : `1.${minor} ${PSEUDONYM}`;
}

/** `chain` is empty or ends in ", ". */
export function appendPeer(chain: string, downstream: Downstream): string {
  return downstream.peerIp === "" ? chain.slice(0, -2) : chain + downstream.peerIp;
}

/** This hop's element of `Forwarded` (RFC 7239 §4); IPv6 addresses are quoted and bracketed (§6). */
export function forwardedElement(context: RequestContext): string {
  const { downstream } = context;
  const ip = downstream.peerIp;
  const node = ip === "" ? "unknown" : ip.includes(":") ? `"[${ip}]"` : ip;
  const host = askedHost(context);
  const by = `for=${node};by=_${PSEUDONYM};proto=${downstream.scheme}`;
  return host === "" ? by : `${by};host="${host}"`;
}

const encoder = new TextEncoder();

/**
 * Writes a byte string into `out`; the bytes written, or -1 when it does not fit. Throws `internal_bug`
 * when a unit is no octet: the text was put together wrongly.
 */
export function writeByteString(text: string, out: Uint8Array): number {
  if (text.length > out.length) return -1;
  const { read, written } = encoder.encodeInto(text, out);
  // As long as everything is ASCII, UTF-8 is the same as ISO 8859-1.
  if (read === text.length && written === text.length) return written;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0xff) throw new ProxyError("internal_bug", "a header holds a character that is no octet");
    out[i] = unit;
  }
  return text.length;
}
