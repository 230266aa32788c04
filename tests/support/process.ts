/** A Sentinel process under test: started on free ports, watched by its output and its admin listener. */

import { freePort, ROOT, shippedFlags } from "./servers.ts";

/** Long enough for a slow machine, short enough to fail a test rather than a job. */
const WAIT_MS = 20_000;

/** How to start the process. */
export interface ProcessOptions {
  /** Arguments after `main.ts`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another entry than `src/main.ts`, for processes with a seam for tests; runs with all permissions. */
  readonly entry?: string;
}

/** A running or ended process and what it said. */
export class SentinelProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #waiting = new Set<() => void>();
  #stdout = "";
  #stderr = "";
  #ended = false;

  constructor(options: ProcessOptions) {
    const flags = options.entry === undefined ? shippedFlags() : ["-A"];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, options.entry ?? `${ROOT}src/main.ts`, ...options.args],
      cwd: options.cwd ?? ROOT,
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      this.#collect(this.#child.stdout, (text) => this.#stdout += text),
      this.#collect(this.#child.stderr, (text) => this.#stderr += text),
    ]);
    void this.#child.status.then(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once the output (of either stream) matches as often as asked; rejects when it ends or stays silent. */
  async said(pattern: RegExp, times = 1): Promise<void> {
    const everywhere = new RegExp(pattern.source, `g${pattern.flags.replace("g", "")}`);
    const dueMs = performance.now() + WAIT_MS;
    while ([...`${this.#stdout}\n${this.#stderr}`.matchAll(everywhere)].length < times) {
      const leftMs = dueMs - performance.now();
      if (this.#ended || leftMs <= 0) {
        throw new Error(
          `${this.#ended ? "Ended without" : "Waited in vain for"} ${pattern}:\n${this.output}`,
        );
      }
      await this.#changed(leftMs);
    }
  }

  /** Everything said, for messages of failing tests. */
  get output(): string {
    return `--- stdout\n${this.#stdout}\n--- stderr\n${this.#stderr}`;
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Waits for the end; resolves with the exit status. */
  async ended(): Promise<number> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), WAIT_MS);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGTERM");
    await this.ended();
  }

  async #changed(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    clearTimeout(timer);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  async #collect(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    take: (text: string) => void,
  ): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      take(text);
      this.#wake();
    }
  }
}

/** A serving instance with a configuration file of its own, free ports and an admin listener. */
export class ServingSentinel implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly adminPort: number;
  readonly process: SentinelProcess;

  private constructor(init: { folder: string; port: number; adminPort: number; process: SentinelProcess }) {
    this.folder = init.folder;
    this.port = init.port;
    this.adminPort = init.adminPort;
    this.process = init.process;
  }

  /** Starts with the configuration that `kdl` makes of the ports and the folder; resolves once it serves. */
  static async start(
    kdl: (place: { port: number; adminPort: number; folder: string }) => string,
    options: Omit<ProcessOptions, "args"> = {},
  ): Promise<ServingSentinel> {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-e2e-" });
    const [port, adminPort] = [freePort(), freePort()];
    const place = { folder, port, adminPort };
    await Deno.writeTextFile(`${folder}/sentinel.kdl`, kdl(place));
    const process = new SentinelProcess({ ...options, args: ["run", "--config", `${folder}/sentinel.kdl`] });
    try {
      await process.said(/serving/);
    } catch (cause) {
      await process[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
      throw cause;
    }
    return new ServingSentinel({ ...place, process });
  }

  get configPath(): string {
    return `${this.folder}/sentinel.kdl`;
  }

  /** Fetches from the admin listener. */
  admin(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.adminPort}${path}`, init);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Whether nobody accepts connections on the port. */
export async function refuses(port: number): Promise<boolean> {
  try {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.close();
    return false;
  } catch (cause) {
    if (cause instanceof Deno.errors.ConnectionRefused) return true;
    throw cause;
  }
}
