import { assert } from "../../core/assert.ts";
import type { Clock as ClockPort } from "../../core/ports.ts";
import type { Fetch, FetchRequest, FetchResponse, Header, Result } from "../contract/sentinel_types.ts";
import type { Capability, CommonDeps } from "./capability.ts";
import { type FetchPolicy, FetchTargets, parseUrl } from "./fetch_policy.ts";
import { fetchBytes, requestProblem } from "./fetch_request.ts";

/** Redirects followed for one request. */
export const FETCH_REDIRECTS_MAX = 3;
/** Defaults of `FetchPolicy`. */
export const FETCH_BODY_BYTES_MAX = 1024 * 1024;
export const FETCH_TIMEOUT_MS = 5000;
export const FETCH_IN_FLIGHT_MAX = 8;

/** One exchange, checked and allowed. The transport follows no redirects and adds no credentials. */
export interface HttpFetchRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array | undefined;
  /** Until the last byte of the answer. */
  readonly timeoutMs: number;
  readonly responseBytesMax: number;
  /** Asked for every address that the host of the URL stands for, before a connection is made. */
  mayConnect(ip: string): boolean;
}

/** Why an exchange failed: a word for metrics and a sentence for the agent. */
export interface HttpFetchFailure {
  readonly reason: "timeout" | "response-size" | "address" | "failed";
  readonly message: string;
}

/** Sends a request over HTTP. Never rejects. */
export interface HttpFetch {
  (request: HttpFetchRequest): Promise<Result<FetchResponse, HttpFetchFailure>>;
}

/** What `fetch` is made from. */
export interface FetchDeps extends CommonDeps {
  readonly clock: ClockPort;
  readonly fetch: { readonly policy: FetchPolicy; readonly transport: HttpFetch } | undefined;
}

/** HTTP to where the operator says. */
export const fetchCapability = {
  name: "fetch",
  key: "fetch",
  summary: "HTTP requests to the origins that the configuration lists.",
  create(deps: FetchDeps): Fetch {
    assert(deps.fetch !== undefined, "fetch is granted, so there are a policy and a transport");
    return new AgentFetch(deps, deps.fetch);
  },
} as const satisfies Capability<"fetch", FetchDeps>;

/** Answers that send the client elsewhere (RFC 9110 §15.4). */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What belongs to a body and goes when a redirect drops it (WHATWG Fetch, "HTTP-redirect fetch"). */
const BODY_HEADERS = /^content-(?:encoding|language|location|type)$/i;
/** What was meant for one origin and is not shown to another. */
const CREDENTIAL_HEADERS = /^(?:authorization|cookie)$/i;

interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array | undefined;
}

class AgentFetch implements Fetch {
  readonly #deps: FetchDeps;
  readonly #transport: HttpFetch;
  readonly #targets: FetchTargets;
  readonly #requestBytesMax: number;
  readonly #responseBytesMax: number;
  readonly #timeoutMs: number;
  readonly #inFlightMax: number;
  #inFlight = 0;

  constructor(deps: FetchDeps, { policy, transport }: NonNullable<FetchDeps["fetch"]>) {
    this.#deps = deps;
    this.#transport = transport;
    this.#targets = new FetchTargets(policy);
    this.#requestBytesMax = policy.requestBytesMax ?? FETCH_BODY_BYTES_MAX;
    this.#responseBytesMax = policy.responseBytesMax ?? FETCH_BODY_BYTES_MAX;
    this.#timeoutMs = policy.timeoutMs ?? FETCH_TIMEOUT_MS;
    this.#inFlightMax = policy.inFlightMax ?? FETCH_IN_FLIGHT_MAX;
  }

