/**
 * `deno task bench:balancers`: what one pick costs, for every algorithm over 3, 100 and 1000 targets, with the
 * counting of the request in flight before and after it, two threads sharing the counts. Exits with 1 when a
 * figure is over its bound.
 */

import { BALANCERS } from "../../src/balancers/registry.ts";
import type { LiveTarget } from "../../src/upstream/live_target.ts";
import { BalancerRig, manyClients } from "../support/balancer_rig.ts";

/** Targets, and nanoseconds that a pick among them may cost. */
const BOUNDS = [[3, 1000], [100, 2000], [1000, 4000]] as const;
/** Short rounds and many, of which the best counts: what others do on the machine then hardly matters. */
const PICKS = 2000;
const ROUNDS = 60;
/** Requests in flight at a time. */
const OPEN = 256;
const CONTEXTS = Array.from({ length: 4096 }, (_, i) => manyClients(i));

/** Nanoseconds of a pick: without its counting, and with it. */
function measure(type: string, count: number): { pick: number; whole: number } {
  const targets = Array.from({ length: count }, (_, i) => ({ weight: 1 + i % 3, zone: `z${i % 3}` }));
  const options = type === "locality-aware" ? `zone "z0"` : "";
  const rig = new BalancerRig(type, { targets, options, threads: 2 });
  const [here, there] = rig.threads as [typeof rig.threads[0], typeof rig.threads[0]];
  const open: LiveTarget[] = [];
  let at = 0;
  const turn = (pick: (i: number) => LiveTarget) => {
    for (let i = 0; i < PICKS; i++) {
      const context = CONTEXTS[at & 4095]!;
      const target = pick(at);
      target.begin(context);
      const old = open[at % OPEN];
      open[at % OPEN] = target;
      old?.ended(CONTEXTS[(at - OPEN) & 4095]!, "complete");
      // The other thread's requests change as many counts.
      const other = there.targets[(at * 31) % count]!;
      other.begin(context);
      other.ended(context, "complete");
      at++;
    }
  };
  const timed = (pick: (i: number) => LiveTarget) => {
    const startedMs = performance.now();
    turn(pick);
    return (performance.now() - startedMs) / PICKS * 1e6;
  };
  const real = (i: number) => here.balancer.pick(here.targets, CONTEXTS[i & 4095]!, null)!;
  const none = (i: number) => here.targets[(i * 17) % count]!;
  timed(real);
  timed(none);
  const best = (pick: (i: number) => LiveTarget) =>
    Math.min(...Array.from({ length: ROUNDS }, () => timed(pick)));
  const whole = best(real);
  return { pick: Math.max(0, whole - best(none)), whole };
}

let over = 0;
console.log(
  `${"nanoseconds a pick (with counting)".padEnd(36)}${
    BOUNDS.map(([n]) => `${n} targets`.padStart(20)).join("")
  }`,
);
for (const { type } of BALANCERS) {
  const cells = BOUNDS.map(([count, bound]) => {
    const { pick, whole } = measure(type, count);
    if (pick > bound) over++;
    return `${Math.round(pick)} (${Math.round(whole)})${pick > bound ? " !" : ""}`.padStart(20);
  });
  console.log(`${type.padEnd(36)}${cells.join("")}`);
}
console.log(`bounds${BOUNDS.map(([, bound]) => String(bound).padStart(20)).join("").padStart(90)}`);
Deno.exit(over === 0 ? 0 : 1);
