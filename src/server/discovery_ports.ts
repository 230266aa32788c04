/** The outside world of target discovery on Deno. */

import { parseText } from "../config/parse_text.ts";
import type {
  DatagramPort,
  DiscoveryPorts,
  DnsServer,
  FilePort,
  HttpAnswer,
  HttpPort,
  HttpRequest,
} from "../discovery/discovery.ts";
import type { Log } from "../core/ports.ts";
import { FileWatch } from "./watch.ts";

/** Larger datagrams than asked for may come; they are read whole and judged by their contents. */
const DATAGRAM_BYTES_MAX = 4096;
/** Datagrams that are looked at for one question: a flood of wrong ones must not keep the thread busy. */
const DATAGRAMS_MAX = 200;

/** Everything that sources of targets need, on this machine. */
export function createDiscoveryPorts(
  base: Omit<DiscoveryPorts, "datagrams" | "http" | "files" | "parse">,
): DiscoveryPorts {
  return { ...base, datagrams, http: sendRequest, files: filePort(base.log), parse: parseText };
}

/** A fresh socket for every question, so that its port is hard to guess (RFC 5452 §4.5). */
const datagrams: DatagramPort = {
  async exchange({ server, bytes, timeoutMs, accept }) {
    const hostname = server.ip.includes(":") ? "::" : "0.0.0.0";
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      socket.close();
    }, timeoutMs);
    try {
      await socket.send(bytes, { transport: "udp", hostname: server.ip, port: server.port });
      for (let count = 0; count < DATAGRAMS_MAX; count++) {
        const [reply, from] = await socket.receive(new Uint8Array(DATAGRAM_BYTES_MAX));
        if (isFrom(from, server) && accept(reply)) return;
      }
      throw new Error(`only wrong answers, ${DATAGRAMS_MAX} of them`);
    } catch (cause) {
      if (isLate) throw new Error(`no answer within ${timeoutMs} ms`, { cause });
      throw cause;
    } finally {
      clearTimeout(timer);
      try {
        socket.close();
      } catch {
        // The time limit has closed it.
      }
    }
  },
};

function isFrom(address: Deno.Addr, server: DnsServer): boolean {
  return address.transport === "udp" && address.port === server.port &&
    sameIp(address.hostname, server.ip);
}

/** IPv6 addresses are written in several ways; URLs know one. */
function sameIp(a: string, b: string): boolean {
  if (a === b) return true;
  if (!a.includes(":") || !b.includes(":")) return false;
  return new URL(`http://[${a}]`).hostname === new URL(`http://[${b}]`).hostname;
}

function filePort(log: Log): FilePort {
  return {
    readText: readTextBounded,
    watch(path, changed) {
      const absolute = path.startsWith("/") ? path : `${Deno.cwd()}/${path.replace(/^(?:\.\/)+/, "")}`;
      const warning = `Cannot watch ${path}; it is looked at from time to time`;
      const watch = new FileWatch({ files: [absolute], folders: [], log, warning, changed });
      return () => watch.close();
    },
  };
}

async function readTextBounded(path: string, bytesMax: number): Promise<string> {
  let bytes: Uint8Array;
  try {
    using file = await Deno.open(path);
    const room = new Uint8Array(bytesMax + 1);
    let length = 0;
    while (length < room.length) {
      const count = await file.read(room.subarray(length));
      if (count === null) break;
      length += count;
    }
    if (length > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
    bytes = room.subarray(0, length);
  } catch (cause) {
    throw new Error(`cannot read ${path}: ${explain(cause)}`, { cause });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`cannot read ${path}: it is not UTF-8 text`, { cause });
  }
}

function explain(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "there is no such file";
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  return cause instanceof Error ? cause.message : String(cause);
}

