import type { RequestContext } from "../core/context.ts";
import type { Response } from "../core/message.ts";
import { LineWriter } from "../http1/line_writer.ts";
import { statusText } from "../http1/status_text.ts";

/** How the end of a response body is marked (RFC 9112 §6). */
export type ResponseFraming = "none" | "length" | "chunked" | "close";

/** Chooses the framing that the client can read. */
export function responseFraming(context: RequestContext, response: Response): ResponseFraming {
  if (!mayHaveBody(context.head.method, response.status)) return "none";
  if (response.body === null) return "none";
  if (response.body.length !== undefined) return "length";
  return context.head.minor === 1 ? "chunked" : "close";
}

/** HEAD, 204 and 304 never carry a body (RFC 9110 §6.4.1). */
export function mayHaveBody(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}

/** What the connection adds to a response head. */
export interface HeadOptions {
  readonly framing: ResponseFraming;
  /** The connection ends after this response. */
  readonly close: boolean;
  /** Current date, for responses that have none (RFC 9110 §6.6.1). */
  readonly date: string;
}

/**
 * The response head as a byte string. Framing and connection headers are ours: whatever the response
 * holds of them is left out, except the length that HEAD and 304 announce for a body not sent.
 */
export function formatResponseHead(
  context: RequestContext,
  response: Response,
  options: HeadOptions,
): string {
  const { headers } = response;
  const start = `HTTP/1.1 ${response.status} ${response.reason || statusText(response.status)}\r\n`;
  const lines = new LineWriter(start, headers);
  let hasDate = false;
  let announcesLength = false;
  const keepsLength = options.framing === "none" && !mayHaveBody(context.head.method, response.status) &&
    response.status !== 204;
  for (let i = 0; i < headers.size; i++) {
    const key = headers.keyAt(i);
    if (key === "content-length") {
      if (!keepsLength) continue;
      announcesLength = true;
    } else if (key === "connection" || key === "transfer-encoding" || key === "keep-alive") continue;
    else if (key === "date") hasDate = true;
    lines.line(i);
  }
  let text = lines.end();
  if (!hasDate) text += "Date: " + options.date + "\r\n";
  text += options.framing === "length"
    ? "Content-Length: " + response.body!.length + "\r\n"
    : framingLine(context, response, { framing: options.framing, announcesLength });
  if (options.close) return text + "Connection: close\r\n\r\n";
  return text + (context.head.minor === 0 ? "Connection: keep-alive\r\n\r\n" : "\r\n");
}

/**
 * The head behind which HTTP ends, as a byte string: a 101, and what follows is `protocol` (RFC 9110 §7.8), or without
 * one the 200 to a CONNECT, which must say nothing of a length or a coding (§9.3.6).
 */
export function formatSwitchHead({ reason, headers }: Response, protocol: string | null): string {
  const status = protocol === null ? 200 : 101;
  const lines = new LineWriter(`HTTP/1.1 ${status} ${reason || statusText(status)}\r\n`, headers);
  for (let i = 0; i < headers.size; i++) {
    if (!SWITCH_DROPPED.has(headers.keyAt(i))) lines.line(i);
  }
  if (protocol === null) return lines.end() + "\r\n";
  return lines.end() + "Connection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n";
}

/** Ours to write, or without meaning in a response that has no body. */
const SWITCH_DROPPED: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

function framingLine(
  context: RequestContext,
  response: Response,
  options: { readonly framing: Exclude<ResponseFraming, "length">; readonly announcesLength: boolean },
): string {
  switch (options.framing) {
    case "chunked":
      return "Transfer-Encoding: chunked\r\n";
    case "close":
      return "";
    case "none":
      // HEAD answers without a length stay without one; an absent body of any other answer is an empty one.
      if (mayHaveBody(context.head.method, response.status)) return "Content-Length: 0\r\n";
      if (context.head.method === "HEAD" && !options.announcesLength && response.body?.length !== undefined) {
        return "Content-Length: " + response.body.length + "\r\n";
      }
      return "";
  }
}
