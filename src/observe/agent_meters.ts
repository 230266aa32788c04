import type { Counter, Gauge, Histogram, MetricsRegistry } from "./metrics.ts";

/** Bounds of the time of one call, seconds: an agent answers in microseconds, or waits for others. */
export const CALL_SECONDS_BUCKETS = Object.freeze([
  0.000_001,
  0.000_002_5,
  0.000_005,
  0.000_01,
  0.000_025,
  0.000_05,
  0.000_1,
  0.000_25,
  0.000_5,
  0.001,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.5,
  1,
]);

/** Bounds of the fuel of one call, units; about one an instruction. */
export const FUEL_BUCKETS = Object.freeze([
  100,
  300,
  1_000,
  3_000,
  10_000,
  30_000,
  100_000,
  300_000,
  1_000_000,
  3_000_000,
  10_000_000,
  30_000_000,
  100_000_000,
  1_000_000_000,
]);

/** Failures that are traps: the instance was lost. All others never reached the agent, or it was too slow. */
const TRAPS: ReadonlySet<string> = new Set([
  "fuel",
  "memory",
  "stack",
  "unreachable",
  "malformed",
  "denied",
  "host",
]);

/** By badness, so that the worst thread shows when all are put together. */
const BREAKER_VALUES: Readonly<Record<string, number>> = { closed: 0, "half-open": 1, open: 2 };

/** What an agent holds at the moment in one thread. */
export interface AgentGauges {
  readonly instances: number;
  readonly memoryBytes: number;
  readonly breaker: "closed" | "half-open" | "open";
  /** Taken out of service for its traps; a trial call does not change that yet. */
  readonly outOfService: boolean;
}

/** Every metric of agents of one thread. `event` is the call: `request-headers`, `websocket-open`, … */
export class AgentMeters {
  readonly #families: AgentFamilies;
  readonly #meters = new Map<string, AgentCounts>();

  constructor(registry: MetricsRegistry) {
    this.#families = createAgentFamilies(registry);
  }

  /** The meter of an agent; the same one however often it is asked for, so that counts outlive a reload. */
  of(agent: string): AgentCounts {
    let meter = this.#meters.get(agent);
    if (meter === undefined) this.#meters.set(agent, meter = new AgentCounts(this.#families, agent));
    return meter;
  }

