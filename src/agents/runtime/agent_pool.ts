import type { MaybePromise } from "../../core/message.ts";
import type { Timers } from "../../core/ports.ts";
import type { Reason } from "../contract/sentinel_types.ts";
import type { AgentMeter, DiscardReason } from "./agent_meter.ts";
import { type AgentInstance, chain, type InstanceFactory } from "./bound_agent.ts";
import { AgentCallError, AgentRefusal } from "./call_error.ts";
import { within } from "./time_limit.ts";
import { WARM_UP_REQUEST } from "./warm_up.ts";

/** Live instances that all agents of all threads may have together: beyond about 30 000 the process would abort. */
export const INSTANCES_MAX = 4096;

/** Counts the live instances of the whole process. */
export interface InstanceBudget {
  /** Counts one more; false when there are `INSTANCES_MAX` already. */
  take(): boolean;
  give(): void;
}

/** How a pool keeps its instances. */
export interface PoolOptions {
  readonly isolation: "shared" | "reset" | "fresh";
  readonly instancesMax: number;
  readonly waitersMax: number;
  readonly fuel: number;
  readonly configureFuel: number;
  /** JSON. */
  readonly config: string;
  /** For a start that waits, and for an end that does. */
  readonly startTimeoutMs: number;
}

/** What a pool works with. */
export interface PoolDeps {
  readonly factory: InstanceFactory;
  readonly budget: InstanceBudget;
  readonly timers: Timers;
  readonly meter: AgentMeter;
  /** Told when an instance could not be started in the background. */
  readonly startFailed: (cause: unknown) => void;
}

interface Waiter {
  readonly resolve: (instance: MaybePromise<AgentInstance>) => void;
  readonly reject: (cause: Error) => void;
  readonly cancel: () => void;
}

/** The instances of one agent in one thread; each is used by one call, or one request, at a time. */
export class AgentPool {
  readonly #options: PoolOptions;
  readonly #deps: PoolDeps;
  /** The last one used comes first again: its memory is in the processor's caches. */
  readonly #idle: AgentInstance[] = [];
  readonly #waiters: Waiter[] = [];
  /** Instances that exist or are being started. */
  #live = 0;
  /** Fewest idle instances since the last `trim`. */
  #idleMin = 0;
  #cancelReplacement: (() => void) | undefined;
  #closing: Reason | undefined;

