import type { BufferPool } from "../core/buffer_pool.ts";
import type { Random, Socket } from "../core/ports.ts";
import type { TunnelSide } from "../core/upgrade.ts";
import { type Direction, type DirectionHost, WAIT_BYTES } from "./direction.ts";
import type { FrameScanner } from "./frame_scanner.ts";
import { CLOSE, closePayload, encodeFrame } from "./frames.ts";

/** What a splice is made of. */
export interface SpliceInit {
  readonly host: DirectionHost;
  readonly from: TunnelSide;
  readonly to: TunnelSide;
  /** Borrowed while the source sends more than a waiting buffer holds. */
  readonly buffers: BufferPool;
  /** Null where frames are not looked at, or are none. */
  readonly scanner: FrameScanner | null;
  /** Where masking keys for frames of ours come from; null towards the client (RFC 6455 §5.1). */
  readonly masks: Random | null;
}

/**
 * Large buffers that the tunnels of one thread may hold at a time: who sends exactly what fits the small one and then
 * rests would else hold a large one for nothing.
 */
const BORROWED_MAX = 1024;
/** Bytes of a large buffer, and how many of them are kept for reuse. */
export const TUNNEL_BUFFER_BYTES = 32_768;
export const TUNNEL_BUFFERS_KEPT = 64;

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * Passes bytes on as they come: one read, then one write, and the next read only after it. It waits in a small
 * buffer of its own and borrows a large one while the source sends more than that holds. Calls are chained by
 * callbacks made once, since an asynchronous function per read would cost more than the scanner.
 */
export class Splice implements Direction {
  bytes = 0;
  readonly #host: DirectionHost;
  readonly #from: TunnelSide;
  readonly #to: TunnelSide;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #buffers: BufferPool;
  readonly #scanner: FrameScanner | null;
  readonly #masks: Random | null;
  #own = NOTHING;
  /** Where the read at hand goes, or what is being written: the waiting buffer, or a borrowed one. */
  #buffer = NOTHING;
  /** Bytes at the front of `#buffer` that were left over. */
  #held = 0;
  #isReading = false;
  #isWriting = false;
  #writing: Uint8Array = NOTHING;
  /** What arrived last, of which `[#sent, #arrivedEnd)` is left over. */
  #arrived: Uint8Array = NOTHING;
  #sent = 0;
  #arrivedEnd = 0;
  /** The last read filled its buffer, so more is likely to be there. */
  #isBusy = false;
  #goodbye: Uint8Array | null = null;
  /** Our Close frame has been given to the socket. */
  #isLeaving = false;
  #isOver = false;

  /** The read or the write at hand is done; there is never more than one of them. */
  readonly #moved = (count: number): void => {
    if (this.#isWriting) this.#written(count);
    else this.#landed(count);
  };
  readonly #failed = (): void => {
    if (this.#isWriting) this.#refused();
    else this.#broke();
  };

  constructor(init: SpliceInit) {
    this.#host = init.host;
    this.#from = init.from;
    this.#to = init.to;
    this.#source = init.from.socket;
    this.#sink = init.to.socket;
    this.#buffers = init.buffers;
    this.#scanner = init.scanner;
    this.#masks = init.masks;
  }

  get messages(): number {
    return this.#scanner?.messages ?? 0;
  }

  get isLost(): boolean {
    return this.#scanner?.isLost === true;
  }

  start(): void {
    const { writable } = this.#to;
    if (writable === null) return this.#begin();
    writable.then(() => {
      this.#to.writable = null;
      this.#begin();
    });
  }

