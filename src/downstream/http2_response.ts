import type { RequestContext } from "../core/context.ts";
import type { Response } from "../core/message.ts";
import type { SessionSender } from "../http2/session_sender.ts";
import type { Http2Stream } from "../http2/stream.ts";
import { mayHaveBody } from "./response_head.ts";

/** Headers that framing and connections of HTTP/1.1 need, and HTTP/2 forbids (RFC 9113 §8.2.2). */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** A response and what it answers. */
export interface Answer {
  readonly context: RequestContext;
  readonly response: Response;
  /** Current date, for responses that have none (RFC 9110 §6.6.1). */
  readonly date: string;
}

/** Whether a body follows the head of a response. */
export function hasBody({ head }: RequestContext, { status, body }: Response): boolean {
  return body !== null && mayHaveBody(head.method, status);
}

/**
 * Writes the head of a response. The length is ours, except the one that HEAD and 304 announce for a body
 * that is not sent.
 */
export function writeResponseFields(
  sender: SessionSender,
  stream: Http2Stream,
  { context, response, date }: Answer,
): void {
  const { headers, status, body } = response;
  const { encoder, output } = sender;
  const isLast = !hasBody(context, response);
  sender.beginHeaders(stream, { isLast });
  encoder.field(output, ":status", String(status));
  const keepsLength = isLast && !mayHaveBody(context.head.method, status) && status !== 204;
  let hasDate = false;
  let announcesLength = false;
  for (let i = 0; i < headers.size; i++) {
    const key = headers.keyAt(i);
    if (key === "content-length") {
      if (!keepsLength || announcesLength) continue;
      announcesLength = true;
    } else if (LEFT_OUT.has(key)) continue;
    else if (key === "date") hasDate = true;
    sender.field(headers, i);
  }
  if (!hasDate) encoder.field(output, "date", date);
  if (!announcesLength) {
    const length = lengthOf(context, { status, body, isLast });
    if (length !== undefined) encoder.field(output, "content-length", String(length));
  }
  sender.endHeaders(stream);
}

function lengthOf(
  context: RequestContext,
  { status, body, isLast }: {
    readonly status: number;
    readonly body: Response["body"];
    readonly isLast: boolean;
  },
): number | undefined {
  if (!isLast) return body!.length;
  // The absent body of an answer that could have one needs no length: the head says that it is the last frame.
  return context.head.method === "HEAD" && status !== 204 && status !== 304 ? body?.length : undefined;
}
