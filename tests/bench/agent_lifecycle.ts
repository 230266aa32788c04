/**
 * What it costs to load a component, and to make an instance of it for one request, in this process and without a
 * proxy: `deno task bench:agents` runs it with V8's flags as in production. Medians of several rounds count; between
 * rounds there is a pause, in which memories of instances that are gone are given back.
 */

import { readFileSync } from "node:fs";
import { componentFactory } from "../../src/agents/runtime/component_factory.ts";
import { Payer } from "../../src/agents/runtime/payer.ts";
import { WARM_UP_REQUEST } from "../../src/agents/runtime/warm_up.ts";
import { compileComponent } from "../../src/agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../src/agents/wasm/component_limits.ts";
import { agentOptions, liveAgent } from "../support/fake_agent.ts";
import { FakeTime } from "../support/fake_socket.ts";

const ROUNDS = 9;
const LOADS = 20;
const REQUESTS = 1000;
const PAUSE_MS = 50;

const COMPONENTS = [
  { name: "reference world, C", path: "fixtures/guard_c.wasm", loadGoalMs: 20, freshGoalUs: 70 },
  { name: "reference world, Rust", path: "fixtures/guard_rust.wasm", loadGoalMs: undefined, freshGoalUs: 70 },
  { name: "own world", path: "tests/oracle/two_getters.wasm", loadGoalMs: 20, freshGoalUs: 70 },
];

async function median(count: number, work: () => void): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    for (let at = 0; at < count; at++) work();
    rounds.push((performance.now() - start) / count);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  // The first one compiles.
  return rounds.slice(1).sort((a, b) => a - b)[ROUNDS >> 1]!;
}

/** One request from the first call to the last, with an agent of that isolation. */
function request(bytes: Uint8Array<ArrayBuffer>, isolation: "shared" | "fresh"): () => void {
  const text = `config { prefix "/admin" }\nisolation "${isolation}"`;
  const time = new FakeTime();
  const factory = componentFactory(compileComponent(bytes, DEFAULT_COMPONENT_LIMITS), {
    imports: {},
    options: agentOptions(text),
    payer: new Payer(),
    clock: time,
    random: { u32: () => 7 },
    log: () => {},
  });
  const { live } = liveAgent(factory, time, { options: text });
  return () => {
    const visit = live.visit();
    const result = visit.onRequestHeaders(WARM_UP_REQUEST);
    if (result instanceof Promise || result.failed !== undefined) throw new Error("the agent failed");
    visit.end();
  };
}

const goal = (limit: number | undefined, unit: string) =>
  limit === undefined ? "" : `, goal ${limit} ${unit}`;

for (const { name, path, loadGoalMs, freshGoalUs } of COMPONENTS) {
  const bytes = readFileSync(new URL(`../../wasm-agents/${path}`, import.meta.url));
  const start = performance.now();
  compileComponent(bytes, DEFAULT_COMPONENT_LIMITS);
  const firstMs = performance.now() - start;
  const loadMs = await median(LOADS, () => void compileComponent(bytes, DEFAULT_COMPONENT_LIMITS));
  const kib = (bytes.length / 1024).toFixed(1);
  console.log(
    `${name}, ${kib} KiB: load ${loadMs.toFixed(2)} ms (first ${firstMs.toFixed(2)})${
      goal(loadGoalMs, "ms")
    }`,
  );
  const sharedUs = 1000 * await median(REQUESTS, request(bytes, "shared"));
  const freshUs = 1000 * await median(REQUESTS, request(bytes, "fresh"));
  const pair = `${freshUs.toFixed(1)} µs (shared ${sharedUs.toFixed(1)})`;
  console.log(`${name}: a fresh instance's request ${pair}${goal(freshGoalUs, "µs")}`);
}
