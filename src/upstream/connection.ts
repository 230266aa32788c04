import type { BufferPool } from "../core/buffer_pool.ts";
import type { Deadlines, Watch } from "../core/deadlines.ts";
import { type ErrorCode, ProxyError } from "../core/errors.ts";
import type { Clock, Socket } from "../core/ports.ts";
import type { TunnelSide } from "../core/upgrade.ts";
import { ResponseHeadParser } from "../http1/response_head.ts";

/** Bytes of a connection's own read buffer: a head and a small body. */
export const READ_BYTES_INITIAL = 16_384;
/** Bytes of the buffers borrowed while a longer body is read. */
export const READ_BYTES_LARGE = 65_536;
/** Of a body of which at least this much is still to come: fewer turns of the event loop per byte. */
export const READ_BYTES_HUGE = 1_048_576;
/** Huge buffers in use in one thread; further long bodies go through large ones. */
const HUGE_BUFFERS_MAX = 16;
/** Bytes of a connection's first write buffer. */
export const WRITE_BYTES_INITIAL = 4096;
/** Larger write buffers are not kept while a connection is idle. */
const OUTPUT_BYTES_KEPT = 32_768;
/**
 * How long the end of a request may take after its response has ended, and how long an answer may take
 * to arrive once the target has stopped reading.
 */
const AFTERMATH_MS = 1000;

/** What the connections of a thread share. */
export interface ConnectionDeps {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Buffers of `READ_BYTES_LARGE` for response bodies. */
  readonly largeBuffers: BufferPool;
  /** Buffers of `READ_BYTES_HUGE` for long ones. */
  readonly hugeBuffers: BufferPool;
  /** Buffers of `READ_BYTES_INITIAL`, one for each connection until it leaves HTTP. */
  readonly ownBuffers: BufferPool;
  /** Buffers of `WRITE_BYTES_INITIAL`, likewise. */
  readonly outputBuffers: BufferPool;
}

/** Who owns the connection: told when it can be used again, and when it is gone. */
export interface ConnectionOwner {
  /** The exchange is over and the connection is sound; the owner parks it, lends it on, or closes it. */
  finished(connection: UpstreamConnection): void;
  /** A connection has left HTTP and will never come back; `tunnelEnded` follows at its end. */
  switched(): void;
  tunnelEnded(): void;
  closed(connection: UpstreamConnection): void;
}

/** Lent to an exchange, waiting for one with a read under way, or gone. */
type State = "busy" | "idle" | "closed";

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * One HTTP/1.1 connection to a target: its socket, buffers and time limits. While it is idle a read is
 * kept under way, so that a server which closes or speaks out of turn is noticed at once; when it is
 * lent out, that same read brings the response.
 */
