import { Deadlines } from "../../src/core/deadlines.ts";
import { ProxyError } from "../../src/core/errors.ts";
import type { Address, Clock, ConnectOptions, Dialer, Socket, Timers } from "../../src/core/ports.ts";

const HERE: Address = { type: "ip", ip: "127.0.0.1", port: 1 };

/** Bytes of a byte string, one per unit. */
export function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

/** The byte string of bytes. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const octet of bytes) text += String.fromCharCode(octet);
  return text;
}

/** How a fake socket cuts traffic, and when it breaks. */
export interface FakeSocketOptions {
  /** Bytes that one read brings at most. */
  readonly readMax?: number;
  /** Bytes that one write takes at most. */
  readonly writeMax?: number;
  /** Called before every read and write; throwing makes that call fail. */
  readonly onCall?: (call: "read" | "write") => void;
}

/** A socket whose other end is the test: `push` what the peer sends, look at `written`. */
export class FakeSocket implements Socket {
  readonly remote = HERE;
  /** Everything written so far, as a byte string. */
  written = "";
  isClosed = false;
  /** The writing side was closed. */
  isFinished = false;
  /** Called after every write with all that was written so far. */
  onWrite: ((written: string) => void) | null = null;
  onClose: (() => void) | null = null;
  /** While set, writes wait. */
  isStalled = false;

  readonly #options: FakeSocketOptions;
  #incoming: Uint8Array[] = [];
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void)[] = [];

  constructor(options: FakeSocketOptions = {}) {
    this.#options = options;
  }

  /** The peer sends these bytes. */
  push(bytes: string | Uint8Array): void {
    const piece = typeof bytes === "string" ? octets(bytes) : bytes;
    if (piece.length > 0) this.#incoming.push(piece);
    this.#notify();
  }

  /** The peer sends FIN. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The connection breaks. */
  reset(message = "connection reset"): void {
    this.#failure ??= new Error(message);
    this.#notify();
  }

  /** Lets stalled writes go on. */
  resume(): void {
    this.isStalled = false;
    this.#notify();
  }

  async read(buffer: Uint8Array): Promise<number> {
    this.#options.onCall?.("read");
    while (true) {
      if (this.isClosed) throw new Error("the socket is closed");
      const piece = this.#incoming[0];
      if (piece !== undefined) {
        const count = Math.min(piece.length, buffer.length, this.#options.readMax ?? Infinity);
        buffer.set(piece.subarray(0, count));
        if (count === piece.length) this.#incoming.shift();
        else this.#incoming[0] = piece.subarray(count);
        return count;
      }
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended) return 0;
      await this.#change();
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.#options.onCall?.("write");
    while (this.isStalled && !this.isClosed) await this.#change();
    if (this.isClosed) throw new Error("the socket is closed");
    if (this.#failure !== null) throw this.#failure;
    const count = Math.min(bytes.length, this.#options.writeMax ?? Infinity);
    this.written += latin1(bytes.subarray(0, count));
    this.onWrite?.(this.written);
    return count;
  }

  closeWrite(): Promise<void> {
    this.isFinished = true;
    return Promise.resolve();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onClose?.();
    this.#notify();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    const woken = this.#wake;
    this.#wake = [];
    for (const wake of woken) wake();
  }
}

/** Hands out fake sockets and remembers them. */
export class FakeDialer implements Dialer {
  readonly sockets: FakeSocket[] = [];
  /** Calls of `connect`. */
  dials: ConnectOptions[] = [];
  /** Options for the next socket; a `ProxyError` makes the dial fail, a promise makes it wait. */
  answer: (options: ConnectOptions) => FakeSocketOptions | ProxyError | Promise<FakeSocketOptions> =
    () => ({});
  /** Called with each new socket, and where it goes. */
  onSocket: ((socket: FakeSocket, options: ConnectOptions) => void) | null = null;

  get open(): number {
    return this.sockets.filter((socket) => !socket.isClosed).length;
  }

  async connect(options: ConnectOptions): Promise<Socket> {
    this.dials.push(options);
    const answer = await this.answer(options);
    if (answer instanceof ProxyError) throw answer;
    const socket = new FakeSocket(answer);
    this.sockets.push(socket);
    this.onSocket?.(socket, options);
    return socket;
  }
}

/** Clock, timers and deadlines that move only when told. */
export class FakeTime implements Clock, Timers {
  now = 1000;
  readonly deadlines: Deadlines;
  readonly #timers = new Set<{ dueMs: number; everyMs: number; run: () => void }>();

  constructor() {
    this.deadlines = new Deadlines(this, this);
  }

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.now;
  }

  after(ms: number, run: () => void): () => void {
    return this.#add({ dueMs: this.now + ms, everyMs: 0, run });
  }

  every(ms: number, run: () => void): () => void {
    return this.#add({ dueMs: this.now + ms, everyMs: ms, run });
  }

  /** Timers that have not fired or been cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, firing what becomes due in order, and lets everything settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    while (true) {
      let next: { dueMs: number; everyMs: number; run: () => void } | undefined;
      for (const timer of this.#timers) {
        if (timer.dueMs <= end && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
      }
      if (next === undefined) break;
      this.now = Math.max(this.now, next.dueMs);
      if (next.everyMs > 0) next.dueMs += next.everyMs;
      else this.#timers.delete(next);
      next.run();
      await settle();
    }
    this.now = end;
    await settle();
  }

  /** Moves on by `ms` in one step, as a stalled thread would see it: what is due fires once. */
  async leap(ms: number): Promise<void> {
    this.now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.dueMs > this.now) continue;
      if (timer.everyMs > 0) timer.dueMs = this.now + timer.everyMs;
      else this.#timers.delete(timer);
      timer.run();
    }
    await settle();
  }

  #add(timer: { dueMs: number; everyMs: number; run: () => void }): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}

/** Lets all promises that can be settled settle: nothing here waits for the outside world. */
export function settle(): Promise<void> {
  // A timer fires only once no microtask is left.
  return new Promise((resolve) => setTimeout(resolve, 0));
}
