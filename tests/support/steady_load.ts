/** Clients that ask all the time, as browsers do: keep-alive, one quiet retry on a connection that was closed idle. */

import { RawClient } from "./raw_client.ts";

const ANSWER_TIMEOUT_MS = 10_000;

/** Enough to see what went wrong. */
const FAILURES_KEPT = 20;

function elapsed(startedMs: number): string {
  return `after ${Math.round(performance.now() - startedMs)} ms:`;
}

/** What clients saw. */
export interface LoadResult {
  readonly requests: number;
  /** One line for each request that did not get what it should. */
  readonly failures: readonly string[];
  /** Times a kept connection turned out to be closed, so that the request went on a new one. */
  readonly reconnects: number;
}

/** What each request asks for, and the body it must get with status 200. */
export interface LoadOptions {
  readonly port: number;
  readonly clients: number;
  readonly path: string;
  readonly body: string;
}

/** Load that runs from its creation until `stop`. */
export class SteadyLoad {
  readonly #options: LoadOptions;
  readonly #running: Promise<unknown>;
  readonly #failures: string[] = [];
  readonly #marks: { count: number; reached: () => void }[] = [];
  #requests = 0;
  #reconnects = 0;
  #stopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#running = Promise.all(Array.from({ length: options.clients }, () => this.#client()));
  }

  /** Resolves once so many more requests have ended, well or not. */
  requests(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#marks.push({ count: this.#requests + count, reached: resolve });
    return promise;
  }

  /** Lets the requests under way end; resolves with what was seen. */
  async stop(): Promise<LoadResult> {
    this.#stopping = true;
    await this.#running;
    return { requests: this.#requests, failures: this.#failures, reconnects: this.#reconnects };
  }

  async #client(): Promise<void> {
    let client: RawClient | undefined;
    while (!this.#stopping) {
      const startedMs = performance.now();
      try {
        client = await this.#request(client);
      } catch (cause) {
        if (this.#failures.length < FAILURES_KEPT) this.#failures.push(`${elapsed(startedMs)} ${cause}`);
        client?.close();
        client = undefined;
      }
      this.#requests++;
      this.#tell();
    }
    client?.close();
  }

  /** One request; resolves with the connection if it may be used again. */
  async #request(kept: RawClient | undefined): Promise<RawClient | undefined> {
    const { port, path } = this.#options;
    if (kept !== undefined) {
      const answered = await this.#exchange(kept, path);
      if (answered !== "closed") return answered;
      this.#reconnects++;
    }
    const fresh = await RawClient.connect(port);
    const answered = await this.#exchange(fresh, path);
    if (answered === "closed") throw new Error("a new connection was closed without an answer");
    return answered;
  }

  async #exchange(client: RawClient, path: string): Promise<RawClient | undefined | "closed"> {
    await client.send(`GET ${path} HTTP/1.1\r\nHost: load.test\r\n\r\n`);
    const response = await client.response({ timeoutMs: ANSWER_TIMEOUT_MS });
    if (response === null) {
      const silent = client.received.length === 0;
      client.close();
      if (silent) return "closed";
      throw new Error("the connection ended inside a response");
    }
    const body = new TextDecoder().decode(response.body);
    if (response.status !== 200 || body !== this.#options.body || !response.complete) {
      throw new Error(`${response.head.replaceAll("\r\n", "; ")}; ${body.length} bytes of body`);
    }
    if (!/^connection: close/im.test(response.head)) return client;
    client.close();
    return undefined;
  }

  #tell(): void {
    for (const mark of this.#marks) if (this.#requests >= mark.count) mark.reached();
  }
}
