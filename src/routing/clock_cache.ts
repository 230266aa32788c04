/** A bounded map that forgets one entry at a time, sparing those used since the clock's hand last passed. */
export class ClockCache<V> {
  readonly #capacity: number;
  readonly #slots = new Map<string, number>();
  readonly #keys: string[] = [];
  readonly #values: V[] = [];
  readonly #used: Uint8Array;
  #hand = 0;
  /** Entries that gave way to others so far. */
  evictions = 0;

  /** `capacity` in entries, at least 1. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#used = new Uint8Array(capacity);
  }

  get size(): number {
    return this.#slots.size;
  }

  get(key: string): V | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#used[slot] = 1;
    return this.#values[slot];
  }

  set(key: string, value: V): void {
    const slot = this.#slots.get(key) ?? this.#freeSlot();
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  #freeSlot(): number {
    if (this.#keys.length < this.#capacity) return this.#keys.length;
    while (this.#used[this.#hand] === 1) {
      this.#used[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#capacity;
    }
    this.evictions++;
    const slot = this.#hand;
    this.#hand = (slot + 1) % this.#capacity;
    this.#slots.delete(this.#keys[slot]!);
    return slot;
  }
}
