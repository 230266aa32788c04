import type { Socket } from "../core/ports.ts";
import { ConnectionFault, FRAME_BYTES_MAX, FRAME_HEADER_BYTES, H2_ERROR, readU32 } from "./frames.ts";
import { INPUT_BYTES_INITIAL, INPUT_BYTES_LARGE } from "./limits.ts";

/** Cuts what arrives into frames. The buffer is small until traffic fills it, and small again when asked. */
export class FrameReader {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(INPUT_BYTES_INITIAL);
  /** The frame that `next` found: its header's parts, and where its payload lies in `bytes`. */
  type = 0;
  flags = 0;
  streamId = 0;
  start = 0;
  end = 0;

  readonly #socket: Socket;
  /** Bytes at hand lie in `[#from, #to)`. */
  #from = 0;
  #to = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that were read before this reader existed. */
  preload(early: Uint8Array): void {
    if (early.length > this.bytes.length) this.bytes = new Uint8Array(INPUT_BYTES_LARGE);
    this.bytes.set(early);
    this.#to = early.length;
  }

  /** Reads more; false at the end of the stream. Rejects when the connection breaks. */
  async more(): Promise<boolean> {
    this.#makeRoom();
    const count = await this.#socket.read(this.#to === 0 ? this.bytes : this.bytes.subarray(this.#to));
    this.#to += count;
    return count > 0;
  }

  /** Finds the next frame among the bytes at hand. Throws `ConnectionFault` when it is too long. */
  next(): boolean {
    const at = this.#from;
    const { bytes } = this;
    if (this.#to - at < FRAME_HEADER_BYTES) return false;
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    if (length > FRAME_BYTES_MAX) {
      throw new ConnectionFault(H2_ERROR.frameSizeError, "a frame is longer than was agreed");
    }
    this.start = at + FRAME_HEADER_BYTES;
    this.end = this.start + length;
    if (this.end > this.#to) return false;
    this.type = bytes[at + 3]!;
    this.flags = bytes[at + 4]!;
    this.streamId = readU32(bytes, at + 5) & 0x7fffffff;
    this.#from = this.end;
    return true;
  }

  /** Takes `text` off the front: true when it stands there, undefined while bytes are missing. */
  accept(text: string): boolean | undefined {
    const present = Math.min(text.length, this.#to - this.#from);
    for (let i = 0; i < present; i++) {
      if (this.bytes[this.#from + i] !== text.charCodeAt(i)) return false;
    }
    if (present < text.length) return undefined;
    this.#from += text.length;
    return true;
  }

  /** Gives a large buffer up, when it is empty. Not while a read is under way. */
  shrink(): void {
    if (this.#from !== this.#to || this.bytes.length === INPUT_BYTES_INITIAL) return;
    this.bytes = new Uint8Array(INPUT_BYTES_INITIAL);
    this.#from = this.#to = 0;
  }

  #makeRoom(): void {
    if (this.#from === this.#to) {
      // A buffer that was filled to the brim says that there is more to come.
      const isBusy = this.#to === this.bytes.length && this.bytes.length < INPUT_BYTES_LARGE;
      if (isBusy) this.bytes = new Uint8Array(INPUT_BYTES_LARGE);
      this.#from = this.#to = 0;
      return;
    }
    if (this.#from > 0) {
      this.bytes.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
    }
    if (this.bytes.length === INPUT_BYTES_LARGE) return;
    // The frame at hand may not fit, so the buffer that holds any frame is due.
    const large = new Uint8Array(INPUT_BYTES_LARGE);
    large.set(this.bytes.subarray(0, this.#to));
    this.bytes = large;
  }
}