  constructor(options: PoolOptions, deps: PoolDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get live(): number {
    return this.#live;
  }

  get idle(): number {
    return this.#idle.length;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Bytes of memory of the instances that nobody uses now. */
  idleMemoryBytes(): number {
    return this.#idle.reduce((sum, instance) => sum + instance.memoryBytes(), 0);
  }

  /**
   * An instance for one call or request, to be given to `release` or `discard`. At once when one is idle or can be
   * made; else when one becomes free, within `waitMs`. Fails with `AgentTrap` or `AgentCallError`.
   */
  acquire(waitMs: number): MaybePromise<AgentInstance> {
    if (this.#closing !== undefined) throw new AgentCallError("retired", "the agent is being replaced");
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#idleMin = Math.min(this.#idleMin, this.#idle.length);
      return idle;
    }
    if (this.#live < this.#options.instancesMax && this.#deps.budget.take()) return this.#start();
    return this.#wait(waitMs);
  }

  /** The instance is free again; with isolation it is set back or discarded first. */
  release(instance: AgentInstance): void {
    if (this.#closing !== undefined) return this.#shutDown(instance, this.#closing);
    const { isolation } = this.#options;
    if (isolation === "fresh") return this.discard(instance, "used");
    if (isolation === "reset") {
      if (!instance.reset()) return this.discard(instance, "reset");
      this.#deps.meter.wasReset();
    }
    this.#offer(instance);
  }

  /** The instance must not be used any more. One that had trapped is replaced before the next call needs it. */
  discard(_instance: AgentInstance, reason: DiscardReason): void {
    this.#gone(reason);
    if (reason === "trap" || reason === "timeout") this.#replace();
  }

  /** An instance kept ready, or why there can be none. Safe to call again. */
  warm(waitMs: number): MaybePromise<void> {
    if (this.#idle.length > 0) return;
    return chain(this.acquire(waitMs), (instance) => this.#offer(instance));
  }

  /** Discards what nobody needed since the last call, down to one. */
  trim(): void {
    for (let surplus = this.#idleMin; surplus > 0 && this.#idle.length > 1; surplus--) {
      this.#idle.shift();
      this.#gone("idle");
    }
    this.#idleMin = this.#idle.length;
  }

  /** Tells the instances at rest that no new request will come; one that waits is at rest again afterwards. */
  drain(reason: Reason): void {
    for (const instance of this.#idle.splice(0)) {
      const told = this.#tell(instance, () => instance.agent.drain?.(reason));
      void chain(told, (failure) => {
        if (failure === undefined) this.#offer(instance);
        else this.#gone(failure);
      });
    }
  }

  /** Ends every instance, those in use or being drained when that is over; who waits is turned away. */
  close(reason: Reason): void {
    if (this.#closing !== undefined) return;
    this.#closing = reason;
    this.#cancelReplacement?.();
    for (const waiter of this.#waiters.splice(0)) {
      waiter.cancel();
      waiter.reject(new AgentCallError("retired", "the agent is being replaced"));
    }
    for (const instance of this.#idle.splice(0)) this.#shutDown(instance, reason);
  }

  /** A place is taken already: makes the instance for it, configured. */
  #start(): MaybePromise<AgentInstance> {
    this.#live++;
    try {
      const { factory, meter } = this.#deps;
      const instance = factory.create(this.#options.configureFuel);
      meter.created();
      const started = this.#configure(instance);
      return started instanceof Promise ? this.#await(instance, started) : started;
    } catch (cause) {
      this.#gone("start");
      throw cause;
    }
  }

  /** A start that waits. When it fails its place is free, but not before it has come to an end. */
  async #await(instance: AgentInstance, started: Promise<AgentInstance>): Promise<AgentInstance> {
    let isLate = false;
    const ms = this.#options.startTimeoutMs;
    try {
      return await within(started, {
        ms,
        timers: this.#deps.timers,
        late: () => {
          isLate = true;
          instance.stop?.();
          return new AgentCallError("timeout", `it did not start within ${ms} ms`);
        },
        settled: () => {
          if (isLate) this.#gone("start");
        },
      });
    } catch (cause) {
      if (!isLate) this.#gone("start");
      throw cause;
    }
  }

  #configure(instance: AgentInstance): MaybePromise<AgentInstance> {
    const { configureFuel, config } = this.#options;
    instance.refill(configureFuel);
    const configured = instance.isConfigured === true
      ? undefined
      : guarded(instance, () => instance.agent.configure(config));
    return chain(configured, (result) => {
      if (result?.type === "error") throw new AgentRefusal(result.value);
      if (this.#options.isolation !== "reset") return instance;
      instance.refill(this.#options.fuel);
      return chain(
        guarded<unknown>(instance, () => instance.agent.onRequestHeaders?.(WARM_UP_REQUEST)),
        () => {
          instance.snapshot();
          return instance;
        },
      );
    });
  }

  #wait(waitMs: number): Promise<AgentInstance> {
    if (this.#waiters.length >= this.#options.waitersMax) {
      throw new AgentCallError("busy", `${this.#waiters.length} calls wait for an instance already`);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve,
        reject,
        cancel: this.#deps.timers.after(waitMs, () => {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          reject(new AgentCallError("busy", `no instance was free within ${waitMs} ms`));
        }),
      };
      this.#waiters.push(waiter);
    });
  }

  #offer(instance: AgentInstance): void {
    if (this.#closing !== undefined) return this.#shutDown(instance, this.#closing);
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#idle.push(instance);
      return;
    }
    waiter.cancel();
    waiter.resolve(instance);
  }

  /** An instance is no more: its place goes to whoever waits for one. */
  #gone(reason: DiscardReason): void {
    this.#live--;
    this.#deps.budget.give();
    this.#deps.meter.discarded(reason);
    if (this.#waiters.length === 0 || this.#closing !== undefined || !this.#deps.budget.take()) return;
    const waiter = this.#waiters.shift()!;
    waiter.cancel();
    try {
      waiter.resolve(this.#start());
    } catch (cause) {
      waiter.reject(cause as Error);
    }
  }

  #replace(): void {
    if (this.#options.isolation === "fresh" || this.#cancelReplacement !== undefined) return;
    this.#cancelReplacement = this.#deps.timers.after(0, () => {
      this.#cancelReplacement = undefined;
      if (this.#closing !== undefined || this.#idle.length > 0) return;
      if (this.#live >= this.#options.instancesMax || !this.#deps.budget.take()) return;
      try {
        const started = chain(this.#start(), (instance) => this.#offer(instance));
        if (started instanceof Promise) started.catch(this.#deps.startFailed);
      } catch (cause) {
        this.#deps.startFailed(cause);
      }
    });
  }

  #shutDown(instance: AgentInstance, reason: Reason): void {
    const told = this.#tell(instance, () => instance.agent.shutdown?.(reason));
    void chain(told, () => this.#gone("retired"));
  }

  /** A call of which nothing but its end matters, for a bounded time: what went wrong. Never throws, never rejects. */
  #tell(
    instance: AgentInstance,
    call: () => MaybePromise<void>,
  ): MaybePromise<"trap" | "timeout" | undefined> {
    instance.refill(this.#options.fuel);
    try {
      const told = call();
      if (!(told instanceof Promise)) return undefined;
      const ms = this.#options.startTimeoutMs;
      return within(told, {
        ms,
        timers: this.#deps.timers,
        late: () => {
          instance.stop?.();
          return new AgentCallError("timeout", `it waited longer than ${ms} ms`);
        },
      }).then(() => undefined, (cause) => cause instanceof AgentCallError ? "timeout" : "trap");
    } catch {
      return "trap";
    }
  }
}

/** A call whose failure is a trap. */
function guarded<T>(instance: AgentInstance, call: () => MaybePromise<T>): MaybePromise<T> {
  try {
    const result = call();
    if (!(result instanceof Promise)) return result;
    return result.catch((cause) => {
      throw instance.trapOf(cause);
    });
  } catch (cause) {
    throw instance.trapOf(cause);
  }
}
