import { deepEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { agentOptions, agentSpec } from "../../tests/support/fake_agent.ts";
import { FakeDialer, FakeTime } from "../../tests/support/fake_socket.ts";
import { NO_AGENT_PORTS } from "../../tests/support/no_agents.ts";
import { compileComponent } from "../agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../agents/wasm/component_limits.ts";
import { allocateShared } from "../core/shared_memory.ts";
import { totalBytes } from "../counters/shared_totals.ts";
import { MetricsRegistry } from "../observe/metrics.ts";
import { AGENT_INSTANCES_KEY } from "./shared_needs.ts";
import { ThreadAgents } from "./thread_agents.ts";

const GUARD = new URL("../../wasm-agents/fixtures/guard_c.wasm", import.meta.url);

Deno.test("thread agents: a scrape while an agent starts does not part it from its counts", async () => {
  const time = new FakeTime();
  const registry = new MetricsRegistry();
  const agents = new ThreadAgents({
    ports: {
      clock: time,
      timers: time,
      random: { u32: () => 7 },
      dialer: new FakeDialer(),
      listen: () => Promise.reject(new Error("nobody listens here")),
      log: () => {},
    },
    agentPorts: NO_AGENT_PORTS,
    registry,
    seat: { index: 0, count: 1 },
  });
  const created = () => {
    agents.recordGauges();
    const family = registry.snapshot().families.find(({ name }) => /instances_created_total/.test(name));
    return family?.series.map(({ labels, values }) => [...labels, ...values]);
  };
  const compiled = compileComponent(readFileSync(GUARD), {
    ...DEFAULT_COMPONENT_LIMITS,
    accounting: "block",
  });
  const options = agentOptions(`config { prefix "/admin"; word "attack" }`);
  const spec = { ...agentSpec(), options, component: { compiled, assets: [] } };
  const shared = allocateShared([{ key: AGENT_INSTANCES_KEY, bytes: totalBytes(1, 1) }], {});
  const preparing = agents.prepare({ specs: [spec], dropped: [], attached: [] }, shared);
  deepEqual(created(), [["waf", 1]], "it starts");
  const { set, problems } = await preparing;
  deepEqual([problems, created()], [[], [["waf", 1]]]);
  set.dispose();
  deepEqual(created(), [], "it is no more");
  agents.dispose();
});
