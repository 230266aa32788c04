/** The EndpointSlice part of a Kubernetes API server: paged lists, watches with bookmarks, versions that are forgotten. */

import { type Fault, faultAnswer, serve } from "./fault.ts";

/** A slice without what the server adds. */
export interface SliceSpec {
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[];
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: Readonly<Record<string, boolean>>;
    readonly zone?: string;
  }[];
}

interface WatchEvent {
  readonly version: number;
  readonly line: string;
}

/** A running fake for one service, `shop/api`. */
export class FakeKubernetes implements AsyncDisposable {
  readonly requests: { readonly query: URLSearchParams; readonly authorization: string | null }[] = [];
  /** Taken by the next requests, one each. */
  readonly faults: Fault[] = [];
  /** Every request must carry it, where there is one. */
  token: string | null = null;
  /** Slices per page, whatever limit is asked for. */
  pageSize = 2;
  lists = 0;
  watches = 0;
  readonly #server;
  readonly #slices = new Map<string, { readonly version: number; readonly spec: SliceSpec }>();
  readonly #events: WatchEvent[] = [];
  readonly #open = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #closing = new AbortController();
  #version = 100;
  /** Versions below this are forgotten. */
  #oldest = 0;
  #onWatch: (() => void) | null = null;

  constructor(slices: Readonly<Record<string, SliceSpec>>) {
    for (const [name, spec] of Object.entries(slices)) this.set(name, spec);
    this.#server = serve((request) => this.#answer(request));
  }

  get url(): string {
    return this.#server.url;
  }

  /** Adds or changes a slice. */
  set(name: string, spec: SliceSpec): void {
    const type = this.#slices.has(name) ? "MODIFIED" : "ADDED";
    this.#slices.set(name, { version: ++this.#version, spec });
    this.#tell({ type, object: sliceJson(name, this.#version, spec) });
  }

  delete(name: string): void {
    const { spec } = this.#slices.get(name)!;
    this.#slices.delete(name);
    this.#tell({ type: "DELETED", object: sliceJson(name, ++this.#version, spec) });
  }

  /** A version to go on from, without a change. */
  bookmark(): void {
    const object = { kind: "EndpointSlice", metadata: { resourceVersion: String(++this.#version) } };
    this.#tell({ type: "BOOKMARK", object });
  }

  /** Forgets every version up to now. */
  compact(): void {
    this.#oldest = this.#version;
    this.#events.length = 0;
  }

  /** Sends any text to the open watches. */
  raw(text: string): void {
    for (const stream of this.#open) stream.enqueue(new TextEncoder().encode(text));
  }

  /** Ends the open watches, as the server does when their time is over. */
  endWatches(): void {
    for (const stream of this.#open) stream.close();
    this.#open.clear();
  }

  /** Resolves when a watch is open. */
  async watched(): Promise<void> {
    if (this.#open.size > 0) return;
    await new Promise<void>((resolve) => this.#onWatch = resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const stream of this.#open) stream.error(new Error("the server ends"));
    await this.#server.close();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    this.requests.push({ query, authorization });
    const fault = this.faults.shift();
    if (fault !== undefined) return await faultAnswer(fault, this.#closing.signal);
    if (this.token !== null && authorization !== `Bearer ${this.token}`) return status(401, "Unauthorized");
    if (pathname !== "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices") {
      return status(404, "not found");
    }
    if (query.get("labelSelector") !== "kubernetes.io/service-name=api") return status(400, "no selector");
    return query.get("watch") === "1" ? this.#watch(query) : this.#list(query);
  }

  #list(query: URLSearchParams): Response {
    this.lists++;
    const [start = 0, version = this.#version] = (query.get("continue") ?? "").split("/").filter(Boolean).map(
      Number,
    );
    if (version < this.#oldest) return status(410, "The provided continue parameter is too old");
    const all = [...this.#slices].map(([name, slice]) => sliceJson(name, slice.version, slice.spec));
    const end = start + Math.min(this.pageSize, Number(query.get("limit")));
    return Response.json({
      kind: "EndpointSliceList",
      metadata: {
        resourceVersion: String(version),
        ...(end < all.length ? { continue: `${end}/${version}` } : {}),
      },
      items: all.slice(start, end),
    });
  }

  #watch(query: URLSearchParams): Response {
    this.watches++;
    const from = Number(query.get("resourceVersion"));
    let own: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        if (from < this.#oldest) {
          const object = {
            kind: "Status",
            code: 410,
            reason: "Expired",
            message: "too old resource version",
          };
          controller.enqueue(new TextEncoder().encode(`${JSON.stringify({ type: "ERROR", object })}\n`));
          controller.close();
          return;
        }
        this.#open.add(controller);
        for (const { version, line } of this.#events) {
          if (version > from) controller.enqueue(new TextEncoder().encode(line));
        }
        this.#onWatch?.();
      },
      cancel: () => void this.#open.delete(own),
    });
    return new Response(stream, { headers: { "content-type": "application/json" } });
  }

  #tell(event: unknown): void {
    const line = `${JSON.stringify(event)}\n`;
    this.#events.push({ version: this.#version, line });
    this.raw(line);
  }
}

function sliceJson(name: string, version: number, { ports, endpoints }: SliceSpec) {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "shop", resourceVersion: String(version) },
    addressType: "IPv4",
    ports: ports ?? [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints,
  };
}

function status(code: number, message: string): Response {
  return Response.json({ kind: "Status", status: "Failure", code, message }, { status: code });
}
