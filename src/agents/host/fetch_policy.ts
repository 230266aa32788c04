import ipaddr from "ipaddr.js";
import { CidrSet } from "../../core/cidr.ts";
import { isPublicAddress } from "../../core/public_address.ts";

/** What the operator lets an agent ask for. Sizes are those of bodies. */
export interface FetchPolicy {
  /** Scheme, host and port, each exact: `https://login.example.com`, `http://10.0.0.5:8080`. */
  readonly origins: readonly string[];
  /**
   * Networks of private addresses that host names of `origins` may stand for, such as `10.0.0.0/8`. None when left
   * out: a private address is then reached only where an origin names it, and the own machine by `localhost`.
   */
  readonly privateNetworks?: readonly string[];
  /** Default 1 MiB. */
  readonly requestBytesMax?: number;
  /** Default 1 MiB, after decompression. */
  readonly responseBytesMax?: number;
  /** For an answer with all its redirects, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
  /** Requests of one agent at a time on one thread. Default 8. */
  readonly inFlightMax?: number;
}

/** What is wrong with an origin, completing `"origin" …`, or undefined when nothing is. */
export function checkOrigin(text: string): string | undefined {
  const example = 'such as "https://api.example.com" or "http://10.0.0.5:8080"';
  const url = parseUrl(text);
  if (url === undefined) return `must be a scheme, a host and a port if need be, ${example}; found "${text}"`;
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return `must begin with https:// or http://, ${example}`;
  }
  if (text.includes("*")) return `is one host, ${example}: wildcards are not supported`;
  if (url.username !== "" || url.password !== "") return "must not hold a password: give it to the agent";
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || /[?#]/.test(text)) {
    return `ends after the host and the port, ${example}; found "${text}"`;
  }
  return undefined;
}

/** The URL, or undefined when the text is none. */
export function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** Which origins and addresses may be asked. */
export class FetchTargets {
  readonly #origins: ReadonlySet<string>;
  readonly #privateNetworks: CidrSet;

  /** The origins of the policy pass `checkOrigin`, its networks `checkCidr`. */
  constructor(policy: Pick<FetchPolicy, "origins" | "privateNetworks">) {
    this.#origins = new Set(policy.origins.map((origin) => new URL(origin).origin));
    this.#privateNetworks = new CidrSet(policy.privateNetworks ?? []);
  }

  /** Whether the URL lies within an origin that is listed. */
  allows(url: URL): boolean {
    // A `blob:` URL has the origin of whoever made it.
    return (url.protocol === "https:" || url.protocol === "http:") && this.#origins.has(url.origin);
  }

  /** Whether an address that the host of an allowed URL stands for may be connected to. */
  mayConnect(url: URL, ip: string): boolean {
    if (!ipaddr.isValid(ip)) return false;
    const address = ipaddr.process(ip);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (ipaddr.isValid(host)) {
      return ipaddr.process(host).toNormalizedString() === address.toNormalizedString();
    }
    if (isPublicAddress(ip) || this.#privateNetworks.has(ip)) return true;
    return /^(?:.+\.)?localhost\.?$/.test(host) && address.range() === "loopback";
  }
}
