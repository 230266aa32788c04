import type { FrameReader } from "./frame_reader.ts";
import { fault, FLAG, H2_ERROR, readU32 } from "./frames.ts";
import { CONTINUATIONS_MAX, HEADER_BLOCK_BYTES_MAX } from "./limits.ts";

/** A header block that comes in several frames, kept until it is whole (RFC 9113 §6.10). */
export class HeaderAssembly {
  readonly streamId: number;
  /** The block's first frame ended the peer's part of the stream. */
  readonly isLast: boolean;
  bytes: Uint8Array;
  length: number;
  #frames = 0;

  constructor(
    { streamId, isLast }: { readonly streamId: number; readonly isLast: boolean },
    first: Uint8Array,
  ) {
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

/** The piece of a header block in a HEADERS frame, without padding and priority (RFC 9113 §6.2). */
export function headerFragment({ flags, streamId, bytes, start, end }: FrameReader): Uint8Array {
  let from = start;
  let to = end;
  if ((flags & FLAG.padded) !== 0) {
    to -= bytes[from] ?? 0;
    from++;
  }
  if ((flags & FLAG.priority) !== 0) {
    if (to - from >= 5 && (readU32(bytes, from) & 0x7fffffff) === streamId) {
      fault(H2_ERROR.protocolError, "a stream depends on itself");
    }
    from += 5;
  }
  if (from > to) fault(H2_ERROR.protocolError, "a HEADERS frame is shorter than it says");
  return bytes.subarray(from, to);
}
