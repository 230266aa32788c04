import { MetricStore } from "../agents/host/metric_store.ts";
import type { AgentInstance } from "../agents/runtime/bound_agent.ts";
import { chosenEvents } from "../agents/runtime/live_agent.ts";
import type { Description } from "../agents/contract/sentinel_types.ts";
import type { AgentPorts } from "../engine/agent_factory.ts";
import { agentFactory, agentKvNeed } from "../engine/agent_factory.ts";
import type { Ports, Timers } from "../core/ports.ts";
import type { AgentTrial } from "./agent_catalogue.ts";

/** What a trial is made with. */
export interface AgentTrialInit extends Pick<Ports, "clock" | "random" | "log"> {
  readonly timers: Timers;
  /** Agents may need their keys or rules from elsewhere before they can be configured. */
  readonly agentPorts: AgentPorts;
}

/** Nothing is counted, and nobody is asked: an agent on trial has no requests. */
const SILENT = { call() {}, answer() {}, refused() {} };

/**
 * Starts one instance of an agent, configures it and asks who it is: so what is wrong with a file is known before
 * any request meets it. It has memory of its own in place of what instances share.
 */
export function createAgentTrial({ timers, agentPorts, ...ports }: AgentTrialInit): AgentTrial {
  return async (spec) => {
    const { options } = spec;
    const need = agentKvNeed(options);
    const shared = need === undefined ? {} : { [need.key]: new SharedArrayBuffer(need.bytes) };
    const deps = { ports, agentPorts, shared, metrics: new MetricStore(), meter: SILENT };
    const factory = agentFactory(spec, deps);
    const events = chosenEvents(options.events, factory.handles);
    const instance = factory.create(options.configureFuel);
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = timers.after(options.timeoutMs, () => {
        reject(new Error(`it was not configured within ${options.timeoutMs} ms`));
      });
    });
    try {
      const introduced = introduce(instance, options.config, options.configureFuel);
      const { version, summary } = await Promise.race([late, introduced]);
      return { version, summary, events };
    } finally {
      cancel();
      late.catch(() => {});
    }
  };
}

async function introduce(
  instance: AgentInstance,
  config: string | undefined,
  fuel: number,
): Promise<Description> {
  const { agent } = instance;
  try {
    instance.refill(fuel);
    const answer = await agent.configure(config ?? "{}");
    if (answer.type === "error") {
      const problems = answer.value.map(({ path, message }) => path === "" ? message : `${path}: ${message}`);
      throw new Refused(`its configuration is refused: ${problems.join("; ")}`);
    }
    instance.refill(fuel);
    return await agent.describe?.() ?? { id: "", version: "", summary: "" };
  } catch (cause) {
    if (cause instanceof Refused) throw cause;
    const trap = instance.trapOf(cause);
    throw new Error(`it trapped (${trap.kind}): ${trap.message}`, { cause });
  }
}

class Refused extends Error {}
