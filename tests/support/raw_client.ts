/** A client that sends exactly the bytes it is told to, and reads answers without believing them. */

const READ_SIZE = 64 * 1024;

/** One response as it stood on the wire. */
export interface RawResponse {
  readonly status: number;
  /** Status line and header lines, without the final empty line. */
  readonly head: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** False when the connection ended before the announced end of the body. */
  readonly complete: boolean;
}

/** What came back for a blob of bytes: every response found, and what became of the connection. */
export interface Exchange {
  readonly responses: readonly RawResponse[];
  /** `closed` by the peer, or still `open` when the time was up. */
  readonly end: "closed" | "open";
  /** Bytes that did not form a response. */
  readonly rest: Uint8Array;
}

/** Where to connect: a TCP port on 127.0.0.1 or a Unix socket path. */
export type Peer = number | string;

/** A byte string (one UTF-16 unit per byte) as bytes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Bytes as a byte string: one UTF-16 unit per byte. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}

/** First value of a header, found without regard to case. */
export function headerOf(response: RawResponse, name: string): string | undefined {
  const key = name.toLowerCase();
  return response.headers.find(([each]) => each.toLowerCase() === key)?.[1];
}

/** Settles with the promise, or with `late` once the time is up; the timer never outlives the call. */
export async function within<T, L>(ms: number, promise: Promise<T>, late: L): Promise<T | L> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<L>((resolve) => timer = setTimeout(() => resolve(late), ms)),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** A connection that counts as closed once the peer sent FIN or RST. */
export class RawClient {
  readonly #socket: Deno.TcpConn | Deno.UnixConn;
  readonly #buffer = new Uint8Array(READ_SIZE);
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #pending: Promise<boolean> | null = null;
  #ended = false;

  constructor(socket: Deno.TcpConn | Deno.UnixConn) {
    this.#socket = socket;
  }

