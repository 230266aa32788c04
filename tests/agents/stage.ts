/** Agents on the real machine without a proxy around them, and what can be seen of them. */

import { SENTINEL_WORLD } from "../../src/agents/contract/sentinel_world.ts";
import { ZENTINEL_WORLD } from "../../src/agents/contract/zentinel_world.ts";
import type { Outcome } from "../../src/agents/contract/sentinel_types.ts";
import { MetricStore } from "../../src/agents/host/metric_store.ts";
import { agentDefaults, type AgentOptions } from "../../src/agents/options.ts";
import { NO_AGENT_METER } from "../../src/agents/runtime/agent_meter.ts";
import type { RequestView } from "../../src/agents/runtime/bound_agent.ts";
import { type CallResult, LiveAgent } from "../../src/agents/runtime/live_agent.ts";
import { compileComponent } from "../../src/agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../src/agents/wasm/component_limits.ts";
import type { Log, Timers } from "../../src/core/ports.ts";
import { allocateShared } from "../../src/core/shared_memory.ts";
import { agentFactory, agentKvNeed } from "../../src/engine/agent_factory.ts";
import { worldOf } from "../../src/server/agent_store_types.ts";
import { createClock, createRandom } from "../../src/server/platform.ts";
import { NodeSignatureVerifier } from "../../src/server/signature_verifier.ts";
import { fixture } from "./corpus.ts";

/** A request as a test writes it down. */
export interface RequestSketch {
  readonly method?: string;
  /** Default `/some/path`. */
  readonly target?: string;
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}

const BROWSER_HEADERS = [
  { name: "Host", value: "example.test" },
  { name: "User-Agent", value: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
  { name: "Accept", value: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" },
  { name: "Accept-Language", value: "en-GB,en;q=0.5" },
];

/** Nothing stands in the way of the next call: neither the breaker nor the quarantine ever acts. */
const UNSHAKEN = {
  circuitBreaker: { failureThreshold: 1e6, successThreshold: 1, timeoutSecs: 1, halfOpenMaxRequests: 1 },
  quarantine: { traps: 1e5, windowSecs: 0.1, retrySecs: 1 },
};

/** More would only be more of the same. */
const LOG_LINES_MAX = 100;

/** What a stage is told by the agents on it. */
export interface StageSigns {
  /** A line was logged, by an agent or about it. */
  readonly onLog?: () => void;
}

/** See `agentStage`. */
export class AgentStage implements AsyncDisposable {
  /** The first lines that were logged. */
  readonly log: string[] = [];
  /** Most instances that were alive at one time. */
  mostInstances = 0;
  readonly #instancesMax: number;
  readonly #timers = new StageTimers();
  readonly #agents: LiveAgent[] = [];
  #live = 0;

  constructor(instancesMax: number) {
    this.#instancesMax = instancesMax;
  }

  /** Instances of all agents. */
  get liveInstances(): number {
    return this.#live;
  }

  /** An agent, loaded but not started. Throws `AgentLoadError`. */
  load(
    bytes: Uint8Array,
    options: Partial<AgentOptions> | { grant: readonly string[] },
    signs: StageSigns = {},
  ): LiveAgent {
    const all = { ...agentDefaults("attack", "attack.wasm"), ...UNSHAKEN, ...options } as AgentOptions;
    const compiled = compileComponent(bytes, {
      ...DEFAULT_COMPONENT_LIMITS,
      functionBytesMax: all.maxFunctionBytes,
      memoryBytesMax: all.memory,
      fuelAtStart: all.fuel,
      accounting: all.fuelAccounting,
    });
    worldOf(compiled, [SENTINEL_WORLD, ZENTINEL_WORLD]);
    const spec = {
      id: all.id,
      digest: "",
      world: `${compiled.world.package}@${compiled.world.version}`,
      component: { compiled, assets: [] },
      options: all,
      revision: "",
    };
    const clock = createClock();
    const kvNeed = agentKvNeed(all);
    const log: Log = (level, message, fields) => {
      if (this.log.length < LOG_LINES_MAX) this.log.push(`${level} ${message} ${JSON.stringify(fields)}`);
      signs.onLog?.();
    };
    const factory = agentFactory(spec, {
      ports: { clock, random: createRandom(), log },
      agentPorts: {
        verifier: new NodeSignatureVerifier(),
        transport: () => Promise.reject(new Error("these tests fetch nothing")),
      },
      shared: allocateShared(kvNeed === undefined ? [] : [kvNeed], {}),
      metrics: new MetricStore(),
      meter: { call() {}, answer() {}, refused() {} },
    });
    const agent = new LiveAgent(spec, {
      factory,
      clock,
      timers: this.#timers,
      log,
      budget: { take: () => this.#take(), give: () => void this.#live-- },
      meter: NO_AGENT_METER,
    });
    this.#agents.push(agent);
    return agent;
  }

  /** A fixture agent that guards `/private`, started. */
  async guard(language: "c" | "rust" | "js", options: Partial<AgentOptions> = {}): Promise<LiveAgent> {
    const agent = this.load(await fixture(language), {
      config: `{"prefix":"/private","word":"attack"}`,
      ...options,
    });
    await agent.start();
    return agent;
  }

  /** A request as agents see it. */
  request({ method = "GET", target = "/some/path", headers = BROWSER_HEADERS }: RequestSketch): RequestView {
    const [path = "", query = ""] = target.split("?");
    const byName = new Map(headers.map(({ name, value }) => [name.toLowerCase(), value]));
    return {
      id: () => "0123456789abcdef",
      method: () => method,
      target: () => target,
      path: () => path,
      query: () => query,
      host: () => "example.test",
      header: (name) => byName.get(name.toLowerCase()),
      headers: () => headers,
      route: () => "route",
      upstream: () => undefined,
      traceparent: () => "",
      metadata: () => undefined,
      clientAddress: () => "192.0.2.1",
      clientPort: () => 40_000,
      tls: () => undefined,
      protocol: () => "HTTP/1.1",
      timestampMs: () => 1_700_000_000_000,
    };
  }

  /** Puts one request before an agent, alone. */
  async ask(agent: LiveAgent, sketch: RequestSketch): Promise<CallResult<Outcome>> {
    const visit = agent.visit();
    const result = await visit.onRequestHeaders(this.request(sketch));
    visit.end();
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) agent.dispose("shutdown");
    this.#timers.stop();
  }

  #take(): boolean {
    if (this.#live >= this.#instancesMax) return false;
    this.mostInstances = Math.max(this.mostInstances, ++this.#live);
    return true;
  }
}

/** Timers that keep the test waiting, unlike the proxy's, which never keep the process alive. */
class StageTimers implements Timers {
  readonly #ids = new Set<ReturnType<typeof setTimeout>>();

  after(ms: number, run: () => void): () => void {
    const id = setTimeout(() => {
      this.#ids.delete(id);
      run();
    }, ms);
    this.#ids.add(id);
    return () => {
      this.#ids.delete(id);
      clearTimeout(id);
    };
  }

  every(): () => void {
    throw new Error("nothing on a stage is done at intervals");
  }

  stop(): void {
    for (const id of this.#ids) clearTimeout(id);
  }
}

/** An empty stage on which at most so many instances live at a time. */
export function agentStage(instancesMax = 4096): AgentStage {
  return new AgentStage(instancesMax);
}
