import { resolveConfig } from "../config/resolve.ts";
import type { Config } from "../config/document.ts";
import { BufferPool } from "../core/buffer_pool.ts";
import { Deadlines } from "../core/deadlines.ts";
import type { Ports } from "../core/ports.ts";
import type { SharedMemory } from "../core/shared_memory.ts";
import type { OpenTlsServer } from "../core/tls.ts";
import { APPLICATION_PROTOCOLS } from "../downstream/acceptor.ts";
import { INPUT_BUFFERS_KEPT, INPUT_BYTES_INITIAL } from "../downstream/input.ts";
import { HttpDate } from "../downstream/http_date.ts";
import { createFamilies, type Families } from "../observe/families.ts";
import { MetricsRegistry } from "../observe/metrics.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import { OutcomeMeter } from "../observe/request_meters.ts";
import { UpstreamPools } from "../upstream/pools.ts";
import { READ_BYTES_LARGE } from "../upstream/connection.ts";
import type { TlsOptions } from "../tls/options.ts";
import type { TargetState } from "../upstream/live_upstream.ts";
import { ShadowRuns } from "../services/shadow_runs.ts";
import type { BuiltinSources } from "../services/builtin_views.ts";
import type { AgentState } from "../agents/runtime/live_agent.ts";
import type { AgentSet } from "../agents/runtime/live_agents.ts";
import type { AgentPorts } from "./agent_factory.ts";
import type { AgentPlan } from "./agent_plan.ts";
import { ThreadAgents } from "./thread_agents.ts";
import { SharedAdmission } from "./admission.ts";
import { buildSnapshot } from "./build_snapshot.ts";
import { listenerSettings } from "./connection_limits.ts";
import { Engine } from "./engine.ts";
import { recordGauges } from "./gauges.ts";
import { Listeners, type PlannedListener, type PreparedListeners } from "./listeners.ts";
import type { LogSinks } from "./request_log.ts";
import { type TunnelDeps, tunnelMemory } from "./route_upgrades.ts";
import type { Snapshot } from "./snapshot.ts";

/** Large buffers kept for reuse by bodies in both directions: 4 MB. */
const LARGE_BUFFERS_KEPT = 64;
/** Buffers that responses are put together in, and how many are kept: 2 MB. */
const OUTPUT_BYTES = 32_768;
const OUTPUT_BUFFERS_KEPT = 64;

/** What a thread's dataplane is made of. */
export interface DataplaneInit {
  readonly ports: Ports;
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly sinks: LogSinks;
  readonly version: string;
  /** Tells the log lines of several proxies apart. */
  readonly instanceId: string;
  /** Reads a file of certificates. Rejects when it cannot. */
  readonly readText: (path: string) => Promise<string>;
  /** Makes the TLS of listeners ready. */
  readonly tls: OpenTlsServer<TlsOptions>;
  /** What agents may reach of the world outside. */
  readonly agentPorts: AgentPorts;
  /** What the builtin handlers show. */
  readonly builtin: BuiltinSources;
}

/** State of one upstream as this thread sees it. */
export interface UpstreamStates {
  readonly id: string;
  readonly loadBalancing: string;
  readonly targets: readonly TargetState[];
}

/** What a thread is to serve next. */
export interface NextSnapshot {
  readonly config: Config;
  /** Counts configurations from 1. */
  readonly generation: number;
  readonly shared: SharedMemory;
  readonly agents: AgentPlan;
}

interface Prepared {
  readonly generation: number;
  readonly snapshot: Snapshot;
  readonly listeners: PreparedListeners;
  readonly admission: () => void;
}

/** Everything that answers requests in one thread. */
export class Dataplane {
  readonly #init: DataplaneInit;
  readonly #startedMs: number;
  readonly #registry = new MetricsRegistry();
  readonly #families: Families;
  readonly #outcomes: OutcomeMeter;
  readonly #deadlines: Deadlines;
  readonly #pools: UpstreamPools;
  readonly #largeBuffers = new BufferPool(READ_BYTES_LARGE, LARGE_BUFFERS_KEPT);
  readonly #tunnels: TunnelDeps;
  readonly #admission: SharedAdmission;
  readonly #agents: ThreadAgents;
  readonly #shadows: ShadowRuns;
  #engine: Engine | null = null;
  #listeners: Listeners | null = null;
  #prepared: Prepared | null = null;
  #challenges: ReadonlyMap<string, string> = new Map();
  /** Settles when nothing is being prepared. */
  #preparing: Promise<unknown> = Promise.resolve();
  /** The highest generation that is not wanted any more. */
  #abandonedMax = 0;

