import ipaddr from "ipaddr.js";

/** An address as it is compared: IPv4 mapped into IPv6 counts as IPv4, every IPv6 address has one spelling. Undefined for what is none. */
export function normalisedAddress(ip: string): string | undefined {
  return ipaddr.isValid(ip) ? ipaddr.process(ip).toNormalizedString() : undefined;
}

/**
 * Whether an address belongs to the internet at large, and not to this machine or to some network's own use. For IPv6,
 * only 2000::/3 has been given out for that (RFC 4291 §2.4). False for what is no address.
 */
export function isPublicAddress(ip: string): boolean {
  if (!ipaddr.isValid(ip)) return false;
  const address = ipaddr.process(ip);
  if (address.range() !== "unicast") return false;
  return address.kind() === "ipv4" || (address.toByteArray()[0]! & 0xe0) === 0x20;
}
