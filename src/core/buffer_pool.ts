/** Reusable byte buffers of one size, so that steady traffic allocates none. */
export class BufferPool {
  /** Bytes of every buffer. */
  readonly size: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #keepMax: number;
  #lent = 0;

  constructor(size: number, keepMax: number) {
    this.size = size;
    this.#keepMax = keepMax;
  }

  /** A buffer with undefined content. Whoever takes it gives it back by `release`, once. */
  acquire(): Uint8Array<ArrayBuffer> {
    this.#lent++;
    return this.#free.pop() ?? new Uint8Array(this.size);
  }

  /** As `acquire` while fewer than `lentMax` buffers are out; undefined beyond. */
  acquireWithin(lentMax: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#lent < lentMax ? this.acquire() : undefined;
  }

  /** A buffer will not come back, because an I/O may still be under way in it. */
  forget(): void {
    this.#lent--;
  }

  /** Takes a buffer back; nothing may look at it afterwards. */
  release(buffer: Uint8Array<ArrayBuffer>): void {
    this.#lent--;
    if (this.#free.length < this.#keepMax) this.#free.push(buffer);
  }
}
