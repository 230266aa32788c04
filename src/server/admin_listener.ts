import { parseEndpoint } from "../core/address.ts";
import type { Log } from "../core/ports.ts";
import { answerAdmin, isLoopback } from "./admin.ts";
import type { AdminDeps, AdminPeer } from "./admin.ts";
import type { Companion } from "./supervisor.ts";
import type { NextConfig } from "./thread.ts";

/** How long open admin connections get to finish at the end. */
const CLOSE_GRACE_MS = 500;

interface Bound {
  readonly address: string;
  readonly server: Deno.HttpServer;
  readonly abort: AbortController;
}

/** The admin listener. It follows the configured address: bound when prepared, the old one closed at commit. */
export class AdminListener implements Companion {
  readonly #deps: AdminDeps;
  readonly #log: Log;
  #bound: Bound | undefined;
  #prepared: Bound | undefined;

  constructor(deps: AdminDeps, log: Log) {
    this.#deps = deps;
    this.#log = log;
  }

  prepare({ config }: NextConfig): Promise<readonly string[]> {
    const { enabled, address } = config.observability.metrics;
    if (!enabled || address === this.#bound?.address) return Promise.resolve([]);
    try {
      this.#prepared = this.#bind(address);
      return Promise.resolve([]);
    } catch (cause) {
      const why = cause instanceof Deno.errors.AddrInUse
        ? "the address is in use by another process"
        : cause instanceof Error
        ? cause.message
        : String(cause);
      const hint = 'change it with observability { metrics { address "127.0.0.1:9091" } }';
      return Promise.resolve([`Cannot listen on ${address} for the admin listener: ${why}; ${hint}`]);
    }
  }

  commit({ config }: NextConfig): void {
    const { enabled } = config.observability.metrics;
    const old = this.#bound;
    if (this.#prepared !== undefined) this.#bound = this.#prepared;
    else if (!enabled) this.#bound = undefined;
    this.#prepared = undefined;
    if (old !== undefined && old !== this.#bound) void shut(old);
  }

  abandon(): void {
    if (this.#prepared !== undefined) void shut(this.#prepared);
    this.#prepared = undefined;
  }

  async close(): Promise<void> {
    this.abandon();
    if (this.#bound !== undefined) await shut(this.#bound);
    this.#bound = undefined;
  }

  #bind(address: string): Bound {
    const endpoint = parseEndpoint(address);
    if (typeof endpoint === "string") throw new Error(`the address ${endpoint}`);
    const abort = new AbortController();
    const options = {
      signal: abort.signal,
      onListen: () => {},
      onError: (cause: unknown) => {
        this.#log("error", "The admin listener failed to answer", { error: String(cause) });
        return new Response("Internal error\n", { status: 500 });
      },
    };
    const local: AdminPeer = { loopback: true, boundToLoopback: true };
    const server = endpoint.type === "unix"
      ? Deno.serve({ ...options, path: endpoint.path }, (request) => this.#answer(request, local))
      : Deno.serve(
        { ...options, hostname: endpoint.host, port: endpoint.port },
        (request, { remoteAddr }) =>
          this.#answer(request, {
            loopback: isLoopback(remoteAddr.hostname),
            boundToLoopback: isLoopback(endpoint.host),
          }),
      );
    return { address, server, abort };
  }

  async #answer(request: Request, peer: AdminPeer): Promise<Response> {
    if (this.#deps.supervisor.generation === 0) return new Response("Starting\n", { status: 503 });
    return await answerAdmin(request, peer, this.#deps);
  }
}

/** Lets running answers finish for a moment, then closes what is open. */
async function shut(bound: Bound): Promise<void> {
  const timer = setTimeout(() => bound.abort.abort(), CLOSE_GRACE_MS);
  await bound.server.shutdown();
  clearTimeout(timer);
}
