import { text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { DiscoveredTarget, DiscoveryKind, Finder } from "./discovery.ts";
import { DiscoveryError } from "./discovery.ts";
import { addressOf, againAfterMs, checkName, dnsFields, resolverOptions } from "./dns.ts";
import type { RecordData } from "./dns/message.ts";
import { Resolver } from "./dns/resolver.ts";
import { discoveryOptions } from "./options.ts";
import { WEIGHT_MAX } from "./target_list.ts";

/** Hosts that SRV records may name; each one is two more questions. */
const HOSTS_MAX = 64;
/** Hosts looked up at a time. */
const LOOKUPS_AT_ONCE = 8;
/** Weights are multiplied by this, so that shares of a host's addresses and the "very small chance" of 0 are whole. */
const WEIGHT_SCALE = 10;

type Srv = Extract<RecordData, { readonly type: "SRV" }>;

const options = discoveryOptions({
  name: text({
    summary: "The whole name of the SRV records.",
    aliases: ["service", "hostname"],
    required: true,
    check: checkName,
    example: "_http._tcp.api.internal",
  }),
  ...dnsFields,
});

/** The targets of SRV records, with their ports, weights and priorities (RFC 2782). */
export const dnsSrv: DiscoveryKind<"dns-srv", NonNullable<Infer<typeof options>>> = {
  type: "dns-srv",
  aliases: ["srv"],
  summary:
    "The hosts of SRV records, with their ports and weights. Spare ones, of higher priorities, are for locality-aware balancing alone.",
  options,
  subject: ({ name }) => name,
  // Certificates are for the domain that was asked for: the records themselves prove nothing (RFC 6125 §6.2.1).
  serverName: ({ name }) => name.replace(/^(?:_[^.]+\.)+/, "").replace(/\.$/, ""),
  create(given, ports): Finder {
    const resolver = new Resolver(resolverOptions(given), ports);
    return {
      async next(signal) {
        const found = await resolver.resolve(given.name, "SRV", signal);
        const records = usable(found.records);
        const hosts = new Map<string, readonly string[]>();
        let ttlSecs = found.ttlSecs;
        const names = [...new Set(records.map(({ target }) => target))];
        if (names.length > HOSTS_MAX) {
          throw new DiscoveryError(`the SRV records name ${names.length} hosts; ${HOSTS_MAX} are allowed`);
        }
        for (let at = 0; at < names.length; at += LOOKUPS_AT_ONCE) {
          await Promise.all(
            names.slice(at, at + LOOKUPS_AT_ONCE).map(async (name) => {
              const looked = await lookUp(resolver, name, signal);
              hosts.set(name, looked.ips);
              ttlSecs = Math.min(ttlSecs, looked.ttlSecs);
            }),
          );
        }
        const lost = records.filter(({ target }) => hosts.get(target)!.length === 0);
        return {
          targets: targetsOf(records, hosts),
          againAfterMs: againAfterMs(ttlSecs, given),
          ...(lost.length === 0
            ? {}
            : { rejected: { count: lost.length, first: `the host ${lost[0]!.target} has no address` } }),
        };
      },
      close() {},
    };
  },
};

/** A single record with the root as its target says that there is no such service (RFC 2782). */
function usable(records: readonly Srv[]): readonly Srv[] {
  return records.filter(({ target, port }) => target !== "" && port > 0);
}

async function lookUp(resolver: Resolver, name: string, signal: AbortSignal) {
  const [a, aaaa] = await Promise.all([
    resolver.resolve(name, "A", signal),
    resolver.resolve(name, "AAAA", signal),
  ]);
  const having = [a, aaaa].filter(({ records }) => records.length > 0);
  return {
    ips: [...a.records, ...aaaa.records].map(({ ip }) => ip),
    ttlSecs: Math.min(...(having.length > 0 ? having : [a, aaaa]).map(({ ttlSecs }) => ttlSecs)),
  };
}

/** A host's addresses share its weight. Weights are as small as they can be with their ratios kept. */
function targetsOf(
  records: readonly Srv[],
  hosts: ReadonlyMap<string, readonly string[]>,
): DiscoveredTarget[] {
  // All weights 0 mean that nobody cares; a 0 beside others means "very seldom" (RFC 2782).
  const weighted = new Set(records.filter(({ weight }) => weight > 0).map(({ priority }) => priority));
  const targets = records.flatMap(({ priority, weight, port, target }) => {
    const ips = hosts.get(target) ?? [];
    const whole = weighted.has(priority) ? Math.max(weight * WEIGHT_SCALE, 1) : WEIGHT_SCALE;
    const share = Math.min(Math.max(Math.round(whole / ips.length), 1), WEIGHT_MAX);
    return ips.map((ip) => ({ address: addressOf(ip, port), weight: share, priority }));
  });
  const divisor = targets.reduce((common, { weight }) => gcd(common, weight), 0);
  return targets.map((target) => ({ ...target, weight: target.weight / divisor }));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
