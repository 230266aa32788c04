import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import { type Body, BytesBody, type Response } from "../core/message.ts";

/**
 * Receives the whole request body before the upstream sees any of it, so that a slow client holds no
 * upstream connection. Rejects with `body_too_large` beyond `bytesMax`.
 */
export async function bufferRequest(context: RequestContext, bytesMax: number): Promise<void> {
  if (context.body === null) return;
  const bytes = await readAll(context.body, bytesMax);
  if (bytes === undefined) {
    throw new ProxyError("body_too_large", `the body is longer than the ${bytesMax} bytes that are buffered`);
  }
  context.body = new BytesBody(bytes, context.body.trailers);
}

/**
 * Receives the whole response body before the client sees any of it, so that a broken upstream becomes
 * an error page instead of half an answer. Server-sent events pass as they come: they have no end to wait for.
 * Rejects with `response_too_large` beyond `bytesMax`.
 */
export async function bufferResponse(response: Response, bytesMax: number): Promise<void> {
  if (response.body === null || isEventStream(response)) return;
  const bytes = await readAll(response.body, bytesMax);
  if (bytes === undefined) {
    throw new ProxyError(
      "response_too_large",
      `the response is longer than the ${bytesMax} bytes that are buffered`,
    );
  }
  response.body = new BytesBody(bytes, response.body.trailers);
}

/** Server-sent events, which each mean something by themselves (HTML Living Standard §9.2). */
function isEventStream({ headers }: Response): boolean {
  const type = headers.get("content-type");
  return type !== undefined && /^text\/event-stream *(;|$)/i.test(type);
}

/** The whole body, or undefined when it is longer than `bytesMax`; the rest is then cancelled. */
export async function readAll(body: Body, bytesMax: number): Promise<Uint8Array | undefined> {
  if (body.length !== undefined && body.length > bytesMax) {
    body.cancel();
    return undefined;
  }
  const pieces: Uint8Array[] = [];
  let total = 0;
  while (true) {
    const next = body.read();
    const piece = next instanceof Promise ? await next : next;
    if (piece === null) break;
    total += piece.length;
    if (total > bytesMax) {
      body.cancel();
      return undefined;
    }
    // The view is valid until the next read only.
    pieces.push(piece.slice());
  }
  const whole = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
