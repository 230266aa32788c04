/** What an agent under test imports: as good as the proxy's own, but in the hands of the test. */

import type {
  FetchRequest,
  FetchResponse,
  Field,
  Imports,
  Label,
  LogLevel,
  Request,
  Result,
} from "../../src/agents/contract/sentinel_types.ts";
import { cryptoCapability, type SignatureVerifier } from "../../src/agents/host/crypto.ts";
import { FakeKv } from "./fake_kv.ts";
import type { TestRequest } from "./messages.ts";

/** Names of imports as in the configuration, and where they stand. */
const GRANTS = {
  log: "log",
  clock: "clock",
  random: "random",
  metrics: "metrics",
  assets: "assets",
  kv: "kv",
  crypto: "crypto",
  fetch: "fetch",
  "conn-info": "connInfo",
} as const satisfies Record<string, keyof Imports>;

/** What an agent can be granted. */
export type Grant = keyof typeof GRANTS;

/** A line that the agent wrote. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What the fakes begin with. */
export interface FakeHostOptions {
  readonly assets?: Readonly<Record<string, string | Uint8Array>>;
  /** Answers the agent's requests. */
  readonly fetch?: (request: FetchRequest) => Promise<Result<FetchResponse, string>>;
  /** Checks signatures; without one, every key is refused. */
  readonly verifier?: SignatureVerifier;
  /** Unix milliseconds at which the clock stands; it moves when the test says so. */
  readonly wallMs?: number;
  /** Seed of what the agent takes for random. */
  readonly seed?: number;
}

/** The fakes, and what came of them. */
export class FakeHost {
  readonly lines: LogLine[] = [];
  /** Sums of counters, and last values of gauges and histograms, by `name{key=value,…}`. */
  readonly metrics = new Map<string, number>();
  /** Calls of imports so far, by `interface`. */
  readonly calls = new Map<string, number>();
  wallMs: number;
  readonly #options: FakeHostOptions;
  #word: number;

  constructor(options: FakeHostOptions = {}) {
    this.#options = options;
    this.wallMs = options.wallMs ?? Date.UTC(2026, 0, 1);
    this.#word = options.seed ?? 1;
  }

  /** The imports with these names, and no others. */
  granted(grants: readonly Grant[]): Imports {
    const all = this.#all();
    const names = grants.map((grant) => GRANTS[grant]);
    return Object.fromEntries(names.map((name) => [name, all[name]]));
  }

  #all(): Required<Imports> {
    const count = (name: string) => void this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    const factsOf = (request: Request) => (request as TestRequest).connection;
    return {
      log: {
        write: (level, message, fields) => void this.lines.push({ level, message, fields: pairs(fields) }),
      },
      clock: {
        wallMs: () => (count("clock"), this.wallMs),
        monotonicMs: () => (count("clock"), this.wallMs - Date.UTC(2026, 0, 1)),
      },
      random: {
        word: () => this.#next(),
        bytes: (length) => Uint8Array.from({ length }, () => this.#next() >>> 24),
      },
      metrics: {
        add: (name, labels, amount) => {
          const key = series(name, labels);
          this.metrics.set(key, (this.metrics.get(key) ?? 0) + amount);
        },
        set: (name, labels, value) => void this.metrics.set(series(name, labels), value),
        observe: (name, labels, value) => void this.metrics.set(series(name, labels), value),
      },
      assets: {
        read: (name) => bytesOf(this.#options.assets?.[name]),
        version: (name) => this.#options.assets?.[name] === undefined ? undefined : "1",
      },
      kv: new FakeKv(() => this.wallMs),
      crypto: cryptoCapability.create({
        agent: "test",
        meter: FREE,
        verifier: this.#options.verifier ?? NO_VERIFIER,
      }),
      fetch: {
        send: (request) =>
          this.#options.fetch?.(request) ??
            Promise.resolve({ type: "error", value: "no fetch in this test" }),
      },
      connInfo: {
        clientAddress: (request) => (count("conn-info"), factsOf(request).clientAddress),
        clientPort: (request) => factsOf(request).clientPort,
        tls: (request) => factsOf(request).tls,
      },
    };
  }

  /** A linear congruential generator: repeatable, and good enough to be different. */
  #next(): number {
    this.#word = (Math.imul(this.#word, 1664525) + 1013904223) >>> 0;
    return this.#word;
  }
}

/** Tests are not metered. */
const FREE = { call() {}, work() {}, answer() {}, refused() {} };

const NO_VERIFIER: SignatureVerifier = {
  verify: () => ({ type: "error", value: "no verifier in this test" }),
};

function pairs(fields: readonly Field[]): Readonly<Record<string, string>> {
  return Object.fromEntries(fields.map(({ key, value }) => [key, value]));
}

function series(name: string, labels: readonly Label[]): string {
  if (labels.length === 0) return name;
  return `${name}{${labels.map(({ key, value }) => `${key}=${value}`).join(",")}}`;
}

function bytesOf(asset: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof asset === "string" ? new TextEncoder().encode(asset) : asset;
}
