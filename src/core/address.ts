import ipaddr from "ipaddr.js";

/** Where something listens or is connected to. */
export type Endpoint =
  | { readonly type: "ip"; readonly host: string; readonly port: number }
  | { readonly type: "unix"; readonly path: string };

/** Sockets' paths are at most 107 bytes on Linux (`sockaddr_un`). */
const UNIX_PATH_LENGTH_MAX = 107;

/**
 * Reads `host:port`, `1.2.3.4:port`, `[::1]:port` or `unix:/path`. IPv6 hosts come without brackets.
 * The result is a text when it is none of them: what is wrong, completing `"address" …`.
 */
export function parseEndpoint(address: string): Endpoint | string {
  if (address.startsWith("unix:")) return parseUnix(address.slice("unix:".length));
  const split = address.lastIndexOf(":");
  if (split < 0) {
    const example = /^\d+$/.test(address) ? `0.0.0.0:${address}` : `${address}:8080`;
    return `needs a host and a port, such as "${example}"`;
  }
  const written = address.slice(0, split);
  const port = parsePort(address.slice(split + 1));
  if (port === undefined) return `has no port from 1 to 65535 after the last ":", found "${address}"`;
  const host = written.startsWith("[") && written.endsWith("]") ? written.slice(1, -1) : written;
  if (host !== written) {
    return ipaddr.IPv6.isValid(host) ? { type: "ip", host, port } : `has no valid IPv6 address in brackets`;
  }
  if (host.includes(":")) return `needs brackets around an IPv6 address, such as "[::1]:8080"`;
  if (/^[0-9.]+$/.test(host) && !ipaddr.IPv4.isValidFourPartDecimal(host)) {
    return `has no valid IPv4 address, found "${host}"`;
  }
  if (host === "" || host === "*") {
    return `needs a host before the port, such as "0.0.0.0:${port}" for every address`;
  }
  if (!isHostName(host)) return `has no valid host, found "${host}"`;
  return { type: "ip", host, port };
}

function parseUnix(path: string): Endpoint | string {
  if (!path.startsWith("/")) return 'needs an absolute path after "unix:"';
  if (path.length > UNIX_PATH_LENGTH_MAX) {
    return `has a socket path longer than ${UNIX_PATH_LENGTH_MAX} bytes`;
  }
  return path.includes("\0") ? "has a NUL in its path" : { type: "unix", path };
}

function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

/** Letters, digits, `-`, `_` and dots, labels of at most 63 characters (RFC 1123 §2.1, with `_` as people use it). */
export function isHostName(host: string): boolean {
  if (host.length === 0 || host.length > 253) return false;
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return name.split(".").every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
}

/** What is wrong with an address, completing `"address" …`, or undefined when nothing is. */
export function checkEndpoint(address: string): string | undefined {
  const endpoint = parseEndpoint(address);
  return typeof endpoint === "string" ? endpoint : undefined;
}

/** As `checkEndpoint`, for an IP network or a single address. */
export function checkCidr(cidr: string): string | undefined {
  const valid = cidr.includes("/") ? ipaddr.isValidCIDR(cidr) : ipaddr.isValid(cidr);
  const plain = !/^[0-9]+$/.test(cidr);
  return valid && plain ? undefined : `must be an address or a network such as "10.0.0.0/8", found "${cidr}"`;
}
