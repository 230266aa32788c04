import type { HeaderList } from "../core/headers.ts";
import type { Body, MaybePromise } from "../core/message.ts";

/**
 * A request body that can be read again from its start, while what was read of it fits a bound: each attempt
 * gets a reader of its own, and what the source has given is kept until the answer stands. The source is
 * never read ahead of the attempt, so the client's pace and the target's stay coupled.
 */
export class ReplayBody {
  readonly length: number | undefined;
  readonly #source: Body;
  readonly #bytesMax: number;
  /** What was read so far; null once it is not kept any more. */
  #kept: Uint8Array[] | null = [];
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
    else if (this.#kept !== null && reader.place >= this.#kept.length) this.#kept = null;
  }

  /** The piece at this place, for `reader`; null at the end. What is beyond `#kept` comes from the source. */
  pieceFor(reader: ReplayReader, place: number): MaybePromise<Uint8Array | null> {
    if (this.#reader !== reader) return null;
    const kept = this.#kept;
    if (kept !== null && place < kept.length) return kept[place]!;
    if (this.#pending !== null) return this.#pendingFor(reader, place);
    if (this.#ended) return null;
    if (this.#isSettled) {
      // What was kept has been read again; the rest needs no copies.
      this.#kept = null;
      return this.#source.read();
    }
    const piece = this.#source.read();
    if (piece instanceof Promise) {
      this.#pending = piece.finally(() => this.#pending = null);
      return this.#pendingFor(reader, place);
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

  /** A read that was under way may have been asked for by an attempt that is over. */
  async #pendingFor(reader: ReplayReader, place: number): Promise<Uint8Array | null> {
    const known = this.#kept?.length ?? 0;
    const piece = await this.#pending;
    if (this.#reader !== reader) {
      // Its attempt has failed meanwhile: the piece is for the next one.
      if (known === (this.#kept?.length ?? 0)) this.#keep(piece, null);
      return null;
    }
    const kept = this.#kept;
    if (kept !== null && place < kept.length) return kept[place]!;
    this.#keep(piece, reader);
    return piece;
  }

  /** Keeps a copy of what was just read; above the bound only what no reader has had. */
  #keep(piece: Uint8Array | null, readBy: ReplayReader | null): void {
    if (piece === null) {
      this.#ended = true;
      return;
    }
    const kept = this.#kept;
    if (kept === null) return;
    this.#keptBytes += piece.length;
    if (this.#keptBytes <= this.#bytesMax || readBy === null) {
      kept.push(piece.slice());
    } else {
      this.#isIncomplete = true;
      this.#kept = null;
    }
  }
}

/** The body as one attempt reads it. */
class ReplayReader implements Body {
  readonly length: number | undefined;
  isCancelled = false;
  /** Pieces asked for so far. */
  place = 0;
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
    return this.#replay.pieceFor(this, this.place++);
  }

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.#replay.cancelled(this);
  }
}
