import { CONTINUATIONS_MAX, HEADER_BLOCK_BYTES_MAX } from "./limits.ts";

/** A header block that comes in several frames, kept until it is whole (RFC 9113 §6.10). */
export class HeaderAssembly {
  readonly streamId: number;
  /** The block's first frame ended the peer's part of the stream. */
  readonly isLast: boolean;
  bytes: Uint8Array;
  length: number;
  #frames = 0;

  constructor(streamId: number, isLast: boolean, first: Uint8Array) {
    this.streamId = streamId;
    this.isLast = isLast;
    this.bytes = first.slice();
    this.length = first.length;
  }

  /** Adds the next piece; false when the block is too long, or in too many pieces. */
  add(piece: Uint8Array): boolean {
    const length = this.length + piece.length;
    if (++this.#frames > CONTINUATIONS_MAX || length > HEADER_BLOCK_BYTES_MAX) return false;
    if (length > this.bytes.length) {
      const larger = new Uint8Array(Math.min(2 * length, HEADER_BLOCK_BYTES_MAX));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(piece, this.length);
    this.length = length;
    return true;
  }
}
