/** Agents made of plain functions, for tests of what runs around them. */

import type {
  Audit,
  BodyEdit,
  BodyOutcome,
  Decision,
  Outcome,
} from "../../src/agents/contract/sentinel_types.ts";
import { AgentTrap, type TrapKind } from "../../src/agents/guest.ts";
import { agent as agentSchema, type AgentEvent, type AgentOptions } from "../../src/agents/options.ts";
import type { AgentFailure, AgentMeter } from "../../src/agents/runtime/agent_meter.ts";
import type { InstanceBudget } from "../../src/agents/runtime/agent_pool.ts";
import type { AgentSpec } from "../../src/agents/runtime/agent_spec.ts";
import type { AgentInstance, BoundAgent, InstanceFactory } from "../../src/agents/runtime/bound_agent.ts";
import { LiveAgent } from "../../src/agents/runtime/live_agent.ts";
import type { AgentDirectory } from "../../src/agents/runtime/live_agents.ts";
import { parseKdl } from "../../src/config/kdl.ts";
import { Reading } from "../../src/core/reading.ts";
import type { Log } from "../../src/core/ports.ts";
import type { FakeTime } from "./fake_socket.ts";

const NO_AUDIT: Audit = { tags: [], ruleIds: [], reasonCodes: [], confidence: undefined, custom: [] };

/** An outcome that allows, with changes. */
export function outcome(changes: Partial<Outcome> = {}): Outcome {
  return {
    decision: { type: "allow" },
    requestHeaders: [],
    responseHeaders: [],
    target: undefined,
    method: undefined,
    metadata: [],
    audit: NO_AUDIT,
    needsMore: false,
    ...changes,
  };
}

export function audit(changes: Partial<Audit>): Audit {
  return { ...NO_AUDIT, ...changes };
}

export function bodyOutcome(edit: BodyEdit = { type: "keep" }, changes: Partial<Outcome> = {}): BodyOutcome {
  return { outcome: outcome(changes), edit };
}

export function block(status: number, body?: string): Decision {
  return { type: "block", value: { status, body, headers: [] } };
}

/** Reads `agent "waf" { … }`; problems as lines. */
export function readAgent(body: string): { options: AgentOptions | undefined; problems: string[] } {
  const text = `agent "waf" {\n${body}\n}`;
  const parsed = parseKdl(text, "test.kdl");
  if (parsed.issues.length > 0) throw new Error(`${parsed.issues[0]!.message}: ${text}`);
  const reading = new Reading();
  const options = agentSchema.read(parsed.nodes, { reading, parent: parsed.nodes[0]!, name: "agent" });
  const problems = reading.issues.map(({ message, hint }) => hint ? `${message} (${hint})` : message);
  return { options: options as AgentOptions | undefined, problems };
}

/** The options of an agent that must be right; its file is given. */
export function agentOptions(body = ""): AgentOptions {
  const { options, problems } = readAgent(`wasm "a.wasm"\n${body}`);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return options!;
}

export function agentSpec(body = "", changes: Partial<AgentSpec> = {}): AgentSpec {
  return {
    id: "waf",
    digest: "d".repeat(64),
    world: "sentinel:agent@1",
    component: undefined,
    options: agentOptions(body),
    revision: "",
    ...changes,
  };
}

/** Throws what a guest would that traps. */
export function trap(kind: TrapKind = "unreachable"): never {
  throw new AgentTrap(kind, `trap: ${kind}`);
}

/** One instance: a state of one number, and what was done with it. */
export class FakeInstance implements AgentInstance {
  readonly number: number;
  readonly agent: BoundAgent;
  /** What a guest would keep in its memory. */
  state = 0;
  budget = 0;
  used = 0;
  /** What `reset` returns. */
  canReset = true;
  #saved: number | undefined;

  constructor(number: number, makeAgent: (instance: FakeInstance) => Partial<BoundAgent>) {
    this.number = number;
    this.agent = { configure: () => ({ type: "ok", value: undefined }), ...makeAgent(this) };
  }

  memoryBytes(): number {
    return 65_536;
  }

  refill(units: number): void {
    this.budget = units;
    this.used = 0;
  }

  fuelUsed(): number {
    return this.used;
  }