  constructor(init: DataplaneInit) {
    this.#init = init;
    const { ports } = init;
    this.#startedMs = ports.clock.nowMs();
    this.#families = createFamilies(this.#registry, { version: init.version });
    this.#outcomes = new OutcomeMeter(this.#families);
    this.#deadlines = new Deadlines(ports.clock, ports.timers);
    this.#pools = new UpstreamPools({
      dialer: ports.dialer,
      clock: ports.clock,
      deadlines: this.#deadlines,
      largeBuffers: this.#largeBuffers,
    });
    this.#tunnels = {
      clock: ports.clock,
      random: ports.random,
      deadlines: this.#deadlines,
      ...tunnelMemory(),
    };
    this.#shadows = new ShadowRuns(ports.timers);
    const seat = { index: init.workerIndex, count: init.workerCount };
    this.#admission = new SharedAdmission(seat, ports.random);
    this.#agents = new ThreadAgents({ ports, agentPorts: init.agentPorts, registry: this.#registry, seat });
  }

  /**
   * Builds the next snapshot and binds its new addresses. Resolves with what is wrong; empty means that
   * `commit` may follow. Nothing changes for requests yet. One at a time, in the order they came: whoever asked
   * may have given up long before the agents have started.
   */
  prepare(next: NextSnapshot): Promise<string[]> {
    const result = this.#preparing.then(() => this.#prepareNow(next));
    this.#preparing = result.catch(() => {});
    return result;
  }

  /** Serves what was prepared; the old snapshot ends with its last request. Throws when something else was. */
  commit(generation: number): void {
    const prepared = this.#prepared;
    if (prepared?.generation !== generation) {
      throw new Error(`Cannot serve configuration ${generation}: it is not prepared`);
    }
    this.#prepared = null;
    prepared.admission();
    const engine = this.#engineFor(prepared.snapshot);
    const old = engine.swap(prepared.snapshot);
    this.#listenersFor(engine).commit(prepared.listeners);
    if (old !== prepared.snapshot) {
      old.agents.retire(prepared.snapshot.agents);
      old.retire(() => void this.#init.sinks.retain(engine.snapshot.requestLog.files));
    }
  }

  /** Forgets what was prepared, or what is being prepared as soon as it is. */
  async abandon(generation: number): Promise<void> {
    this.#abandonedMax = Math.max(this.#abandonedMax, generation);
    if (this.#prepared?.generation === generation) await this.#discard();
  }

  /**
   * Stops accepting, lets requests finish, and cuts what is left after `timeoutMs`; how many were cut. Copies of
   * requests are given up once the real ones are over: nobody waits for them.
   */
  async drain(timeoutMs: number): Promise<number> {
    const listeners = this.#listeners;
    if (listeners === null) return 0;
    let cut = 0;
    const drained = listeners.drain();
    const cancel = this.#init.ports.timers.after(timeoutMs, () => cut = listeners.abort());
    await drained;
    cancel();
    this.#shadows.cancelAll();
    return cut;
  }

  metricsSnapshot(): MetricsSnapshot {
    this.#agents.recordGauges();
    recordGauges(this.#families, {
      pools: this.#pools.stats(),
      snapshot: this.#engine?.snapshot,
      certificates: this.#listeners?.certificates() ?? [],
      dropped: this.#init.sinks.dropped(),
      isFirst: this.#init.workerIndex === 0,
    });
    return { families: [...this.#registry.snapshot().families, ...this.#agents.customFamilies()] };
  }

  upstreamStates(): UpstreamStates[] {
    const upstreams = this.#engine?.snapshot.upstreams ?? [];
    return upstreams.map((upstream) => ({
      id: upstream.id,
      loadBalancing: upstream.loadBalancing,
      targets: upstream.states(),
    }));
  }

  agentStates(): readonly AgentState[] {
    return this.#agents.states();
  }

  /** Gives these proofs to authorities that ask for them; token → key authorization. */
  showChallenges(answers: ReadonlyMap<string, string>): void {
    this.#challenges = answers;
    this.#engine?.showChallenges(answers);
  }

  reopenLogs(): void {
    this.#init.sinks.reopen();
  }

  /** Ends the thread's part: idle upstream connections closed, logs flushed. */
  async close(): Promise<void> {
    this.#abandonedMax = Infinity;
    await this.#discard();
    this.#listeners?.abort();
    this.#shadows.cancelAll();
    this.#agents.dispose();
    this.#pools.dispose();
    this.#deadlines.dispose();
    await this.#init.sinks.close();
  }

  #engineFor(snapshot: Snapshot): Engine {
    if (this.#engine === null) {
      this.#engine = new Engine(snapshot, this.#init.ports.clock);
      this.#engine.showChallenges(this.#challenges);
    }
    return this.#engine;
  }

  #listenersFor(engine: Engine): Listeners {
    const { ports, workerIndex } = this.#init;
    return this.#listeners ??= new Listeners({
      listen: ports.listen,
      log: ports.log,
      deadlines: this.#deadlines,
      admission: this.#admission,
      families: this.#families,
      ownsUnixSockets: workerIndex === 0,
      connections: {
        handler: engine,
        clock: ports.clock,
        deadlines: this.#deadlines,
        date: new HttpDate(),
        inputBuffers: new BufferPool(INPUT_BYTES_INITIAL, INPUT_BUFFERS_KEPT),
        largeBuffers: this.#largeBuffers,
        outputBuffers: new BufferPool(OUTPUT_BYTES, OUTPUT_BUFFERS_KEPT),
      },
    });
  }

  async #prepareNow(next: NextSnapshot): Promise<string[]> {
    const { config, generation, shared } = next;
    const abandoned = [`Configuration ${generation} was abandoned`];
    const isAbandoned = () => generation <= this.#abandonedMax;
    await this.#discard();
    if (isAbandoned()) return abandoned;
    const { set: agents, problems } = await this.#agents.prepare(next.agents, shared);
    if (problems.length > 0 || isAbandoned()) {
      agents.dispose();
      return problems.length > 0 ? problems : abandoned;
    }
    let snapshot: Snapshot | undefined;
    try {
      snapshot = await this.#build(next, agents);
      if (isAbandoned()) {
        this.#giveUp(snapshot);
        return abandoned;
      }
      const planned = await this.#planListeners(config);
      const listeners = await this.#listenersFor(this.#engineFor(snapshot)).prepare(planned);
      const admission = () => this.#admission.configure(config, shared);
      this.#prepared = { generation, snapshot, listeners, admission };
    } catch (cause) {
      if (snapshot === undefined) agents.dispose();
      else this.#giveUp(snapshot);
      return [cause instanceof Error ? cause.message : String(cause)];
    }
    if (!isAbandoned()) return [];
    await this.#discard();
    return abandoned;
  }

  /** Reads the certificates of listeners, among other things. Rejects where they cannot be used. */
  #planListeners(config: Config): Promise<PlannedListener[]> {
    return Promise.all(
      resolveConfig(config).listeners.map(async (listener) => {
        const server = listener.tls === undefined
          ? null
          : await this.#init.tls(listener.id, listener.tls, APPLICATION_PROTOCOLS);
        return { config: listener, settings: listenerSettings(listener, config, server) };
      }),
    );
  }

  #build({ config, generation, shared, agents: plan }: NextSnapshot, agents: AgentSet): Promise<Snapshot> {
    return buildSnapshot(config, {
      ...this.#init,
      generation,
      shared,
      startedMs: this.#startedMs,
      families: this.#families,
      outcomes: this.#outcomes,
      pools: this.#pools,
      deadlines: this.#deadlines,
      shadows: this.#shadows,
      agents,
      agentPlan: plan,
      tunnels: this.#tunnels,
    });
  }

  async #discard(): Promise<void> {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared === null) return;
    await this.#listeners?.abandon(prepared.listeners);
    this.#giveUp(prepared.snapshot);
  }

  /** Ends a snapshot that was never served. */
  #giveUp(snapshot: Snapshot): void {
    if (this.#engine?.snapshot === snapshot) this.#engine = this.#listeners = null;
    snapshot.retire(() => {});
  }
}