  async send(request: FetchRequest): Promise<Result<FetchResponse, string>> {
    this.#deps.meter.call("fetch", fetchBytes(request));
    const problem = requestProblem(request, this.#requestBytesMax);
    if (problem !== undefined) return this.#refuse(problem.reason, problem.message);
    const url = parseUrl(request.url);
    if (url === undefined) return this.#refuse("url", "The URL cannot be read");
    if (url.username !== "" || url.password !== "") {
      return this.#refuse("url", "The URL holds a password: send an authorization header instead");
    }
    if (!this.#targets.allows(url)) return this.#refuse("origin", `The origin ${url.origin} is not listed`);
    if (this.#inFlight >= this.#inFlightMax) {
      return this.#refuse("busy", `${this.#inFlightMax} requests of this agent are on their way already`);
    }
    this.#inFlight++;
    try {
      // A copy: the guest may write to its memory while it is suspended.
      const body = request.body?.slice();
      return await this.#follow(
        { url, method: request.method, headers: request.headers, body },
        request.timeoutMs,
      );
    } finally {
      this.#inFlight--;
    }
  }

  async #follow(first: Exchange, askedMs: number): Promise<Result<FetchResponse, string>> {
    const timeoutMs = askedMs > 0 ? Math.min(askedMs, this.#timeoutMs) : this.#timeoutMs;
    const deadlineMs = this.#deps.clock.nowMs() + timeoutMs;
    let exchange = first;
    for (let redirects = 0;; redirects++) {
      const leftMs = deadlineMs - this.#deps.clock.nowMs();
      if (leftMs <= 0) return this.#refuse("timeout", `There was no answer within ${timeoutMs} ms`);
      const result = await this.#exchange(exchange, leftMs);
      if (result.type === "error") return this.#refuse(result.value.reason, result.value.message);
      const next = this.#redirected(exchange, result.value);
      if (next === undefined) {
        this.#deps.meter.answer("fetch", fetchBytes(result.value));
        return { type: "ok", value: result.value };
      }
      if (redirects === FETCH_REDIRECTS_MAX) {
        return this.#refuse("redirects", `There were more than ${FETCH_REDIRECTS_MAX} redirects`);
      }
      exchange = next;
    }
  }

  async #exchange(exchange: Exchange, timeoutMs: number): Promise<Result<FetchResponse, HttpFetchFailure>> {
    const { url, method, headers, body } = exchange;
    const bytesMax = this.#responseBytesMax;
    const result = await this.#transport({
      method,
      url: url.href,
      headers,
      body,
      timeoutMs,
      responseBytesMax: bytesMax,
      mayConnect: (ip) => this.#targets.mayConnect(url, ip),
    });
    if (result.type === "ok" && result.value.body.length > bytesMax) {
      const message = `The answer has more than ${bytesMax} bytes`;
      return { type: "error", value: { reason: "response-size", message } };
    }
    return result;
  }

  /** What to send next, or undefined when the answer is for the agent: a redirect to where it may not go is, too. */
  #redirected(sent: Exchange, answer: FetchResponse): Exchange | undefined {
    if (!REDIRECTS.has(answer.status)) return undefined;
    const location = answer.headers.find(({ name }) => name.toLowerCase() === "location")?.value;
    const url = location === undefined ? undefined : parseUrl(location, sent.url);
    if (url === undefined || url.username !== "" || url.password !== "" || !this.#targets.allows(url)) {
      return undefined;
    }
    url.hash = "";
    const becomesGet = answer.status === 303
      ? sent.method !== "GET" && sent.method !== "HEAD"
      : answer.status <= 302 && sent.method === "POST";
    const isElsewhere = url.origin !== sent.url.origin;
    const headers = sent.headers.filter(({ name }) =>
      !(becomesGet && BODY_HEADERS.test(name)) && !(isElsewhere && CREDENTIAL_HEADERS.test(name))
    );
    if (becomesGet) return { url, method: "GET", headers, body: undefined };
    return { url, method: sent.method, headers, body: sent.body };
  }

  #refuse(reason: string, message: string): Result<FetchResponse, string> {
    this.#deps.meter.refused("fetch", reason);
    return { type: "error", value: message };
  }
}
