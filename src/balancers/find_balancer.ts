import { canonicalName } from "../core/config_node.ts";
import type { BalancerKind } from "./balancer_kind.ts";
import { BALANCERS } from "./registry.ts";

/** The balancer of a name in any spelling, or undefined. */
export function findBalancer(name: string): BalancerKind | undefined {
  const key = canonicalName(name.toLowerCase());
  const kinds = BALANCERS as unknown as readonly BalancerKind[];
  return kinds.find((kind) => kind.type === key || kind.aliases.includes(key));
}
