import type { ResolvedListener } from "../config/resolve.ts";
import { parseEndpoint } from "../core/address.ts";
import type { Deadlines } from "../core/deadlines.ts";
import type { Address, Listen, Log, SocketListener } from "../core/ports.ts";
import type { CertificateFacts } from "../core/tls.ts";
import { Acceptor, type ListenerSettings } from "../downstream/acceptor.ts";
import type { Admission } from "../downstream/admission.ts";
import type { ConnectionDeps } from "../downstream/connection.ts";
import type { Families } from "../observe/families.ts";
import { ListenerMeter } from "../observe/request_meters.ts";

/** What this thread's listeners need. */
export interface ListenersDeps {
  readonly listen: Listen;
  readonly log: Log;
  readonly deadlines: Deadlines;
  readonly admission: Admission;
  readonly connections: ConnectionDeps;
  readonly families: Families;
  /** Unix sockets can be owned by one thread only; this is the one. */
  readonly ownsUnixSockets: boolean;
}

/** A listener to be served, with what it does with connections. */
export interface PlannedListener {
  readonly config: ResolvedListener;
  readonly settings: ListenerSettings;
}

/** A certificate and who shows it. */
export interface ListenerCertificate extends CertificateFacts {
  readonly listener: string;
}

/** Sockets bound for a configuration that is not served yet. */
export interface PreparedListeners {
  readonly planned: readonly PlannedListener[];
  readonly bound: ReadonlyMap<string, SocketListener>;
}

/**
 * The listening sockets of one thread, by address. A socket whose address stays in the configuration is
 * kept open across reloads, so that no connection in its queue is lost.
 */
export class Listeners {
  readonly #deps: ListenersDeps;
  readonly #acceptors = new Map<string, Acceptor>();
  /** Listeners that vanished from the configuration and have requests to finish. */
  readonly #leaving = new Set<Acceptor>();

  constructor(deps: ListenersDeps) {
    this.#deps = deps;
  }

  /** Binds what is new. Rejects when an address cannot be bound; nothing is left bound then. */
  async prepare(planned: readonly PlannedListener[]): Promise<PreparedListeners> {
    const bound = new Map<string, SocketListener>();
    try {
      for (const { config } of planned) {
        const address = endpointOf(config.address);
        if (this.#acceptors.has(config.address) || bound.has(config.address)) continue;
        if (address.type === "unix" && !this.#deps.ownsUnixSockets) continue;
        bound.set(config.address, await this.#deps.listen(address, { reusePort: true }));
      }
    } catch (cause) {
      await Promise.all([...bound.values()].map((socket) => socket.close()));
      throw cause;
    }
    return { planned, bound };
  }

  /** Serves what was prepared, and stops accepting at what is no longer planned. */
  commit({ planned, bound }: PreparedListeners): void {
    const kept = new Set(planned.map(({ config }) => config.address));
    for (const [address, acceptor] of this.#acceptors) {
      if (kept.has(address)) continue;
      this.#acceptors.delete(address);
      this.#leave(acceptor);
    }
    for (const { config, settings } of planned) {
      const acceptor = this.#acceptors.get(config.address);
      const socket = bound.get(config.address);
      if (acceptor !== undefined) acceptor.update(settings);
      else if (socket !== undefined) this.#start(config.address, socket, settings);
    }
  }

  /** Closes what was bound for a configuration that will not be served. */
  async abandon({ bound }: PreparedListeners): Promise<void> {
    await Promise.all([...bound.values()].map((socket) => socket.close()));
  }

  /** The certificates of listeners, for metrics. */
  certificates(): readonly ListenerCertificate[] {
    return [...this.#acceptors.values()].flatMap(({ settings: { id, tls } }) =>
      (tls?.server.certificates ?? []).map((facts) => ({ ...facts, listener: id }))
    );
  }

  /** Stops accepting everywhere; resolves when no connection is left. */
  async drain(): Promise<void> {
    await Promise.all([...this.#acceptors.values(), ...this.#leaving].map((acceptor) => acceptor.drain()));
  }

  /** Cuts what is open; the number of connections that had a request under way. */
  abort(): number {
    let busy = 0;
    for (const acceptor of [...this.#acceptors.values(), ...this.#leaving]) busy += acceptor.abort();
    return busy;
  }

  #start(address: string, socket: SocketListener, settings: ListenerSettings): void {
    const meter = new ListenerMeter(this.#deps.families, settings.id);
    const acceptor = new Acceptor(socket, settings, {
      connections: this.#deps.connections,
      deadlines: this.#deps.deadlines,
      admission: this.#deps.admission,
      log: this.#deps.log,
      events: {
        accepted: () => meter.opened(),
        closed: () => meter.closed(),
        rejected: (reason) => meter.rejected(reason),
        handshaken: ({ facts }, durationMs) => meter.handshaken(facts, durationMs),
        handshakeFailed: (failure) => meter.handshakeFailed(failure),
      },
      http2: meter.http2,
    });
    this.#acceptors.set(address, acceptor);
    void acceptor.run();
  }

  #leave(acceptor: Acceptor): void {
    this.#leaving.add(acceptor);
    acceptor.drain().finally(() => this.#leaving.delete(acceptor));
  }
}

function endpointOf(address: string): Address {
  const endpoint = parseEndpoint(address);
  if (typeof endpoint === "string") throw new Error(`Cannot listen on ${address}: ${endpoint}`);
  return endpoint.type === "unix" ? endpoint : { type: "ip", ip: endpoint.host, port: endpoint.port };
}
