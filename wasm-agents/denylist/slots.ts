/** A hash table of numbers by hash, with open addressing; equal hashes stand side by side. */

/** Finds numbers by their hash. */
export class Slots {
  private slots: StaticArray<i32> = new StaticArray<i32>(0);
  private hashes: StaticArray<u32> = new StaticArray<u32>(0);
  private mask: u32 = 0;
  private room: i32 = 0;

  /** Makes room for so many numbers, once, before the first is put in. */
  reserve(count: i32): void {
    let size = 4;
    while (size < 2 * count) size <<= 1;
    this.slots = new StaticArray<i32>(size);
    this.hashes = new StaticArray<u32>(size);
    this.mask = size - 1;
    this.room = count;
  }

  /** Puts a number in. */
  put(hash: u32, value: i32): void {
    assert(this.room-- > 0);
    let at = mixed(hash) & this.mask;
    while (unchecked(this.slots[at]) != 0) at = (at + 1) & this.mask;
    unchecked(this.slots[at] = value + 1);
    unchecked(this.hashes[at] = hash);
  }

  /** Where to look first for a hash. */
  first(hash: u32): i32 {
    return this.next(hash, (mixed(hash) - 1) & this.mask);
  }

  /** The next place after `at` that holds the hash; -1 when there is none. */
  next(hash: u32, at: i32): i32 {
    if (this.mask == 0) return -1;
    let place = at;
    while (true) {
      place = (place + 1) & this.mask;
      if (unchecked(this.slots[place]) == 0) return -1;
      if (unchecked(this.hashes[place]) == hash) return place;
    }
  }

  /** The number at a place. */
  value(at: i32): i32 {
    return unchecked(this.slots[at]) - 1;
  }
}

/** Spreads what differs in the upper bits over the lower ones. */
function mixed(hash: u32): u32 {
  const product = hash * 0x9e3779b1;
  return product ^ (product >>> 15);
}
