/**
 * What the firewall's engine takes without a proxy around it, in microseconds and fuel per request: the quick
 * bench for work on the engine. `deno run -A tests/bench/waf_engine.ts [adversarial requests, 2000]`; the agent is
 * the built one of wasm-agents/dist, the rules are the Core Rule Set and the agent's own.
 */

import { startGuest } from "../conformance/crs/guest_contender.ts";
import { crsRules, type RuleSet } from "../conformance/crs/socket_contender.ts";
import { crsFolder, NO_CRS, type Stage } from "../conformance/crs/suite.ts";
import { ROOT } from "../support/servers.ts";
import { median } from "./results.ts";
import { adversarialRequest } from "./waf_adversary.ts";
import { attacks, cleanGet, cleanGets, formPosts, jsonPosts } from "./waf_workloads.ts";

const ROUNDS = 5;
const ROUND_MS = 300;
const ADVERSARY_SEED = 6;
const WORST_AGAIN = 10;
const WORST_REPEATS = 5;

const folder = crsFolder();
if (folder === undefined) {
  console.error(NO_CRS);
  Deno.exit(2);
}
const crs = (paranoiaLevel: 1 | 4) => crsRules({ folder, engine: "On", paranoiaLevel, forTests: false });
const own: RuleSet = { directives: "", files: [] };
const stage = (bytes: Uint8Array<ArrayBuffer>): Stage => ({
  bytes,
  isHead: false,
  expectation: null as never,
});
const workloads: readonly (readonly [name: string, stages: readonly Stage[]])[] = [
  ["clean GETs", cleanGets().map(stage)],
  ["the same GET", [stage(cleanGet())]],
  ["10 KB JSON", jsonPosts().map(stage)],
  ["10 KB forms", formPosts().map(stage)],
  ["attacks", attacks(folder).map(stage)],
];

async function measure(name: string, rules: RuleSet, level: 1 | 4): Promise<void> {
  const beganMs = performance.now();
  await using guest = await startGuest({
    component: `${ROOT}wasm-agents/dist/waf.wasm`,
    rules,
    dataFolder: `${folder}/rules`,
    config: { "paranoia-level": level, "log-last-phase": false },
  });
  const { agent } = guest;
  console.log(
    `${name}: configured in ${(performance.now() - beganMs).toFixed(0)} ms, ${
      (agent.fuelUsed / 1e6).toFixed(0)
    } M fuel, ${(agent.memoryBytes / 1e6).toFixed(1)} MB`,
  );
  for (const [workload, stages] of workloads) {
    const rounds: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      let count = 0;
      const fromMs = performance.now();
      while (performance.now() - fromMs < ROUND_MS || count % stages.length !== 0) {
        await guest.observe(stages[count++ % stages.length]!);
      }
      rounds.push((performance.now() - fromMs) / count * 1000);
    }
    console.log(`  ${workload.padEnd(12)} ${median(rounds).toFixed(0).padStart(7)} µs`);
  }
  await worst(guest.observe);
  console.log(`  memory after all ${(agent.memoryBytes / 1e6).toFixed(1)} MB`);
}

async function worst(observe: (stage: Stage) => Promise<{ messages: string }>): Promise<void> {
  const time = async (index: number) => {
    const request = stage(adversarialRequest(ADVERSARY_SEED, index));
    const fromMs = performance.now();
    const { messages } = await observe(request);
    return { index, ms: performance.now() - fromMs, trap: messages.startsWith("trap") };
  };
  const times = [];
  for (let index = 0; index < Number(Deno.args[0] ?? 2000); index++) times.push(await time(index));
  const again = [];
  for (const { index } of times.toSorted((a, b) => b.ms - a.ms).slice(0, WORST_AGAIN)) {
    const repeats = [];
    for (let i = 0; i < WORST_REPEATS; i++) repeats.push(await time(index));
    again.push(repeats.toSorted((a, b) => a.ms - b.ms)[0]!);
  }
  const shown = again.toSorted((a, b) => b.ms - a.ms).slice(0, 5).map(({ index, ms }) =>
    `${ms.toFixed(1)} ms (number ${index})`
  );
  console.log(
    `  adversarial  median ${median(times.map(({ ms }) => ms)).toFixed(2)} ms, worst ${shown.join(", ")}; ${
      times.filter(({ trap }) => trap).length
    } traps of ${times.length}`,
  );
}

await measure("CRS level 1", crs(1), 1);
await measure("CRS level 4", crs(4), 4);
await measure("own rules level 1", own, 1);