  close(code: number, reason: string): void {
    if (this.#goodbye !== null || this.#isOver || this.#scanner === null) return;
    this.#goodbye = encodeFrame(CLOSE, closePayload(code, reason), this.#masks?.u32());
    this.#scanner.stops = true;
    if (this.#isReading && this.#scanner.isAtBoundary) this.#leave();
  }

  dispose(): void {
    this.#isOver = true;
    const buffer = this.#buffer;
    if (this.#isBorrowed(buffer)) {
      // What is still under way in a buffer must not meet the bytes of another connection.
      if (this.#isReading || this.#isWriting) this.#buffers.forget();
      else this.#buffers.release(buffer);
    }
    this.#buffer = this.#own = NOTHING;
    this.#arrived = this.#writing = NOTHING;
  }

  #begin(): void {
    if (this.#isOver) return;
    const { early } = this.#from;
    this.#from.early = NOTHING;
    if (early.length > 0) this.#take(early, early.length);
    else this.#read();
  }

  #landed(count: number): void {
    this.#isReading = false;
    if (this.#isOver) return;
    if (count === 0) return this.#ended();
    this.#host.touch();
    const end = this.#held + count;
    this.#isBusy = end === this.#buffer.length;
    this.#take(this.#buffer, end);
  }

  #broke(): void {
    this.#isReading = false;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.broke(this);
  }

  #written(count: number): void {
    this.#isWriting = false;
    if (this.#isOver) return;
    this.#host.touch();
    this.bytes += count;
    if (count < this.#writing.length) return this.#write(this.#writing.subarray(count));
    this.#goOn();
  }

  #refused(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.refused(this);
  }

  #read(): void {
    if (this.#isOver) return;
    // It may have been asked for before anything was read.
    if (this.#goodbye !== null && !this.#isLeaving && this.#scanner!.isAtBoundary) this.#leave();
    this.#isReading = true;
    const { pending } = this.#from;
    if (pending !== null) {
      this.#from.pending = null;
      if (this.#sent < this.#arrivedEnd) this.#keepLeftOver();
      pending.then((bytes) => this.#pendingLanded(bytes), this.#failed);
      return;
    }
    this.#keepLeftOver();
    const buffer = this.#buffer;
    this.#source.read(this.#held === 0 ? buffer : buffer.subarray(this.#held)).then(
      this.#moved,
      this.#failed,
    );
  }

  /** What the connection had begun to read before it became a tunnel. */
  #pendingLanded(bytes: Uint8Array): void {
    this.#isReading = false;
    if (this.#isOver) return;
    if (bytes.length === 0) return this.#ended();
    this.#host.touch();
    if (this.#held === 0) return this.#take(bytes, bytes.length);
    const whole = new Uint8Array(this.#held + bytes.length);
    whole.set(this.#buffer.subarray(0, this.#held));
    whole.set(bytes, this.#held);
    this.#take(whole, whole.length);
  }

  /** Chooses the next buffer, with what was left over at its front. */
  #keepLeftOver(): void {
    const { length } = this.#own;
    if (length === 0) this.#own = new Uint8Array(WAIT_BYTES);
    const held = this.#arrived.subarray(this.#sent, this.#arrivedEnd);
    const before = this.#buffer;
    const isBorrowed = this.#isBorrowed(before);
    const next = this.#isBusy
      ? isBorrowed ? before : this.#buffers.acquireWithin(BORROWED_MAX) ?? this.#own
      : this.#own;
    next.set(held);
    this.#held = held.length;
    this.#buffer = next;
    this.#arrived = NOTHING;
    this.#sent = this.#arrivedEnd = 0;
    if (isBorrowed && next !== before) this.#buffers.release(before);
  }

  /** `bytes[0, end)` are there. */
  #take(bytes: Uint8Array, end: number): void {
    const scanner = this.#scanner;
    this.#arrived = bytes;
    this.#arrivedEnd = end;
    this.#held = 0;
    if (scanner === null) {
      this.#sent = end;
      return this.#write(bytes.subarray(0, end));
    }
    const before = scanner.closed;
    this.#sent = scanner.scan(bytes, end);
    if (scanner.closed !== before) this.#host.sawClose(this, scanner.closed!);
    if (this.#isLeaving) return this.#discarded();
    if (this.#sent === 0) this.#goOn();
    else this.#write(this.#sent === bytes.length ? bytes : bytes.subarray(0, this.#sent));
  }

  #write(bytes: Uint8Array): void {
    this.#writing = bytes;
    this.#isWriting = true;
    this.#sink.write(bytes).then(this.#moved, this.#failed);
  }

  /** Everything that may be passed on has been. */
  #goOn(): void {
    const scanner = this.#scanner;
    if (scanner !== null) {
      const { violation } = scanner;
      if (violation !== null && this.#goodbye === null) this.#host.violated(this, violation);
      if (this.#isOver) return;
      if (this.#goodbye !== null && scanner.isAtBoundary) {
        this.#leave();
        // What was left over may hold the peer's own Close already.
        return this.#take(
          this.#arrived.subarray(this.#sent, this.#arrivedEnd),
          this.#arrivedEnd - this.#sent,
        );
      }
    }
    this.#read();
  }

  #leave(): void {
    const scanner = this.#scanner!;
    this.#isLeaving = true;
    scanner.stops = false;
    this.#say(this.#goodbye!);
  }

  #say(frame: Uint8Array): void {
    this.#sink.write(frame).then((count) => {
      if (count === frame.length) this.#host.left(this);
      else if (!this.#isOver) this.#say(frame.subarray(count));
    }, () => this.#refused());
  }

  /** After our Close frame nothing is passed on; the peer's own is waited for. */
  #discarded(): void {
    if (this.#scanner!.closed !== null) return this.#partedFrom();
    this.#isBusy = false;
    this.#read();
  }

  #partedFrom(): void {
    this.#isOver = true;
    this.#host.parted(this);
  }

  #ended(): void {
    if (this.#held > 0 && !this.#isLeaving) {
      // Half a header: it goes on as it came, for what it means is not ours to judge.
      const rest = this.#buffer.subarray(0, this.#held);
      this.#held = 0;
      this.#isOver = true;
      this.#isWriting = true;
      this.#sink.write(rest).then((count) => {
        this.#isWriting = false;
        this.bytes += count;
        this.#host.ended(this);
      }, () => this.#host.refused(this));
      return;
    }
    this.#isOver = true;
    if (this.#isLeaving) this.#host.parted(this);
    else this.#host.ended(this);
  }

  #isBorrowed(buffer: Uint8Array): boolean {
    return buffer !== this.#own && buffer !== NOTHING;
  }
}