  static async connect(peer: Peer): Promise<RawClient> {
    if (typeof peer === "string") {
      return new RawClient(await Deno.connect({ transport: "unix", path: peer }));
    }
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: peer });
    socket.setNoDelay(true);
    return new RawClient(socket);
  }

  /** Sends all bytes; resolves false when the peer is gone, which many tests expect. */
  async send(data: string | Uint8Array): Promise<boolean> {
    const bytes = typeof data === "string" ? bytesOf(data) : data;
    try {
      for (let sent = 0; sent < bytes.length;) sent += await this.#socket.write(bytes.subarray(sent));
      return true;
    } catch {
      return false;
    }
  }

  async finishSending(): Promise<void> {
    await this.#socket.closeWrite().catch(() => undefined);
  }

  /** The next response, or null when the peer closes first. Throws when neither happens in time. */
  async response(options: { timeoutMs: number; headOnly?: boolean }): Promise<RawResponse | null> {
    const dueMs = performance.now() + options.timeoutMs;
    for (;;) {
      const found = takeResponse(this.#received, { ended: this.#ended, headOnly: options.headOnly ?? false });
      if (found !== null) {
        this.#received = found.rest;
        return found.response;
      }
      if (this.#ended) return null;
      const leftMs = dueMs - performance.now();
      if (leftMs <= 0 || !await this.#more(leftMs)) {
        throw new Error(
          `No response within ${options.timeoutMs} ms; received: ${textOf(this.#received).slice(0, 300)}`,
        );
      }
    }
  }

  /** Waits until at least `count` bytes in total have arrived or the peer closed; what is there is returned. */
  async receivedAtLeast(count: number, timeoutMs: number): Promise<Uint8Array> {
    const dueMs = performance.now() + timeoutMs;
    while (this.#received.length < count && !this.#ended) {
      const leftMs = dueMs - performance.now();
      if (leftMs <= 0 || !await this.#more(leftMs)) break;
    }
    return this.#received;
  }

  /** True when the peer closes within the time; whatever arrives meanwhile is kept. */
  async closedWithin(timeoutMs: number): Promise<boolean> {
    const dueMs = performance.now() + timeoutMs;
    while (!this.#ended) {
      const leftMs = dueMs - performance.now();
      if (leftMs <= 0 || !await this.#more(leftMs)) break;
    }
    return this.#ended;
  }

  /** Everything received and not yet taken as a response. */
  get received(): Uint8Array {
    return this.#received;
  }

  close(): void {
    this.#ended = true;
    try {
      this.#socket.close();
    } catch {
      // The peer's reset may have closed it already.
    }
  }

  /** Reads once more; false when nothing came in time. The read stays pending for the next call. */
  async #more(timeoutMs: number): Promise<boolean> {
    this.#pending ??= this.#readOnce();
    const got = await within(timeoutMs, this.#pending, null);
    if (got === null) return false;
    this.#pending = null;
    if (!got) this.#ended = true;
    return true;
  }

  async #readOnce(): Promise<boolean> {
    const count = await this.#socket.read(this.#buffer).catch(() => null);
    if (count === null) return false;
    this.#received = concat(this.#received, this.#buffer.subarray(0, count));
    return true;
  }
}

/** Sends `data` on a new connection and collects responses until the peer closes or the time is up. */
export async function exchange(
  peer: Peer,
  data: string | Uint8Array,
  options: { timeoutMs: number; headOnly?: boolean },
): Promise<Exchange> {
  const client = await RawClient.connect(peer);
  try {
    const sending = client.send(data);
    const closed = await client.closedWithin(options.timeoutMs);
    if (closed) await sending;
    const { responses, rest } = parseResponses(client.received, {
      ended: closed,
      headOnly: options.headOnly ?? false,
    });
    return { responses, rest, end: closed ? "closed" : "open" };
  } finally {
    client.close();
  }
}

/** All whole responses in `bytes`, and the bytes after them. */
export function parseResponses(
  bytes: Uint8Array<ArrayBuffer> | Uint8Array,
  options: { ended: boolean; headOnly: boolean },
): { responses: RawResponse[]; rest: Uint8Array } {
  const responses: RawResponse[] = [];
  let rest = new Uint8Array(bytes);
  for (;;) {
    const found = takeResponse(rest, options);
    if (found === null) return { responses, rest };
    responses.push(found.response);
    rest = found.rest;
  }
}

function takeResponse(
  bytes: Uint8Array<ArrayBuffer>,
  options: { ended: boolean; headOnly: boolean },
): { response: RawResponse; rest: Uint8Array<ArrayBuffer> } | null {
  const end = indexOfBlankLine(bytes);
  if (end < 0) return null;
  const head = textOf(bytes.subarray(0, end));
  const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(`${head}\r`)?.[1];
  if (status === undefined) return null;
  const headers = head.split("\r\n").slice(1).map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  const rest = bytes.subarray(end + 4);
  const base = { status: Number(status), head, headers };
  const body = takeBody(rest, { status: base.status, headers, ...options });
  if (body === null) return null;
  return {
    response: { ...base, body: body.bytes, complete: body.complete },
    rest: rest.subarray(body.used) as Uint8Array<ArrayBuffer>,
  };
}

interface BodyFacts {
  readonly status: number;
  readonly headers: RawResponse["headers"];
  readonly ended: boolean;
  readonly headOnly: boolean;
}

function takeBody(
  rest: Uint8Array,
  facts: BodyFacts,
): { bytes: Uint8Array; used: number; complete: boolean } | null {
  const { status, headers } = facts;
  const value = (key: string) => headers.find(([name]) => name.toLowerCase() === key)?.[1];
  if (facts.headOnly || status < 200 || status === 204 || status === 304) {
    return { bytes: rest.subarray(0, 0), used: 0, complete: true };
  }
  if (value("transfer-encoding") !== undefined) return takeChunked(rest, facts.ended);
  const length = value("content-length");
  if (length === undefined) {
    return facts.ended ? { bytes: rest, used: rest.length, complete: true } : null;
  }
  const wanted = Number(length);
  if (rest.length >= wanted) return { bytes: rest.subarray(0, wanted), used: wanted, complete: true };
  return facts.ended ? { bytes: rest, used: rest.length, complete: false } : null;
}

function takeChunked(
  rest: Uint8Array,
  ended: boolean,
): { bytes: Uint8Array; used: number; complete: boolean } | null {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = indexOfCrlf(rest, at);
    const size = lineEnd < 0 ? NaN : parseInt(textOf(rest.subarray(at, lineEnd)), 16);
    const next = lineEnd + 2 + size + 2;
    if (Number.isNaN(size) || next > rest.length) {
      return ended ? { bytes: concat(...parts), used: rest.length, complete: false } : null;
    }
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
    if (size === 0) return { bytes: concat(...parts), used: at, complete: true };
  }
}

function indexOfCrlf(bytes: Uint8Array, from: number): number {
  for (let i = from; i + 1 < bytes.length; i++) if (bytes[i] === 13 && bytes[i + 1] === 10) return i;
  return -1;
}

function indexOfBlankLine(bytes: Uint8Array): number {
  for (let i = 0; i + 3 < bytes.length; i++) {
    if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10) return i;
  }
  return -1;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
