/** One agent, alone, in the machine that it would run in. */

import { MetricStore } from "../agents/host/metric_store.ts";
import { AgentLoadError, AgentTrap } from "../agents/guest.ts";
import type { ConfigProblem, Description } from "../agents/contract/sentinel_types.ts";
import type { AgentOptions } from "../agents/options.ts";
import { NO_AGENT_METER } from "../agents/runtime/agent_meter.ts";
import type { AgentSpec } from "../agents/runtime/agent_spec.ts";
import type { AgentInstance, InstanceFactory } from "../agents/runtime/bound_agent.ts";
import { LiveAgent } from "../agents/runtime/live_agent.ts";
import type { CompiledComponent } from "../agents/wasm/compile_component.ts";
import type { Log } from "../core/ports.ts";
import { allocateShared } from "../core/shared_memory.ts";
import { agentFactory, agentKvNeed } from "../engine/agent_factory.ts";
import type { AgentAsset, AgentComponent } from "../engine/agent_plan.ts";
import { AgentFetch } from "../server/agent_fetch.ts";
import { createClock, createRandom, createTimers } from "../server/platform.ts";
import { NodeSignatureVerifier } from "../server/signature_verifier.ts";

/** Longest text of a description that is shown. */
const DESCRIPTION_LENGTH_MAX = 200;

/** What the machine is made for. */
export interface AgentMachineInit {
  readonly options: AgentOptions;
  readonly compiled: CompiledComponent;
  readonly digest: string;
  readonly assets: readonly AgentAsset[];
  readonly log: Log;
}

/** The agent as one worker thread has it. */
export class AgentMachine implements Disposable {
  readonly live: LiveAgent;
  readonly clock = createClock();
  readonly #web = new AgentFetch();
  readonly #factory: InstanceFactory;

  /** Throws `AgentLoadError` when the component cannot be bound, or an instance of it not even be made. */
  constructor({ options, compiled, digest, assets, log }: AgentMachineInit) {
    const spec: AgentSpec<AgentComponent> = {
      id: options.id,
      digest,
      world: `${compiled.world.package}@${compiled.world.version}`,
      component: { compiled, assets },
      options,
      revision: "",
    };
    const need = agentKvNeed(options);
    this.#factory = madeOrRefused(() =>
      agentFactory(spec, {
        ports: { clock: this.clock, random: createRandom(), log },
        agentPorts: { verifier: new NodeSignatureVerifier(), transport: this.#web.send },
        shared: allocateShared(need === undefined ? [] : [need], {}),
        metrics: new MetricStore(),
        meter: { call() {}, answer() {}, refused() {} },
      })
    );
    const deps = {
      factory: this.#factory,
      clock: this.clock,
      timers: createTimers(),
      log,
      // Alone in the process, it is bounded by its own options.
      budget: { take: () => true, give() {} },
      meter: NO_AGENT_METER,
    };
    this.live = madeOrRefused(() => new LiveAgent(spec, deps));
  }

  /** Asks an instance that nobody has configured who it is. Throws `AgentLoadError` when that does not work. */
  async describe(): Promise<Description> {
    const { configureFuel } = this.live.options;
    let instance: AgentInstance | undefined;
    try {
      instance = this.#factory.create(configureFuel);
      instance.refill(configureFuel);
      const said = await instance.agent.describe?.();
      if (said === undefined) return { id: "?", version: "?", summary: "" };
      return { id: short(said.id), version: short(said.version), summary: short(said.summary) };
    } catch (cause) {
      throw refusal(instance === undefined ? cause : instance.trapOf(cause), "when it is asked who it is");
    }
  }

  /**
   * Configures an instance that is used for nothing else; the result is what is wrong with its configuration. Throws
   * `AgentLoadError` when it traps.
   */
  async configure(): Promise<readonly ConfigProblem[]> {
    const { configureFuel, config } = this.live.options;
    let instance: AgentInstance | undefined;
    try {
      instance = this.#factory.create(configureFuel);
      instance.refill(configureFuel);
      const answer = await instance.agent.configure(config);
      return answer.type === "error" ? answer.value : [];
    } catch (cause) {
      throw refusal(instance === undefined ? cause : instance.trapOf(cause), "when it is configured");
    }
  }

  /** Makes and configures a first instance. Throws `AgentLoadError` when that does not work. */
  async start(): Promise<void> {
    try {
      await this.live.start();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new AgentLoadError(`it cannot be started: ${why}`, { cause });
    }
  }

  [Symbol.dispose](): void {
    this.live.dispose("shutdown");
    this.#web.close();
  }
}

function madeOrRefused<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw refusal(cause, "when it is started");
  }
}

/** Why the component is not taken: it trapped, or it is not what its options say. Mistakes of ours stay what they are. */
function refusal(cause: unknown, when: string): unknown {
  if (cause instanceof AgentTrap) {
    return new AgentLoadError(`it traps ${when} (${cause.kind}): ${cause.message}`, { cause });
  }
  const isPlain = cause instanceof Error && Object.getPrototypeOf(cause) === Error.prototype;
  return isPlain ? new AgentLoadError(cause.message, { cause }) : cause;
}

function short(text: string): string {
  return text.length > DESCRIPTION_LENGTH_MAX ? `${text.slice(0, DESCRIPTION_LENGTH_MAX)}…` : text;
}
