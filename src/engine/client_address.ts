import ipaddr from "ipaddr.js";
import type { CidrSet } from "../core/cidr.ts";
import type { RequestContext } from "../core/context.ts";

/** Hops looked at in X-Forwarded-For; more than any real chain of proxies has. */
const HOPS_MAX = 32;

/**
 * The client's address as far as it can be believed: going from the peer towards the client, the first
 * one that is not a trusted proxy. What an untrusted peer claims in X-Forwarded-For counts for nothing.
 */
export function clientAddress(context: RequestContext, trusted: CidrSet): string {
  const { peerIp, peerTrusted } = context.downstream;
  if (!peerTrusted) return peerIp;
  const chain = context.head.headers.joined("x-forwarded-for");
  if (chain === undefined) return peerIp;
  let client = peerIp;
  let end = chain.length;
  for (let hop = 0; hop < HOPS_MAX && end > 0; hop++) {
    const comma = chain.lastIndexOf(",", end - 1);
    const address = plainAddress(chain.slice(comma + 1, end).trim());
    if (address === undefined) return client;
    client = address;
    if (!trusted.has(address)) return client;
    end = comma;
  }
  return client;
}

/** An address without port and brackets; undefined for what is none, such as `unknown` or `_hidden`. */
function plainAddress(text: string): string | undefined {
  let address = text;
  if (address.startsWith("[")) {
    const bracket = address.indexOf("]");
    if (bracket < 0) return undefined;
    address = address.slice(1, bracket);
  } else if (address.indexOf(":") === address.lastIndexOf(":")) {
    address = address.split(":", 1)[0]!;
  }
  if (!address.includes(":")) return ipaddr.IPv4.isValidFourPartDecimal(address) ? address : undefined;
  return ipaddr.IPv6.isValid(address) ? address.toLowerCase() : undefined;
}
