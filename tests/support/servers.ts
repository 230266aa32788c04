/** Real programs started by tests: Sentinel itself and the servers of others. */

import { fileURLToPath } from "node:url";
import { within } from "./raw_client.ts";

/** Root of the repository, with a slash at the end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 8_000;
const OUTPUT_CHARS_MAX = 1_000_000;

/** Flags of `deno task sentinel`, read from deno.json so that tests run under the permissions that ship. */
export function shippedFlags(): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)) as {
    tasks: Record<string, string>;
  };
  return tasks["sentinel"]!.split(" ").filter((word) => word.startsWith("--"));
}

/** True when the program is on PATH. */
export function hasCommand(name: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin");
  return folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}

/** A TCP port nobody listens on right now. */
export function freePort(): number {
  while (true) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

/** Ports that were given away: whoever asks twice wants two, and the system may choose the same again. */
const given = new Set<number>();

/** How to start a program and know that it is up. */
export interface ServerOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** TCP port, or Unix socket path, that accepts once the program is ready. */
  readonly ready: number | string;
}

/** A child process that listens somewhere. */
export class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #output = "";

  private constructor(options: ServerOptions) {
    this.#child = new Deno.Command(options.command, {
      args: [...options.args],
      ...(options.env ? { env: options.env } : {}),
      ...(options.cwd ? { cwd: options.cwd } : {}),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([this.#collect(this.#child.stdout), this.#collect(this.#child.stderr)]);
  }

  /** Starts the program and resolves once it accepts connections; throws with its output otherwise. */
  static async start(options: ServerOptions): Promise<Server> {
    const server = new Server(options);
    let exited = false;
    void server.#child.status.then(() => exited = true);
    const dueMs = performance.now() + START_TIMEOUT_MS;
    // Sentinel tries a port exclusively for a moment before its threads share it, so one success is not enough.
    for (let successes = 0; successes < 2;) {
      successes = await accepts(options.ready) ? successes + 1 : 0;
      if (successes === 2) break;
      if (exited || performance.now() > dueMs) {
        await server.stop();
        throw new Error(`${options.command} did not start:\n${server.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    return server;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Everything printed so far, both streams. */
  get output(): string {
    return this.#output;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Ends the program, kindly first; resolves with its status once it is gone. */
  async stop(): Promise<Deno.CommandStatus> {
    this.#tryKill("SIGTERM");
    if (await within(STOP_TIMEOUT_MS, this.#child.status, null) === null) this.#tryKill("SIGKILL");
    const status = await this.#child.status;
    await this.#reading;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #tryKill(name: Deno.Signal): void {
    try {
      this.#child.kill(name);
    } catch {
      // It has exited already.
    }
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      if (this.#output.length < OUTPUT_CHARS_MAX) this.#output += text;
    }
  }
}

async function accepts(ready: number | string): Promise<boolean> {
  try {
    const socket = typeof ready === "number"
      ? await Deno.connect({ hostname: "127.0.0.1", port: ready })
      : await Deno.connect({ transport: "unix", path: ready });
    socket.close();
    return true;
  } catch {
    return false;
  }
}

/** A running Sentinel with its configuration file in a folder of its own. */
export class Sentinel implements AsyncDisposable {
  readonly server: Server;
  readonly folder: string;

  private constructor(server: Server, folder: string) {
    this.server = server;
    this.folder = folder;
  }

  /** Writes `kdl` (`FOLDER` in it becomes the temporary folder) and starts Sentinel with the shipped permissions. */
  static async start(options: { kdl: string; ready: number | string }): Promise<Sentinel> {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-test-" });
    const path = `${folder}/sentinel.kdl`;
    await Deno.writeTextFile(path, options.kdl.replaceAll("FOLDER", folder));
    try {
      const server = await Server.start({
        command: Deno.execPath(),
        args: ["run", ...shippedFlags(), `${ROOT}src/main.ts`, "run", "--config", path],
        cwd: ROOT,
        ready: options.ready.toString().startsWith("FOLDER")
          ? String(options.ready).replace("FOLDER", folder)
          : options.ready,
      });
      return new Sentinel(server, folder);
    } catch (cause) {
      await Deno.remove(folder, { recursive: true });
      throw cause;
    }
  }

  get pid(): number {
    return this.server.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** What a test wants its Sentinel to be; everything else is a small, fixed configuration. */
export interface ConfigWishes {
  readonly port: number;
  readonly originPort: number;
  /** Lines inside the listener block. */
  readonly listener?: string;
  /** Lines inside the `upstream` block. */
  readonly upstream?: string;
  /** Lines inside `limits { }`. */
  readonly limits?: string;
  /** Lines inside `system { }`. */
  readonly system?: string;
  /** Address of the listener, when it is not `127.0.0.1:port`. */
  readonly address?: string;
}

/** One listener, one route for everything, one upstream, quiet logs, no metrics port. */
export function proxyConfig(wishes: ConfigWishes): string {
  return `system {
    worker-threads 1
    graceful-shutdown-timeout-secs 2
    ${wishes.system ?? ""}
}
listeners {
    listener "main" {
        address "${wishes.address ?? `127.0.0.1:${wishes.port}`}"
        protocol "http"
        ${wishes.listener ?? ""}
    }
}
routes {
    route "all" {
        priority "low"
        matches { path-prefix "/"; }
        upstream "origin"
    }
}
upstreams {
    upstream "origin" {
        target "127.0.0.1:${wishes.originPort}"
        ${wishes.upstream ?? ""}
    }
}
limits {
    ${wishes.limits ?? ""}
}
observability {
    metrics { enabled #false; }
    logging {
        level "warn"
        error-log { enabled #false; }
    }
}
`;
}

/** State code of a listening socket in /proc/net/tcp. */
const LISTENING = "0A";

/** TCP connections a process holds, in whatever state, listening sockets aside; read from /proc. */
export function socketCount(pid: number): number {
  const connections = new Set<string>();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of Deno.readTextFileSync(`/proc/${pid}/net/${table}`).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields.length > 9 && fields[3] !== LISTENING) connections.add(fields[9]!);
    }
  }
  const held = new Set<string>();
  for (const entry of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${entry.name}`))?.[1];
      if (inode !== undefined && connections.has(inode)) held.add(inode);
    } catch {
      // The descriptor was closed between listing and reading.
    }
  }
  return held.size;
}

/** Resolves true once `condition` holds, false when it does not within the time; looks every 20 ms. */
export async function eventually(
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const dueMs = performance.now() + timeoutMs;
  while (!await condition()) {
    if (performance.now() > dueMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
