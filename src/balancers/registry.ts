/**
 * All balancers. To add one: write `src/balancers/<type_in_snake_case>.ts` exporting a `BalancerKind` with its
 * options, import it here and add its row. Reading, the reference page, the JSON Schema and the contract test
 * follow from the row.
 */

import { adaptive } from "./adaptive.ts";
import { consistentHash } from "./consistent_hash.ts";
import { deterministicSubset } from "./deterministic_subset.ts";
import { ipHash } from "./ip_hash.ts";
import { leastConnections } from "./least_connections.ts";
import { leastTokensQueued } from "./least_tokens_queued.ts";
import { localityAware } from "./locality_aware.ts";
import { maglev } from "./maglev.ts";
import { peakEwma } from "./peak_ewma.ts";
import { powerOfTwoChoices } from "./power_of_two_choices.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";
import { sticky } from "./sticky.ts";
import { weighted } from "./weighted.ts";
import { weightedLeastConnections } from "./weighted_least_connections.ts";

export const BALANCERS = [
  roundRobin,
  weighted,
  leastConnections,
  weightedLeastConnections,
  ipHash,
  random,
  consistentHash,
  maglev,
  powerOfTwoChoices,
  peakEwma,
  adaptive,
  leastTokensQueued,
  localityAware,
  deterministicSubset,
  sticky,
] as const;
