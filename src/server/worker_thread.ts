import type { AgentState } from "../agents/runtime/live_agent.ts";
import type { UpstreamStates } from "../engine/dataplane.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import { answerCall, CallError, PendingCalls } from "./calls.ts";
import type {
  FromWorker,
  NextConfig,
  Supervising,
  Thread,
  ThreadInit,
  ThreadMethod,
  ToWorker,
} from "./thread.ts";

/** A new worker must say within this time that its modules are loaded. */
const START_TIMEOUT_MS = 30_000;

/** Bounds of the calls; one that misses its bound counts as failed, whatever it does afterwards. */
const CALL_TIMEOUT_MS: Readonly<Record<Exclude<ThreadMethod, "drain">, number>> = {
  prepare: 30_000,
  commit: 10_000,
  abandon: 10_000,
  metrics: 1_000,
  upstreams: 1_000,
  agents: 1_000,
  showChallenges: 5_000,
  reopenLogs: 10_000,
  close: 5_000,
};

/** What a drain may take beyond its own time limit before the worker counts as stuck. */
const DRAIN_GRACE_MS = 1_000;

/** Where a worker's script is, and who is told about it. */
export interface WorkerSpec {
  readonly script: URL;
  readonly init: ThreadInit;
  readonly supervising: Supervising;
  /** Called once if the worker ends by itself after its start. */
  readonly died: (cause: string) => void;
}

/** A thread in a Worker, spoken to by messages. */
export class WorkerThread implements Thread {
  readonly #spec: WorkerSpec;
  readonly #worker: Worker;
  readonly #calls = new PendingCalls();
  readonly #started = Promise.withResolvers<void>();
  #up = false;
  #dead = false;

  private constructor(spec: WorkerSpec) {
    this.#spec = spec;
    this.#worker = new Worker(spec.script, { type: "module", name: `worker-${spec.init.workerIndex}` });
    this.#worker.onmessage = (event: MessageEvent<FromWorker>) => this.#receive(event.data);
    this.#worker.onmessageerror = () => this.#die("a message could not be read");
    this.#worker.onerror = (event) => {
      // Unhandled, the error of a worker would end the whole process.
      event.preventDefault();
      this.#die(event.message);
    };
  }

  /** Starts the script and waits until its modules are loaded; rejects when it fails at that. */
  static async start(spec: WorkerSpec): Promise<WorkerThread> {
    const thread = new WorkerThread(spec);
    thread.#send({ type: "start", init: spec.init });
    const timer = setTimeout(() => thread.#die("it did not start in time"), START_TIMEOUT_MS);
    try {
      await thread.#started.promise;
      thread.#up = true;
    } finally {
      clearTimeout(timer);
    }
    return thread;
  }

  prepare(next: NextConfig): Promise<readonly string[]> {
    return this.#call("prepare", next) as Promise<readonly string[]>;
  }

  commit(generation: number): Promise<void> {
    return this.#call("commit", generation) as Promise<void>;
  }

  abandon(generation: number): Promise<void> {
    return this.#call("abandon", generation) as Promise<void>;
  }

  drain(timeoutMs: number): Promise<number> {
    return this.#call("drain", timeoutMs, timeoutMs + DRAIN_GRACE_MS) as Promise<number>;
  }

  metrics(): Promise<MetricsSnapshot> {
    return this.#call("metrics") as Promise<MetricsSnapshot>;
  }

  upstreams(): Promise<readonly UpstreamStates[]> {
    return this.#call("upstreams") as Promise<readonly UpstreamStates[]>;
  }

  agents(): Promise<readonly AgentState[]> {
    return this.#call("agents") as Promise<readonly AgentState[]>;
  }

  showChallenges(answers: ReadonlyMap<string, string>): Promise<void> {
    return this.#call("showChallenges", answers) as Promise<void>;
  }

  reopenLogs(): Promise<void> {
    return this.#call("reopenLogs") as Promise<void>;
  }

  close(): Promise<void> {
    return this.#call("close") as Promise<void>;
  }

  /** Ends the worker without calling `died`; its sockets are closed by the runtime. */
  terminate(): void {
    this.#end("it was stopped");
  }

  #call(method: ThreadMethod, argument?: unknown, timeoutMs?: number): Promise<unknown> {
    const { workerIndex } = this.#spec.init;
    if (this.#dead) return Promise.reject(new CallError(`Worker ${workerIndex} is gone`));
    const limitMs = timeoutMs ?? CALL_TIMEOUT_MS[method as Exclude<ThreadMethod, "drain">];
    const send = (id: number) => this.#send({ type: "call", id, method, argument });
    return this.#calls.make(`"${method}" to worker ${workerIndex}`, limitMs, send);
  }

  #send(message: ToWorker): void {
    // Answers may become ready after the end; there is nobody left to read them.
    if (!this.#dead) this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "started":
        this.#started.resolve();
        break;
      case "ask": {
        const { id, question } = message;
        void answerCall(id, () => this.#spec.supervising[question](), (answer) => this.#send(answer));
        break;
      }
      default:
        this.#calls.settle(message);
    }
  }

  #die(cause: string): void {
    if (this.#dead) return;
    this.#end(cause);
    if (this.#up) this.#spec.died(cause);
  }

  #end(cause: string): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#worker.terminate();
    const error = new CallError(`Worker ${this.#spec.init.workerIndex} is gone: ${cause}`);
    this.#started.promise.catch(() => {});
    this.#started.reject(error);
    this.#calls.rejectAll(error);
  }
}
