import type { HeaderList } from "../core/headers.ts";
import type { Body, MaybePromise } from "../core/message.ts";

/** Bytes a copy has room for at first; it doubles as the body passes, so that a slow sender holds little. */
const COPY_BYTES_FIRST = 4096;

/** How a copied body came out. */
export type CopyOutcome =
  /** All of it has passed, and was kept. */
  | "whole"
  /** It is longer than the copy may be; nothing of it was kept. */
  | "too-long"
  /** It was given up, or broke off. */
  | "cut";

/**
 * A body that keeps a copy of what passes through it, within a bound. Whoever reads it sets the pace as
 * before, and gets the same views: nothing is held back.
 */
export class CopiedBody implements Body {
  readonly length: number | undefined;

  readonly #body: Body;
  readonly #bytesMax: number;
  readonly #onSettled: (outcome: CopyOutcome) => void;
  #kept: Uint8Array | null = new Uint8Array(0);
  #size = 0;
  #outcome: CopyOutcome | null = null;

  /** `onSettled` is called once, when the copy is whole or will never be. */
  constructor(body: Body, bytesMax: number, onSettled: (outcome: CopyOutcome) => void) {
    this.#body = body;
    this.#bytesMax = bytesMax;
    this.#onSettled = onSettled;
    this.length = body.length;
  }

  get trailers(): HeaderList | undefined {
    return this.#body.trailers;
  }

  /** What was kept; empty unless the outcome is `whole`. Forgotten once it has been taken. */
  take(): Uint8Array {
    const bytes = this.#outcome === "whole" ? this.#kept!.subarray(0, this.#size) : new Uint8Array(0);
    this.#kept = null;
    return bytes;
  }

  read(): MaybePromise<Uint8Array | null> {
    let piece: MaybePromise<Uint8Array | null>;
    try {
      piece = this.#body.read();
    } catch (cause) {
      this.#settle("cut");
      throw cause;
    }
    if (!(piece instanceof Promise)) return this.#passed(piece);
    return piece.then((read) => this.#passed(read), (cause) => {
      this.#settle("cut");
      throw cause;
    });
  }

  cancel(): void {
    this.#body.cancel();
    this.#settle("cut");
  }

  #passed(piece: Uint8Array | null): Uint8Array | null {
    if (this.#outcome !== null) return piece;
    if (piece === null) {
      this.#settle("whole");
      return null;
    }
    const size = this.#size + piece.length;
    if (size > this.#bytesMax) {
      this.#settle("too-long");
      return piece;
    }
    this.#room(size).set(piece, this.#size);
    this.#size = size;
    // Whoever knows the length may never ask for the end.
    if (size === this.length) this.#settle("whole");
    return piece;
  }

  #room(size: number): Uint8Array {
    const kept = this.#kept!;
    if (kept.length >= size) return kept;
    const doubled = Math.max(COPY_BYTES_FIRST, kept.length * 2, size);
    const larger = new Uint8Array(Math.min(doubled, this.#bytesMax, this.length ?? Infinity));
    larger.set(kept.subarray(0, this.#size));
    return this.#kept = larger;
  }

  #settle(outcome: CopyOutcome): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    if (outcome !== "whole") this.#kept = null;
    this.#onSettled(outcome);
  }
}