  /** Forgets agents that are no more. */
  retain(agents: ReadonlySet<string>): void {
    for (const agent of this.#meters.keys()) if (!agents.has(agent)) this.#meters.delete(agent);
    for (const family of Object.values(this.#families)) family.retain(([agent]) => agents.has(agent!));
  }
}

/** The metrics of one agent; implements what the runtime of agents reports to. */
export class AgentCounts {
  readonly #families: AgentFamilies;
  readonly #agent: string;
  readonly #hooks = new Map<string, HookCounts>();
  readonly #fuel: Counter;
  readonly #created: Counter;
  readonly #resets: Counter;
  readonly #discarded: Cached<Counter>;
  readonly #compared: Cached<Counter>;
  readonly #transactions: Cached<Counter>;
  readonly #rules = new Map<string, Counter>();
  readonly #instances: Gauge;
  readonly #memory: Gauge;
  readonly #breaker: Gauge;
  readonly #outOfService: Gauge;
  /** What the agent asks of the proxy. */
  readonly host: HostCounts;

  constructor(families: AgentFamilies, agent: string) {
    this.#families = families;
    this.#agent = agent;
    this.#fuel = families.fuelTotal.labels(agent);
    this.#created = families.created.labels(agent);
    this.#resets = families.resets.labels(agent);
    this.#discarded = new Cached((reason) => families.discarded.labels(agent, reason));
    this.#compared = new Cached((agreement) => families.shadow.labels(agent, agreement));
    this.#transactions = new Cached((verdict) => families.transactions.labels(agent, verdict));
    this.#instances = families.instances.labels(agent);
    this.#memory = families.memory.labels(agent);
    this.#breaker = families.breaker.labels(agent);
    this.#outOfService = families.outOfService.labels(agent);
    this.host = new HostCounts(families, agent);
  }

  /** A call gave a result. */
  called(hook: string, fuel: number, ms: number): void {
    this.#of(hook).called(fuel, ms);
    this.#fuel.inc(fuel);
  }

  /** A call gave none; `fuel` and `ms` are 0 when it was not even begun. */
  failed(hook: string, kind: string, cost: { readonly fuel: number; readonly ms: number }): void {
    this.#of(hook).failed(kind, cost);
    this.#fuel.inc(cost.fuel);
  }

  /** A call took longer than the agent's `slow-call-ms`. */
  slow(hook: string): void {
    this.#of(hook).slow.inc();
  }

  /** A call ended with a verdict, whether it was followed or not. */
  decided(hook: string, verdict: string): void {
    this.#of(hook).verdicts.of(verdict).inc();
  }

  /** The agent did not see a body. */
  skipped(hook: string, reason: string): void {
    const counts = this.#of(hook);
    counts.verdicts.of("skipped").inc();
    counts.skips.of(reason).inc();
  }

  /** A shadow agent's verdict was compared to what happened. */
  compared(agreement: string): void {
    this.#compared.of(agreement).inc();
  }

  /** A firewall found something in a request: which rules matched, and what came of it. */
  found(ruleIds: readonly string[], verdict: string): void {
    this.#transactions.of(verdict).inc();
    for (const id of ruleIds) this.#rule(id).inc();
  }

  created(): void {
    this.#created.inc();
  }

  discarded(reason: string): void {
    this.#discarded.of(reason).inc();
  }

  /** An instance was put back to its first state. */
  wasReset(): void {
    this.#resets.inc();
  }

  /** What the agent holds now; to be told before every scrape. */
  holds(gauges: AgentGauges): void {
    this.#instances.set(gauges.instances);
    this.#memory.set(gauges.memoryBytes);
    this.#breaker.set(BREAKER_VALUES[gauges.breaker]!);
    this.#outOfService.set(gauges.outOfService ? 1 : 0);
  }

  /** Rules are the operator's, and few; what a broken agent makes up must not become metrics without end. */
  #rule(id: string): Counter {
    let rule = this.#rules.get(id);
    if (rule !== undefined) return rule;
    const label = this.#rules.size < RULES_MAX && RULE_ID.test(id) ? id : OTHER_RULES;
    rule = this.#families.ruleMatches.labels(this.#agent, label);
    if (label === id) this.#rules.set(id, rule);
    return rule;
  }

  #of(hook: string): HookCounts {
    let counts = this.#hooks.get(hook);
    if (counts === undefined) {
      this.#hooks.set(hook, counts = new HookCounts(this.#families, this.#agent, hook));
    }
    return counts;
  }
}

/** What one agent asks of the interfaces that it was granted; implements what these report to. */
export class HostCounts {
  readonly #calls: Cached<Counter>;
  readonly #given: Cached<Counter>;
  readonly #taken: Cached<Counter>;
  readonly #refusals: Cached<Cached<Counter>>;

  constructor(families: AgentFamilies, agent: string) {
    this.#calls = new Cached((capability) => families.hostCalls.labels(agent, capability));
    this.#given = new Cached((capability) => families.hostBytes.labels(agent, capability, "to-host"));
    this.#taken = new Cached((capability) => families.hostBytes.labels(agent, capability, "to-agent"));
    this.#refusals = new Cached((capability) =>
      new Cached((reason) => families.hostRefusals.labels(agent, capability, reason))
    );
  }

  /** A call is about to be served; `bytes` is what the agent handed over. */
  call(capability: string, bytes: number): void {
    this.#calls.of(capability).inc();
    if (bytes > 0) this.#given.of(capability).inc(bytes);
  }

  /** What the agent gets back, where that can be more than a number. */
  answer(capability: string, bytes: number): void {
    if (bytes > 0) this.#taken.of(capability).inc(bytes);
  }

