/**
 * All balancers. To add one: write `src/balancers/<type_in_snake_case>.ts` exporting a `BalancerKind`,
 * import it here and add its row; the contract test then covers it. Its options, if any, are declared
 * in `upstream/upstream.ts`.
 */

import type { BalancerKind } from "./balancer_kind.ts";
import { roundRobin } from "./round_robin.ts";
import { weighted } from "./weighted.ts";

export const BALANCERS = [
  roundRobin,
  weighted,
] as const satisfies readonly BalancerKind[];