  stop(): void {
    this.budget = 0;
  }

  snapshot(): void {
    this.#saved = this.state;
  }

  reset(): boolean {
    if (this.#saved === undefined) throw new Error("nothing was remembered");
    this.state = this.#saved;
    return this.canReset;
  }

  trapOf(cause: unknown): AgentTrap {
    return cause instanceof AgentTrap ? cause : new AgentTrap("host", String(cause));
  }
}

/** Makes fake instances and remembers them. */
export class FakeFactory implements InstanceFactory {
  readonly handles: ReadonlySet<AgentEvent>;
  readonly instances: FakeInstance[] = [];
  disposed = 0;
  /** Called before each instance is made; may throw. */
  onCreate: (() => void) | undefined;
  #makeAgent: (instance: FakeInstance) => Partial<BoundAgent>;

  constructor(
    makeAgent: (instance: FakeInstance) => Partial<BoundAgent>,
    handles: readonly AgentEvent[] = ["request-headers"],
  ) {
    this.#makeAgent = makeAgent;
    this.handles = new Set(handles);
  }

  create(fuel: number): FakeInstance {
    this.onCreate?.();
    const instance = new FakeInstance(this.instances.length, this.#makeAgent);
    instance.refill(fuel);
    this.instances.push(instance);
    return instance;
  }

  dispose(): void {
    this.disposed++;
  }
}

/** Writes down what is counted. */
export class FakeMeter implements AgentMeter {
  readonly events: string[] = [];
  called(hook: string, fuel: number): void {
    this.events.push(`called ${hook} ${fuel}`);
  }
  failed(hook: string, kind: AgentFailure): void {
    this.events.push(`failed ${hook} ${kind}`);
  }
  slow(hook: string): void {
    this.events.push(`slow ${hook}`);
  }
  decided(hook: string, verdict: string): void {
    this.events.push(`decided ${hook} ${verdict}`);
  }
  skipped(hook: string, reason: string): void {
    this.events.push(`skipped ${hook} ${reason}`);
  }
  compared(agreement: string): void {
    this.events.push(agreement);
  }
  found(ruleIds: readonly string[], verdict: string): void {
    this.events.push(`found ${ruleIds.join(" ")} ${verdict}`);
  }
  created(): void {
    this.events.push("created");
  }
  discarded(reason: string): void {
    this.events.push(`discarded ${reason}`);
  }
  wasReset(): void {
    this.events.push("reset");
  }
  count(event: string): number {
    return this.events.filter((each) => each === event).length;
  }
}

/** A budget of so many instances. */
export class FakeBudget implements InstanceBudget {
  taken = 0;
  readonly max: number;
  constructor(max = Infinity) {
    this.max = max;
  }
  take(): boolean {
    if (this.taken >= this.max) return false;
    this.taken++;
    return true;
  }
  give(): void {
    this.taken--;
    if (this.taken < 0) throw new Error("more were given back than taken");
  }
}

/** What was logged. */
export interface LoggedLine {
  readonly level: Parameters<Log>[0];
  readonly message: string;
  readonly fields: Parameters<Log>[2];
}

export interface LiveRig {
  readonly live: LiveAgent;
  readonly meter: FakeMeter;
  readonly budget: FakeBudget;
  readonly lines: LoggedLine[];
}

/** A live agent over a fake factory, in fake time. */
export function liveAgent(
  factory: InstanceFactory,
  time: FakeTime,
  init: { readonly options?: string; readonly spec?: Partial<AgentSpec>; readonly budget?: FakeBudget } = {},
): LiveRig {
  const meter = new FakeMeter();
  const budget = init.budget ?? new FakeBudget();
  const lines: LoggedLine[] = [];
  const live = new LiveAgent(agentSpec(init.options, init.spec), {
    factory,
    clock: time,
    timers: time,
    log: (level, message, fields) => void lines.push({ level, message, fields }),
    budget,
    meter,
  });
  return { live, meter, budget, lines };
}

/** A directory of these agents. */
export function directoryOf(...agents: readonly LiveAgent[]): AgentDirectory {
  return { find: (id) => agents.find((each) => each.id === id), all: () => agents };
}
