import type { Config } from "../config/document.ts";
import { type AgentPlan, NO_AGENTS } from "../engine/agent_plan.ts";
import type { Log } from "../core/ports.ts";
import { allocateShared } from "../core/shared_memory.ts";
import type { SharedMemory, SharedNeed } from "../core/shared_memory.ts";
import type { ConfigSource, LoadedConfig } from "./config_source.ts";
import { Fleet } from "./fleet.ts";
import type { FleetThread } from "./fleet.ts";
import { checkListeners } from "./listener_checks.ts";
import { Mutex } from "./mutex.ts";
import { restartWarnings } from "./restart_warnings.ts";
import type { NextConfig } from "./thread.ts";

const WITHOUT_AGENTS = { plan: NO_AGENTS, problems: [] };

/** Why a reload was asked for. */
export type ReloadTrigger = "start" | "signal" | "watch" | "admin" | "agents" | "certificates";

/** What came of a reload. */
export interface ReloadResult {
  readonly outcome: "applied" | "failed";
  readonly trigger: ReloadTrigger;
  /** The generation served now. */
  readonly generation: number;
  /** Problems that kept the new configuration from being applied; empty when it was. */
  readonly problems: readonly string[];
  /** Errors and warnings in the files, with excerpts. */
  readonly report: string;
  readonly warnings: readonly string[];
  readonly durationMs: number;
  readonly at: string;
}

/** Something beside the fleet that follows the configuration: admin listener, health checks, file watch. */
export interface Companion {
  /** Gets ready without changing anything; resolves with what is wrong. */
  prepare(next: NextConfig): Promise<readonly string[]>;
  commit(next: NextConfig): void;
  abandon(generation: number): void;
  close(): Promise<void>;
}

/** What a supervisor is made of. */
export interface SupervisorInit {
  readonly source: ConfigSource;
  readonly log: Log;
  /** Threads for `worker-threads 0`. */
  readonly cores: number;
  /** Settles what belongs to the process before any thread starts. Throws `StartError`. */
  beforeThreads?(config: Config): void;
  /** Starts a thread; the seam where tests put workers that can be crashed. */
  spawn(start: ThreadStart): Promise<FleetThread>;
  /** Memory all threads share under a configuration. */
  sharedNeeds(config: Config, workerCount: number, agents: AgentPlan): Iterable<SharedNeed>;
  /** The agents of a configuration, compiled; what is wrong with those it names keeps it from being applied. */
  loadAgents?(config: Config): Promise<{ readonly plan: AgentPlan; readonly problems: readonly string[] }>;
  /**
   * The configuration with the targets and certificates that were found for it; may wait, within bounds, for first
   * answers. Rejects with what keeps it from being applied.
   */
  discover?(config: Config): Promise<Config>;
  /** Proofs that threads give to authorities now. */
  challenges?(): ReadonlyMap<string, string>;
  /** Gives back what a dead worker held in shared memory. */
  clearWorker(shared: SharedMemory, workerIndex: number, workerCount: number): void;
  /** Told of every reload, the start included: for metrics and the audit log. */
  onReload?(result: ReloadResult): void;
}

export interface ThreadStart {
  readonly index: number;
  readonly count: number;
  readonly config: Config;
  readonly died: (cause: string) => void;
}

/** The process could not start; the message says why. The cause may be the report on the configuration. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/**
 * Reads the configuration, keeps the threads alive, and changes what all of them serve in two phases:
 * everybody prepares, and only when nobody objects everybody commits. Whatever fails leaves the old
 * configuration serving.
 */
export class Supervisor {
  readonly #init: SupervisorInit;
  readonly #exclusive = new Mutex();
  readonly #companions: Companion[] = [];
  #fleet!: Fleet;
  #committed: NextConfig | undefined;
  /** What is served as it was read, without found targets. */
  #read: Config | undefined;
  #lastSeen: LoadedConfig | undefined;
  #lastResult: ReloadResult | undefined;
  #generation = 0;
  #queued: Promise<ReloadResult> | undefined;
  #draining = false;

  private constructor(init: SupervisorInit) {
    this.#init = init;
  }

