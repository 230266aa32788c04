/** The request that an instance is shown before its state is remembered. */

import type { RequestView } from "./bound_agent.ts";

const HEADERS = Object.freeze([
  { name: "Host", value: "localhost" },
  { name: "User-Agent", value: "sentinel-warm-up" },
  { name: "Accept", value: "*/*" },
]);

/**
 * A request that no client sent: `GET /` to `localhost` with the id `warm-up`. One call lets a guest's allocator
 * grow as far as it will, so that setting an instance back does not make it grow again every time.
 */
export const WARM_UP_REQUEST: RequestView = Object.freeze({
  id: () => "warm-up",
  method: () => "GET",
  target: () => "/",
  path: () => "/",
  query: () => "",
  host: () => "localhost",
  header: (name: string) => HEADERS.find((header) => header.name.toLowerCase() === name.toLowerCase())?.value,
  headers: () => HEADERS,
  route: () => undefined,
  upstream: () => undefined,
  traceparent: () => "",
  metadata: () => undefined,
  clientAddress: () => "127.0.0.1",
  clientPort: () => 0,
  tls: () => undefined,
  protocol: () => "HTTP/1.1",
  timestampMs: () => 0,
});
