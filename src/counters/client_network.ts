import ipaddr from "ipaddr.js";

/**
 * What a client is counted by: its IPv4 address, or the network of `ipv6PrefixBits` bits that its IPv6
 * address lies in. One subscriber holds a whole IPv6 network, usually a /64, and could otherwise take a new
 * address for every request. IPv4 addresses mapped into IPv6 count as IPv4; what is no address is kept.
 */
export function clientNetwork(ip: string, ipv6PrefixBits: number): string {
  if (!ip.includes(":") || !ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  if (address.kind() === "ipv4") return address.toString();
  const bytes = address.toByteArray();
  let network = "";
  for (let i = 0; i < bytes.length && i * 8 < ipv6PrefixBits; i++) {
    const bits = Math.min(8, ipv6PrefixBits - i * 8);
    network += (bytes[i]! & (0xff << (8 - bits))).toString(16).padStart(2, "0");
  }
  return network;
}
