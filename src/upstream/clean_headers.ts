import type { RequestContext } from "../core/context.ts";
import type { HeaderList } from "../core/headers.ts";

/** Why a request header of the client does not reach the upstream. */
type Reason = "hop" | "forwarding" | "internal";

/**
 * What is dropped from every request. Hop-by-hop: RFC 9110 §7.6.1; `TE` and `Trailer` among them, as
 * what each hop makes of trailers is its own business. `Expect` is answered by the proxy itself. Internal: names that upstreams
 * take as proof of coming from the inside.
 */
const DROPPED: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ["keep-alive", "hop"],
  ["proxy-connection", "hop"],
  ["proxy-authenticate", "hop"],
  ["proxy-authorization", "hop"],
  ["te", "hop"],
  ["trailer", "hop"],
  ["transfer-encoding", "hop"],
  ["upgrade", "hop"],
  ["http2-settings", "hop"],
  ["expect", "hop"],
  ["x-internal-token", "internal"],
  ["authorization-internal", "internal"],
  ["forwarded", "forwarding"],
  ["x-forwarded-for", "forwarding"],
  ["x-forwarded-host", "forwarding"],
  ["x-forwarded-port", "forwarding"],
  ["x-forwarded-proto", "forwarding"],
  ["x-real-ip", "forwarding"],
]);

/** Headers that no Connection option can take away: the message would change its meaning. */
const ESSENTIAL: ReadonlySet<string> = new Set(["host", "content-length", "cache-control"]);

/**
 * Drops from a request what was meant for this hop only, and the forwarding headers of a peer that is
 * not trusted. Runs once, before filters: so a client cannot name in `Connection` a header that a
 * filter adds later, and what an operator sets (`X-Forwarded-Proto`, say) is kept.
 */
export function cleanHeaders(context: RequestContext): void {
  if (context.headersCleaned) return;
  context.headersCleaned = true;
  const { headers } = context.head;
  const trusted = context.downstream.peerTrusted;
  let connection: string | undefined;
  let kept = 0;
  for (let i = 0; i < headers.size; i++) {
    const key = headers.keyAt(i);
    if (key === "connection") {
      connection = connection === undefined ? headers.valueAt(i) : `${connection},${headers.valueAt(i)}`;
      continue;
    }
    const reason = DROPPED.get(key) ?? disguised(key);
    if (key === "te") context.acceptsTrailers ||= asksForTrailers(headers.valueAt(i));
    if (reason !== undefined && !(reason === "forwarding" && trusted)) continue;
    headers.move(i, kept++);
  }
  headers.truncate(kept);
  if (connection !== undefined) dropNamed(headers, connection);
}

/** Whether a TE header says that its sender takes trailers. */
function asksForTrailers(value: string): boolean {
  return value.toLowerCase().split(",").some((coding) => coding.trim() === "trailers");
}

/**
 * Servers that hand headers on as variables (CGI, WSGI, Rack) take `_` and `-` for the same, so that
 * `X_Forwarded_For` would pass there for the header that is dropped here. No honest peer spells it so.
 */
function disguised(key: string): "hop" | "internal" | undefined {
  if (key.indexOf("_") < 0) return undefined;
  const reason = DROPPED.get(key.replaceAll("_", "-"));
  return reason === "forwarding" ? "internal" : reason;
}

/** Drops the headers that Connection declares hop-by-hop. */
function dropNamed(headers: HeaderList, connection: string): void {
  if (connection === "keep-alive" || connection === "close") return;
  for (const key of connectionOptions(connection)) {
    if (!ESSENTIAL.has(key)) headers.remove(key);
  }
}

/** What a Connection header names, in lower case. */
export function connectionOptions(connection: string): readonly string[] {
  return connection.toLowerCase().split(",").map((option) => option.trim());
}
