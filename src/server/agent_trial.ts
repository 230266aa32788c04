import { MetricStore } from "../agents/host/metric_store.ts";
import { AgentLoadError } from "../agents/guest.ts";
import type { AgentOptions } from "../agents/options.ts";
import type { AgentInstance } from "../agents/runtime/bound_agent.ts";
import { chosenEvents } from "../agents/runtime/live_agent.ts";
import type { InstanceImage } from "../agents/wasm/instance_image.ts";
import { assert } from "../core/assert.ts";
import type { AgentPorts } from "../engine/agent_factory.ts";
import { agentFactory, agentKvNeed } from "../engine/agent_factory.ts";
import type { Ports, Timers } from "../core/ports.ts";
import type { AgentTrial, AgentTrialResult } from "./agent_catalogue.ts";

/** What a trial is made with. */
export interface AgentTrialInit extends Pick<Ports, "clock" | "random" | "log"> {
  readonly timers: Timers;
  /** Agents may need their keys or rules from elsewhere before they can be configured. */
  readonly agentPorts: AgentPorts;
  /** Frees the memory of an instance whose state was taken, some time after the trial; undefined: whenever it comes. */
  readonly collect?: () => void;
}

/** After a trial, until its memory is freed; the worker threads start meanwhile. */
const COLLECT_AFTER_MS = 1000;

const NOT_SHARED = "set share-configured #false";

/** What an agent that shares its configured state must leave alone meanwhile: only the one that is tried would have it. */
const OWN_STATE: readonly string[] = ["kv", "metrics"];

/**
 * Starts one instance of an agent, configures it and asks who it is: so what is wrong with a file is known before
 * any request meets it. It has memory of its own in place of what instances share. Where all instances are to start
 * from its state, that is taken when it is configured.
 */
export function createAgentTrial({ timers, agentPorts, collect, ...ports }: AgentTrialInit): AgentTrial {
  return async (spec) => {
    const { options } = spec;
    const need = agentKvNeed(options);
    const shared = need === undefined ? {} : { [need.key]: new SharedArrayBuffer(need.bytes) };
    const called = new Set<string>();
    // Nothing is counted: an agent on trial has no requests.
    const meter = { call: (capability: string) => void called.add(capability), answer() {}, refused() {} };
    const deps = { ports, agentPorts, shared, metrics: new MetricStore(), meter };
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
      const image = options.shareConfigured ? () => imageOf(instance, called) : () => undefined;
      const introduced = introduce(instance, options, image);
      const result = await Promise.race([late, introduced]);
      if (result.image !== undefined && collect !== undefined) timers.after(COLLECT_AFTER_MS, collect);
      return { ...result, events };
    } finally {
      cancel();
      late.catch(() => {});
    }
  };
}

async function introduce(
  instance: AgentInstance,
  { config, configureFuel }: AgentOptions,
  image: () => InstanceImage | undefined,
): Promise<Omit<AgentTrialResult, "events">> {
  const { agent } = instance;
  try {
    instance.refill(configureFuel);
    const answer = await agent.configure(config);
    if (answer.type === "error") {
      const problems = answer.value.map(({ path, message }) => path === "" ? message : `${path}: ${message}`);
      throw new Refused(`its configuration is refused: ${problems.join("; ")}`);
    }
    const taken = image();
    instance.refill(configureFuel);
    const described = await agent.describe?.();
    return { version: described?.version ?? "", summary: described?.summary ?? "", image: taken };
  } catch (cause) {
    if (cause instanceof Refused) throw cause;
    const trap = instance.trapOf(cause);
    throw new Error(`it trapped (${trap.kind}): ${trap.message}`, { cause });
  }
}

/** The state of a configured instance. `called` has what it used on the way. */
function imageOf(instance: AgentInstance, called: ReadonlySet<string>): InstanceImage {
  const own = OWN_STATE.find((capability) => called.has(capability));
  if (own !== undefined) {
    throw new Refused(`it uses ${own} while it is configured: ${NOT_SHARED}`);
  }
  assert(instance.image !== undefined, "instances of components have images");
  try {
    return instance.image();
  } catch (cause) {
    if (!(cause instanceof AgentLoadError)) throw cause;
    throw new Refused(`${cause.message}: ${NOT_SHARED}`);
  }
}

class Refused extends Error {}
