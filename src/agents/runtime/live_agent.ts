import type { Clock, Log, Timers } from "../../core/ports.ts";
import type { MaybePromise } from "../../core/message.ts";
import type { Finding, Reason, Result, Subject } from "../contract/sentinel_types.ts";
import { AgentTrap } from "../guest.ts";
import { AGENT_EVENTS, type AgentEvent, type AgentOptions, instancesMax } from "../options.ts";
import type { AgentFailure, AgentHook, AgentMeter } from "./agent_meter.ts";
import { AgentPool, type InstanceBudget } from "./agent_pool.ts";
import type { AgentSpec } from "./agent_spec.ts";
import { AgentVisit } from "./agent_visit.ts";
import { type AgentInstance, type BoundAgent, chain, type InstanceFactory } from "./bound_agent.ts";
import { Breaker, type BreakerState } from "./breaker.ts";
import { AgentCallError, failureOf } from "./call_error.ts";
import { Quarantine, type QuarantineState } from "./quarantine.ts";
import { within } from "./time_limit.ts";

/** The same failure of one agent is logged at most this often, with the number since. */
const LOG_INTERVAL_MS = 1000;

/** What came of a call: its value, or why there is none. `fuel` is what it used. */
export type CallResult<T> =
  | { readonly failed: undefined; readonly value: T; readonly fuel: number }
  | { readonly failed: AgentFailure; readonly message: string; readonly fuel: number };

/** What a live agent works with. */
export interface LiveAgentDeps {
  readonly factory: InstanceFactory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly budget: InstanceBudget;
  readonly meter: AgentMeter;
}

/** An agent as status pages and gauges show it, as this thread sees it. */
export interface AgentState {
  readonly id: string;
  readonly digest: string;
  readonly world: string;
  readonly mode: AgentOptions["mode"];
  readonly events: readonly AgentEvent[];
  readonly grants: readonly string[];
  readonly instances: number;
  readonly idleInstances: number;
  /** Of the idle instances. */
  readonly memoryBytes: number;
  /** Calls under way or waiting for an instance. */
  readonly calls: number;
  readonly waiting: number;
  readonly breaker: BreakerState;
  readonly quarantine: QuarantineState;
  readonly isDraining: boolean;
  /** The last failure, with the time it happened. */
  readonly lastFailure:
    | { readonly kind: AgentFailure; readonly message: string; readonly wallMs: number }
    | undefined;
}

/** One call as a visit asks for it. */
export interface AgentCall<T> {
  readonly hook: AgentHook;
  /** Longest wait, for an instance and then for the call if it suspends. */
  readonly timeoutMs: number;
  readonly run: (agent: BoundAgent) => MaybePromise<T>;
  /** Throws a trap of kind `malformed` when the value breaks a rule. */
  readonly check?: ((value: T) => void) | undefined;
}

/** Where a call gets its instance from, and what becomes of it afterwards. */
export interface InstanceSource {
  acquire(waitMs: number): MaybePromise<AgentInstance>;
  release(instance: AgentInstance): void;
  /** The instance trapped, or is stuck; whoever made the call discards it. */
  lost?(): void;
}

/**
 * An agent of this thread: its instances, what it may use, and whether it is in service. It outlives reloads that
 * change nothing about it.
 */
export class LiveAgent {
  readonly spec: AgentSpec;
  readonly meter: AgentMeter;
  /** What it is told of. */
  readonly events: ReadonlySet<AgentEvent>;
  readonly pool: AgentPool;

  readonly #deps: LiveAgentDeps;
  readonly #breaker: Breaker;
  readonly #quarantine: Quarantine;
  readonly #bornMs: number;
  #serials = 0;
  #calls = 0;
  #isDraining = false;
  #lastFailure: AgentState["lastFailure"];
  #quietUntilMs = -Infinity;
  #unlogged = 0;

