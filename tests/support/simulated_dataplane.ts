import { NO_AGENTS } from "../../src/engine/agent_plan.ts";
import { noTls } from "./no_tls.ts";
import { NO_AGENT_PORTS } from "./no_agents.ts";
import { parseConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/document.ts";
import type { Random, Socket, SocketListener } from "../../src/core/ports.ts";
import { allocateShared, type SharedMemory } from "../../src/core/shared_memory.ts";
import { Dataplane } from "../../src/engine/dataplane.ts";
import { sharedNeeds } from "../../src/engine/shared_needs.ts";
import { FakeDialer, FakeSocket, type FakeSocketOptions, FakeTime, settle } from "./fake_socket.ts";

/** Reads a configuration that must be good. */
export function goodConfig(text: string): Config {
  const { config, issues } = parseConfig(text, "simulation.kdl");
  if (config === undefined) throw new Error(issues.map((issue) => issue.message).join("\n"));
  return config;
}

/** A generator of numbers that a seed determines (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    u32() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
  };
}

class FakeListener implements SocketListener {
  readonly address = { type: "ip", ip: "127.0.0.1", port: 80 } as const;
  #queue: Socket[] = [];
  #wake: (() => void) | null = null;
  #closed = false;

  offer(socket: Socket): void {
    this.#queue.push(socket);
    this.#wake?.();
  }

  async accept(): Promise<Socket | null> {
    while (this.#queue.length === 0) {
      if (this.#closed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#queue.shift()!;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    return Promise.resolve();
  }
}

/** A dataplane whose clock, sockets and randomness belong to the test. */
export class SimulatedDataplane {
  readonly time = new FakeTime();
  readonly dialer = new FakeDialer();
  readonly lines: string[] = [];
  readonly clients: FakeSocket[] = [];
  readonly dataplane: Dataplane;
  #listener = new FakeListener();
  #shared: SharedMemory = {};
  #generation = 0;

  constructor(seed = 1) {
    const sink = { write: (line: string) => void this.lines.push(line) };
    this.dataplane = new Dataplane({
      ports: {
        clock: this.time,
        timers: this.time,
        random: seededRandom(seed),
        dialer: this.dialer,
        listen: () => Promise.resolve(this.#listener),
        log: () => {},
      },
      workerIndex: 0,
      workerCount: 1,
      sinks: {
        sink: () => sink,
        dropped: () => new Map(),
        reopen: () => {},
        retain: () => Promise.resolve(),
        flush: () => Promise.resolve(),
        close: () => Promise.resolve(),
      },
      tls: noTls,
      version: "test",
      instanceId: "test",
      readText: () => Promise.reject(new Error("no files here")),
      agentPorts: NO_AGENT_PORTS,
      builtin: { processMetrics: () => this.dataplane.metricsSnapshot() },
    });
  }

  /** Serves a configuration; resolves with the problems that kept it from being served. */
  async serve(text: string, change: (config: Config) => Config = (config) => config): Promise<string[]> {
    const config = change(goodConfig(text));
    const shared = allocateShared(sharedNeeds(config, 1), this.#shared);
    const generation = ++this.#generation;
    const problems = await this.dataplane.prepare({ config, generation, shared, agents: NO_AGENTS });
    if (problems.length > 0) return problems;
    this.#shared = shared;
    this.dataplane.commit(this.#generation);
    return [];
  }

  /** A new client connection. */
  async connect(options: FakeSocketOptions = {}): Promise<FakeSocket> {
    const socket = new FakeSocket(options);
    this.clients.push(socket);
    this.#listener.offer(socket);
    await settle();
    return socket;
  }

  /** The value of a metric's only series, or of the one with these labels. */
  metric(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const family = this.dataplane.metricsSnapshot().families.find((each) => each.name === name);
    const wanted = (family?.labelNames ?? []).map((label) => labels[label]);
    const series = family?.series.find((each) =>
      wanted.every((value, i) => value === undefined || value === each.labels[i])
    );
    return series?.values[0] ?? 0;
  }

  /** Sockets of either side that are still open. */
  get openSockets(): number {
    return this.dialer.open + this.clients.filter((client) => !client.isClosed).length;
  }
}
