import type { HeaderList } from "../core/headers.ts";
import type { ProxyError } from "../core/errors.ts";
import type { Body, MaybePromise } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import type { HeaderBlock } from "./header_block.ts";

/** Pieces below this size are collected when they come faster than they are taken. */
const SMALL_PIECE_BYTES = 2048;
/** Bytes of the buffers they are collected in. */
const COLLECTED_BYTES = 16_384;

/** Why a stream ended before its time. */
export interface Breakage {
  /**
   * `refused`: the peer promises that it has not looked at the request (RFC 9113 §8.7) · `reset` by the peer ·
   * `violation`: the peer broke the protocol · `lost`: the connection ended.
   */
  readonly type: "refused" | "reset" | "violation" | "lost";
  /** One of `H2_ERROR`. */
  readonly code: number;
  readonly message: string;
}

/** Whose stream it is: told of what the peer does with it. */
export interface StreamOwner {
  /** A head has come; for responses also informational ones. */
  head(block: HeaderBlock): void;
  /** More of the body has come, or its end. */
  received(): void;
  /** The stream is over: reset by the peer, or the connection broke. `fail` is to be called with the reason. */
  broken(why: Breakage): void;
  /** Called by the sweep of deadlines: gives up what has taken too long. */
  check(nowMs: number): void;
  /** The stream has left its connection, however it ended. Called once, and the last call. */
  over(): void;
}

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly clock: Clock;
  /** The receiver has taken `bytes` of the stream, so the peer may send as many more. */
  credit(stream: Http2Stream, bytes: number): void;
  /** `bytes` of a body were dropped: other streams need the connection's window, this one needs no more. */
  dropped(bytes: number): void;
  /** Nobody wants the rest of what the peer sends. */
  unwanted(stream: Http2Stream): void;
}

/**
 * One stream (RFC 9113 §5). It is also the body that the peer sends on it: pieces wait here until they are
 * read, and the peer may send no more than the window that reading opens.
 */
export class Http2Stream implements Body {
  readonly id: number;
  /** Announced by Content-Length. Set before the first read. */
  length: number | undefined = undefined;
  trailers: HeaderList | undefined = undefined;
  owner: StreamOwner | null = null;
  /** What the peer may still send. */
  receiveWindow: number;
  /** Octets taken that the peer has not been told of. */
  unacknowledged = 0;
  /** What we may still send; below 0 after the peer has made its window smaller. */
  sendWindow: number;
  /** Body octets that have come. */
  bytesReceived = 0;
  /** The peer's part has ended (`half-closed (remote)`), or ours has (`half-closed (local)`). */
  remoteEnded = false;
  localEnded = false;
  /** Reset by either side, or gone with its connection. */
  isReset = false;
  /** The head, for responses the final one, has come: what follows are trailers. */
  hasHead = false;
  /** `Clock.nowMs` since when sending waits for the peer's window; Infinity while it does not. */
  blockedSinceMs = Infinity;

  /** `Clock.nowMs` since when somebody waits for more of the body; Infinity while nobody does. */
  awaitedSinceMs = Infinity;

  readonly #host: StreamHost;
  #pieces: Uint8Array[] = [];
  /** Octets in the last piece, which is a buffer being filled; -1 when it is no such buffer. */
  #collected = -1;
  #failure: ProxyError | null = null;
  #isCancelled = false;
  #wake: (() => void) | null = null;
  #wakeSender: (() => void) | null = null;

  constructor(id: number, host: StreamHost, windows: { readonly receive: number; readonly send: number }) {
    this.id = id;
    this.#host = host;
    this.receiveWindow = windows.receive;
    this.sendWindow = windows.send;
  }

  /** Nothing more can be sent. */
  get isSendingOver(): boolean {
    return this.localEnded || this.isReset;
  }

  read(): MaybePromise<Uint8Array | null> {
    if (this.#isCancelled) return null;
    const piece = this.#take();
    if (piece !== undefined) return piece;
    if (this.#failure !== null) throw this.#failure;
    return this.remoteEnded ? null : this.#readMore();
  }

  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    const rest = this.#pieces;
    if (rest.length > 0) this.#drop();
    this.#wakeUp();
    if (!this.remoteEnded && !this.isReset) this.#host.unwanted(this);
  }

  /** Octets of the body have come: those between the offsets are copied. */
  push(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.bytesReceived += length;
    if (this.#isCancelled) return this.#host.dropped(length);
    this.#store(bytes, start, end);
    this.#wakeUp();
  }

  /** The last of the body has come. */
  end(): void {
    this.remoteEnded = true;
    this.#wakeUp();
  }

  /** Whoever reads gets this error after what has come; sending is over. */
  fail(error: ProxyError): void {
    this.isReset = true;
    this.failReading(error);
    this.wakeSender();
  }

  /** As `fail`, but something can still be sent. */
  failReading(error: ProxyError): void {
    this.#failure ??= error;
    this.#wakeUp();
  }

  /** Resolves when the windows have changed, or sending is over. */
  whenSendable(): Promise<void> {
    return new Promise((resolve) => this.#wakeSender = resolve);
  }

  wakeSender(): void {
    const wake = this.#wakeSender;
    this.#wakeSender = null;
    wake?.();
  }

  async #readMore(): Promise<Uint8Array | null> {
    while (true) {
      this.awaitedSinceMs = this.#host.clock.nowMs();
      await new Promise<void>((resolve) => this.#wake = resolve);
      if (this.#isCancelled) return null;
      const piece = this.#take();
      if (piece !== undefined) return piece;
      if (this.#failure !== null) throw this.#failure;
      if (this.remoteEnded) return null;
    }
  }

  #take(): Uint8Array | undefined {
    let piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    if (this.#pieces.length === 0 && this.#collected >= 0) {
      piece = piece.subarray(0, this.#collected);
      this.#collected = -1;
    }
    this.#host.credit(this, piece.length);
    return piece;
  }

  /** A flood of tiny pieces must not become a flood of tiny buffers. */
  #store(bytes: Uint8Array, start: number, end: number): void {
    const pieces = this.#pieces;
    const length = end - start;
    if (this.#collected >= 0) {
      const last = pieces[pieces.length - 1]!;
      if (this.#collected + length <= last.length) {
        last.set(bytes.subarray(start, end), this.#collected);
        this.#collected += length;
        return;
      }
      pieces[pieces.length - 1] = last.subarray(0, this.#collected);
      this.#collected = -1;
    }
    if (pieces.length === 0 || length > SMALL_PIECE_BYTES) {
      pieces.push(bytes.slice(start, end));
      return;
    }
    const collecting = new Uint8Array(COLLECTED_BYTES);
    collecting.set(bytes.subarray(start, end));
    pieces.push(collecting);
    this.#collected = length;
  }

  #drop(): void {
    let bytes = 0;
    while (this.#pieces.length > 0) {
      const piece = this.#pieces.pop()!;
      bytes += this.#collected >= 0 ? this.#collected : piece.length;
      this.#collected = -1;
    }
    this.#host.dropped(bytes);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    if (wake === null) return;
    this.#wake = null;
    this.awaitedSinceMs = Infinity;
    wake();
  }
}
