import { parseEndpoint } from "../core/address.ts";
import { isPublicAddress, normalisedAddress } from "../core/public_address.ts";

/** A host and a port that CONNECT asks for; the host in lower case, IPv6 without brackets. */
export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
}

/** What is wrong with an entry of `targets`, completing `"targets" …`, or undefined when nothing is. */
export function connectTargetProblem(text: string): string | undefined {
  if (/^[*.]*:/.test(text)) return `must name hosts, such as "*.example.com:443", found "${text}"`;
  const endpoint = parseEndpoint(text.replace(/^\*\./, ""));
  if (typeof endpoint === "string") return endpoint;
  if (endpoint.type === "unix") return "takes no Unix sockets, as CONNECT cannot name them";
  const host = endpoint.host.toLowerCase();
  if (text.startsWith("*.") && isNumeric(host)) return `has "*." before an address, found "${text}"`;
  if (host === "localhost" || host.endsWith(".localhost")) {
    return `must list this machine by its address, such as "127.0.0.1:${endpoint.port}"`;
  }
  return undefined;
}

/** The authority of a CONNECT that `http1/request_head.ts` has checked. */
export function connectTargetOf(authority: string): ConnectTarget {
  const colon = authority.lastIndexOf(":");
  const host = authority.slice(0, colon).toLowerCase().replace(/^\[|\]$/g, "").replace(/\.$/, "");
  return { host, port: Number(authority.slice(colon + 1)) };
}

/**
 * Which targets the tunnels of a route may have. A name is only as good as what it stands for: whoever controls it could
 * let it point into the network of the proxy, so private addresses count only when they are listed themselves.
 */
export class ConnectTargets {
  /** `host:port`, hosts in lower case, addresses normalised. */
  readonly #exact = new Set<string>();
  /** `.example.com:443`: any name below. */
  readonly #below: readonly string[];

  /** The entries pass `connectTargetProblem`. */
  constructor(entries: readonly string[]) {
    const below: string[] = [];
    for (const entry of entries) {
      const isBelow = entry.startsWith("*.");
      const target = connectTargetOf(isBelow ? entry.slice(2) : entry);
      if (isBelow) below.push(`.${target.host}:${target.port}`);
      else this.#exact.add(keyOf(target));
    }
    this.#below = below;
  }

  /** Whether a target is listed. What a name stands for is for `mayConnect` to judge. */
  allows(target: ConnectTarget): boolean {
    if (this.#exact.has(keyOf(target))) return true;
    if (isNumeric(target.host)) return false;
    const key = `${target.host}:${target.port}`;
    return this.#below.some((ending) => key.length > ending.length && key.endsWith(ending));
  }

  /** Whether an address that a listed target stands for may be connected to. */
  mayConnect(ip: string, port: number): boolean {
    return isPublicAddress(ip) || this.#exact.has(keyOf({ host: ip, port }));
  }
}

function keyOf({ host, port }: ConnectTarget): string {
  return `${normalisedHost(host)}:${port}`;
}

/** Names are left as they are, and so are numbers with zeros in front, which some read as octal. */
function normalisedHost(host: string): string {
  return isNumeric(host) && !/^0\d|\.0\d/.test(host) ? normalisedAddress(host) ?? host : host;
}

function isNumeric(host: string): boolean {
  return host.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}
