/** Bodies on their way past an agent. */

import { chain } from "../agents/runtime/bound_agent.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Body, MaybePromise } from "../core/message.ts";

/** Most bytes of a body that an agent is shown in one call, where it is not buffered. */
export const CHUNK_BYTES_MAX = 65_536;

const EMPTY = new Uint8Array(0);

/** Looks at a part of a body; what goes on in its place, null for nothing. `last` parts may be empty. */
export interface Inspect {
  (data: Uint8Array, last: { readonly isLast: boolean }): MaybePromise<Uint8Array | null>;
}

/** A body that is inspected part by part while it is read. */
export class InspectedBody implements Body {
  readonly length: number | undefined;
  readonly #source: Body;
  readonly #inspect: Inspect;
  #rest = EMPTY;
  #received: number;
  #isLastShown = false;
  #isEnded = false;
  /** A part is being looked at by somebody who waits. */
  #isShowing = false;
  #isCancelled = false;

  /** `received`: bytes of the source that were read before. `length`: of what comes out, if that is certain. */
  constructor(
    source: Body,
    inspect: Inspect,
    known: { readonly received?: number; readonly length?: number | undefined } = {},
  ) {
    this.#source = source;
    this.#inspect = inspect;
    this.#received = known.received ?? 0;
    this.length = known.length;
  }

  get trailers(): HeaderList | undefined {
    return this.#source.trailers;
  }

  read(): MaybePromise<Uint8Array | null> {
    while (!this.#isCancelled) {
      const step = this.#step();
      if (step instanceof Promise) return step.then((piece) => piece === undefined ? this.read() : piece);
      if (step !== undefined) return step;
    }
    return null;
  }

  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    // The part may lie in a buffer which others use as soon as the source is let go.
    if (!this.#isShowing) this.#source.cancel();
  }

  /** The next piece to hand on; undefined when this one was dropped. */
  #step(): MaybePromise<Uint8Array | null | undefined> {
    if (this.#rest.length > 0) return this.#show();
    if (this.#isEnded) return null;
    return chain(this.#source.read(), (piece) => this.#take(piece));
  }

  #take(piece: Uint8Array | null): MaybePromise<Uint8Array | null | undefined> {
    if (this.#isCancelled) return null;
    if (piece !== null) {
      this.#received += piece.length;
      this.#rest = piece as Uint8Array<ArrayBuffer>;
      return this.#show();
    }
    this.#isEnded = true;
    if (this.#isLastShown) return null;
    return chain(
      this.#look(EMPTY, { isLast: true }),
      (out) => out === null || out.length === 0 ? null : out,
    );
  }

  #show(): MaybePromise<Uint8Array | undefined> {
    const data = this.#rest.subarray(0, CHUNK_BYTES_MAX);
    this.#rest = this.#rest.subarray(data.length);
    const isLast = this.#rest.length === 0 && this.#received === this.#source.length;
    if (isLast) this.#isLastShown = true;
    return chain(
      this.#look(data, { isLast }),
      (out) => out === null || out.length === 0 ? undefined : out,
    );
  }

  /** What goes on in place of a part; nothing once cancelled. */
  #look(data: Uint8Array, last: { readonly isLast: boolean }): MaybePromise<Uint8Array | null> {
    const pending = this.#inspect(data, last);
    if (!(pending instanceof Promise)) return pending;
    this.#isShowing = true;
    return pending.finally(() => {
      this.#isShowing = false;
      if (this.#isCancelled) this.#source.cancel();
    }).then((out) => this.#isCancelled ? null : out);
  }
}

/** Pieces read already, and the rest. */
export class PrefixedBody implements Body {
  readonly length: number | undefined;
  readonly #pieces: Uint8Array[];
  readonly #rest: Body;

  /** `length` of all together, if it is known. */
  constructor(pieces: readonly Uint8Array[], rest: Body, length: number | undefined) {
    this.#pieces = pieces.filter((piece) => piece.length > 0);
    this.#rest = rest;
    this.length = length;
  }

  get trailers(): HeaderList | undefined {
    return this.#rest.trailers;
  }

  read(): MaybePromise<Uint8Array | null> {
    return this.#pieces.shift() ?? this.#rest.read();
  }

  cancel(): void {
    this.#pieces.length = 0;
    this.#rest.cancel();
  }
}

/** The beginning of a body. */
export interface Beginning {
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  /** That was all of it. */
  readonly isWhole: boolean;
}

/** Reads until more than `bytesMax` have come or the body ends. */
export async function readBeginning(body: Body, bytesMax: number): Promise<Beginning> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  // One that says how long it is need not be read to know that it is too long.
  while (bytes <= bytesMax && !(body.length !== undefined && body.length > bytesMax)) {
    const next = body.read();
    const piece = next instanceof Promise ? await next : next;
    if (piece === null) return { pieces, bytes, isWhole: true };
    // The view is valid until the next read only.
    pieces.push(piece.slice());
    bytes += piece.length;
  }
  return { pieces, bytes, isWhole: false };
}

/** All pieces as one. */
export function joinPieces(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
