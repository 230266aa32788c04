import type { BufferPool } from "../core/buffer_pool.ts";
import type { Socket } from "../core/ports.ts";
import type { TunnelSide } from "../core/upgrade.ts";

/** Bytes of the buffer a connection starts with: room for nearly every request head. */
export const INPUT_BYTES_INITIAL = 4096;

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * What arrives from the client: a buffer with a filled part `[start, end)`, and at most one read
 * under way. A read is kept under way while a request is handled too, for that is how a client that
 * leaves is noticed; what it brings is the next request.
 */
export class Input {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INPUT_BYTES_INITIAL);
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
  readonly #large: BufferPool;
  readonly #bytesMax: number;
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
  constructor(socket: Socket, large: BufferPool, bytesMax: number) {
    this.#socket = socket;
    this.#large = large;
    this.#bytesMax = Math.max(bytesMax, INPUT_BYTES_INITIAL);
  }

  /** Bytes at hand. */
  get available(): number {
    return this.end - this.start;
  }

  /** Goes on in a small buffer: whoever asks for another protocol may be silent for long. */
  slim(bytes: number): void {
    if (this.start === this.end && this.#reading === null && this.#small === null) {
      this.bytes = new Uint8Array(bytes);
      this.start = this.end = 0;
    }
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
    if (this.#small !== null || this.#reading !== null || this.available > this.#large.size) return;
    this.#small = this.bytes;
    this.#moveTo(this.#large.acquire());
  }

  /** Goes back to the connection's own buffer once what is left fits. */
  shrink(): void {
    const small = this.#small;
    if (small === null || this.#reading !== null || this.available > small.length) return;
    const large = this.bytes;
    this.#moveTo(small);
    this.#small = null;
    this.#large.release(large);
  }

  /**
   * Leaves the buffer to somebody who still looks at bytes in it, and goes on in another one. A pooled
   * buffer is left to the collector, as nobody says when it is free.
   */
  forsake(): void {
    if (this.#reading !== null) return;
    const rest = this.bytes.subarray(this.start, this.end);
    const small = this.#small ?? new Uint8Array(INPUT_BYTES_INITIAL);
    this.bytes = rest.length <= small.length ? small : new Uint8Array(rest.length);
    this.bytes.set(rest);
    this.#small = null;
    this.start = 0;
    this.end = rest.length;
  }

  /** Gives the large buffer back; the connection is over. */
  dispose(): void {
    // A read under way would write into the pooled buffer, so such a buffer is left to the collector.
    if (this.#small !== null && this.#reading === null) this.#large.release(this.bytes);
    this.#small = null;
    this.bytes = new Uint8Array(0);
    this.start = this.end = 0;
    this.onEnd = this.onShift = null;
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
