import type { Config } from "../config/document.ts";
import { resolveConfig } from "../config/resolve.ts";
import { parseEndpoint } from "../core/address.ts";
import { assertFree, ListenError } from "./listen.ts";

/**
 * Finds listener addresses that other processes hold or that the admin listener wants too. Ports that
 * this process listens on already are not tried: they are ours. Resolves with messages for people.
 */
export function checkListeners(config: Config, serving: Config | undefined): string[] {
  const problems: string[] = [];
  const ours = new Set(
    (serving === undefined ? [] : resolveConfig(serving).listeners).map(({ address }) => portOf(address)),
  );
  const { metrics } = config.observability;
  for (const { id, address } of resolveConfig(config).listeners) {
    if (metrics.enabled && overlap(address, metrics.address)) {
      problems.push(
        `Listener "${id}" (${address}) and the admin listener (${metrics.address}) want the same port; ` +
          `change one of them, for example observability { metrics { address "127.0.0.1:9091" } }`,
      );
      continue;
    }
    const endpoint = parseEndpoint(address);
    if (typeof endpoint === "string" || endpoint.type === "unix" || ours.has(endpoint.port)) continue;
    try {
      assertFree({ type: "ip", ip: endpoint.host, port: endpoint.port });
    } catch (cause) {
      if (!(cause instanceof ListenError)) throw cause;
      problems.push(`Listener "${id}": ${cause.message}`);
    }
  }
  return problems;
}

/** The TCP port of an address; undefined for Unix sockets and what is no address. */
function portOf(address: string): number | undefined {
  const endpoint = parseEndpoint(address);
  return typeof endpoint === "string" || endpoint.type === "unix" ? undefined : endpoint.port;
}

/** Whether two addresses cannot both be bound: the same port, and the same host or every host. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [parseEndpoint(one), parseEndpoint(other)];
  if (typeof a === "string" || typeof b === "string") return false;
  if (a.type === "unix" || b.type === "unix") return a.type === b.type && one === other;
  return a.port === b.port && (a.host === b.host || isWildcard(a.host) || isWildcard(b.host));
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
