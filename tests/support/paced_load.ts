import { headerOf, RawClient, textOf } from "./raw_client.ts";

const ANSWER_TIMEOUT_MS = 10_000;
const FAILURES_KEPT = 20;

/** What is sent, and how often. */
export interface PacedLoadOptions {
  readonly port: number;
  /** Requests per second of all clients together. */
  readonly rate: number;
  readonly clients: number;
  /** Whole requests; clients send them in turn. */
  readonly requests: readonly string[];
  readonly body: string;
}

/** Requests at a fixed rate, whatever the answers do, over connections that are kept. */
export class PacedLoad {
  readonly failures: string[] = [];
  requests = 0;
  /** Milliseconds of the slowest answer. */
  slowestMs = 0;
  readonly #options: PacedLoadOptions;
  readonly #running: Promise<unknown>;
  #isStopping = false;

  constructor(options: PacedLoadOptions) {
    this.#options = options;
    this.#running = Promise.all(Array.from({ length: options.clients }, (_, place) => this.#client(place)));
  }

  /** Lets what is under way end. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #client(place: number): Promise<void> {
    const { rate, clients, port, requests } = this.#options;
    const pauseMs = clients * 1000 / rate;
    let dueMs = performance.now() + pauseMs * place / clients;
    let client: RawClient | undefined;
    for (let turn = place; !this.#isStopping; turn++, dueMs += pauseMs) {
      // The pace is what is under test here: there is no event to wait for.
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
      const startedMs = performance.now();
      try {
        client ??= await RawClient.connect(port);
        const request = requests[turn % requests.length]!;
        await client.send(request);
        const answer = await client.response({ timeoutMs: ANSWER_TIMEOUT_MS });
        const text = answer === null ? "" : textOf(answer.body);
        if (answer?.status !== 200 || text !== this.#options.body) {
          throw new Error(`${request.split(" ")[0]}: ${answer?.status ?? "closed"} ${text.slice(0, 200)}`);
        }
        if (headerOf(answer, "connection")?.toLowerCase() === "close") {
          client.close();
          client = undefined;
        }
      } catch (cause) {
        if (this.failures.length < FAILURES_KEPT) {
          this.failures.push(
            `${Math.round(startedMs)} ms: ${cause instanceof Error ? cause.message : cause}`,
          );
        }
        client?.close();
        client = undefined;
      }
      this.requests++;
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
    }
    client?.close();
  }
}
