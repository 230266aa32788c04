import { parseEndpoint } from "../core/address.ts";
import type { Answer, DiscoveredTarget } from "./discovery.ts";

/** Most weight a target can have; larger ones are cut to it. */
export const WEIGHT_MAX = 1_000_000;
/** Zones are words, as in the configuration. */
const ZONE = /^[!-~]{1,128}$/;
const PRIORITY_MAX = 65_535;

/** Targets fit to be served, and how many were not. */
export interface TargetList {
  /** Each address once, sorted by it, so that all instances have the same order. */
  readonly targets: readonly DiscoveredTarget[];
  readonly rejected: number;
  /** What was wrong with the first of those. */
  readonly firstRejected: string | undefined;
}

/**
 * Makes an answer fit to be served. Sources repeat themselves (an endpoint may be in two slices for a while):
 * of doubles the larger weight and the lower priority count. Throws when there are more than `max`.
 */
export function targetList(answer: Answer, max: number): TargetList {
  let rejected = answer.rejected?.count ?? 0;
  let firstRejected = answer.rejected?.first;
  const merged = new Map<string, DiscoveredTarget>();
  for (const target of answer.targets) {
    const problem = parseEndpoint(target.address);
    if (typeof problem === "string") {
      rejected++;
      firstRejected ??= `the address ${problem}`;
      continue;
    }
    const known = merged.get(target.address);
    merged.set(target.address, known === undefined ? cleaned(target) : combined(known, cleaned(target)));
    if (merged.size > max) throw new Error(`the answer has more targets than max-targets, ${max}`);
  }
  const targets = [...merged.values()].sort((a, b) => a.address < b.address ? -1 : 1);
  return { targets, rejected, firstRejected };
}

/** Whether two lists, both in order, mean the same. */
export function sameTargets(a: readonly DiscoveredTarget[], b: readonly DiscoveredTarget[]): boolean {
  return a.length === b.length && a.every((one, index) => {
    const other = b[index]!;
    return one.address === other.address && one.weight === other.weight && one.zone === other.zone &&
      (one.priority ?? 0) === (other.priority ?? 0);
  });
}

function cleaned({ address, weight, priority, zone }: DiscoveredTarget): DiscoveredTarget {
  const isZone = zone !== undefined && ZONE.test(zone);
  return {
    address,
    weight: whole(weight, WEIGHT_MAX, 1),
    ...(priority === undefined ? {} : { priority: whole(priority, PRIORITY_MAX, 0) }),
    ...(isZone ? { zone } : {}),
  };
}

function whole(value: number, max: number, standard: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(Math.round(value), 0), max) : standard;
}

function combined(a: DiscoveredTarget, b: DiscoveredTarget): DiscoveredTarget {
  const priority = Math.min(a.priority ?? 0, b.priority ?? 0);
  const zone = a.zone ?? b.zone;
  return {
    address: a.address,
    weight: Math.max(a.weight, b.weight),
    ...(priority === 0 ? {} : { priority }),
    ...(zone === undefined ? {} : { zone }),
  };
}
