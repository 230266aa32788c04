import ipaddr from "ipaddr.js";

interface TrieNode {
  zero: TrieNode | null;
  one: TrieNode | null;
  isEnd: boolean;
}

/**
 * A set of IP networks with lookups that cost one step per prefix bit, however many networks there are.
 * IPv4 addresses mapped into IPv6 count as IPv4.
 */
export class CidrSet {
  readonly #v4: TrieNode = newNode();
  readonly #v6: TrieNode = newNode();
  #size = 0;

  /** `networks` are addresses or CIDR blocks that `isCidr` accepts. */
  constructor(networks: Iterable<string>) {
    for (const network of networks) this.#add(network);
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Whether the address lies in one of the networks; false for what is no address. */
  has(ip: string): boolean {
    if (this.#size === 0 || !ipaddr.isValid(ip)) return false;
    const address = ipaddr.process(ip);
    let node: TrieNode | null = address.kind() === "ipv4" ? this.#v4 : this.#v6;
    const bytes = address.toByteArray();
    for (let bit = 0; node !== null; bit++) {
      if (node.isEnd) return true;
      if (bit === bytes.length * 8) return false;
      node = bitOf(bytes, bit) === 1 ? node.one : node.zero;
    }
    return false;
  }

  #add(network: string): void {
    const [address, bits] = parseNetwork(network);
    let node = address.kind() === "ipv4" ? this.#v4 : this.#v6;
    const bytes = address.toByteArray();
    for (let bit = 0; bit < bits; bit++) {
      node = bitOf(bytes, bit) === 1 ? node.one ??= newNode() : node.zero ??= newNode();
    }
    node.isEnd = true;
    this.#size++;
  }
}

/** Whether the text is an IP address or a CIDR block. */
export function isCidr(text: string): boolean {
  try {
    parseNetwork(text);
    return true;
  } catch {
    return false;
  }
}

function parseNetwork(text: string): [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number] {
  if (text.includes("/")) return ipaddr.parseCIDR(text);
  // "1" and "127.1" are addresses to the library; in a list of networks they are typing errors.
  if (!text.includes(":") && !ipaddr.IPv4.isValidFourPartDecimal(text)) throw new Error("not an address");
  const address = ipaddr.process(text);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

function newNode(): TrieNode {
  return { zero: null, one: null, isEnd: false };
}

function bitOf(bytes: readonly number[], bit: number): number {
  return (bytes[bit >> 3]! >> (7 - (bit & 7))) & 1;
}
