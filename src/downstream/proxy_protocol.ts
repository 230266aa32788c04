/** The PROXY protocol, versions 1 and 2 (the specification by the HAProxy project, 2020/03/05). */

/** What a PROXY header says of the connection behind it. */
export type ProxyHeader =
  /** The real client. */
  | { readonly type: "proxied"; readonly ip: string; readonly port: number; readonly bytes: number }
  /** The sender speaks for itself, as health checks do: the peer's own address counts. */
  | { readonly type: "local"; readonly bytes: number };

/** More bytes are needed, or it is no PROXY header. */
export type ProxyHeaderResult = ProxyHeader | "more" | "invalid";

/** Longest version 1 line, CRLF included (specification §2.1). */
const V1_BYTES_MAX = 107;
/** Fixed part of version 2. */
const V2_BYTES = 16;
/** Address block and extensions of version 2: bounded, as nothing here needs more. */
const V2_EXTRA_BYTES_MAX = 2048;
const V2_SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a] as const;

/** Reads a header at the start of `bytes`. */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeaderResult {
  if (bytes.length === 0) return "more";
  return bytes[0] === V2_SIGNATURE[0] ? parseV2(bytes) : parseV1(bytes);
}

function parseV1(bytes: Uint8Array): ProxyHeaderResult {
  const prefix = "PROXY ";
  for (let i = 0; i < Math.min(prefix.length, bytes.length); i++) {
    if (bytes[i] !== prefix.charCodeAt(i)) return "invalid";
  }
  const newline = bytes.indexOf(0x0a);
  if (newline < 0) return bytes.length >= V1_BYTES_MAX ? "invalid" : "more";
  if (newline >= V1_BYTES_MAX || bytes[newline - 1] !== 0x0d) return "invalid";
  const line = String.fromCharCode(...bytes.subarray(0, newline - 1));
  const [, family, source, destination, sourcePort, destinationPort, extra] = line.split(" ");
  if (family === "UNKNOWN") return { type: "local", bytes: newline + 1 };
  if (extra !== undefined || source === undefined || destination === undefined) return "invalid";
  const isAddress = family === "TCP4" ? isIpv4 : family === "TCP6" ? isIpv6 : undefined;
  if (isAddress === undefined || !isAddress(source) || !isAddress(destination)) return "invalid";
  const port = parsePort(sourcePort);
  if (port === undefined || parsePort(destinationPort) === undefined) return "invalid";
  return { type: "proxied", ip: source.toLowerCase(), port, bytes: newline + 1 };
}

function parseV2(bytes: Uint8Array): ProxyHeaderResult {
  for (let i = 0; i < Math.min(V2_SIGNATURE.length, bytes.length); i++) {
    if (bytes[i] !== V2_SIGNATURE[i]) return "invalid";
  }
  if (bytes.length < V2_BYTES) return "more";
  const version = bytes[12]! >> 4;
  const command = bytes[12]! & 0x0f;
  const family = bytes[13]! >> 4;
  const transport = bytes[13]! & 0x0f;
  const extra = (bytes[14]! << 8) | bytes[15]!;
  if (version !== 2 || command > 1 || extra > V2_EXTRA_BYTES_MAX) return "invalid";
  const total = V2_BYTES + extra;
  if (bytes.length < total) return "more";
  // Other families than TCP over IP are accepted, and the peer's own address is kept (specification §2.2).
  if (command === 0 || transport !== 1 || (family !== 1 && family !== 2)) {
    return { type: "local", bytes: total };
  }
  const addressBytes = family === 1 ? 4 : 16;
  if (extra < addressBytes * 2 + 4) return "invalid";
  const source = bytes.subarray(V2_BYTES, V2_BYTES + addressBytes);
  const portAt = V2_BYTES + addressBytes * 2;
  return {
    type: "proxied",
    ip: family === 1 ? source.join(".") : formatIpv6(source),
    port: (bytes[portAt]! << 8) | bytes[portAt + 1]!,
    bytes: total,
  };
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(text)) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  const last = groups.at(-1) ?? "";
  const hasV4 = last.includes(".");
  if (hasV4 && !isIpv4(last)) return false;
  const count = groups.length + (hasV4 ? 1 : 0);
  const plain = hasV4 ? groups.slice(0, -1) : groups;
  return plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) &&
    (halves.length === 2 ? count < 8 : count === 8);
}

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,4})$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}

/** The longest run of zero groups becomes `::` (RFC 5952 §4.2). */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16));
  if (bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff) {
    return bytes.subarray(12).join(".");
  }
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}
