import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { FetchResponse, Header, Result } from "../agents/contract/sentinel_types.ts";
import type { HttpFetchFailure, HttpFetchRequest } from "../agents/host/fetch.ts";

/** Addresses of a name that are tried, one after the other. */
const ADDRESSES_TRIED_MAX = 3;
/** Connections kept for the next request, per host. */
const IDLE_CONNECTIONS_MAX = 8;
/** Header lines of an answer, and the bytes of their names and values. */
const RESPONSE_HEADERS_MAX = 256;
const RESPONSE_HEADER_BYTES_MAX = 65_536;

const USER_AGENT: Header = { name: "user-agent", value: "sentinel" };

type Outcome = Result<FetchResponse, HttpFetchFailure>;

/** How to reach servers. */
export interface AgentFetchOptions {
  /** PEM certificates trusted beside the system's. */
  readonly caCerts?: readonly string[];
}

/**
 * The transport of agents' requests, on Deno's `fetch`.
 *
 * Every address of a host name is shown to `mayConnect` first. Over plain HTTP the request then goes to just that
 * address. Over TLS, Deno looks the name up again, and the answer could have changed: the certificate must still be
 * valid for the name, so no request reaches a machine that cannot prove to be the one that was listed.
 */
export class AgentFetch {
  readonly #caCerts: readonly string[];
  #client: Deno.HttpClient | undefined;

  constructor(options: AgentFetchOptions = {}) {
    this.#caCerts = options.caCerts ?? [];
  }

  /** Closes idle connections; the object can be used no more. */
  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  /** Sends one request and reads the whole answer. Never rejects. Bound, so that it can be passed on by itself. */
  readonly send = async (request: HttpFetchRequest): Promise<Outcome> => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), request.timeoutMs);
    try {
      return await this.#send(request, abort.signal);
    } catch (cause) {
      if (abort.signal.aborted) {
        return failure("timeout", `There was no answer within ${Math.ceil(request.timeoutMs)} ms`);
      }
      return failure(
        "failed",
        `The request failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
    } finally {
      clearTimeout(timer);
    }
  };

  async #send(request: HttpFetchRequest, signal: AbortSignal): Promise<Outcome> {
    const url = new URL(request.url);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(host) !== 0 ? [host] : await addressesOf(host, signal);
    const refused = addresses.find((ip) => !request.mayConnect(ip));
    if (refused !== undefined) {
      return failure("address", `${host} stands for ${refused}, a private address that is not listed`);
    }
    if (url.protocol === "https:" || isIP(host) !== 0) return await exchange(request, this.#shared(), signal);
    return await pinned(request, { addresses, port: Number(url.port) || 80 }, signal);
  }

  #shared(): Deno.HttpClient {
    return this.#client ??= Deno.createHttpClient({
      caCerts: [...this.#caCerts],
      poolMaxIdlePerHost: IDLE_CONNECTIONS_MAX,
    });
  }
}

/** Sends the request to one of these addresses, the next one when no connection could be made. */
async function pinned(
  request: HttpFetchRequest,
  { addresses, port }: { addresses: readonly string[]; port: number },
  signal: AbortSignal,
): Promise<Outcome> {
  let last: unknown = new Error("the name has no address");
  for (const hostname of addresses.slice(0, ADDRESSES_TRIED_MAX)) {
    using client = Deno.createHttpClient({ proxy: { transport: "tcp", hostname, port } });
    try {
      return await exchange(request, client, signal);
    } catch (cause) {
      if (!isConnectError(cause) || signal.aborted) throw cause;
      last = cause;
    }
  }
  throw last;
}

async function exchange(
  request: HttpFetchRequest,
  client: Deno.HttpClient,
  signal: AbortSignal,
): Promise<Outcome> {
  const { method, url, body, responseBytesMax } = request;
  const isNamed = request.headers.some(({ name }) => name.toLowerCase() === USER_AGENT.name);
  const headers = isNamed ? request.headers : [...request.headers, USER_AGENT];
  const response = await fetch(url, {
    method,
    headers: headers.map(({ name, value }): [string, string] => [name, value]),
    body: body === undefined ? null : body as Uint8Array<ArrayBuffer>,
    redirect: "manual",
    signal,
    client,
  });
  try {
    const lines = [...response.headers].map(([name, value]): Header => ({ name, value }));
    const lineBytes = lines.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
    if (lines.length > RESPONSE_HEADERS_MAX || lineBytes > RESPONSE_HEADER_BYTES_MAX) {
      return failure("response-size", `The answer has more headers than ${RESPONSE_HEADERS_MAX} or 64 KiB`);
    }
    const bytes = await readAll(response.body, responseBytesMax);
    if (bytes === undefined) {
      return failure("response-size", `The answer has more than ${responseBytesMax} bytes`);
    }
    return { type: "ok", value: { status: response.status, headers: lines, body: bytes } };
  } finally {
    // Gives the rest up where there is one; after the end it does nothing.
    await response.body?.cancel().catch(() => {});
  }
}

/** The whole body, or undefined as soon as it is longer than allowed. */
async function readAll(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  if (body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > bytesMax) return undefined;
      chunks.push(value);
    }
  } finally {
    reader.releaseLock();
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function addressesOf(host: string, signal: AbortSignal): Promise<string[]> {
  const found = await unlessAborted(lookup(host, { all: true, verbatim: true }), signal);
  return found.map(({ address }) => address);
}

/** The system's look-up cannot be called off, so it is left to itself. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

/** Nothing was sent yet. The message is the only place where Deno says so. */
function isConnectError(cause: unknown): boolean {
  const text = cause instanceof Error
    ? `${cause.message} ${cause.cause instanceof Error ? cause.cause.message : ""}`
    : "";
  return text.includes("(Connect)") || text.includes("tcp connect error");
}

function failure(reason: HttpFetchFailure["reason"], message: string): Outcome {
  return { type: "error", value: { reason, message } };
}
