import type { Clock, Socket } from "../core/ports.ts";
import { FRAME_HEADER_BYTES, writeFrameHeader, writeU32 } from "./frames.ts";
import { OUTPUT_BYTES_FULL, OUTPUT_BYTES_HIGH, OUTPUT_BYTES_KEPT } from "./limits.ts";

const BUFFER_BYTES_INITIAL = 2048;

/**
 * Frames on their way to the socket. What is put in during one turn of the event loop, and while an earlier
 * write is under way, leaves in one write: two buffers take turns.
 */
export class FrameOutput {
  /** Being filled; `[0, end)` is. Valid until the next call of `reserve` or the next turn of the loop. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(BUFFER_BYTES_INITIAL);
  end = 0;
  /** `Clock.nowMs` when the write under way last got on; Infinity while there is none. */
  stalledSinceMs = Infinity;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #onBroken: (cause: unknown) => void;
  #spare: Uint8Array<ArrayBuffer> | null = null;
  #writing: Uint8Array<ArrayBuffer> | null = null;
  /** Octets of `#writing` that were put in. */
  #writingEnd = 0;
  #written = 0;
  #isScheduled = false;
  #isBroken = false;
  #waiting: (() => void)[] = [];
  #whenFlushed: (() => void)[] = [];
  readonly #flush = (): void => {
    this.#isScheduled = false;
    this.#write();
  };
  readonly #wrote = (count: number): void => {
    this.#written += count;
    this.stalledSinceMs = this.#clock.nowMs();
    if (this.#written < this.#writingEnd) this.#writeRest();
    else this.#finishWrite();
  };
  readonly #failed = (cause: unknown): void => {
    this.stop();
    this.#onBroken(cause);
  };

  constructor(socket: Socket, clock: Clock, onBroken: (cause: unknown) => void) {
    this.#socket = socket;
    this.#clock = clock;
    this.#onBroken = onBroken;
  }

  /** Octets that have not been written. */
  get pending(): number {
    return this.end + this.#writingEnd - this.#written;
  }

  /** No more body should be put in for now. */
  get isHigh(): boolean {
    return this.pending >= OUTPUT_BYTES_HIGH;
  }

  /** The peer should not be given a chance to make us put in more. */
  get isFull(): boolean {
    return this.pending >= OUTPUT_BYTES_FULL;
  }

  /** Makes room for `count` octets behind `end`. */
  reserve(count: number): void {
    const size = this.end + count;
    if (size <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(size, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
  }

  octet(value: number): void {
    if (this.end === this.bytes.length) this.reserve(1);
    this.bytes[this.end++] = value;
  }

  /** A frame header; the payload of `length` octets is to follow, and there is room for it. */
  frame(type: number, flags: number, at: { readonly streamId: number; readonly length: number }): void {
    this.reserve(FRAME_HEADER_BYTES + at.length);
    const { streamId, length } = at;
    writeFrameHeader(this.bytes, this.end, { type, flags, streamId, length });
    this.end += FRAME_HEADER_BYTES;
    this.schedule();
  }

  /** 32 bits for which `frame` made room. */
  u32(value: number): void {
    writeU32(this.bytes, this.end, value);
    this.end += 4;
  }

  /** Octets for which there need not be room yet. */
  append(octets: Uint8Array): void {
    this.reserve(octets.length);
    this.bytes.set(octets, this.end);
    this.end += octets.length;
  }

  /** What was put in will be written at the end of this turn of the loop. */
  schedule(): void {
    if (this.#isScheduled || this.#writing !== null || this.#isBroken) return;
    this.#isScheduled = true;
    queueMicrotask(this.#flush);
  }

  /** Resolves when it is no longer high, or was stopped; in the order of the calls. */
  drained(): Promise<void> {
    if (!this.isHigh || this.#isBroken) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when everything has been written, or nothing more will be. */
  flushed(): Promise<void> {
    if (this.pending === 0 || this.#isBroken) return Promise.resolve();
    return new Promise((resolve) => this.#whenFlushed.push(resolve));
  }

  /** Nothing will be written any more: wakes who waits. */
  stop(): void {
    this.#isBroken = true;
    this.stalledSinceMs = Infinity;
    this.#wake();
    this.#tellFlushed();
  }

  #write(): void {
    if (this.#writing !== null || this.end === 0 || this.#isBroken) return;
    const full = this.#writing = this.bytes;
    this.#writingEnd = this.end;
    this.#written = 0;
    this.bytes = this.#spare ?? new Uint8Array(BUFFER_BYTES_INITIAL);
    this.#spare = null;
    this.end = 0;
    this.stalledSinceMs = this.#clock.nowMs();
    this.#socket.write(full.subarray(0, this.#writingEnd)).then(this.#wrote, this.#failed);
  }

  #writeRest(): void {
    const rest = this.#writing!.subarray(this.#written, this.#writingEnd);
    this.#socket.write(rest).then(this.#wrote, this.#failed);
  }

  #finishWrite(): void {
    const done = this.#writing!;
    this.#spare = done.length <= OUTPUT_BYTES_KEPT ? done : null;
    this.#writing = null;
    this.#writingEnd = this.#written = 0;
    this.stalledSinceMs = Infinity;
    if (this.end > 0) this.#write();
    else this.#tellFlushed();
    if (!this.isHigh) this.#wake();
  }

  #tellFlushed(): void {
    for (const resolve of this.#whenFlushed.splice(0)) resolve();
  }

  #wake(): void {
    const woken = this.#waiting;
    if (woken.length === 0) return;
    this.#waiting = [];
    for (const resolve of woken) resolve();
  }
}
