import type { HeaderList } from "../core/headers.ts";
import type { Body, MaybePromise } from "../core/message.ts";

/** Bytes that what is kept has room for at first; it doubles as the body passes. */
const KEPT_BYTES_FIRST = 1024;

/**
 * A request body that can be read again from its start, while what was read of it fits a bound: each attempt
 * gets a reader of its own, and what the source has given is kept until the answer stands. The source is
 * never read ahead of the attempt, so the client's pace and the target's stay coupled.
 */
export class ReplayBody {
  readonly length: number | undefined;
  readonly #source: Body;
  readonly #bytesMax: number;
  /**
   * What was read so far, with room behind it; null once it is not kept any more. One buffer for all pieces, as
   * a client that sends byte by byte would else have every byte cost an array. Bytes in it never change.
   */
  #kept: Uint8Array | null = new Uint8Array(0);
  #keptBytes = 0;
  /** Something was read that is not in `#kept`. */
  #isIncomplete = false;
  #ended = false;
  /** The answer stands: there will be no further attempt. */
  #isSettled = false;
  /** A read of the source under way, whoever asked for it. */
  #pending: Promise<Uint8Array | null> | null = null;
  #reader: ReplayReader | null = null;

  constructor(source: Body, bytesMax: number) {
    this.#source = source;
    this.#bytesMax = bytesMax;
    this.length = source.length;
  }

  /** What follows it, once it was read to its end. */
  get trailers(): HeaderList | undefined {
    return this.#source.trailers;
  }

  /** All that was read is still there. */
  get isRepeatable(): boolean {
    return !this.#isIncomplete;
  }

  /** The body for the next attempt, from its start; the one before it reads nothing more. */
  rewind(): Body {
    this.#reader = new ReplayReader(this);
    return this.#reader;
  }

  /** No further attempt will be made: what was read is let go, and a body nobody wants is cancelled. */
  settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#isIncomplete = true;
    const reader = this.#reader;
    if (reader === null || reader.isCancelled) this.#cancelSource();
    else if (this.#kept !== null && reader.at >= this.#keptBytes) this.#kept = null;
  }

  /** The next piece for `reader`; null at the end. What is beyond `#kept` comes from the source. */
  pieceFor(reader: ReplayReader): MaybePromise<Uint8Array | null> {
    if (this.#reader !== reader) return null;
    const kept = this.#keptFor(reader);
    if (kept !== null) return kept;
    if (this.#pending !== null) return this.#pendingFor(reader);
    if (this.#ended) return null;
    if (this.#isSettled) {
      // What was kept has been read again; the rest needs no copies.
      this.#kept = null;
      return this.#source.read();
    }
    const piece = this.#source.read();
    if (piece instanceof Promise) {
      this.#pending = this.#arrival(piece, reader);
      return this.#pendingFor(reader);
    }
    this.#keep(piece, reader);
    return piece;
  }

  /** A reader wants no more: while there may be another attempt that says nothing about the source. */
  cancelled(reader: ReplayReader): void {
    if (this.#reader === reader && this.#isSettled) this.#cancelSource();
  }

  #cancelSource(): void {
    this.#kept = null;
    this.#isIncomplete = true;
    this.#source.cancel();
  }

  /** What is kept and `reader` has not had; null when it has had all. */
  #keptFor(reader: ReplayReader): Uint8Array | null {
    const kept = this.#kept;
    if (kept === null || reader.at >= this.#keptBytes) return null;
    const piece = kept.subarray(reader.at, this.#keptBytes);
    reader.at = this.#keptBytes;
    return piece;
  }

  /** A read of the source: what it brings is kept before anybody can ask for what follows. */
  async #arrival(reading: Promise<Uint8Array | null>, asker: ReplayReader): Promise<Uint8Array | null> {
    try {
      const piece = await reading;
      // The attempt that asked may have failed meanwhile: then the piece is for the next one.
      this.#keep(piece, this.#reader === asker ? asker : null);
      return piece;
    } finally {
      this.#pending = null;
    }
  }

  /** A read that was under way may have been asked for by an attempt that is over. */
  async #pendingFor(reader: ReplayReader): Promise<Uint8Array | null> {
    const piece = await this.#pending;
    if (this.#reader !== reader) return null;
    return this.#keptFor(reader) ?? piece;
  }

  /** Keeps a copy of what was just read; above the bound only what no reader has had. */
  #keep(piece: Uint8Array | null, readBy: ReplayReader | null): void {
    if (piece === null) {
      this.#ended = true;
      return;
    }
    if (this.#kept === null) return;
    const size = this.#keptBytes + piece.length;
    if (size <= this.#bytesMax || readBy === null) {
      this.#room(size).set(piece, this.#keptBytes);
      this.#keptBytes = size;
      if (readBy !== null) readBy.at = size;
    } else {
      this.#isIncomplete = true;
      this.#kept = null;
    }
  }

  /** What is kept, with room for so many bytes. */
  #room(size: number): Uint8Array {
    const kept = this.#kept!;
    if (kept.length >= size) return kept;
    const doubled = Math.max(KEPT_BYTES_FIRST, kept.length * 2);
    const larger = new Uint8Array(Math.max(size, Math.min(doubled, this.#bytesMax, this.length ?? Infinity)));
    larger.set(kept.subarray(0, this.#keptBytes));
    return this.#kept = larger;
  }
}

/** The body as one attempt reads it. */
class ReplayReader implements Body {
  readonly length: number | undefined;
  isCancelled = false;
  /** Bytes it has had. */
  at = 0;
  readonly #replay: ReplayBody;

  constructor(replay: ReplayBody) {
    this.#replay = replay;
    this.length = replay.length;
  }

  get trailers(): HeaderList | undefined {
    return this.#replay.trailers;
  }

  read(): MaybePromise<Uint8Array | null> {
    if (this.isCancelled) return null;
    return this.#replay.pieceFor(this);
  }

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.#replay.cancelled(this);
  }
}
