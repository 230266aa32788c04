import type { UpstreamStates } from "../engine/dataplane.ts";
import { clearWorker, sharedNeeds } from "../engine/shared_needs.ts";
import { joinCustomFamilies } from "../observe/agent_custom.ts";
import { mergeSnapshots } from "../observe/metrics_snapshot.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import { AgentCatalogue } from "./agent_catalogue.ts";
import { createAgentTrial } from "./agent_trial.ts";
import { collectGarbage } from "./collect_garbage.ts";
import { type AgentsView, agentsView } from "./agent_view.ts";
import { AgentFetch } from "./agent_fetch.ts";
import { AgentsCompanion } from "./agents_companion.ts";
import { AcmeCompanion } from "./acme_companion.ts";
import { createAcmePorts } from "./acme_ports.ts";
import { certificatesView, renewalsView } from "./acme_view.ts";
import { AdminListener } from "./admin_listener.ts";
import { ReloadAudit } from "./audit.ts";
import { DiskFiles } from "./config_files.ts";
import type { ConfigSource } from "./config_source.ts";
import { DemoCompanion } from "./demo_companion.ts";
import { createDialer } from "./dialer.ts";
import { DiscoveryCompanion } from "./discovery_companion.ts";
import { createDiscoveryPorts } from "./discovery_ports.ts";
import { NodeSignatureVerifier } from "./signature_verifier.ts";
import type { FleetThread } from "./fleet.ts";
import { HealthCompanion } from "./health_companion.ts";
import { surviveErrors, surviveRejections } from "./last_resort.ts";
import { CertificateCompanion } from "./certificate_companion.ts";
import { createListen } from "./listen.ts";
import { COLLECT_INTERVAL_MS, MetricsCollector } from "./metrics_collector.ts";
import { writePidFile } from "./pid_file.ts";
import { createClock, createRandom, createTimers, timeBase } from "./platform.ts";
import { ProcessLog } from "./process_log.ts";
import { ProcessMetrics } from "./process_metrics.ts";
import { StartError, Supervisor } from "./supervisor.ts";
import { TargetDrains } from "./target_drain.ts";
import type { Companion, ReloadResult, SupervisorInit, ThreadStart } from "./supervisor.ts";
import { socketOps } from "./socket_ops.ts";
import { ThreadHost } from "./thread_host.ts";
import { WatchCompanion } from "./watch_companion.ts";
import { WorkerThread } from "./worker_thread.ts";

/** A bundled program has its worker beside it, with the same ending. */
const WORKER_SCRIPT = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js",
  import.meta.url,
);

/** What is started, and as which program. */
export interface StartOptions {
  readonly source: ConfigSource;
  readonly version: string;
  readonly verbose: boolean;
  /** Script of workers; the usual one when left out. */
  readonly workerScript?: URL;
}

/** The whole process at work. */
export interface Service {
  readonly supervisor: Supervisor;
  /** Opens all log files anew after they were renamed. */
  reopenLogs(): Promise<void>;
  /** Drains, flushes and ends everything; resolves with the number of requests that were cut off. */
  stop(): Promise<number>;
}

/** Starts everything; resolves once requests are answered. Rejects with `StartError`. */
export async function startService(options: StartOptions): Promise<Service> {
  const starting = new Starting(options);
  try {
    return await starting.start();
  } catch (cause) {
    await starting.clear();
    throw cause;
  }
}

/** The parts of the process, put together. */
class Starting {
  readonly #options: StartOptions;
  readonly #clock = createClock();
  readonly #timers = createTimers();
  readonly #processLog: ProcessLog;
  readonly #metrics: ProcessMetrics;
  readonly #audit: ReloadAudit;
  readonly #instanceId = `${Deno.hostname()}-${Deno.pid}`;
  readonly #cleanups: (() => void)[] = [];
  readonly #agentsFolder: AgentsCompanion;
  readonly #catalogue: AgentCatalogue;
  readonly #discovery: DiscoveryCompanion;
  readonly #acme: AcmeCompanion;
  #certificates: CertificateCompanion | undefined;
  #collector = new MetricsCollector(() => []);
  #supervisor: Supervisor | undefined;
  #health: HealthCompanion | undefined;

