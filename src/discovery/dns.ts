import { isHostName } from "../core/address.ts";
import { duration, integer, oneOf, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { DiscoveryKind, Finder } from "./discovery.ts";
import { Resolver, type ResolverOptions } from "./dns/resolver.ts";
import { discoveryOptions, parseResolver, resolverField } from "./options.ts";

/** Times to live are taken as at least, and at most, this: a server that says 0 must not be asked all the time. */
export const TTL_MIN_SECS = 1;
export const TTL_MAX_SECS = 300;

/** Options of everything that asks DNS servers. */
export const dnsFields = {
  resolver: resolverField,
  refreshSecs: duration({
    summary: "Ask this often, whatever time to live the records have; left out, when that is over.",
    aliases: ["refresh", "refresh-interval", "interval"],
    unit: "s",
    min: 0.1,
    max: 3600,
  }),
  timeoutSecs: duration({
    summary: "Until a server has answered; then the next one is asked.",
    aliases: ["timeout"],
    unit: "s",
    min: 0.05,
    max: 30,
    default: 2,
  }),
  attempts: integer({
    summary: "Times every server is asked before it is a failure.",
    min: 1,
    max: 10,
    default: 2,
  }),
} as const;

/** What `dnsFields` read. */
export interface DnsOptions {
  readonly resolver: readonly string[];
  readonly refreshSecs?: number | undefined;
  readonly timeoutSecs: number;
  readonly attempts: number;
}

/** How the resolver of these options asks. */
export function resolverOptions({ resolver, timeoutSecs, attempts }: DnsOptions): ResolverOptions {
  return {
    servers: resolver.flatMap((written) => parseResolver(written) ?? []),
    timeoutMs: timeoutSecs * 1000,
    attempts,
  };
}

/** When records are asked for again. */
export function againAfterMs(ttlSecs: number, { refreshSecs }: DnsOptions): number {
  return 1000 * (refreshSecs ?? Math.min(Math.max(ttlSecs, TTL_MIN_SECS), TTL_MAX_SECS));
}

/** `host:port`, IPv6 in brackets. */
export function addressOf(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** What is wrong with a name that is looked up. */
export function checkName(name: string): string | undefined {
  if (/^[0-9.]+$/.test(name)) return `is an address, which needs no looking up, found "${name}"`;
  return isHostName(name) ? undefined : `must be a host name such as "api.internal", found "${name}"`;
}

const options = discoveryOptions({
  name: text({
    summary: "The whole name. DNS servers alone are asked: search lists and /etc/hosts do not count.",
    aliases: ["hostname", "host"],
    required: true,
    check: checkName,
    example: "api.internal",
  }),
  port: integer({ summary: "Port of every target.", min: 1, max: 65_535, required: true }),
  family: oneOf({
    summary: "Addresses asked for; with `any`, both questions must be answered.",
    values: { any: ["both"], ipv4: ["a", "v4"], ipv6: ["aaaa", "v6"] },
    default: "any",
  }),
  ...dnsFields,
});

const QUERIES = { any: ["A", "AAAA"], ipv4: ["A"], ipv6: ["AAAA"] } as const;

/** Every address of a name is a target. */
export const dns: DiscoveryKind<"dns", NonNullable<Infer<typeof options>>> = {
  type: "dns",
  summary: "Every address of a name, asked for again when its time to live is over.",
  options,
  subject: ({ name, port, family }) => `${name}:${port}${family === "any" ? "" : ` (${family})`}`,
  serverName: ({ name }) => name.replace(/\.$/, ""),
  create(given, ports): Finder {
    const resolver = new Resolver(resolverOptions(given), ports);
    return {
      async next(signal) {
        const found = await Promise.all(
          QUERIES[given.family].map((type) => resolver.resolve(given.name, type, signal)),
        );
        const targets = found.flatMap(({ records }) =>
          records.map(({ ip }) => ({ address: addressOf(ip, given.port), weight: 1 }))
        );
        // The shorter time counts, but not of a family that the name does not have.
        const counting = found.filter(({ records }) => records.length > 0);
        const ttls = (counting.length > 0 ? counting : found).map(({ ttlSecs }) => ttlSecs);
        return { targets, againAfterMs: againAfterMs(Math.min(...ttls), given) };
      },
      close() {},
    };
  },
};