  /** All of a call or a part of it was not carried out, and why. */
  refused(capability: string, reason: string): void {
    this.#refusals.of(capability).of(reason).inc();
  }
}

/** The children of one agent and one kind of call. */
class HookCounts {
  readonly #calls: Counter;
  readonly #fuel: Histogram;
  readonly #seconds: Histogram;
  readonly #traps: Cached<Counter>;
  readonly #failures: Cached<Counter>;
  readonly #timeouts: Counter;
  readonly slow: Counter;
  readonly verdicts: Cached<Counter>;
  readonly skips: Cached<Counter>;

  constructor(families: AgentFamilies, agent: string, hook: string) {
    this.#calls = families.calls.labels(agent, hook);
    this.#fuel = families.fuel.labels(agent, hook);
    this.#seconds = families.seconds.labels(agent, hook);
    this.#traps = new Cached((kind) => families.traps.labels(agent, hook, kind));
    this.#failures = new Cached((kind) => families.failures.labels(agent, hook, kind));
    this.#timeouts = families.timeouts.labels(agent, hook);
    this.slow = families.slow.labels(agent, hook);
    this.verdicts = new Cached((verdict) => families.verdicts.labels(agent, hook, verdict));
    this.skips = new Cached((reason) => families.skips.labels(agent, hook, reason));
  }

  called(fuel: number, ms: number): void {
    this.#calls.inc();
    this.#fuel.observe(fuel);
    this.#seconds.observe(ms / 1000);
  }

  failed(kind: string, { fuel, ms }: { readonly fuel: number; readonly ms: number }): void {
    const isTrap = TRAPS.has(kind);
    (isTrap ? this.#traps : this.#failures).of(kind).inc();
    if (kind === "timeout") this.#timeouts.inc();
    this.verdicts.of("failed").inc();
    // A call that was not begun says nothing about how long calls take.
    if (isTrap || fuel > 0 || ms > 0) this.called(fuel, ms);
  }
}

/** Children by their last label, each looked up once. The labels are words of ours, so there are few. */
class Cached<Child> {
  readonly #known = new Map<string, Child>();
  readonly #create: (label: string) => Child;

  constructor(create: (label: string) => Child) {
    this.#create = create;
  }

