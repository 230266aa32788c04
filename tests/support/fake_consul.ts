/** Consul's `/v1/health/service/` with blocking queries, as developer.hashicorp.com/consul/api-docs describes it. */

import { type Fault, faultAnswer, serve } from "./fault.ts";

/** One instance of the service. */
export interface ConsulInstance {
  readonly address?: string;
  readonly node?: string;
  readonly port: number;
  readonly status?: "passing" | "warning" | "critical";
  readonly tags?: readonly string[];
  readonly weights?: { readonly Passing: number; readonly Warning: number };
}

/** A running fake. */
export class FakeConsul implements AsyncDisposable {
  /** Queries that came, and their tokens. */
  readonly requests: { readonly query: URLSearchParams; readonly token: string | null }[] = [];
  /** Taken by the next requests, one each. */
  readonly faults: Fault[] = [];
  /** Every request must carry it, where there is one. */
  token: string | null = null;
  index = 10;
  readonly #server;
  readonly #waiting = new Set<() => void>();
  readonly #closing = new AbortController();
  #instances: readonly ConsulInstance[] = [];

  constructor(instances: readonly ConsulInstance[]) {
    this.#instances = instances;
    this.#server = serve((request) => this.#answer(request));
  }

  get url(): string {
    return this.#server.url;
  }

  /** Changes the catalogue; blocking queries return. */
  set(instances: readonly ConsulInstance[], index = this.index + 1): void {
    this.#instances = instances;
    this.index = index;
    for (const wake of this.#waiting) wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const wake of this.#waiting) wake();
    await this.#server.close();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url);
    this.requests.push({ query, token: request.headers.get("x-consul-token") });
    const fault = this.faults.shift();
    if (fault !== undefined) return await faultAnswer(fault, this.#closing.signal);
    if (this.token !== null && request.headers.get("x-consul-token") !== this.token) {
      return new Response("Permission denied", { status: 403 });
    }
    if (pathname !== "/v1/health/service/api") return new Response("[]");
    const asked = Number(query.get("index") ?? 0);
    if (asked === this.index) await this.#change(Number(/^(\d+)ms$/.exec(query.get("wait") ?? "")![1]));
    const shown = this.#instances.filter(({ status = "passing", tags = [] }) =>
      (query.get("passing") !== "true" || status === "passing") &&
      query.getAll("tag").every((tag) => tags.includes(tag))
    );
    return new Response(JSON.stringify(shown.map(instanceJson)), {
      headers: { "x-consul-index": String(this.index) },
    });
  }

  #change(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      this.#waiting.add(wake);
    });
  }
}

function instanceJson(
  { address = "", node = "10.9.9.9", port, status = "passing", tags, weights }: ConsulInstance,
) {
  return {
    Node: { ID: "n", Node: "node", Address: node, Datacenter: "dc1" },
    Service: {
      ID: `api-${port}`,
      Service: "api",
      Tags: tags ?? [],
      Address: address,
      Port: port,
      Weights: weights ?? { Passing: 1, Warning: 1 },
    },
    Checks: [{ CheckID: "serfHealth", Status: "passing" }, { CheckID: "own", Status: status }],
  };
}
