import type { HeaderList } from "./headers.ts";

/**
 * Fields that must not stand after a body (RFC 9110 §6.5.1): they frame the message, route it, authenticate
 * or modify the request, or say how the content is to be read; and those by which this proxy and its
 * upstreams tell where a request came from. A recipient that merges trailers into the header would take a
 * client's word for any of them.
 */
const FORBIDDEN: ReadonlySet<string> = new Set(
  `accept accept-charset accept-encoding accept-language age authorization authorization-internal
  cache-control connection content-encoding content-length content-location content-range content-type cookie
  date expect expires forwarded host if-match if-modified-since if-none-match if-range if-unmodified-since
  keep-alive location max-forwards origin pragma proxy-authenticate proxy-authorization proxy-connection range
  referer retry-after set-cookie te trailer traceparent transfer-encoding upgrade vary via www-authenticate
  x-client-cert-fingerprint x-client-cert-issuer x-client-cert-names x-client-cert-serial x-client-cert-subject
  x-client-cert-verify x-correlation-id x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-internal-token
  x-real-ip x-request-id`.split(/\s+/),
);

/** The trailers without what must not stand among them; undefined when nothing is left. */
export function permittedTrailers(fields: HeaderList): HeaderList | undefined {
  let kept = 0;
  for (let i = 0; i < fields.size; i++) {
    const key = fields.keyAt(i);
    // Servers that hand headers on as variables take `_` and `-` for the same.
    if (!FORBIDDEN.has(key.indexOf("_") < 0 ? key : key.replaceAll("_", "-"))) fields.move(i, kept++);
  }
  fields.truncate(kept);
  return kept === 0 ? undefined : fields;
}
