import { BufferPool } from "../core/buffer_pool.ts";
import { CidrSet } from "../core/cidr.ts";
import type { RequestContext } from "../core/context.ts";
import { Deadlines } from "../core/deadlines.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import type { Clock, Listen, Log, Timers } from "../core/ports.ts";
import { Acceptor } from "../downstream/acceptor.ts";
import type { Admission } from "../downstream/admission.ts";
import type { RequestHandler } from "../downstream/handler.ts";
import { INPUT_BYTES_INITIAL } from "../downstream/input.ts";
import { HttpDate } from "../downstream/http_date.ts";
import { demoResponse } from "../services/demo.ts";
import type { Companion, Supervisor } from "./supervisor.ts";

/** Where the embedded default configuration looks for its upstream. */
const ADDRESS = { type: "ip", ip: "127.0.0.1", port: 8081 } as const;

/** Connections at a time; the demo is no place for load. */
const CONNECTIONS_MAX = 256;

const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** What the demo service runs on. */
export interface DemoPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly listen: Listen;
  readonly log: Log;
}

/**
 * The demo upstream: a service of its own on a loopback port, so that even the first try shows requests
 * going through the proxy. It runs only while the default configuration is served as it was shipped.
 */
export class DemoCompanion implements Companion {
  readonly #supervisor: Supervisor;
  readonly #ports: DemoPorts;
  readonly #deadlines: Deadlines;
  #acceptor: Acceptor | undefined;

  constructor(supervisor: Supervisor, ports: DemoPorts) {
    this.#supervisor = supervisor;
    this.#ports = ports;
    this.#deadlines = new Deadlines(ports.clock, ports.timers);
  }

  async prepare(): Promise<readonly string[]> {
    if (!this.#wanted || this.#acceptor !== undefined) return [];
    try {
      const socket = await this.#ports.listen(ADDRESS, { reusePort: false });
      this.#acceptor = this.#accept(socket);
    } catch (cause) {
      // Whoever has the port answers in the demo's place; the proxy itself works.
      const error = cause instanceof Error ? cause.message : String(cause);
      this.#ports.log("warn", "The demo service is not started", { error });
    }
    return [];
  }

  commit(): void {
    if (!this.#wanted) void this.#end();
  }

  abandon(): void {}

  async close(): Promise<void> {
    await this.#end();
    this.#deadlines.dispose();
  }

  get #wanted(): boolean {
    return this.#supervisor.lastSeen?.isDefault === true;
  }

  async #end(): Promise<void> {
    const acceptor = this.#acceptor;
    this.#acceptor = undefined;
    if (acceptor === undefined) return;
    const drained = acceptor.drain();
    acceptor.abort();
    await drained;
  }

  #accept(socket: Awaited<ReturnType<Listen>>): Acceptor {
    const { clock, log } = this.#ports;
    const nobody = new CidrSet([]);
    const acceptor = new Acceptor(socket, {
      id: "demo",
      namespace: undefined,
      protocol: "http",
      trusted: nobody,
      tls: null,
      proxyHeaderFrom: nobody,
      limits: LIMITS,
    }, {
      connections: {
        handler: new DemoHandler(this.#ports.timers),
        clock,
        deadlines: this.#deadlines,
        date: new HttpDate(),
        inputBuffers: new BufferPool(INPUT_BYTES_INITIAL, 4),
        largeBuffers: new BufferPool(65_536, 4),
        outputBuffers: new BufferPool(32_768, 4),
      },
      deadlines: this.#deadlines,
      admission: countedAdmission(),
      events: {
        accepted: () => {},
        rejected: () => {},
        closed: () => {},
        handshaken: () => {},
        handshakeFailed: () => {},
      },
      http2: { opened: () => {}, closed: () => {}, flooded: () => {}, refused: () => {} },
      log,
    });
    void acceptor.run();
    return acceptor;
  }
}

/** A bound on the demo's own connections. */
function countedAdmission(): Admission {
  let open = 0;
  return {
    admit() {
      if (open >= CONNECTIONS_MAX) return "listener_connections";
      open++;
      return "admitted";
    },
    release: () => void open--,
  };
}

const LIMITS = {
  head: {
    targetBytesMax: 65_536,
    headerBytesMax: 262_144,
    headerCountMax: 1000,
    headerNameBytesMax: 1024,
    headerValueBytesMax: 65_536,
  },
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  requestTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  bodyRateMin: 240,
  bodyGraceMs: 5_000,
  requestsMax: Infinity,
  streamsMax: 100,
};

class DemoHandler implements RequestHandler {
  readonly #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  async handle(context: RequestContext): Promise<Response> {
    context.bodyBytesMax = BODY_BYTES_MAX;
    let bodyBytes = 0;
    try {
      const { body } = context;
      for (let bytes = await body?.read(); bytes; bytes = await body?.read()) bodyBytes += bytes.length;
    } catch {
      return { status: 400, reason: "", headers: new HeaderList(), body: null };
    }
    return await demoResponse({ head: context.head, bodyBytes }, this.#timers);
  }

  respond(_context: RequestContext, response: Response): Response {
    return response;
  }

  fail(_context: RequestContext): Response {
    return { status: 500, reason: "", headers: new HeaderList(), body: null };
  }

  refuse(_context: RequestContext, error: { readonly status: number }): Response {
    return { status: error.status, reason: "", headers: new HeaderList(), body: null };
  }

  finish(context: RequestContext): void {
    context.body?.cancel();
  }
}
