/** Bytes put together piece by piece. */

import { allocate, cabi_realloc } from "./arena";
import { Bytes, Text } from "./text";

/** Grows as it is written to. */
export class ByteWriter {
  private start: usize;
  private room: usize;
  private used: usize = 0;

  /** `room` is how many bytes it will hardly exceed. */
  constructor(room: i32 = 256) {
    this.room = <usize> max(room, 16);
    this.start = allocate(this.room);
  }

  /** Adds one byte. */
  byte(byte: u32): void {
    if (this.used == this.room) this.grow(1);
    store<u8>(this.start + this.used++, <u8> byte);
  }

  /** Adds bytes. */
  bytes(bytes: Bytes): void {
    const length = <usize> bytes.length;
    if (this.used + length > this.room) this.grow(length);
    memory.copy(this.start + this.used, bytes.at, length);
    this.used += length;
  }

  /** What was written so far; later writing may move it. */
  get text(): Text {
    return new Text(this.start, <i32> this.used);
  }

  private grow(more: usize): void {
    const room = max<usize>(2 * this.room, this.used + more);
    this.start = cabi_realloc(this.start, this.room, 1, room);
    this.room = room;
  }
}
