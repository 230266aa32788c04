import type { AgentState } from "../agents/runtime/live_agent.ts";
import { type AgentSet, LiveAgents } from "../agents/runtime/live_agents.ts";
import { type InstanceBudget, INSTANCES_MAX } from "../agents/runtime/agent_pool.ts";
import type { AgentSpec } from "../agents/runtime/agent_spec.ts";
import type { InstanceFactory } from "../agents/runtime/bound_agent.ts";
import { METRIC_BOUNDS, MetricStore } from "../agents/host/metric_store.ts";
import { assert } from "../core/assert.ts";
import type { Ports } from "../core/ports.ts";
import type { SharedMemory } from "../core/shared_memory.ts";
import { SharedTotals } from "../counters/shared_totals.ts";
import type { WorkerSeat } from "../counters/shared_gauges.ts";
import { customFamilies } from "../observe/agent_custom.ts";
import type { FamilySnapshot } from "../observe/metrics_snapshot.ts";
import { AgentMeters } from "../observe/agent_meters.ts";
import type { MetricsRegistry } from "../observe/metrics.ts";
import type { AgentComponent, AgentPlan } from "./agent_plan.ts";
import { agentFactory, type AgentPorts } from "./agent_factory.ts";
import { AGENT_INSTANCES_KEY } from "./shared_needs.ts";

/** What the agents of a thread are made with. */
export interface ThreadAgentsInit {
  readonly ports: Ports;
  readonly agentPorts: AgentPorts;
  readonly registry: MetricsRegistry;
  readonly seat: WorkerSeat;
}

/** The agents of one thread, over all its configurations, with what is counted about them. */
export class ThreadAgents {
  readonly #init: ThreadAgentsInit;
  readonly #meters: AgentMeters;
  readonly #stores = new Map<string, MetricStore>();
  readonly #agents: LiveAgents<AgentComponent>;
  #shared: SharedMemory = {};
  #instances: SharedTotals | undefined;

  constructor(init: ThreadAgentsInit) {
    this.#init = init;
    this.#meters = new AgentMeters(init.registry);
    const { clock, timers, log } = init.ports;
    this.#agents = new LiveAgents({
      clock,
      timers,
      log,
      budget: this.#budget(),
      factoryFor: (spec) => this.#factory(spec),
      meterFor: (id) => this.#meters.of(id),
    });
  }

  /**
   * Starts the agents of a configuration that do not run yet. One that the configuration names and that cannot
   * start is a problem; one of the agents folder is left out instead, and logged.
   */
  async prepare(
    plan: AgentPlan,
    shared: SharedMemory,
  ): Promise<{ readonly set: AgentSet; readonly problems: string[] }> {
    this.#shared = shared;
    const memory = shared[AGENT_INSTANCES_KEY];
    assert(memory !== undefined, "memory for the count of instances was allocated");
    this.#instances ??= new SharedTotals(memory, this.#init.seat);
    const { set, problems } = await this.#agents.prepare(plan.specs);
    const serious: string[] = [];
    for (const { id, message } of problems) {
      const text = `Cannot start agent "${id}": ${message}`;
      if (!plan.dropped.includes(id)) serious.push(text);
      else this.#init.ports.log("error", text);
    }
    return { set, problems: serious };
  }

  /** Every agent there is, those that are draining included. */
  states(): readonly AgentState[] {
    return this.#agents.states();
  }

  /** Fills the gauges, and forgets series of agents that are no more; those that start keep what they have counted. */
  recordGauges(): void {
    const ids = new Set<string>();
    for (const state of this.states()) {
      // Two of one id are there while the old one drains; the new one counts.
      if (state.isDraining && ids.has(state.id)) continue;
      ids.add(state.id);
      this.#meters.of(state.id).holds({
        instances: state.instances,
        memoryBytes: state.memoryBytes,
        breaker: state.breaker,
        outOfService: state.quarantine !== "in-service",
      });
    }
    for (const id of this.#agents.startingIds()) ids.add(id);
    this.#meters.retain(ids);
    for (const id of this.#stores.keys()) if (!ids.has(id)) this.#stores.delete(id);
  }

  /** What agents count themselves. */
  customFamilies(): FamilySnapshot[] {
    const rows = Array.from(this.#stores, ([agent, store]) => ({ agent, ...store.snapshot() }));
    return customFamilies(rows, METRIC_BOUNDS);
  }

  dispose(): void {
    this.#agents.dispose();
  }

  #factory(spec: AgentSpec<AgentComponent>): InstanceFactory {
    let metrics = this.#stores.get(spec.id);
    if (metrics === undefined) this.#stores.set(spec.id, metrics = new MetricStore());
    return agentFactory(spec, {
      ports: this.#init.ports,
      agentPorts: this.#init.agentPorts,
      shared: this.#shared,
      metrics,
      meter: this.#meters.of(spec.id).host,
    });
  }

  #budget(): InstanceBudget {
    return {
      take: () => this.#instances?.tryAcquire(0, INSTANCES_MAX) ?? false,
      give: () => this.#instances?.release(0),
    };
  }
}
