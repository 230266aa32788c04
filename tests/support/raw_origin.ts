/** An origin that records exactly what it receives and answers by script. */

import { bytesOf, textOf } from "./raw_client.ts";

/** A request as it arrived, bytes and all. */
export interface RecordedRequest {
  /** Request line and header lines, without the final empty line. */
  readonly head: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body with its transfer coding removed. */
  readonly body: Uint8Array;
}

/** The origin's side of one connection, for scripts that misbehave on purpose. */
export interface OriginConnection {
  send(data: string | Uint8Array): Promise<void>;
  /** Closes at once; bytes not yet read make it a reset. */
  abort(): void;
  /** Resolves once the proxy closed or reset the connection. */
  readonly gone: Promise<void>;
}

/** What to do with a request, once its head has arrived. */
export type Script = (connection: OriginConnection, request: RecordedRequest) => Promise<void> | void;

/** Options of an origin. */
export interface RawOriginOptions {
  /** Default: 200 with the body `ok`. */
  readonly script?: Script;
  /** Run the script as soon as the head is there; the recorded body is then empty. */
  readonly beforeBody?: boolean;
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Listens on a free port of 127.0.0.1 until disposed. */
export class RawOrigin implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Map<Deno.TcpConn, Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #beforeBody: boolean;
  /** Replaceable between cases. */
  script: Script;
  readonly requests: RecordedRequest[] = [];
  /** Every byte received, per connection: the last word on what the proxy sent. */
  readonly received: string[] = [];

  constructor(options: RawOriginOptions = {}) {
    this.script = options.script ?? ((connection) => connection.send(OK));
    this.#beforeBody = options.beforeBody ?? false;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections open now. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Forgets what was recorded; connections stay. */
  reset(): void {
    this.requests.length = 0;
    for (let i = 0; i < this.received.length; i++) this.received[i] = "";
  }

  /** All bytes received since the last reset, over all connections. */
  get receivedText(): string {
    return this.received.join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const socket of this.#open.keys()) closeQuietly(socket);
    await this.#accepting;
    await Promise.allSettled(this.#open.values());
  }

  async #accept(): Promise<void> {
    for (;;) {
      const socket = await this.#listener.accept().catch(() => null);
      if (socket === null) return;
      socket.setNoDelay(true);
      const index = this.received.push("") - 1;
      this.#open.set(
        socket,
        this.#serve(socket, index).finally(() => {
          closeQuietly(socket);
          this.#open.delete(socket);
        }),
      );
    }
  }

  async #serve(socket: Deno.TcpConn, index: number): Promise<void> {
    let leave = () => {};
    const gone = new Promise<void>((resolve) => leave = resolve);
    const connection: OriginConnection = {
      send: async (data) => {
        const bytes = typeof data === "string" ? bytesOf(data) : data;
        try {
          for (let sent = 0; sent < bytes.length;) sent += await socket.write(bytes.subarray(sent));
        } catch {
          leave();
        }
      },
      abort: () => closeQuietly(socket),
      gone,
    };
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    let scripts = Promise.resolve();
    for (;;) {
      const count = await socket.read(buffer).catch(() => null);
      if (count === null) break;
      const piece = textOf(buffer.subarray(0, count));
      this.received[index] += piece;
      text += piece;
      for (;;) {
        const taken = takeRequest(text, this.#beforeBody);
        if (taken === null) break;
        text = taken.rest;
        this.requests.push(taken.request);
        scripts = scripts.then(() => this.script(connection, taken.request)).then(
          () => undefined,
          () => undefined,
        );
      }
    }
    leave();
    await scripts;
  }
}

function closeQuietly(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // Closed by the other side already.
  }
}

function takeRequest(text: string, headOnly: boolean): { request: RecordedRequest; rest: string } | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = text.slice(0, end);
  const [line = "", ...fields] = head.split("\r\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = fields.map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon), field.slice(colon + 1).trim()] as const;
  });
  const after = text.slice(end + 4);
  const body = headOnly ? { text: "", rest: "" } : takeRequestBody(after, headers);
  if (body === null) return null;
  return { request: { head, method, target, headers, body: bytesOf(body.text) }, rest: body.rest };
}

function takeRequestBody(
  after: string,
  headers: RecordedRequest["headers"],
): { text: string; rest: string } | null {
  const value = (key: string) => headers.find(([name]) => name.toLowerCase() === key)?.[1];
  if (value("transfer-encoding") === undefined) {
    const length = Number(value("content-length") ?? 0);
    return after.length < length ? null : { text: after.slice(0, length), rest: after.slice(length) };
  }
  let text = "";
  let at = 0;
  for (;;) {
    const lineEnd = after.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = parseInt(after.slice(at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (next > after.length) return null;
    text += after.slice(lineEnd + 2, lineEnd + 2 + size);
    at = next;
    if (size === 0) return { text, rest: after.slice(at) };
  }
}

/** A plain 200 response for scripts. */
export function okResponse(body: string, headers: readonly string[] = []): string {
  const lines = ["HTTP/1.1 200 OK", `Content-Length: ${body.length}`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
