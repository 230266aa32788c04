import { parseResolver } from "../options.ts";
import type { DnsServer } from "../discovery.ts";

/** As other resolvers have it (resolv.conf(5)): further lines are not looked at. */
const SERVERS_MAX = 3;

/**
 * The DNS servers of a `resolv.conf`, in order. Search lists and options are not read: names in the
 * configuration are whole names. Scoped IPv6 addresses are passed over.
 */
export function parseResolvConf(text: string): DnsServer[] {
  const servers: DnsServer[] = [];
  for (const line of text.split("\n")) {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    const server = address === undefined ? undefined : parseResolver(address);
    if (server !== undefined && servers.length < SERVERS_MAX) servers.push(server);
  }
  return servers;
}
