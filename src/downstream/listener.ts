import { checkCidr, checkEndpoint } from "../core/address.ts";
import { identifier } from "../core/named_blocks.ts";
import { block, bytes, duration, flag, integer, oneOf, text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { tlsOptions } from "../tls/options.ts";

/** Options of one listening socket. */
export const listener = block({
  summary: "A socket that accepts clients.",
  args: ["id"],
  fields: {
    id: identifier("Name in logs and metrics."),
    address: text({
      summary: "Where to listen: IP:PORT, [IPv6]:PORT or unix:/path.",
      required: true,
      check: checkEndpoint,
      example: "0.0.0.0:8080",
    }),
    protocol: oneOf({
      summary: "What clients speak: http is HTTP/1.1, and HTTP/2 for clients that begin with it (prior " +
        "knowledge, as gRPC without TLS does); http1 and h2c are one of them alone. https is both over TLS.",
      values: { http: [], http1: ["http/1.1", "h1"], h2c: ["http2-prior-knowledge"], https: [] },
      unavailable: { h2: ["http2"], h3: ["http3"] },
      default: "http",
    }),
    tls: tlsOptions,
    defaultRoute: text({ summary: "Route to take when none matches." }),
    namespace: text({
      summary: "Namespace whose routes alone this listener serves; left out, the global ones.",
    }),
    headerTimeoutSecs: duration({
      summary: "Time for a whole request head, from its first byte (or the accept) on; then 408.",
      unit: "s",
      min: 0.1,
      max: 3600,
      default: 15,
    }),
    requestTimeoutSecs: duration({
      summary: "Time for a whole request, body included, to arrive; then 408.",
      unit: "s",
      min: 0.1,
      max: 86_400,
      default: 60,
    }),
    keepaliveTimeoutSecs: duration({
      summary: "How long an idle connection is kept between requests.",
      unit: "s",
      min: 0.1,
      max: 86_400,
      default: 75,
    }),
    sendTimeoutSecs: duration({
      summary: "How long a client may take no byte of a response before it is cut off.",
      unit: "s",
      min: 0.1,
      max: 86_400,
      default: 60,
    }),
    minBodyRateBytes: bytes({
      summary: "Slowest request body, in bytes per second, after 5 s of grace; 0 allows any.",
      aliases: ["min-body-rate"],
      min: 0,
      max: 1024 ** 3,
      default: 240,
    }),
    keepaliveMaxRequests: integer({
      summary: "Requests on one connection; the last is answered with Connection: close.",
      min: 1,
      max: 1_000_000_000,
    }),
    maxConnections: integer({
      summary:
        "Connections of this listener over all threads; beyond it new ones are answered with 503 and closed.",
      min: 1,
      max: 1_000_000,
    }),
    proxyProtocol: flag({
      summary: "Expect a PROXY header, version 1 or 2, before each connection's first request.",
      default: false,
    }),
    proxyProtocolFrom: texts({
      summary: "Networks whose PROXY headers are believed; left out, the trusted proxies.",
      check: checkCidr,
      example: "10.0.0.0/8",
    }),
    trustedProxies: texts({
      summary: "Networks whose forwarding headers are believed here, besides the system's.",
      check: checkCidr,
      example: "10.0.0.0/8",
    }),
    maxConcurrentStreams: integer({
      summary:
        "Requests at once on one HTTP/2 connection; further ones are refused, so that they can be repeated.",
      min: 1,
      max: 10_000,
      default: 100,
    }),
  },
  check({ protocol, tls }, report) {
    if (protocol === "https" && tls === undefined) {
      report("protocol", '"https" needs certificates', 'add: tls { cert-file "…"; key-file "…" }');
    }
    if (protocol !== "https" && tls !== undefined) {
      report("tls", '"tls" is for https', 'add: protocol "https"');
    }
  },
});

/** One listener, defaults filled in. */
export type ListenerConfig = NonNullable<Infer<typeof listener>>;
