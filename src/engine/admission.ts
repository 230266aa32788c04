import type { Config } from "../config/document.ts";
import type { Random } from "../core/ports.ts";
import type { SharedMemory } from "../core/shared_memory.ts";
import { assert } from "../core/assert.ts";
import { clientNetwork } from "../counters/client_network.ts";
import { SharedGauges, type WorkerSeat } from "../counters/shared_gauges.ts";
import { SharedTotals } from "../counters/shared_totals.ts";
import type { Admission, Rejection } from "../downstream/admission.ts";
import { clientKeysMax, clientsKey, CONNECTIONS, TOTALS_KEY } from "./shared_needs.ts";

/** Leading bits of an IPv6 address that make one client: what one subscriber holds. */
const CLIENT_IPV6_BITS = 64;

/** Bounds on connections that hold over all threads. Lets everybody in until it is configured. */
export class SharedAdmission implements Admission {
  readonly #seat: WorkerSeat;
  readonly #random: Random;
  #memory: SharedArrayBuffer | undefined;
  #totals: SharedTotals | undefined;
  #clients: SharedGauges | undefined;
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
    if (clients === this.#memory) return;
    this.#memory = clients;
    this.#clients = new SharedGauges(clients, {
      maxKeys: clientKeysMax(config),
      seat: this.#seat,
      random: this.#random,
    });
  }

  admit(clientIp: string): "admitted" | Rejection {
    const totals = this.#totals;
    if (totals === undefined) return "admitted";
    if (!totals.tryAcquire(CONNECTIONS, this.#connectionsMax)) return "total_connections";
    // Clients on a Unix socket are one local proxy, so they have no address to be counted by.
    if (clientIp === "") return "admitted";
    const acquired = this.#clients!.acquire(clientNetwork(clientIp, CLIENT_IPV6_BITS), this.#perClientMax);
    if (acquired === "acquired") return "admitted";
    totals.release(CONNECTIONS);
    return acquired === "limit" ? "client_connections" : "total_connections";
  }

  release(clientIp: string): void {
    this.#totals?.release(CONNECTIONS);
    if (clientIp !== "") this.#clients?.release(clientNetwork(clientIp, CLIENT_IPV6_BITS));
  }
}
