/** Reusable byte buffers of one size, so that steady traffic allocates none. */
export class BufferPool {
  /** Bytes of every buffer. */
  readonly size: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #keepMax: number;

  constructor(size: number, keepMax: number) {
    this.size = size;
    this.#keepMax = keepMax;
  }

  /** A buffer with undefined content. Whoever takes it gives it back by `release`, once. */
  acquire(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? new Uint8Array(this.size);
  }

  /** Takes a buffer back; nothing may look at it afterwards. */
  release(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#free.length < this.#keepMax) this.#free.push(buffer);
  }
}
