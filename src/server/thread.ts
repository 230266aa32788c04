import type { Config } from "../config/document.ts";
import type { UpstreamStates } from "../engine/dataplane.ts";
import type { AgentPlan } from "../engine/agent_plan.ts";
import type { AgentState } from "../agents/runtime/live_agent.ts";
import type { SharedMemory } from "../core/shared_memory.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import type { TimeBase } from "./platform.ts";

/** The configuration a thread is to serve next. */
export interface NextConfig {
  readonly config: Config;
  /** Counts configurations from 1; the same in every thread. */
  readonly generation: number;
  readonly shared: SharedMemory;
  readonly agents: AgentPlan;
}

/** What a thread is told once, at birth. */
export interface ThreadInit {
  readonly workerIndex: number;
  readonly workerCount: number;
  /** The supervisor's time line; absent in the supervisor's own thread. */
  readonly base?: TimeBase;
  readonly verbose: boolean;
  /** Tells the log lines of several proxies apart. */
  readonly instanceId: string;
  /** Version of the program, for `build_info` and the status page. */
  readonly version: string;
}

/**
 * One thread that answers requests, wherever it runs. The supervisor's thread implements it by
 * direct calls (`ThreadHost`), workers by messages (`WorkerThread`).
 */
export interface Thread {
  /** Builds the snapshot and binds new listeners; resolves with what is wrong, empty when ready. */
  prepare(next: NextConfig): Promise<readonly string[]>;
  /** Serves what was prepared, which cannot fail; rejects when that is not what was prepared last. */
  commit(generation: number): Promise<void>;
  /** Forgets what was prepared. */
  abandon(generation: number): Promise<void>;
  /** Stops accepting and waits for requests in flight; resolves with how many were cut off. */
  drain(timeoutMs: number): Promise<number>;
  metrics(): Promise<MetricsSnapshot>;
  upstreams(): Promise<readonly UpstreamStates[]>;
  /** The agents of this thread, those that are draining included. */
  agents(): Promise<readonly AgentState[]>;
  /** Gives these proofs to authorities that ask for them; token → key authorization. */
  showChallenges(answers: ReadonlyMap<string, string>): Promise<void>;
  /** Opens log files anew after they were renamed. */
  reopenLogs(): Promise<void>;
  /** Flushes logs; nothing is served afterwards. */
  close(): Promise<void>;
}

export type ThreadMethod = keyof Thread;

/** What threads may ask their supervisor, for the builtin handlers that show the whole process. */
export interface Supervising {
  /** Metrics of all threads together. */
  processMetrics(): Promise<MetricsSnapshot>;
}

export type Question = keyof Supervising;

/** Supervisor → worker. */
export type ToWorker =
  | { readonly type: "start"; readonly init: ThreadInit }
  | {
    readonly type: "call";
    readonly id: number;
    readonly method: ThreadMethod;
    readonly argument: unknown;
  }
  | Answer;

/** What became of a call or a question. */
export type Answer =
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  | { readonly type: "failed"; readonly id: number; readonly message: string };

/** Worker → supervisor. */
export type FromWorker =
  | { readonly type: "started" }
  | { readonly type: "ask"; readonly id: number; readonly question: Question }
  | Answer;
