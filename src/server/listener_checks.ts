import type { Config } from "../config/document.ts";
import { resolveConfig } from "../config/resolve.ts";
import { parseEndpoint } from "../core/address.ts";
import { assertFree, ListenError } from "./listen.ts";

/**
 * Finds listener addresses that other processes hold; a thread that shares its port would not notice.
 * Ports that this process listens on already are not tried: they are ours. Messages are for people.
 */
export function checkListeners(config: Config, serving: Config | undefined): string[] {
  const problems: string[] = [];
  const ours = new Set((serving === undefined ? [] : resolveConfig(serving).listeners).map(portOf));
  for (const listener of resolveConfig(config).listeners) {
    const endpoint = parseEndpoint(listener.address);
    if (typeof endpoint === "string" || endpoint.type === "unix" || ours.has(endpoint.port)) continue;
    try {
      assertFree({ type: "ip", ip: endpoint.host, port: endpoint.port });
    } catch (cause) {
      if (!(cause instanceof ListenError)) throw cause;
      problems.push(`Listener "${listener.id}": ${cause.message}`);
    }
  }
  return problems;
}

/** The TCP port of a listener; undefined for Unix sockets. */
function portOf({ address }: { readonly address: string }): number | undefined {
  const endpoint = parseEndpoint(address);
  return typeof endpoint === "string" || endpoint.type === "unix" ? undefined : endpoint.port;
}