/** Sends one request with `fetch`. Every request has a client of its own, so that keys and authorities are fresh. */
const sendRequest: HttpPort = async (request) => {
  const client = await createClient(request);
  if (request.signal.aborted) {
    client.close();
    throw request.signal.reason;
  }
  const abort = new AbortController();
  const stop = () => abort.abort();
  request.signal.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(stop, request.headTimeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers.map(([name, value]): [string, string] => [name, value]),
      body: request.body ?? null,
      redirect: "manual",
      signal: abort.signal,
      client,
    });
    return new FetchAnswer(response, request, () => {
      request.signal.removeEventListener("abort", stop);
      abort.abort();
      client.close();
    });
  } catch (cause) {
    request.signal.removeEventListener("abort", stop);
    client.close();
    const timedOut = abort.signal.aborted && !request.signal.aborted;
    const why = timedOut ? `no answer within ${request.headTimeoutMs} ms` : reasonOf(cause);
    throw new Error(`${request.method} ${withoutQuery(request.url)}: ${why}`, { cause });
  } finally {
    clearTimeout(timer);
  }
};

/** PEM files are small; whatever else is named by mistake is not read whole. */
const PEM_BYTES_MAX = 1_048_576;

async function createClient({ tls }: HttpRequest): Promise<Deno.HttpClient> {
  const read = (path: string | undefined) =>
    path === undefined ? Promise.resolve(undefined) : readTextBounded(path, PEM_BYTES_MAX);
  const [ca, cert, key] = await Promise.all([read(tls?.caFile), read(tls?.certFile), read(tls?.keyFile)]);
  return Deno.createHttpClient({
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    http2: false,
  });
}

/** The reason below "error sending request", where `fetch` hides it. */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const text = inner instanceof Error ? inner.message : String(inner);
  return text.replace(/^error sending request for url \([^)]*\): /, "");
}

/** Queries may hold what is nobody's business in a log. */
function withoutQuery(url: string): string {
  return url.split("?", 1)[0]!;
}

class FetchAnswer implements HttpAnswer {
  readonly status: number;
  readonly #response: Response;
  readonly #idleTimeoutMs: number;
  readonly #done: () => void;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #isClosed = false;

  constructor(response: Response, { idleTimeoutMs }: HttpRequest, done: () => void) {
    this.status = response.status;
    this.#response = response;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#done = done;
  }

  header(name: string): string | undefined {
    return this.#response.headers.get(name) ?? undefined;
  }

  async text(bytesMax: number): Promise<string> {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let text = "";
    let length = 0;
    for await (const chunk of this.#chunks()) {
      length += chunk.length;
      if (length > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  }

  async *lines(lineBytesMax: number): AsyncIterableIterator<readonly string[]> {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let rest = "";
    for await (const chunk of this.#chunks()) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      if (rest.length > lineBytesMax || lines.some((line) => line.length > lineBytesMax)) {
        throw new Error(`a line of the answer is longer than ${lineBytesMax} bytes`);
      }
      const full = lines.filter((line) => line.trim() !== "");
      if (full.length > 0) yield full;
    }
    rest += decoder.decode();
    // Half a line is the end of a broken connection, whatever it says.
    if (rest.trim() !== "") throw new Error("the answer ended inside a line");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#reader?.cancel().catch(() => {});
    if (this.#reader === undefined) void this.#response.body?.cancel().catch(() => {});
    this.#done();
  }

  async *#chunks(): AsyncIterableIterator<Uint8Array> {
    const { body } = this.#response;
    if (body === null) return;
    this.#reader = body.getReader();
    while (true) {
      const { done, value } = await this.#read(this.#reader);
      if (done) return;
      yield value;
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>) {
    let isIdle = false;
    const timer = setTimeout(() => {
      isIdle = true;
      this.close();
    }, this.#idleTimeoutMs);
    try {
      const part = await reader.read();
      if (isIdle) throw new Error("it is idle");
      return part;
    } catch (cause) {
      const why = isIdle ? `nothing came for ${this.#idleTimeoutMs} ms` : reasonOf(cause);
      throw new Error(`the answer broke off: ${why}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}