  constructor(options: StartOptions) {
    this.#options = options;
    const ports = { clock: this.#clock, timers: this.#timers };
    this.#processLog = new ProcessLog({ ...ports, verbose: options.verbose });
    this.#metrics = new ProcessMetrics(options.version);
    this.#audit = new ReloadAudit(ports);
    const { log } = this.#processLog;
    this.#agentsFolder = new AgentsCompanion({ log, changed: () => void this.#supervisor?.reload("agents") });
    const agentPorts = { verifier: new NodeSignatureVerifier(), transport: new AgentFetch().send };
    this.#catalogue = new AgentCatalogue({
      files: new DiskFiles(Deno.cwd()),
      log,
      trial: createAgentTrial({
        ...ports,
        random: createRandom(),
        log,
        agentPorts,
        collect: () => void collectGarbage(),
      }),
      dropped: (config) => this.#agentsFolder.listing(config),
    });
    this.#agentsFolder.attach(this.#catalogue);
    this.#discovery = new DiscoveryCompanion({
      ports: createDiscoveryPorts({ ...ports, random: createRandom(), log, dialer: createDialer() }),
      metrics: this.#metrics,
      retarget: () => this.#supervisor?.retarget() ?? Promise.resolve([]),
    });
    this.#acme = new AcmeCompanion({
      ports: createAcmePorts({ ...ports, random: createRandom(), log, dialer: createDialer() }),
      metrics: this.#metrics,
      show: (answers) => this.#supervisor?.fleet.showChallenges(answers) ?? Promise.resolve(),
      replaced: () => void this.#certificates?.check(),
    });
  }

  async start(): Promise<Service> {
    surviveErrors(this.#processLog.log);
    surviveRejections(this.#processLog.log);
    const supervisor = await Supervisor.start(this.#supervisorInit(), (own) => this.#companions(own));
    if (socketOps === undefined) {
      const deno = Deno.version.deno;
      this.#processLog.log("warn", "This Deno has no fast socket calls: requests cost some 6 % more", {
        deno,
      });
    }
    const { system } = supervisor.config;
    if (system.pidFile !== undefined) {
      try {
        this.#cleanups.push(writePidFile(system.pidFile));
      } catch (cause) {
        await supervisor.close();
        throw new StartError(cause instanceof Error ? cause.message : String(cause), { cause });
      }
    }
    this.#cleanups.push(this.#timers.every(COLLECT_INTERVAL_MS, () => void this.#collector.collect()));
    return {
      supervisor,
      reopenLogs: () => this.#reopenLogs(supervisor),
      stop: () => this.#stop(supervisor),
    };
  }

  /** Takes back what outlives the supervisor: the pid file, timers, log buffers. */
  async clear(): Promise<void> {
    for (const clean of this.#cleanups) clean();
    await this.#audit.close();
    await this.#processLog.close();
  }

  #supervisorInit(): SupervisorInit {
    return {
      source: this.#options.source,
      log: this.#processLog.log,
      cores: navigator.hardwareConcurrency,
      beforeThreads: ({ system, observability }) => {
        this.#processLog.configure(observability.logging);
        if (system.workingDirectory !== undefined) enterFolder(system.workingDirectory);
      },
      spawn: (start) => this.#spawn(start),
      sharedNeeds,
      loadAgents: (config) => this.#catalogue.load(config),
      discover: async (config) => await this.#acme.certify(await this.#discovery.discover(config)),
      challenges: () => this.#acme.challenges,
      clearWorker,
      onReload: (result) => this.#afterReload(result),
    };
  }

  async #spawn({ index, count, died }: ThreadStart): Promise<FleetThread> {
    const { verbose, version, workerScript } = this.#options;
    const init = { workerIndex: index, workerCount: count, verbose, version, instanceId: this.#instanceId };
    const supervising = { processMetrics: () => this.#processMetrics() };
    if (count === 1 && workerScript === undefined) return new ThreadHost(init, supervising);
    return await WorkerThread.start({
      script: workerScript ?? WORKER_SCRIPT,
      init: { ...init, base: timeBase() },
      supervising,
      died,
    });
  }

  #companions(supervisor: Supervisor): readonly Companion[] {
    this.#supervisor = supervisor;
    this.#collector = new MetricsCollector(() => supervisor.fleet.threads);
    const { log } = this.#processLog;
    const health = this.#health = new HealthCompanion({
      dialer: createDialer(),
      clock: this.#clock,
      timers: this.#timers,
      random: createRandom(),
      log,
      checked: (check) => this.#metrics.countCheck(check),
    });
    const admin = new AdminListener({
      supervisor,
      version: this.#options.version,
      metrics: () => this.#processMetrics(),
      upstreams: async () =>
        health.describe(this.#discovery.describe(await firstAnswer(supervisor.fleet.threads))),
      agents: () => this.#agents(supervisor),
      certificates: () => certificatesView(this.#acme.states(), this.#clock.wallMs()),
      renew: async (domain) => renewalsView(await this.#acme.renew(domain)),
      drains: new TargetDrains(supervisor, { clock: this.#clock, log }),
    }, log);
    const ports = { clock: this.#clock, timers: this.#timers, listen: createListen(log), log };
    const watch = new WatchCompanion(supervisor, log);
    const certificates = new CertificateCompanion({
      log,
      clock: this.#clock,
      timers: this.#timers,
      refresh: () => supervisor.refresh("certificates"),
      changed: (outcome) => {
        this.#metrics.countCertificates(outcome);
        this.#acme.look();
      },
    });
    this.#certificates = certificates;
    return [
      admin,
      certificates,
      health,
      new DemoCompanion(supervisor, ports),
      watch,
      this.#agentsFolder,
      this.#discovery,
      this.#acme,
    ];
  }

  /** A thread that does not answer in time is left out; its agents are those of the others. */
  async #agents(supervisor: Supervisor): Promise<AgentsView> {
    const asked = await Promise.allSettled(supervisor.fleet.threads.map((thread) => thread.agents()));
    const states = asked.flatMap((outcome) => outcome.status === "fulfilled" ? [outcome.value] : []);
    return agentsView(this.#catalogue.facts, states, this.#catalogue.problems);
  }

  async #processMetrics(): Promise<MetricsSnapshot> {
    const supervisor = this.#supervisor;
    if (supervisor === undefined || supervisor.generation === 0) return { families: [] };
    this.#metrics.recordDiscovery(this.#discovery.states());
    this.#metrics.recordCertificates(this.#acme.states());
    this.#metrics.recordHealth(this.#health?.health() ?? []);
    const merged = mergeSnapshots([await this.#collector.collect(), this.#metrics.snapshot(supervisor)]);
    return joinCustomFamilies(merged);
  }

  #afterReload(result: ReloadResult): void {
    this.#metrics.countReload(result);
    const logging = this.#supervisor?.config.observability.logging;
    if (logging === undefined) return;
    this.#processLog.configure(logging);
    this.#audit.record(result, logging.auditLog);
  }

  async #reopenLogs(supervisor: Supervisor): Promise<void> {
    this.#audit.reopen();
    await supervisor.reopenLogs();
    this.#processLog.log("info", "Log files reopened");
  }

  async #stop(supervisor: Supervisor): Promise<number> {
    const cutOff = await supervisor.drain();
    await supervisor.close();
    await this.clear();
    return cutOff;
  }
}

function enterFolder(path: string): void {
  try {
    Deno.chdir(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`Cannot change to the working directory ${path}: ${why}`, { cause });
  }
}

/** Every thread sees the same health states; the first that answers is as good as any. */
async function firstAnswer(threads: readonly FleetThread[]): Promise<readonly UpstreamStates[]> {
  try {
    return await Promise.any(threads.map((thread) => thread.upstreams()));
  } catch {
    return [];
  }
}
