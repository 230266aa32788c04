import type { Clock, Log, Timers } from "../../core/ports.ts";
import type { Reason } from "../contract/sentinel_types.ts";
import type { AgentMeter } from "./agent_meter.ts";
import type { InstanceBudget } from "./agent_pool.ts";
import { type AgentSpec, retirementReason, specIdentity } from "./agent_spec.ts";
import type { InstanceFactory } from "./bound_agent.ts";
import { type AgentState, LiveAgent } from "./live_agent.ts";

/** How often instances that nobody needs are looked for. */
const TRIM_INTERVAL_MS = 30_000;

/** Where filters find agents. */
export interface AgentDirectory {
  find(id: string): LiveAgent | undefined;
  /** In the order of the configuration. */
  all(): readonly LiveAgent[];
}

/** What agents of a thread are made with. */
export interface LiveAgentsDeps<Component> {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly budget: InstanceBudget;
  /** Binds a component to what its agent is granted. Throws when that cannot be done. */
  readonly factoryFor: (spec: AgentSpec<Component>) => InstanceFactory;
  readonly meterFor: (id: string) => AgentMeter;
}

/** An agent that could not be started, and why. */
export interface AgentProblem {
  readonly id: string;
  readonly message: string;
}

interface Entry {
  readonly identity: string;
  readonly agent: LiveAgent;
  /** Sets that hold it. */
  holders: number;
}

/** The agents of one configuration; each is shared with other sets as long as nothing about it differs. */
export class AgentSet implements AgentDirectory {
  readonly #byId: ReadonlyMap<string, Entry>;
  readonly #letGo: (entry: Entry, reason: Reason) => void;
  /** By id. Not the next set itself: a set that one long request holds would keep all later ones. */
  #reasons: ReadonlyMap<string, Reason> = new Map();
  #isDisposed = false;

  constructor(entries: readonly Entry[], letGo: (entry: Entry, reason: Reason) => void) {
    this.#byId = new Map(entries.map((entry) => [entry.agent.id, entry]));
    this.#letGo = letGo;
  }

  find(id: string): LiveAgent | undefined {
    return this.#byId.get(id)?.agent;
  }

  all(): readonly LiveAgent[] {
    return Array.from(this.#byId.values(), (entry) => entry.agent);
  }

  /** No new request comes to this set, but to `next`: agents that it does not share are told. */
  retire(next: AgentSet | "shutdown"): void {
    const reasons = new Map<string, Reason>();
    for (const { agent } of this.#byId.values()) {
      const successor = next === "shutdown" ? undefined : next.find(agent.id);
      const reason = next === "shutdown" ? next : retirementReason(agent.spec, successor?.spec);
      reasons.set(agent.id, reason);
      if (successor !== agent) agent.drain(reason);
    }
    this.#reasons = reasons;
  }

  /** The last request of this set is over. Safe to call twice. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const entry of this.#byId.values()) {
      this.#letGo(entry, this.#reasons.get(entry.agent.id) ?? "removed");
    }
  }
}

/** Every agent of a thread, over reloads: an agent about which nothing changes keeps its instances and its state. */
export class LiveAgents<Component> {
  readonly #deps: LiveAgentsDeps<Component>;
  readonly #entries = new Set<Entry>();
  readonly #starting = new Set<LiveAgent>();
  readonly #stopTrimming: () => void;
  #isShuttingDown = false;

  constructor(deps: LiveAgentsDeps<Component>) {
    this.#deps = deps;
    this.#stopTrimming = deps.timers.every(TRIM_INTERVAL_MS, () => {
      for (const { agent } of this.#entries) agent.pool.trim();
    });
  }

  /**
   * The agents for a configuration, new ones started. Agents with a problem are not in the set, so the caller decides
   * whether it can do without them; if not, it disposes of the set.
   */
  async prepare(
    specs: readonly AgentSpec<Component>[],
  ): Promise<{ readonly set: AgentSet; readonly problems: readonly AgentProblem[] }> {
    const held: Entry[] = [];
    const problems: AgentProblem[] = [];
    for (const spec of specs) {
      try {
        held.push(await this.#hold(spec));
      } catch (cause) {
        problems.push({ id: spec.id, message: cause instanceof Error ? cause.message : String(cause) });
      }
    }
    return { set: new AgentSet(held, (entry, reason) => this.#release(entry, reason)), problems };
  }

  /** Every agent there is, those that are on their way out included: the newest of an id comes first. */
  states(): readonly AgentState[] {
    return Array.from(this.#entries, ({ agent }) => agent.state()).reverse();
  }

  /** Ids of agents that no set holds yet. */
  startingIds(): readonly string[] {
    return Array.from(this.#starting, ({ id }) => id);
  }

  /** Ends the thread's part: what is left is told that the proxy shuts down. */
  dispose(): void {
    this.#isShuttingDown = true;
    this.#stopTrimming();
    for (const entry of this.#entries) entry.agent.dispose("shutdown");
    this.#entries.clear();
  }

  async #hold(spec: AgentSpec<Component>): Promise<Entry> {
    const identity = specIdentity(spec);
    for (const known of this.#entries) {
      // One that was told to expect no more requests gets none, even if the same is wanted again meanwhile.
      if (known.identity !== identity || known.agent.isDraining) continue;
      known.holders++;
      return known;
    }
    const { clock, timers, log, budget, factoryFor, meterFor } = this.#deps;
    const deps = { clock, timers, log, budget, factory: factoryFor(spec), meter: meterFor(spec.id) };
    const agent = new LiveAgent(spec, deps);
    this.#starting.add(agent);
    try {
      await agent.start();
      if (this.#isShuttingDown) throw new Error("the proxy is shutting down");
    } catch (cause) {
      agent.dispose(this.#isShuttingDown ? "shutdown" : "removed");
      throw cause;
    } finally {
      this.#starting.delete(agent);
    }
    const entry = { identity, agent, holders: 1 };
    this.#entries.add(entry);
    return entry;
  }

  #release(entry: Entry, reason: Reason): void {
    if (--entry.holders > 0 || this.#isShuttingDown) return;
    this.#entries.delete(entry);
    entry.agent.dispose(reason);
  }
}
