import type { AgentState } from "../agents/runtime/live_agent.ts";
import { Dataplane } from "../engine/dataplane.ts";
import type { UpstreamStates } from "../engine/dataplane.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import { AgentFetch } from "./agent_fetch.ts";
import { createDialer } from "./dialer.ts";
import { NodeSignatureVerifier } from "./signature_verifier.ts";
import { surviveRejections } from "./last_resort.ts";
import { LogFiles } from "./log_files.ts";
import { createClock, createPorts, createTimers } from "./platform.ts";
import { ProcessLog, reportToStderr } from "./process_log.ts";
import { createTlsServers } from "./tls_servers.ts";
import type { NextConfig, Supervising, Thread, ThreadInit } from "./thread.ts";

/** A dataplane on this thread's real ports: what the supervisor's thread and every worker are made of. */
export class ThreadHost implements Thread {
  readonly #dataplane: Dataplane;
  readonly #processLog: ProcessLog;
  #next: NextConfig | undefined;

  constructor(init: ThreadInit, supervising: Supervising) {
    const clock = createClock(init.base);
    const timers = createTimers();
    const { workerIndex, workerCount, verbose, version, instanceId } = init;
    const fields = workerCount > 1 ? { worker: workerIndex } : {};
    this.#processLog = new ProcessLog({ clock, timers, verbose, fields });
    const { log } = this.#processLog;
    this.#dataplane = new Dataplane({
      ports: createPorts({ log, clock, timers, dialer: createDialer() }),
      workerIndex,
      workerCount,
      sinks: new LogFiles({ timers, clock, report: reportToStderr }),
      version,
      instanceId,
      readText: (path) => Deno.readTextFile(path),
      tls: createTlsServers({ readText: (path) => Deno.readTextFile(path), wallMs: () => clock.wallMs() }),
      agentPorts: { verifier: new NodeSignatureVerifier(), transport: new AgentFetch().send },
      builtin: supervising,
    });
    // The supervisor does this for its own thread.
    if (init.base !== undefined) surviveRejections(log);
  }

  async prepare(next: NextConfig): Promise<readonly string[]> {
    this.#next = next;
    return await this.#dataplane.prepare(next);
  }

  // deno-lint-ignore require-await -- the other kind of thread answers later.
  async commit(generation: number): Promise<void> {
    this.#dataplane.commit(generation);
    if (this.#next?.generation === generation) {
      this.#processLog.configure(this.#next.config.observability.logging);
    }
  }

  async abandon(generation: number): Promise<void> {
    await this.#dataplane.abandon(generation);
  }

  async drain(timeoutMs: number): Promise<number> {
    return await this.#dataplane.drain(timeoutMs);
  }

  // deno-lint-ignore require-await -- the other kind of thread answers later.
  async metrics(): Promise<MetricsSnapshot> {
    return this.#dataplane.metricsSnapshot();
  }

  // deno-lint-ignore require-await -- the other kind of thread answers later.
  async upstreams(): Promise<readonly UpstreamStates[]> {
    return this.#dataplane.upstreamStates();
  }

  // deno-lint-ignore require-await -- the other kind of thread answers later.
  async agents(): Promise<readonly AgentState[]> {
    return this.#dataplane.agentStates();
  }

  // deno-lint-ignore require-await -- the other kind of thread answers later.
  async showChallenges(answers: ReadonlyMap<string, string>): Promise<void> {
    this.#dataplane.showChallenges(answers);
  }

  // deno-lint-ignore require-await -- the other kind of thread answers later.
  async reopenLogs(): Promise<void> {
    this.#dataplane.reopenLogs();
  }

  async close(): Promise<void> {
    await this.#dataplane.close();
    await this.#processLog.close();
  }

  /** In the supervisor's own thread there is nothing to end but the service. */
  terminate(): void {}
}
