import type { BufferPool } from "../core/buffer_pool.ts";
import type { Socket } from "../core/ports.ts";
import type { TunnelSide } from "../core/upgrade.ts";

/** Bytes of the buffer a connection starts with: room for nearly every request head. */
export const INPUT_BYTES_INITIAL = 4096;
/** How many of those a thread keeps for the next connections. */
export const INPUT_BUFFERS_KEPT = 64;

/** The pools that the inputs of a thread share. */
export interface InputBuffers {
  /** Of `INPUT_BYTES_INITIAL`: one for each connection until it ends or leaves HTTP. */
  readonly inputBuffers: BufferPool;
  /** For request bodies. */
  readonly largeBuffers: BufferPool;
}

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * What arrives from the client: a buffer with a filled part `[start, end)`, and at most one read
 * under way. A read is kept under way while a request is handled too, for that is how a client that
 * leaves is noticed; what it brings is the next request.
 */
export class Input {
  bytes: Uint8Array<ArrayBuffer>;
  start = 0;
  end = 0;
  /** The client will send nothing more: it closed its side, or the connection broke. */
  ended = false;
  /** The connection broke, so nothing can be sent either. */
  broken = false;
  /** Called when the stream ends while a read was under way. */
  onEnd: (() => void) | null = null;
  /** Called when buffered bytes move to the front, with the distance. */
  onShift: ((by: number) => void) | null = null;

  readonly #socket: Socket;
  readonly #buffers: InputBuffers;
  readonly #bytesMax: number;
  /** The pooled buffer it began with, for as long as it has it. */
  #own: Uint8Array<ArrayBuffer> | null;
  #small: Uint8Array<ArrayBuffer> | null = null;
  #reading: Promise<void> | null = null;
  readonly #landed = (count: number): void => {
    this.#reading = null;
    if (count === 0) this.#finish();
    else this.end += count;
  };
  readonly #failed = (): void => {
    this.#reading = null;
    this.broken = true;
    this.#finish();
  };

  /** `bytesMax` bounds the buffer: the largest head that is let through must fit. */
  constructor(socket: Socket, buffers: InputBuffers, bytesMax: number) {
    this.#socket = socket;
    this.#buffers = buffers;
    this.bytes = this.#own = buffers.inputBuffers.acquire();
    this.#bytesMax = Math.max(bytesMax, INPUT_BYTES_INITIAL);
  }

  /** Bytes at hand. */
  get available(): number {
    return this.end - this.start;
  }

  /** Goes on in a small buffer: whoever asks for another protocol may be silent for long. */
  slim(bytes: number): void {
    if (this.start < this.end || this.#reading !== null || this.#small !== null) return;
    if (this.#own !== null) this.#buffers.inputBuffers.release(this.#own);
    this.#own = null;
    this.bytes = new Uint8Array(bytes);
    this.start = this.end = 0;
  }

  /** Leaves what is at hand, and what the read under way brings, to a tunnel. Nothing more is read here. */
  handOver(): Pick<TunnelSide, "early" | "pending"> {
    const from = this.end;
    const early = from > this.start ? this.bytes.slice(this.start, from) : NOTHING;
    this.start = from;
    this.onEnd = this.onShift = null;
    const pending = this.#reading?.then(() => {
      if (this.broken) throw new Error("the connection broke");
      return this.bytes.slice(from, this.end);
    }) ?? null;
    return { early, pending };
  }

  /** Starts a read unless one is under way, the stream has ended, or the buffer is full. */
  ahead(): void {
    if (this.#reading !== null || this.ended || !this.#makeRoom()) return;
    this.#reading = this.#socket.read(this.end === 0 ? this.bytes : this.bytes.subarray(this.end)).then(
      this.#landed,
      this.#failed,
    );
  }

  /** The read under way, one being started if need be; null when the stream has ended or the buffer is full. */
  more(): Promise<void> | null {
    this.ahead();
    return this.#reading;
  }

  /** Puts bytes that were received before the connection began in front. */
  preload(early: Uint8Array): void {
    this.bytes.set(early);
    this.end = early.length;
  }

  /** Moves to a pooled large buffer, for bodies. Does nothing while a read is under way. */
  enlarge(): void {
    const { largeBuffers } = this.#buffers;
    if (this.#small !== null || this.#reading !== null || this.available > largeBuffers.size) return;
    this.#small = this.bytes;
    this.#moveTo(largeBuffers.acquire());
  }

  /** Goes back to the connection's own buffer once what is left fits. */
  shrink(): void {
    const small = this.#small;
    if (small === null || this.#reading !== null || this.available > small.length) return;
    const large = this.bytes;
    this.#moveTo(small);
    this.#small = null;
    this.#buffers.largeBuffers.release(large);
  }

  /**
   * Leaves the buffer to somebody who still looks at bytes in it, and goes on in another one. A pooled
   * buffer is left to the collector, as nobody says when it is free.
   */
  forsake(): void {
    if (this.#reading !== null) return;
    const rest = this.bytes.subarray(this.start, this.end);
    if (this.#small === null) this.#leaveOwn();
    const small = this.#small ?? new Uint8Array(INPUT_BYTES_INITIAL);
    this.bytes = rest.length <= small.length ? small : new Uint8Array(rest.length);
    this.bytes.set(rest);
    this.#small = null;
    this.start = 0;
    this.end = rest.length;
  }

  /** Gives the buffers back; the connection is over. */
  dispose(): void {
    const { inputBuffers, largeBuffers } = this.#buffers;
    // A read under way would write into the pooled buffer, so such a buffer is left to the collector.
    if (this.#reading !== null && this.#own === this.bytes) this.#leaveOwn();
    if (this.#small !== null && this.#reading === null) largeBuffers.release(this.bytes);
    if (this.#own !== null) inputBuffers.release(this.#own);
    this.#own = this.#small = null;
    this.bytes = NOTHING;
    this.start = this.end = 0;
    this.onEnd = this.onShift = null;
  }

  /** Somebody may still look at the buffer it began with. */
  #leaveOwn(): void {
    if (this.#own !== null) this.#buffers.inputBuffers.forget();
    this.#own = null;
  }

  #finish(): void {
    this.ended = true;
    this.onEnd?.();
  }

  #makeRoom(): boolean {
    if (this.start === this.end) this.start = this.end = 0;
    if (this.end < this.bytes.length) return true;
    if (this.start > 0) {
      const by = this.start;
      this.bytes.copyWithin(0, this.start, this.end);
      this.start = 0;
      this.end -= by;
      this.onShift?.(by);
      return true;
    }
    if (this.#small !== null || this.bytes.length >= this.#bytesMax) return false;
    const grown = new Uint8Array(Math.min(this.bytes.length * 2, this.#bytesMax));
    grown.set(this.bytes);
    this.#leaveOwn();
    this.bytes = grown;
    return true;
  }

  #moveTo(buffer: Uint8Array<ArrayBuffer>): void {
    buffer.set(this.bytes.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
    this.bytes = buffer;
  }
}