  of(label: string): Child {
    let child = this.#known.get(label);
    if (child === undefined) this.#known.set(label, child = this.#create(label));
    return child;
  }
}

type AgentFamilies = ReturnType<typeof createAgentFamilies>;

function createAgentFamilies(registry: MetricsRegistry) {
  return {
    ...callFamilies(registry),
    ...instanceFamilies(registry),
    ...hostFamilies(registry),
    ...firewallFamilies(registry),
  };
}

/** Rules of one firewall that have a metric of their own; matches of further ones are counted together. */
const RULES_MAX = 1000;
const RULE_ID = /^[\w.-]{1,64}$/;
const OTHER_RULES = "other";

// `agent` is the first label of every family; `retain` relies on that.
function firewallFamilies(registry: MetricsRegistry) {
  return {
    ruleMatches: registry.counter({
      name: "sentinel_waf_rule_matches_total",
      help: "Requests in which a rule of a firewall matched; beyond 1000 rules as rule_id other.",
      labels: ["agent", "rule_id"],
    }),
    transactions: registry.counter({
      name: "sentinel_waf_transactions_total",
      help: "Requests in which rules of a firewall matched: pass, detected (would have been refused), block.",
      labels: ["agent", "verdict"],
    }),
  };
}

function callFamilies(registry: MetricsRegistry) {
  const perEvent = ["agent", "event"];
  return {
    calls: registry.counter({
      name: "sentinel_agent_calls_total",
      help: "Calls into an agent, successful or not.",
      labels: perEvent,
    }),
    verdicts: registry.counter({
      name: "sentinel_agent_verdicts_total",
      help: "Verdicts: allow, block, redirect, challenge, failed when there was none, skipped bodies.",
      labels: [...perEvent, "verdict"],
    }),
    seconds: registry.histogram({
      name: "sentinel_agent_latency_seconds",
      help: "Duration of a call into an agent.",
      labels: perEvent,
      buckets: CALL_SECONDS_BUCKETS,
    }),
    fuel: registry.histogram({
      name: "sentinel_agent_call_fuel_units",
      help: "Fuel of one call into an agent, about one unit an instruction.",
      labels: perEvent,
      buckets: FUEL_BUCKETS,
    }),
    fuelTotal: registry.counter({
      name: "sentinel_agent_fuel_units_total",
      help: "Fuel of all calls into an agent.",
      labels: ["agent"],
    }),
    traps: registry.counter({
      name: "sentinel_agent_traps_total",
      help: "Calls that trapped: fuel, memory, stack, unreachable, malformed, denied, host.",
      labels: [...perEvent, "kind"],
    }),
    failures: registry.counter({
      name: "sentinel_agent_failures_total",
      help: "Calls without a result that did not trap: refused, timeout, busy, paused, quarantined, …",
      labels: [...perEvent, "kind"],
    }),
    timeouts: registry.counter({
      name: "sentinel_agent_timeouts_total",
      help: "Calls that waited longer than the agent's time limit.",
      labels: perEvent,
    }),
    slow: registry.counter({
      name: "sentinel_agent_slow_calls_total",
      help: "Calls that took longer than the agent's slow-call-ms.",
      labels: perEvent,
    }),
    skips: registry.counter({
      name: "sentinel_agent_body_skips_total",
      help: "Bodies that an agent did not see: too-large for its limit, or an earlier part failed.",
      labels: [...perEvent, "reason"],
    }),
    shadow: registry.counter({
      name: "sentinel_agent_shadow_calls_total",
      help: "Verdicts of agents in shadow mode, by how they compare to what was done.",
      labels: ["agent", "agreement"],
    }),
  };
}

function instanceFamilies(registry: MetricsRegistry) {
  const labels = ["agent"];
  return {
    instances: registry.gauge({
      name: "sentinel_agent_instances",
      help: "Live instances of an agent.",
      labels,
    }),
    created: registry.counter({
      name: "sentinel_agent_instances_created_total",
      help: "Instances made.",
      labels,
    }),
    discarded: registry.counter({
      name: "sentinel_agent_instances_discarded_total",
      help: "Instances given up, by why.",
      labels: ["agent", "reason"],
    }),
    resets: registry.counter({
      name: "sentinel_agent_instance_resets_total",
      help: "Times an instance was put back to its first state.",
      labels,
    }),
    memory: registry.gauge({
      name: "sentinel_agent_memory_bytes",
      help: "Memory of an agent's live instances.",
      labels,
    }),
    breaker: registry.gauge({
      name: "sentinel_agent_circuit_breaker_state",
      help: "State of an agent's circuit breaker in the worst worker: 0 closed, 1 half-open, 2 open.",
      labels,
      merge: "max",
    }),
    outOfService: registry.gauge({
      name: "sentinel_agent_out_of_service",
      help: "Workers in which an agent is out of service because it trapped too often.",
      labels,
    }),
  };
}

function hostFamilies(registry: MetricsRegistry) {
  const labels = ["agent", "capability"];
  return {
    hostCalls: registry.counter({
      name: "sentinel_agent_host_calls_total",
      help: "Calls of an agent into interfaces that it was granted.",
      labels,
    }),
    hostBytes: registry.counter({
      name: "sentinel_agent_host_bytes_total",
      help: "Bytes that an agent handed over in such calls (to-host) and got back (to-agent).",
      labels: [...labels, "direction"],
    }),
    hostRefusals: registry.counter({
      name: "sentinel_agent_host_refusals_total",
      help: "Such calls that were not carried out in full, by why.",
      labels: [...labels, "reason"],
    }),
  };
}
