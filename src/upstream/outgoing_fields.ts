import type { RequestContext } from "../core/context.ts";
import type { SessionSender } from "../http2/session_sender.ts";
import type { Http2Stream } from "../http2/stream.ts";
import {
  appendPeer,
  askedHost,
  CONTENT_LENGTH,
  FORWARDED,
  FORWARDED_FOR,
  FORWARDED_HOST,
  FORWARDED_PORT,
  FORWARDED_PROTO,
  forwardedElement,
  OWN,
  TRACEPARENT,
  viaElement,
} from "./outgoing_head.ts";

/** Where a request goes, as far as its head says so. */
export interface FieldsTarget {
  /** Stands in for clients of HTTP/1.0 that named no host. */
  readonly host: string;
  readonly scheme: "http" | "https";
}

/**
 * Writes the head of a request for an HTTP/2 upstream: the same fields as `formatRequestHead`, which has
 * their reasons, in the form of RFC 9113 §8.3.1. The headers must have been cleaned before.
 */
export function writeRequestFields(
  sender: SessionSender,
  stream: Http2Stream,
  { context, target }: { readonly context: RequestContext; readonly target: FieldsTarget },
): void {
  const { head, body } = context;
  const { headers } = head;
  const { encoder, output } = sender;
  sender.beginHeaders(stream, { isLast: body === null });
  encoder.field(output, ":method", head.method);
  encoder.field(output, ":scheme", target.scheme);
  encoder.field(output, ":authority", head.authority === "" ? target.host : head.authority);
  encoder.field(output, ":path", head.target);
  let seen = 0;
  let forwardedFor = "";
  let forwarded = "";
  for (let i = 0; i < headers.size; i++) {
    switch (OWN.get(headers.keyAt(i))) {
      case undefined:
        sender.field(headers, i);
        break;
      case TRACEPARENT:
        if (context.traceparent === "") sender.field(headers, i);
        break;
      case FORWARDED_FOR:
        forwardedFor += headers.valueAt(i) + ", ";
        break;
      case FORWARDED:
        forwarded += headers.valueAt(i) + ", ";
        break;
      case FORWARDED_PROTO:
        seen |= 1 << FORWARDED_PROTO;
        sender.field(headers, i);
        break;
      case FORWARDED_HOST:
        seen |= 1 << FORWARDED_HOST;
        sender.field(headers, i);
        break;
      case FORWARDED_PORT:
        seen |= 1 << FORWARDED_PORT;
        sender.field(headers, i);
        break;
      case CONTENT_LENGTH:
        // Written below, from what is really sent.
        break;
    }
  }
  const length = lengthOf(context);
  if (length !== undefined) encoder.field(output, "content-length", String(length));
  if (context.acceptsTrailers) encoder.field(output, "te", "trailers");
  if (forwarded !== "") encoder.field(output, "forwarded", forwarded + forwardedElement(context));
  writeHopFields(sender, context, { seen, forwardedFor });
  sender.endHeaders(stream);
}

/** The length to be announced; none for a body of unknown length, nor for a request that has no use for one. */
function lengthOf({ body, head }: RequestContext): number | undefined {
  if (body !== null) return body.length;
  const { method } = head;
  return method === "POST" || method === "PUT" || method === "PATCH" ? 0 : undefined;
}

/** The fields that tell the upstream where the request came from. */
function writeHopFields(
  { encoder, output }: SessionSender,
  context: RequestContext,
  { seen, forwardedFor }: { readonly seen: number; readonly forwardedFor: string },
): void {
  const { downstream, head, requestId, traceparent } = context;
  if (forwardedFor !== "" || downstream.peerIp !== "") {
    encoder.field(output, "x-forwarded-for", appendPeer(forwardedFor, downstream));
  }
  if ((seen & (1 << FORWARDED_PROTO)) === 0) encoder.field(output, "x-forwarded-proto", downstream.scheme);
  const asked = askedHost(context);
  if ((seen & (1 << FORWARDED_HOST)) === 0 && asked !== "") {
    encoder.field(output, "x-forwarded-host", asked);
  }
  if ((seen & (1 << FORWARDED_PORT)) === 0 && downstream.localPort !== 0) {
    encoder.field(output, "x-forwarded-port", String(downstream.localPort));
  }
  encoder.field(output, "via", viaElement(head));
  if (requestId !== "") {
    encoder.field(output, "x-request-id", requestId);
    encoder.field(output, "x-correlation-id", requestId);
  }
  if (traceparent !== "") encoder.field(output, "traceparent", traceparent);
}
