import { deepEqual, equal, match } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { goodConfig } from "../../tests/support/simulated_dataplane.ts";
import { AgentCatalogue } from "./agent_catalogue.ts";
import { createAgentTrial } from "./agent_trial.ts";
import type { DroppedAgent } from "./agents_dir.ts";
import { DiskFiles } from "./config_files.ts";
import { createClock, createRandom, createTimers } from "./platform.ts";

const GUARD = fileURLToPath(new URL("../../wasm-agents/fixtures/guard_c.wasm", import.meta.url));
const NO_BODIES = fileURLToPath(new URL("../../wasm-agents/tests/oracle/two_getters.wasm", import.meta.url));

const ROUTES = `
system { worker-threads 1 }
listeners { listener "main" { address "127.0.0.1:1" } }
routes { route "all" { matches { path-prefix "/" }; service-type "builtin"; builtin-handler "status" } }`;

/** A catalogue over a folder that the test fills. */
function catalogueOf() {
  const folder: { agents: DroppedAgent[] } = { agents: [] };
  const trials: string[] = [];
  const log = () => {};
  const trial = createAgentTrial({
    clock: createClock(),
    random: createRandom(),
    timers: createTimers(),
    log,
    agentPorts: {
      verifier: { verify: () => ({ type: "error", value: "no" }) },
      transport: () => Promise.resolve({ type: "error", value: { reason: "failed", message: "no" } }),
    },
  });
  const catalogue = new AgentCatalogue({
    log,
    trial: (spec) => {
      trials.push(spec.id);
      return trial(spec);
    },
    dropped: () => Promise.resolve({ agents: folder.agents, problems: [] }),
    files: new DiskFiles(Deno.cwd()),
  });
  const load = async (text = ROUTES) => {
    const { plan, problems } = await catalogue.load(goodConfig(text));
    deepEqual(problems, []);
    catalogue.serve();
    return plan;
  };
  return { catalogue, folder, trials, load };
}

function dropped(options?: string, wasm = GUARD): DroppedAgent {
  return {
    id: "guard",
    wasm,
    options: options === undefined ? undefined : { path: "guard.kdl", text: options },
  };
}

Deno.test("agent catalogue: what is served stays when its options, its configuration or its file go bad", async () => {
  const { catalogue, folder, load } = catalogueOf();
  folder.agents = [dropped("fuel 5000000")];
  const [first] = (await load()).specs;
  const garbage = await Deno.makeTempFile({ suffix: ".wasm" });
  try {
    await Deno.writeTextFile(garbage, "no component");
    for (
      const [bad, problem] of [
        [dropped("fule 1000"), /fule/],
        [dropped(`events "guardrail"`), /Cannot start agent "guard".*does not handle guardrail/],
        [dropped(`assets { asset "rules" "/nowhere/at/all" }`), /rules/],
        [dropped(undefined, garbage), /guard/],
      ] as const
    ) {
      folder.agents = [bad];
      const plan = await load();
      deepEqual(plan.specs, [first], String(problem));
      deepEqual([plan.attached, plan.dropped], [["guard"], ["guard"]]);
      equal(catalogue.facts[0]!.options.fuel, 5_000_000);
      equal(catalogue.problems.length, 1);
      match(catalogue.problems[0]!.message, problem);
    }
  } finally {
    await Deno.remove(garbage);
  }
  folder.agents = [dropped("fuel 6000000")];
  equal((await load()).specs[0]!.options.fuel, 6_000_000);
  deepEqual(catalogue.problems, []);
  folder.agents = [];
  deepEqual((await load()).attached, []);
});

Deno.test("agent catalogue: what has not changed is not tried again", async () => {
  const { folder, trials, load } = catalogueOf();
  folder.agents = [dropped("fuel 5000000")];
  const [first] = (await load()).specs;
  equal((await load()).specs[0], first);
  deepEqual(trials, ["guard"]);
  folder.agents = [dropped("fuel 6000000")];
  await load();
  deepEqual(trials, ["guard", "guard"]);
});

Deno.test("agent catalogue: a dropped agent that a filter asks too much of is not taken", async () => {
  const { catalogue, folder, load } = catalogueOf();
  folder.agents = [dropped(undefined, NO_BODIES)];
  const plan = await load(`${ROUTES}
filters { filter "f" { type "agent"; agent "guard"; inspect-body #true } }`);
  deepEqual(plan.specs, []);
  match(catalogue.problems[0]!.message, /filter "f" has inspect-body, but it does not handle bodies/);
});