  /** Starts everything; resolves once requests are answered. Rejects with `StartError`. */
  static async start(
    init: SupervisorInit,
    companions: (supervisor: Supervisor) => readonly Companion[] = () => [],
  ): Promise<Supervisor> {
    const supervisor = new Supervisor(init);
    const loaded = await init.source.load();
    if (loaded.config === undefined) {
      throw new StartError(`Configuration ${init.source.name} has errors`, { cause: loaded.report });
    }
    supervisor.#companions.push(...companions(supervisor));
    try {
      const { config } = loaded;
      // A companion may ask for a reload already.
      await supervisor.#exclusive.run(() => supervisor.#boot(loaded, config));
    } catch (cause) {
      await supervisor.close();
      throw cause instanceof StartError ? cause : new StartError(messageOf(cause), { cause });
    }
    return supervisor;
  }

  /** What is served; defined from the start on. */
  get config(): Config {
    return this.#committed!.config;
  }

  get sourceName(): string {
    return this.#init.source.name;
  }

  /** What was last read, whether it is served or not. */
  get lastSeen(): LoadedConfig | undefined {
    return this.#lastSeen;
  }

  /** The generation being served; 0 before the start is complete. */
  get generation(): number {
    return this.#committed?.generation ?? 0;
  }

  get lastReload(): ReloadResult | undefined {
    return this.#lastResult;
  }

  /** Serving, and not about to stop. */
  get ready(): boolean {
    return this.#committed !== undefined && !this.#draining && this.#fleet.alive > 0;
  }

  get draining(): boolean {
    return this.#draining;
  }

  get fleet(): Fleet {
    return this.#fleet;
  }

  get shared(): SharedMemory {
    return this.#committed?.shared ?? {};
  }