  constructor(spec: AgentSpec, deps: LiveAgentDeps) {
    const { options } = spec;
    this.spec = spec;
    this.meter = deps.meter;
    this.#deps = deps;
    this.#bornMs = deps.clock.nowMs();
    this.events = chosenEvents(options.events, deps.factory.handles);
    this.#breaker = new Breaker(options.circuitBreaker, (state) => this.#breakerChanged(state));
    this.#quarantine = new Quarantine(options.quarantine, (state) => this.#quarantineChanged(state));
    this.pool = new AgentPool({
      isolation: options.isolation,
      instancesMax: instancesMax(options),
      waitersMax: options.maxConcurrentCalls,
      fuel: options.fuel,
      configureFuel: options.configureFuel,
      config: options.config,
      startTimeoutMs: options.timeoutMs,
    }, { ...deps, startFailed: (cause) => this.#failed(cause, deps.clock.nowMs()) });
  }

  get id(): string {
    return this.spec.id;
  }

  get options(): AgentOptions {
    return this.spec.options;
  }

  get isShadow(): boolean {
    return this.spec.options.mode === "shadow";
  }

  /** It was told that no new request will come. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Largest body that it takes, by its own account. */
  get bodyBytesMax(): number {
    return this.#deps.factory.bodyBytesMax ?? Infinity;
  }

  handles(event: AgentEvent): boolean {
    return this.events.has(event);
  }

  /** A name for a request that this thread gives no second time, not even by an agent that takes this one's place. */
  nextSerial(): string {
    return `${this.id}-${this.#bornMs}-${++this.#serials}`;
  }

  /** Begins what the agent has to do with one request; `timeoutMs` in place of its own. End it with `end`. */
  visit(timeoutMs?: number): AgentVisit {
    return new AgentVisit(this, timeoutMs ?? this.options.timeoutMs);
  }

  /** Asks about a text; for guardrails, which are no part of a request's chain. */
  inspect(subject: Subject): MaybePromise<CallResult<Finding>> {
    return this.call({
      hook: "guardrail",
      timeoutMs: this.options.timeoutMs,
      run: (agent) => agent.guardrailInspect!(subject),
    }, this.pool);
  }

  /** Makes and configures a first instance. Fails with what is wrong. */
  start(): MaybePromise<void> {
    return this.pool.warm(this.options.timeoutMs);
  }

  /** Asks the agent itself how it is; an agent without that hook is well when an instance can be had. */
  health(): MaybePromise<Result<string, string>> {
    const result = this.call<Result<string, string>>({
      hook: "health",
      timeoutMs: this.options.timeoutMs,
      run: (agent) => agent.health?.() ?? { type: "ok", value: "" },
    }, this.pool);
    return chain(result, (call) => {
      if (call.failed === undefined) return call.value;
      return { type: "error", value: `${call.failed}: ${call.message}` };
    });
  }

  state(): AgentState {
    const { id, digest, world, options } = this.spec;
    return {
      id,
      digest,
      world,
      mode: options.mode,
      events: AGENT_EVENTS.filter((event) => this.events.has(event)),
      grants: options.grant,
      instances: this.pool.live,
      idleInstances: this.pool.idle,
      memoryBytes: this.pool.idleMemoryBytes(),
      calls: this.#calls,
      waiting: this.pool.waiting,
      breaker: this.#breaker.state,
      quarantine: this.#quarantine.state,
      isDraining: this.#isDraining,
      lastFailure: this.#lastFailure,
    };
  }

  /** Tells it that no new request will come; requests under way go on. */
  drain(reason: Reason): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.pool.drain(reason);
  }

  /** Ends it. Calls under way go on, and their instances with them. */
  dispose(reason: Reason): void {
    this.drain(reason);
    this.pool.close(reason);
    this.#deps.factory.dispose?.();
  }

  /** Makes one call. Never throws, never rejects: whatever goes wrong is the result's `failed`. */
  call<T>(call: AgentCall<T>, source: InstanceSource): MaybePromise<CallResult<T>> {
    const nowMs = this.#deps.clock.nowMs();
    const obstacle = this.#obstacle(nowMs);
    if (obstacle !== undefined) {
      this.meter.failed(call.hook, obstacle.kind, NO_COST);
      return { failed: obstacle.kind, message: obstacle.message, fuel: 0 };
    }
    this.#calls++;
    try {
      const acquired = source.acquire(call.timeoutMs);
      if (!(acquired instanceof Promise)) {
        return this.#make({ call, source, instance: acquired, startedMs: nowMs });
      }
      return acquired.then(
        (instance) => this.#make({ call, source, instance, startedMs: this.#deps.clock.nowMs() }),
        (cause) => this.#unmade(call, cause),
      );
    } catch (cause) {
      return this.#unmade(call, cause);
    }
  }

  /** Why no call may be made now. When there is nothing, `succeeded`, `failed` or `abandoned` must follow. */
  #obstacle(nowMs: number): AgentCallError | undefined {
    if (this.#calls >= this.options.maxConcurrentCalls) {
      return new AgentCallError("busy", `${this.#calls} calls are under way or waiting`);
    }
    if (!this.#quarantine.allows(nowMs)) return new AgentCallError("quarantined", "it trapped too often");
    if (this.#breaker.allows(nowMs)) return undefined;
    this.#quarantine.abandoned();
    return new AgentCallError("paused", "it failed too often in a row");
  }

  #make<T>(run: Run<T>): MaybePromise<CallResult<T>> {
    const { call, instance } = run;
    instance.refill(this.options.fuel);
    let value: MaybePromise<T>;
    try {
      value = call.run(instance.agent);
    } catch (cause) {
      return this.#trapped(run, cause);
    }
    if (value instanceof Promise) return this.#await(run, value);
    return this.#made(run, value);
  }

  /** A call that waits for something: the instance is nobody else's meanwhile. */
  #await<T>(run: Run<T>, pending: Promise<T>): Promise<CallResult<T>> {
    let isLate = false;
    const { timeoutMs } = run.call;
    return within(pending, {
      ms: timeoutMs,
      timers: this.#deps.timers,
      late: () => {
        isLate = true;
        return new AgentCallError("timeout", `it waited longer than ${timeoutMs} ms`);
      },
      settled: () => {
        // Not before: what it waits for still holds on to its memory.
        if (isLate) this.pool.discard(run.instance, "timeout");
      },
    }).then(
      (value) => this.#made(run, value),
      (cause) => isLate ? this.#late(run, cause as AgentCallError) : this.#trapped(run, cause),
    );
  }

