/** The JSON gateway of etcd's v3 API: range, watch, authenticate (etcd.io/docs/v3.5/dev-guide/api_grpc_gateway). */

import { type Fault, faultAnswer, serve } from "./fault.ts";

interface WatchEvent {
  readonly revision: number;
  readonly event: unknown;
  readonly key: string;
}

interface Watch {
  readonly inRange: (key: string) => boolean;
  readonly stream: ReadableStreamDefaultController<Uint8Array>;
}

/** A running fake. */
export class FakeEtcd implements AsyncDisposable {
  readonly requests: {
    readonly path: string;
    readonly body: Record<string, never>;
    readonly token: string | null;
  }[] = [];
  /** Taken by the next requests, one each. */
  readonly faults: Fault[] = [];
  /** User and password that must log in, where there are some. */
  login: { readonly name: string; readonly password: string } | null = null;
  ranges = 0;
  readonly #server;
  readonly #values = new Map<string, string>();
  readonly #events: WatchEvent[] = [];
  readonly #watches = new Set<Watch>();
  readonly #closing = new AbortController();
  #revision = 1;
  #compacted = 0;
  #tokens = 0;
  #onWatch: (() => void) | null = null;

  constructor(values: Readonly<Record<string, string>>) {
    for (const [key, value] of Object.entries(values)) this.put(key, value);
    this.#server = serve((request) => this.#answer(request));
  }

  get url(): string {
    return this.#server.url;
  }

  put(key: string, value: string): void {
    this.#values.set(key, value);
    this.#happened(key, {
      kv: { key: btoa(key), value: btoa(value), mod_revision: String(++this.#revision) },
    });
  }

  delete(key: string): void {
    this.#values.delete(key);
    this.#happened(key, { type: "DELETE", kv: { key: btoa(key), mod_revision: String(++this.#revision) } });
  }

  /** Forgets every event up to now. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#events.length = 0;
  }

  /** Makes every token given so far worthless, as a restart does. */
  forgetTokens(): void {
    this.#tokens++;
  }

  raw(text: string): void {
    for (const { stream } of this.#watches) stream.enqueue(new TextEncoder().encode(text));
  }

  endWatches(): void {
    for (const { stream } of this.#watches) stream.close();
    this.#watches.clear();
  }

  async watched(): Promise<void> {
    if (this.#watches.size > 0) return;
    await new Promise<void>((resolve) => this.#onWatch = resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const { stream } of this.#watches) stream.error(new Error("the server ends"));
    await this.#server.close();
  }

  async #answer(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    const token = request.headers.get("authorization");
    const body = await request.json();
    this.requests.push({ path, body, token });
    const fault = this.faults.shift();
    if (fault !== undefined) return await faultAnswer(fault, this.#closing.signal);
    if (path === "/v3/auth/authenticate") return this.#authenticate(body);
    if (this.login !== null && token !== `token.${this.#tokens}`) {
      return Response.json({ error: "etcdserver: invalid auth token", code: 16 }, { status: 401 });
    }
    if (path === "/v3/kv/range") return this.#range(body);
    if (path === "/v3/watch") return this.#watch(body.create_request);
    return Response.json({ error: "Not Found", code: 5 }, { status: 404 });
  }

  #authenticate({ name, password }: { name: string; password: string }): Response {
    if (this.login?.name !== name || this.login.password !== password) {
      return Response.json({ error: "etcdserver: authentication failed", code: 3 }, { status: 400 });
    }
    return Response.json({ header: this.#header(), token: `token.${this.#tokens}` });
  }

  #range(body: { key: string; range_end: string; limit: string }): Response {
    this.ranges++;
    const inRange = rangeOf(body);
    const kvs = [...this.#values].filter(([key]) => inRange(key)).slice(0, Number(body.limit))
      .map(([key, value]) => ({ key: btoa(key), ...(value === "" ? {} : { value: btoa(value) }) }));
    // The gateway leaves empty lists out.
    return Response.json({
      header: this.#header(),
      ...(kvs.length === 0 ? {} : { kvs, count: String(kvs.length) }),
    });
  }

  #watch(create: { key: string; range_end: string; start_revision: string }): Response {
    const from = Number(create.start_revision);
    const inRange = rangeOf(create);
    let own: Watch;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (result: unknown) => controller.enqueue(resultLine(result));
        if (from <= this.#compacted) {
          send({ header: this.#header(), created: true });
          send({ header: this.#header(), canceled: true, compact_revision: String(this.#compacted) });
          controller.close();
          return;
        }
        send({ header: this.#header(), created: true });
        this.#watches.add(own = { inRange, stream: controller });
        for (const { revision, event, key } of this.#events) {
          if (revision >= from && inRange(key)) {
            send({ header: { revision: String(revision) }, events: [event] });
          }
        }
        this.#onWatch?.();
      },
      cancel: () => void this.#watches.delete(own),
    });
    return new Response(stream);
  }

  #happened(key: string, event: unknown): void {
    this.#events.push({ revision: this.#revision, event, key });
    for (const { inRange, stream } of this.#watches) {
      if (inRange(key)) stream.enqueue(resultLine({ header: this.#header(), events: [event] }));
    }
  }

  #header() {
    return { cluster_id: "1", member_id: "1", revision: String(this.#revision), raft_term: "2" };
  }
}

function rangeOf({ key, range_end: end }: { key: string; range_end: string }): (key: string) => boolean {
  const [first, last] = [atob(key), atob(end)];
  return (each) => each >= first && each < last;
}

function resultLine(result: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ result })}\n`);
}
