import type { BalancerKind } from "./balancer_kind.ts";
import { BALANCERS } from "./registry.ts";

/** The balancer of a name in any spelling, or undefined. */
export function findBalancer(name: string): BalancerKind | undefined {
  const key = name.toLowerCase();
  return BALANCERS.find((kind) => kind.type === key || (kind.aliases as readonly string[]).includes(key));
}
