/**
 * What `share-configured` saves: time to make an instance that holds a table of 20 MB, by configuring it and from the
 * state of one that was configured, and memory of the process for each. `deno run -A tests/bench/agent_sharing.ts`.
 */

import { readFileSync } from "node:fs";
import { componentFactory } from "../../src/agents/runtime/component_factory.ts";
import type { AgentInstance } from "../../src/agents/runtime/bound_agent.ts";
import { Payer } from "../../src/agents/runtime/payer.ts";
import { compileComponent } from "../../src/agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../src/agents/wasm/component_limits.ts";
import type { InstanceImage } from "../../src/agents/wasm/instance_image.ts";
import { agentOptions } from "../support/fake_agent.ts";
import { FakeTime } from "../support/fake_socket.ts";

const MIB = 1024 * 1024;
const INSTANCES = 8;
const FUEL = 2_000_000_000;

const file = readFileSync(new URL("../../wasm-agents/fixtures/table/table.wasm", import.meta.url));
const compiled = compileComponent(file, { ...DEFAULT_COMPONENT_LIMITS, memoryBytesMax: 64 * MIB });
const options = agentOptions("config { megabytes 20 }");

function factory(image?: InstanceImage) {
  const time = new FakeTime();
  const deps = {
    imports: {},
    options,
    payer: new Payer(),
    clock: time,
    random: { u32: () => 7 },
    log: () => {},
  };
  return componentFactory(compiled, { ...deps, image });
}

function configured(): AgentInstance {
  const instance = factory().create(FUEL);
  if (instance.agent.configure(options.config) instanceof Promise) throw new Error("it waits");
  return instance;
}

function measure(name: string, make: () => AgentInstance): void {
  const kept: AgentInstance[] = [make()];
  const before = Deno.memoryUsage().rss;
  const start = performance.now();
  for (let at = 0; at < INSTANCES; at++) kept.push(make());
  const ms = (performance.now() - start) / INSTANCES;
  const mib = (Deno.memoryUsage().rss - before) / INSTANCES / MIB;
  console.log(`${name}: ${ms.toFixed(1)} ms and ${mib.toFixed(1)} MiB for each instance`);
  if (kept.some((each) => each.memoryBytes() < 20 * MIB)) throw new Error("it has no table");
}

const started = performance.now();
const image = configured().image!();
console.log(`configured once, with an image: ${(performance.now() - started).toFixed(1)} ms`);
measure("from the image", () => factory(image).create(FUEL));
measure("configured", configured);