  #made<T>(run: Run<T>, value: T): CallResult<T> {
    const { call, source, instance, startedMs } = run;
    const ms = this.#deps.clock.nowMs() - startedMs;
    if (ms > this.options.slowCallMs) this.#slow(call.hook, ms);
    try {
      call.check?.(value);
    } catch (cause) {
      return this.#trapped(run, cause);
    }
    const fuel = instance.fuelUsed();
    this.#calls--;
    source.release(instance);
    this.#breaker.succeeded();
    this.#quarantine.passed();
    this.meter.called(call.hook, fuel, ms);
    return { failed: undefined, value, fuel };
  }

  #trapped<T>(run: Run<T>, cause: unknown): CallResult<T> {
    const { call, source, instance, startedMs } = run;
    const trap = cause instanceof AgentTrap ? cause : instance.trapOf(cause);
    const fuel = instance.fuelUsed();
    const now = this.#deps.clock.nowMs();
    this.#calls--;
    source.lost?.();
    this.pool.discard(instance, "trap");
    this.#failed(trap, now);
    this.meter.failed(call.hook, trap.kind, { fuel, ms: now - startedMs });
    return { failed: trap.kind, message: trap.message, fuel };
  }

  #late<T>(run: Run<T>, cause: AgentCallError): CallResult<T> {
    const fuel = run.instance.fuelUsed();
    run.instance.stop?.();
    const now = this.#deps.clock.nowMs();
    this.#calls--;
    run.source.lost?.();
    this.#failed(cause, now);
    this.meter.failed(run.call.hook, cause.kind, { fuel, ms: now - run.startedMs });
    return { failed: cause.kind, message: cause.message, fuel };
  }

  /** There was no instance. That one could not be started is the agent's fault, that none was free is not. */
  #unmade<T>(call: AgentCall<T>, cause: unknown): CallResult<T> {
    const { kind, message } = failureOf(cause);
    this.#calls--;
    this.#failed(cause, this.#deps.clock.nowMs());
    this.meter.failed(call.hook, kind, NO_COST);
    return { failed: kind, message, fuel: 0 };
  }

  #failed(cause: unknown, nowMs: number): void {
    const { kind, message } = failureOf(cause);
    this.#lastFailure = { kind, message, wallMs: this.#deps.clock.wallMs() };
    this.#logFailure(`Agent "${this.id}" failed`, nowMs, { kind, cause: message });
    if (kind === "busy" || kind === "retired") {
      this.#breaker.abandoned();
      this.#quarantine.abandoned();
      return;
    }
    this.#breaker.failed(nowMs);
    if (cause instanceof AgentTrap) this.#quarantine.trapped(nowMs);
    else this.#quarantine.abandoned();
  }

  #slow(hook: AgentHook, ms: number): void {
    this.meter.slow(hook);
    const rounded = Math.round(ms * 100) / 100;
    this.#logFailure(`Agent "${this.id}" is slow`, this.#deps.clock.nowMs(), { hook, ms: rounded });
  }

  /** One line a second at most: a client that makes an agent fail must not fill the log. */
  #logFailure(message: string, nowMs: number, fields: Readonly<Record<string, unknown>>): void {
    if (nowMs < this.#quietUntilMs) {
      this.#unlogged++;
      return;
    }
    this.#deps.log("warn", message, this.#unlogged === 0 ? fields : { ...fields, unlogged: this.#unlogged });
    this.#quietUntilMs = nowMs + LOG_INTERVAL_MS;
    this.#unlogged = 0;
  }

  #breakerChanged(state: BreakerState): void {
    const level = state === "open" ? "warn" : "info";
    this.#deps.log(level, `Circuit breaker of agent "${this.id}" is ${state}`);
  }

  #quarantineChanged(state: QuarantineState): void {
    const { log } = this.#deps;
    const { retrySecs } = this.options.quarantine;
    switch (state) {
      case "out-of-service":
        return log("error", `Agent "${this.id}" traps too often and is out of service`, {
          retrySecs,
          cause: this.#lastFailure?.message,
        });
      case "trial":
        return log("info", `Agent "${this.id}" is tried again`);
      case "in-service":
        return log("info", `Agent "${this.id}" is back in service`);
    }
  }
}

const NO_COST = Object.freeze({ fuel: 0, ms: 0 });

/** A call under way. */
interface Run<T> {
  readonly call: AgentCall<T>;
  readonly source: InstanceSource;
  readonly instance: AgentInstance;
  readonly startedMs: number;
}

/** What an agent is told of: what was asked for, or else everything it handles. Throws when it does not handle it. */
export function chosenEvents(
  wanted: readonly AgentEvent[],
  handled: ReadonlySet<AgentEvent>,
): ReadonlySet<AgentEvent> {
  if (wanted.length === 0) return handled;
  const missing = wanted.filter((event) => !handled.has(event));
  if (missing.length === 0) return new Set(wanted);
  const known = [...handled].join(", ") || "none";
  throw new Error(`the component does not handle ${missing.join(", ")}; it handles ${known}`);
}
