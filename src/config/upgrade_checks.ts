import type { Reading } from "../core/reading.ts";
import type { RouteConfig } from "../routing/route.ts";
import type { UpstreamConfig } from "../upstream/upstream.ts";

/** An upstream that answers a route's requests, and where the route says so. */
export interface Reached {
  /** The block that names it, and under which key. */
  readonly owner: object;
  readonly key: string;
  readonly upstream: UpstreamConfig;
}

/** What goes on in another protocol goes on with an upstream, and from HTTP/1.1 (RFC 9113 §8.6). */
export function checkUpgrades(route: RouteConfig, reached: readonly Reached[], reading: Reading): void {
  const named = `route "${route.id}"`;
  const { websocket, websocketInspection, upgrade } = route;
  const key = websocket?.enabled ? "websocket" : upgrade === undefined ? undefined : "upgrade";
  if (key !== undefined && route.upstream === undefined && route.trafficSplit === undefined) {
    reading.error(reading.spanOf(route, key), `${named} has ${key} and no upstream`, "add an upstream");
  }
  for (const { owner, key: place, upstream } of key === undefined ? [] : reached) {
    if ((upstream.httpVersion?.minVersion ?? 1) < 2) continue;
    const message =
      `${named} has ${key}, which takes HTTP/1.1, but upstream "${upstream.id}" speaks only HTTP/2`;
    const hint = "write min-version 1 in its http-version, or name another upstream";
    const span = reading.spanOf(owner, place);
    // What is fallen back to still serves the route's other requests.
    if (route.fallback?.upstreams.some((other) => other === owner)) reading.warn(span, message, hint);
    else reading.error(span, message, hint);
  }
  if (websocketInspection && websocket?.enabled !== true) {
    const message = `${named} has websocket-inspection, but no WebSockets`;
    reading.warn(reading.spanOf(route, "websocketInspection"), message, "add: websocket #true");
  }
}