  /**
   * Reads the configuration and serves it if it is good. One reload runs at a time; requests that come
   * while one is under way share the next one, which reads the files after they came.
   */
  reload(trigger: ReloadTrigger): Promise<ReloadResult> {
    return this.#queued ??= this.#exclusive.run(() => {
      this.#queued = undefined;
      return this.#reloadNow(trigger);
    });
  }

  /**
   * Serves the same configuration again, for the certificates that lie in files: in two phases like every reload, and
   * with nothing changed when that fails. Agents stay those that are served, whatever their files hold by now.
   */
  refresh(trigger: ReloadTrigger): Promise<ReloadResult> {
    return this.#exclusive.run(async () => {
      const startedMs = performance.now();
      const problems = this.#draining
        ? ["The proxy is shutting down"]
        : await this.#change(this.#read ?? this.config, this.#committed!.agents);
      return this.#record({ trigger, startedMs, problems, warnings: [], loaded: { report: "" } });
    });
  }

  /** Reloads when the texts differ from what was last read: for the file watch, which only suspects. */
  async reloadIfChanged(trigger: ReloadTrigger): Promise<ReloadResult | undefined> {
    const loaded = await this.#init.source.load();
    if (loaded.fingerprint === this.#lastSeen?.fingerprint) return undefined;
    return await this.reload(trigger);
  }

  /**
   * Serves what is served with the targets as they were found since, in the same two phases and without
   * reading anything. Resolves with what is wrong; the old targets are served then.
   */
  retarget(): Promise<readonly string[]> {
    return this.#exclusive.run(async () => {
      if (this.#committed === undefined || this.#read === undefined || this.#draining) return [];
      return await this.#change(this.#read, this.#committed.agents);
    });
  }

  async reopenLogs(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#fleet.threads.map((thread) => thread.reopenLogs()));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        this.#init.log("error", "A worker could not reopen its logs", { error: messageOf(outcome.reason) });
      }
    }
  }

  /** Stops accepting and waits for requests in flight; resolves with how many were cut off. */
  async drain(): Promise<number> {
    this.#draining = true;
    const timeoutMs = this.config.system.gracefulShutdownTimeoutSecs * 1000;
    return await this.#exclusive.run(() => this.#fleet.drain(timeoutMs));
  }

  /** Ends threads and companions, logs flushed. */
  async close(): Promise<void> {
    this.#draining = true;
    await this.#fleet?.close();
    await Promise.allSettled(this.#companions.map((companion) => companion.close()));
  }

  async #boot(loaded: LoadedConfig, config: Config): Promise<void> {
    const startedMs = performance.now();
    const { log } = this.#init;
    const count = config.system.workerThreads || this.#init.cores;
    this.#fleet = new Fleet({
      count,
      log,
      spawn: (index, died) =>
        this.#init.spawn({ index, count, config: this.#committed?.config ?? config, died }),
      current: () => this.#committed,
      exclusively: (task) => this.#exclusive.run(task),
      challenges: () => this.#init.challenges?.() ?? new Map(),
      onDeath: (index) => this.#init.clearWorker(this.shared, index, count),
    });
    const busy = checkListeners(config, undefined);
    if (busy.length > 0) throw new StartError(busy.join("\n"));
    this.#init.beforeThreads?.(config);
    await this.#fleet.start();
    this.#lastSeen = loaded;
    const problems = await this.#apply(config);
    if (problems.length > 0) throw new StartError(problems.join("\n"));
    this.#record({ trigger: "start", startedMs, problems, warnings: [], loaded });
  }

  async #reloadNow(trigger: ReloadTrigger): Promise<ReloadResult> {
    const startedMs = performance.now();
    this.#init.log("info", "Reload started", { trigger, config: this.sourceName });
    const loaded = await this.#init.source.load();
    this.#lastSeen = loaded;
    const warnings = loaded.config === undefined ? [] : restartWarnings(this.config, loaded.config);
    let problems: readonly string[];
    if (this.#draining) problems = ["The proxy is shutting down"];
    else if (loaded.config === undefined) problems = [`Configuration ${this.sourceName} has errors`];
    else problems = await this.#apply(loaded.config);
    return this.#record({ trigger, startedMs, problems, warnings, loaded });
  }

  /** Both phases. Resolves with what went wrong; empty means that everybody serves it. */
  async #apply(config: Config): Promise<readonly string[]> {
    const busy = checkListeners(config, this.#committed?.config);
    if (busy.length > 0) return busy;
    const { plan: agents, problems: refused } = await this.#init.loadAgents?.(config) ?? WITHOUT_AGENTS;
    if (refused.length > 0) return refused;
    return await this.#change(config, agents);
  }

  async #change(read: Config, agents: AgentPlan): Promise<readonly string[]> {
    let config: Config;
    try {
      config = await this.#init.discover?.(read) ?? read;
    } catch (cause) {
      for (const companion of this.#companions) companion.abandon(this.#generation);
      return [messageOf(cause)];
    }
    const needs = this.#init.sharedNeeds(config, this.#fleet.size, agents);
    const next: NextConfig = {
      config,
      generation: ++this.#generation,
      shared: allocateShared(needs, this.shared),
      agents,
    };
    const problems = await this.#prepare(next);
    if (problems.length > 0) {
      await this.#fleet.abandon(next.generation);
      for (const companion of this.#companions) companion.abandon(next.generation);
      return problems;
    }
    this.#committed = next;
    this.#read = read;
    await this.#fleet.commit(next.generation);
    for (const companion of this.#companions) companion.commit(next);
    return [];
  }

  async #prepare(next: NextConfig): Promise<readonly string[]> {
    const asked = [
      this.#fleet.prepare(next),
      ...this.#companions.map((companion) => companion.prepare(next)),
    ];
    const outcomes = await Promise.allSettled(asked);
    return outcomes.flatMap((outcome) =>
      outcome.status === "fulfilled" ? outcome.value : [messageOf(outcome.reason)]
    );
  }

  #record(reload: {
    trigger: ReloadTrigger;
    startedMs: number;
    problems: readonly string[];
    warnings: readonly string[];
    loaded: Pick<LoadedConfig, "report">;
  }): ReloadResult {
    const { trigger, problems, warnings, loaded } = reload;
    const result: ReloadResult = {
      outcome: problems.length === 0 ? "applied" : "failed",
      trigger,
      generation: this.generation,
      problems,
      report: loaded.report,
      warnings,
      durationMs: Math.round(performance.now() - reload.startedMs),
      at: new Date().toISOString(),
    };
    this.#lastResult = result;
    this.#logResult(result);
    this.#init.onReload?.(result);
    return result;
  }

  #logResult(result: ReloadResult): void {
    const { log } = this.#init;
    const { trigger, generation, durationMs } = result;
    for (const warning of result.warnings) log("warn", warning);
    if (trigger === "start") return;
    if (result.outcome === "applied") {
      log("info", "Reload applied", { trigger, generation, durationMs });
      // At the start whoever started it has printed them.
      if (result.report !== "") log("warn", "The configuration has warnings", { report: result.report });
      return;
    }
    const reasons = [result.report, ...result.problems].filter((text) => text !== "").join("\n");
    log("error", "Reload failed; the old configuration goes on serving", { trigger, generation, reasons });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
