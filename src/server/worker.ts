/** The script of a worker: a thread host behind messages. */

import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";
import { answerCall, PendingCalls } from "./calls.ts";
import type { FromWorker, NextConfig, ThreadMethod, ToWorker } from "./thread.ts";
import { ThreadHost } from "./thread_host.ts";

/** How long the supervisor may take to answer a question. */
const ASK_TIMEOUT_MS = 3_000;

interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}

/** Connects a thread host with the supervisor that started this worker. */
class WorkerPort {
  readonly #scope: WorkerScope;
  readonly #questions = new PendingCalls();
  #host: ThreadHost | undefined;

  constructor(scope: WorkerScope) {
    this.#scope = scope;
    scope.onmessage = ({ data }) => this.#receive(data);
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case "start":
        this.#host = new ThreadHost(message.init, {
          processMetrics: () => this.#ask() as Promise<MetricsSnapshot>,
        });
        this.#scope.postMessage({ type: "started" });
        break;
      case "call": {
        const { id, method, argument } = message;
        void answerCall(id, () => this.#call(method, argument), (answer) => this.#scope.postMessage(answer));
        break;
      }
      default:
        this.#questions.settle(message);
    }
  }

  #ask(): Promise<unknown> {
    const send = (id: number) => this.#scope.postMessage({ type: "ask", id, question: "processMetrics" });
    return this.#questions.make("a question to the supervisor", ASK_TIMEOUT_MS, send);
  }

  async #call(method: ThreadMethod, argument: unknown): Promise<unknown> {
    const host = this.#host;
    if (host === undefined) throw new Error("The worker was called before its start");
    switch (method) {
      case "prepare":
        return await host.prepare(argument as NextConfig);
      case "commit":
      case "abandon":
      case "drain":
        return await host[method](argument as number);
      case "showChallenges":
        return await host.showChallenges(argument as ReadonlyMap<string, string>);
      case "metrics":
      case "upstreams":
      case "agents":
      case "reopenLogs":
      case "close":
        return await host[method]();
    }
  }
}

new WorkerPort(self as unknown as WorkerScope);
