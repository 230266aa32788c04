import type { Config } from "../config/document.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { Random } from "../core/ports.ts";
import type { SharedMemory } from "../core/shared_memory.ts";
import { assert } from "../core/assert.ts";
import { clientNetwork } from "../counters/client_network.ts";
import { SharedGauges, type WorkerSeat } from "../counters/shared_gauges.ts";
import { SharedTotals } from "../counters/shared_totals.ts";
import type { Admission, Rejection } from "../downstream/admission.ts";
import { clientKeysMax, clientsKey, CONNECTIONS, listenerTotalsKey, TOTALS_KEY } from "./shared_needs.ts";

/** Leading bits of an IPv6 address that make one client: what one subscriber holds. */
const CLIENT_IPV6_BITS = 64;

/** Bounds on connections that hold over all threads. Lets everybody in until it is configured. */
export class SharedAdmission implements Admission {
  readonly #seat: WorkerSeat;
  readonly #random: Random;
  #memory: SharedArrayBuffer | undefined;
  #totals: SharedTotals | undefined;
  #clients: SharedGauges | undefined;
  /** Listeners with a bound of their own, by id; one that lost it keeps its counts until it is asked no more. */
  readonly #listeners = new Map<string, { readonly totals: SharedTotals; max: number }>();
  #connectionsMax = Infinity;
  #perClientMax = Infinity;

  constructor(seat: WorkerSeat, random: Random) {
    this.#seat = seat;
    this.#random = random;
  }

  /** Takes the bounds of a configuration over; what is counted already stays counted. */
  configure(config: Config, shared: SharedMemory): void {
    const { limits, system } = config;
    this.#connectionsMax = Math.min(system.maxConnections, limits.maxTotalConnections);
    this.#perClientMax = limits.maxConnectionsPerClient;
    const totals = shared[TOTALS_KEY];
    const clients = shared[clientsKey(config)];
    assert(totals !== undefined && clients !== undefined, "memory for connection counts was allocated");
    this.#totals ??= new SharedTotals(totals, this.#seat);
    this.#configureListeners(config, shared);
    if (clients === this.#memory) return;
    this.#memory = clients;
    this.#clients = new SharedGauges(clients, {
      maxKeys: clientKeysMax(config),
      seat: this.#seat,
      random: this.#random,
    });
  }

  admit(clientIp: string, listenerId: string): "admitted" | Rejection {
    const totals = this.#totals;
    if (totals === undefined) return "admitted";
    if (!totals.tryAcquire(CONNECTIONS, this.#connectionsMax)) return "total_connections";
    const listener = this.#listeners.get(listenerId);
    if (listener !== undefined && !listener.totals.tryAcquire(0, listener.max)) {
      totals.release(CONNECTIONS);
      return "listener_connections";
    }
    // Clients on a Unix socket are one local proxy, so they have no address to be counted by.
    if (clientIp === "") return "admitted";
    const acquired = this.#clients!.acquire(clientNetwork(clientIp, CLIENT_IPV6_BITS), this.#perClientMax);
    if (acquired === "acquired") return "admitted";
    totals.release(CONNECTIONS);
    listener?.totals.release(0);
    return acquired === "limit" ? "client_connections" : "total_connections";
  }

  release(clientIp: string, listenerId: string): void {
    this.#totals?.release(CONNECTIONS);
    this.#listeners.get(listenerId)?.totals.release(0);
    if (clientIp !== "") this.#clients?.release(clientNetwork(clientIp, CLIENT_IPV6_BITS));
  }

  #configureListeners(config: Config, shared: SharedMemory): void {
    for (const listener of this.#listeners.values()) listener.max = Infinity;
    for (const { id, maxConnections } of resolveConfig(config).listeners) {
      const memory = shared[listenerTotalsKey(id)];
      if (maxConnections === undefined || memory === undefined) continue;
      const known = this.#listeners.get(id);
      if (known !== undefined) known.max = maxConnections;
      else this.#listeners.set(id, { totals: new SharedTotals(memory, this.#seat), max: maxConnections });
    }
  }
}
