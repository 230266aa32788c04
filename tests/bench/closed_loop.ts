/** A load generator for requests that wrk cannot build: raw bytes, one after the other on kept connections. */

import { setImmediate } from "node:timers";
import { textOf } from "../support/raw_client.ts";

/** Connections that are open at the same time. */
const CONNECTIONS = 4;

const READ_SIZE = 64 * 1024;

/** What a run saw. */
export interface LoopResult {
  readonly requests: number;
  readonly seconds: number;
  /** Responses per status; 0 counts connections that ended without one. */
  readonly statuses: ReadonlyMap<number, number>;
}

/**
 * Keeps this thread, where the origin is too, from going to sleep until `isDone`. A proxy that is slower than its load would
 * otherwise wake another core with every write, which costs 5 to 10 µs on a virtual machine, and one that is faster would not:
 * the difference would count as the cost of what is measured.
 */
async function stayAwake(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/**
 * Sends the requests in turn until at least `seconds` have passed and every request has been sent equally
 * often. Responses need a length or chunks; a server may close, then a new connection is made.
 */
export async function closedLoop(
  port: number,
  requests: readonly Uint8Array<ArrayBuffer>[],
  seconds: number,
): Promise<LoopResult> {
  const statuses = new Map<number, number>();
  const beganMs = performance.now();
  const dueMs = beganMs + seconds * 1000;
  let sent = 0;
  const lane = async () => {
    const connection = new Connection(port);
    // Without an await between the question and the count, so that lanes never send too many.
    while (performance.now() < dueMs || sent % requests.length !== 0) {
      const request = requests[sent++ % requests.length]!;
      const status = await connection.exchange(request);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    connection.close();
  };
  let isDone = false;
  const awake = stayAwake(() => isDone);
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  isDone = true;
  await awake;
  return { requests: sent, seconds: (performance.now() - beganMs) / 1000, statuses };
}

/** One kept connection; opened when needed. */
export class Connection {
  readonly #port: number;
  readonly #buffer = new Uint8Array(READ_SIZE);
  #socket: Deno.TcpConn | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends one request and reads its response to the end; returns the status, or 0. */
  async exchange(request: Uint8Array): Promise<number> {
    const kept = this.#socket !== null;
    const status = await this.#attempt(request);
    // A server may have closed a kept connection between two requests.
    return status === 0 && kept ? await this.#attempt(request) : status;
  }

  close(): void {
    try {
      this.#socket?.close();
    } catch {
      // The peer's reset has closed it already.
    }
    this.#socket = null;
  }

  async #attempt(request: Uint8Array): Promise<number> {
    try {
      this.#socket ??= await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      this.#socket.setNoDelay(true);
      for (let sent = 0; sent < request.length;) sent += await this.#socket.write(request.subarray(sent));
      return await this.#response(this.#socket);
    } catch {
      this.close();
      return 0;
    }
  }

  async #response(socket: Deno.TcpConn): Promise<number> {
    let text = "";
    let end = -1;
    while (end < 0) {
      const piece = await this.#read(socket);
      if (piece === null) return this.#ended();
      text += piece;
      end = text.indexOf("\r\n\r\n");
    }
    const head = text.slice(0, end);
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const chunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    const isWhole = () =>
      chunked ? text.endsWith("\r\n0\r\n\r\n") : text.length - end - 4 >= Number(length ?? Infinity);
    while (!isWhole()) {
      const piece = await this.#read(socket);
      if (piece === null) {
        this.close();
        return length === undefined && !chunked ? status : 0;
      }
      text += piece;
    }
    if (/\r\nconnection: *close/i.test(head)) this.close();
    return status;
  }

  #ended(): number {
    this.close();
    return 0;
  }

  /** Bytes as a byte string. */
  async #read(socket: Deno.TcpConn): Promise<string | null> {
    const count = await socket.read(this.#buffer);
    if (count === null) return null;
    return textOf(this.#buffer.subarray(0, count));
  }
}
