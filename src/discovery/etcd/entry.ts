import { parseEndpoint } from "../../core/address.ts";
import type { DiscoveredTarget } from "../discovery.ts";
import { isObject, textAt } from "../json.ts";

/** Values are a few words; what is longer is none. */
const VALUE_LENGTH_MAX = 4096;

/**
 * A key's value as a target: `host:port`, or JSON with `address`, `weight`, `priority` and `zone`; etcd's own client
 * library writes `Addr` (go.etcd.io/etcd/client/v3/naming). A text when it is none, saying why.
 */
export function readEntry(value: string | undefined): DiscoveredTarget | string {
  if (value === undefined || value.length > VALUE_LENGTH_MAX) return "a value that is no text, or a long one";
  const plain = value.trim();
  const target = plain.startsWith("{") ? fromJson(plain) : { address: plain, weight: 1 };
  if (typeof target === "string") return target;
  const endpoint = parseEndpoint(target.address);
  if (typeof endpoint === "string") return `an address that ${endpoint}`;
  return endpoint.type === "unix" ? "an address on another machine that is a Unix socket" : target;
}

function fromJson(text: string): DiscoveredTarget | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "a value that is no JSON";
  }
  const address = textAt(value, "address") ?? textAt(value, "Addr");
  if (address === undefined || !isObject(value)) return "a value without an address";
  const { weight, priority } = value;
  const zone = textAt(value, "zone");
  return {
    address,
    weight: typeof weight === "number" ? weight : 1,
    ...(typeof priority === "number" ? { priority } : {}),
    ...(zone === undefined ? {} : { zone }),
  };
}
