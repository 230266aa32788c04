import { BufferPool } from "../../src/core/buffer_pool.ts";
import type { RequestContext } from "../../src/core/context.ts";
import { ProxyError } from "../../src/core/errors.ts";
import { HeaderList } from "../../src/core/headers.ts";
import { type Body, BytesBody, type MaybePromise, type Response } from "../../src/core/message.ts";
import { Connection } from "../../src/downstream/connection.ts";
import type { RequestHandler } from "../../src/downstream/handler.ts";
import { HttpDate } from "../../src/downstream/http_date.ts";
import type { ConnectionLimits } from "../../src/downstream/limits.ts";
import { FakeSocket, FakeTime } from "./fake_socket.ts";

/** Limits small enough to be met in a test. */
export const LIMITS: ConnectionLimits = {
  head: {
    targetBytesMax: 1000,
    headerBytesMax: 2000,
    headerCountMax: 20,
    headerNameBytesMax: 100,
    headerValueBytesMax: 1000,
  },
  headTimeoutMs: 3000,
  idleTimeoutMs: 5000,
  requestTimeoutMs: 20_000,
  sendTimeoutMs: 4000,
  bodyRateMin: 100,
  bodyGraceMs: 2000,
  requestsMax: Infinity,
  streamsMax: 100,
};

/** What answers a request. */
export type Handle = (context: RequestContext) => MaybePromise<Response>;

/** A response with this body. */
export function answer(body: string | Body | null = "ok", status = 200): Response {
  const bytes = typeof body === "string" ? new BytesBody(new TextEncoder().encode(body)) : body;
  return { status, reason: "", headers: new HeaderList(), body: bytes };
}

/** A connection over a fake socket and a virtual clock. */
export function rig(handle: Handle = () => answer(), limits: Partial<ConnectionLimits> = {}) {
  const time = new FakeTime();
  const socket = new FakeSocket();
  const seen: RequestContext[] = [];
  const finished: RequestContext[] = [];
  const handler: RequestHandler = {
    handle(context) {
      seen.push(context);
      return handle(context);
    },
    respond: (_context, response) => response,
    fail: (_context, cause) => answer(String(cause), 500),
    refuse: (_context, error) => answer(error.code, error.status),
    finish: (context) => finished.push(context),
  };
  const downstream = {
    listenerId: "test",
    namespace: undefined,
    scheme: "http" as const,
    tls: null,
    localPort: 80,
    peerIp: "192.0.2.1",
    peerPort: 5,
    peerTrusted: false,
    requestsServed: 0,
  };
  const connection = new Connection(socket, { downstream, limits: { ...LIMITS, ...limits } }, {
    handler,
    clock: time,
    deadlines: time.deadlines,
    date: new HttpDate(),
    inputBuffers: new BufferPool(4096, 2),
    largeBuffers: new BufferPool(65_536, 2),
    outputBuffers: new BufferPool(4096, 2),
  });
  const ended = connection.run();
  return { time, socket, seen, finished, connection, ended };
}

/** The simplest request. */
export const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/** What follows the first head of what was written. */
export const bodyOf = (written: string) => written.slice(written.indexOf("\r\n\r\n") + 4);
/** The first status of what was written. */
export const statusOf = (written: string) => Number(written.split(" ")[1]);

/** A body that hands out what the test gives it. */
export class ManualBody implements Body {
  readonly length: number | undefined;
  cancelled = false;
  #pieces: (string | null)[] = [];
  #wake: (() => void) | null = null;

  constructor(length?: number) {
    this.length = length;
  }

  give(piece: string | null): void {
    this.#pieces.push(piece);
    this.#wake?.();
  }

  async read(): Promise<Uint8Array | null> {
    while (this.#pieces.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    const piece = this.#pieces.shift()!;
    if (piece === "fail") throw new ProxyError("upstream_body_aborted", "cut");
    return piece === null ? null : new TextEncoder().encode(piece);
  }

  cancel(): void {
    this.cancelled = true;
    this.give(null);
  }
}

/** A client. */
export const DOWNSTREAM = {
  listenerId: "test",
  namespace: undefined,
  scheme: "http" as const,
  tls: null,
  localPort: 80,
  peerIp: "192.0.2.1",
  peerPort: 5,
  peerTrusted: false,
  requestsServed: 0,
};