export class UpstreamConnection implements Watch {
  dueMs = Infinity;
  /** What was read lies in `bytes[start, end)`. */
  bytes: Uint8Array<ArrayBuffer>;
  start = 0;
  end = 0;
  /** Where requests are put together. */
  output: Uint8Array<ArrayBuffer>;
  /** Why the proxy gave the connection up; null while it is in use or idle. */
  failure: ProxyError | null = null;
  /** A write failed: the target may still have answered, but takes nothing more. */
  writeFailed = false;
  /** Exchanges begun on it before the present one. */
  exchanges = 0;
  /** `Clock.nowMs` past which the request at hand is given up whatever happens. */
  deadlineMs = Infinity;
  /** `bytes` is one of the huge buffers. */
  #holdsHuge = false;
  readonly openedMs: number;
  readonly parser = new ResponseHeadParser();
  /** Aborts the exchange at hand; in the form that `RequestContext.onAbort` takes. */
  readonly abort: (cause: ErrorCode) => void;

  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #deps: ConnectionDeps;
  readonly #own: Uint8Array<ArrayBuffer>;
  readonly #ownOutput: Uint8Array<ArrayBuffer>;
  #state: State = "busy";
  #reading: Promise<number> | null = null;
  #writing = false;
  #sending: Uint8Array | null = null;
  #finishWhenWritten = false;
  /** Waits for the end of the write under way, on behalf of the tunnel that follows. */
  #whenWritten: (() => void) | null = null;
  #writeWatch: Watch | null = null;
  readonly #idleEnded = (): void => {
    if (this.#state === "idle") this.close();
  };
  readonly #sent = (count: number): void => {
    const bytes = this.#sending!;
    if (count < bytes.length) return this.send(bytes.subarray(count));
    this.#sending = null;
    this.#writeEnded();
  };
  readonly #sendFailed = (): void => {
    this.#sending = null;
    this.#writeBroke();
    this.#writeEnded();
  };

  constructor(socket: Socket, owner: ConnectionOwner, deps: ConnectionDeps) {
    this.#socket = socket;
    this.#owner = owner;
    this.bytes = this.#own = deps.ownBuffers.acquire();
    this.output = this.#ownOutput = deps.outputBuffers.acquire();
    this.#deps = deps;
    this.openedMs = deps.clock.nowMs();
    this.abort = (cause) => this.fail(new ProxyError(cause, "the request was abandoned"));
    deps.deadlines.add(this);
  }

  get clock(): Clock {
    return this.#deps.clock;
  }

  /** Called by the sweep: an idle connection has been so for long enough, a busy one is too slow. */
  expire(): void {
    if (this.#state !== "busy") return this.close();
    if (this.clock.nowMs() >= this.deadlineMs) {
      this.fail(new ProxyError("request_timeout", "the request ran out of time while the upstream had it"));
    } else if (this.writeFailed) {
      this.fail(new ProxyError("upstream_reset", "the upstream stopped taking the request"));
    } else {
      this.fail(new ProxyError("upstream_read_timeout", "the upstream was silent for too long"));
    }
  }

  /** Sets the time limit on what the target does next. */
  expectWithin(timeoutMs: number): void {
    this.dueMs = Math.min(this.clock.nowMs() + timeoutMs, this.deadlineMs);
  }

  /** The read under way, or a new one into the free part of the buffer. Add what it brings to `end`. */
  read(): Promise<number> {
    const pending = this.#reading;
    if (pending !== null) {
      this.#reading = null;
      return pending;
    }
    return this.#socket.read(this.end === 0 ? this.bytes : this.bytes.subarray(this.end));
  }

  /** Doubles the read buffer for a long head; false when it is large already. */
  growInput(): boolean {
    if (this.bytes.length >= 2 * READ_BYTES_LARGE) return false;
    const larger = new Uint8Array(this.bytes.length * 2);
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
    return true;
  }

  /** Empties the buffer, which must have been used up, and swaps in a large one for a long body. */
  rewind(bodyBytesLeft: number): void {
    this.start = this.end = 0;
    if (bodyBytesLeft > READ_BYTES_INITIAL && this.bytes === this.#own) {
      const { hugeBuffers, largeBuffers } = this.#deps;
      const isLong = bodyBytesLeft >= READ_BYTES_HUGE && bodyBytesLeft !== Infinity;
      const huge = isLong ? hugeBuffers.acquireWithin(HUGE_BUFFERS_MAX) : undefined;
      this.#holdsHuge = huge !== undefined;
      this.bytes = huge ?? largeBuffers.acquire();
    }
  }

  /** Makes `output` hold at least `size` bytes; what is in it is lost. */
  growOutput(size: number): void {
    this.output = new Uint8Array(Math.max(size, this.output.length * 2));
  }

  /** Starts writing without waiting; the exchange ends only after it is done. For what is not streamed. */
  send(bytes: Uint8Array): void {
    this.#writing = true;
    this.#sending = bytes;
    this.#socket.write(bytes).then(this.#sent, this.#sendFailed);
  }

  /** Writes everything; rejects when the connection breaks or a write stalls for `timeoutMs`. */
  async write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    const watch = this.#writeWatch ??= this.#watchWrites();
    this.#writing = true;
    try {
      for (let rest = bytes; rest.length > 0;) {
        watch.dueMs = this.clock.nowMs() + timeoutMs;
        rest = rest.subarray(await this.#socket.write(rest));
      }
    } catch (cause) {
      this.#writeBroke();
      throw cause;
    } finally {
      watch.dueMs = Infinity;
      this.#writeEnded();
    }
  }

  #watchWrites(): Watch {
    const watch = {
      dueMs: Infinity,
      expire: () =>
        this.fail(new ProxyError("upstream_write_timeout", "the upstream did not take the request in time")),
    };
    this.#deps.deadlines.add(watch);
    return watch;
  }

  /** The target takes no more, but may have answered before: what it said is still read, for a while. */
  #writeBroke(): void {
    this.writeFailed = true;
    if (this.#state === "busy") this.dueMs = Math.min(this.dueMs, this.clock.nowMs() + AFTERMATH_MS);
  }

  #writeEnded(): void {
    this.#writing = false;
    this.#whenWritten?.();
    if (!this.#finishWhenWritten) return;
    this.#finishWhenWritten = false;
    this.finish();
  }

  /** Begins an exchange on a connection that was idle or is new. */
  lend(): void {
    this.#state = "busy";
    this.dueMs = Infinity;
    this.start = this.end = 0;
    this.parser.reset(0);
  }

  /**
   * Ends an exchange that left the connection sound. A request still being written is waited for; one
   * that could not be written closes the connection.
   */
  finish(): void {
    if (this.#state !== "busy") return;
    if (this.#writing) {
      this.#finishWhenWritten = true;
      this.expectWithin(AFTERMATH_MS);
      return;
    }
    this.dueMs = Infinity;
    if (this.writeFailed || this.start !== this.end) return this.close();
    if (this.output.length > OUTPUT_BYTES_KEPT) this.output = this.#ownOutput;
    if (this.bytes !== this.#own) {
      if (this.#holdsHuge) this.#deps.hugeBuffers.release(this.bytes);
      else if (this.bytes.length === READ_BYTES_LARGE) this.#deps.largeBuffers.release(this.bytes);
      this.#holdsHuge = false;
      this.bytes = this.#own;
    }
    this.deadlineMs = Infinity;
    this.exchanges++;
    this.#owner.finished(this);
  }

  /**
   * The socket and what has arrived behind the head of a 101. Nothing holds on to the connection any more;
   * `whenClosed` is called once at its end.
   */
  handOver(whenClosed: () => void): TunnelSide {
    // The write of the head is over on the wire, but its promise may be behind the answer's.
    const writable = this.#writing ? new Promise<void>((resolve) => this.#whenWritten = resolve) : null;
    const early = this.end > this.start ? this.bytes.slice(this.start, this.end) : NOTHING;
    this.#state = "closed";
    this.dueMs = Infinity;
    this.#deps.deadlines.remove(this);
    if (this.#writeWatch !== null) this.#deps.deadlines.remove(this.#writeWatch);
    if (this.#holdsHuge) this.#deps.hugeBuffers.release(this.bytes);
    this.#holdsHuge = false;
    // No read is under way any more, so the next connection may have the buffer.
    this.#deps.ownBuffers.release(this.#own);
    if (writable === null) this.#deps.outputBuffers.release(this.#ownOutput);
    else this.#deps.outputBuffers.forget();
    this.#owner.switched();
    return new UpstreamSide(this.#socket, { early, writable }, { owner: this.#owner, whenClosed });
  }

  /** Waits for the next exchange, until `dueMs` at the latest. */
  park(dueMs: number): void {
    this.#state = "idle";
    this.dueMs = dueMs;
    this.start = this.end = 0;
    this.#reading = this.#socket.read(this.bytes);
    this.#reading.then(this.#idleEnded, this.#idleEnded);
  }

  /** Gives the exchange at hand up: whoever waits on the connection is woken, and finds `failure`. */
  fail(failure: ProxyError): void {
    if (this.#state !== "busy") return;
    this.failure = failure;
    this.close();
  }

  /** Closes the socket. Safe to call twice. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.dueMs = Infinity;
    if (this.#holdsHuge) this.#deps.hugeBuffers.forget();
    this.#holdsHuge = false;
    this.#deps.deadlines.remove(this);
    if (this.#writeWatch !== null) this.#deps.deadlines.remove(this.#writeWatch);
    this.#socket.close();
    this.#owner.closed(this);
  }
}

/** The upstream's end of a tunnel. Holds on to nothing else of the connection. */
class UpstreamSide implements TunnelSide {
  readonly socket: Socket;
  early: Uint8Array;
  readonly pending = null;
  writable: Promise<void> | null;
  readonly #owner: ConnectionOwner;
  #whenClosed: (() => void) | null;

  constructor(
    socket: Socket,
    { early, writable }: Pick<TunnelSide, "early" | "writable">,
    { owner, whenClosed }: { readonly owner: ConnectionOwner; readonly whenClosed: () => void },
  ) {
    this.socket = socket;
    this.early = early;
    this.writable = writable;
    this.#owner = owner;
    this.#whenClosed = whenClosed;
  }

  close(): void {
    const whenClosed = this.#whenClosed;
    if (whenClosed === null) return;
    this.#whenClosed = null;
    this.socket.close();
    this.#owner.tunnelEnded();
    whenClosed();
  }
}
