/** Paths: one pass over the request's path finds it among exact ones and among beginnings. */

import { Config, Text } from "sentinel";
import { Entries } from "./entries";
import { Slots } from "./slots";

/** Longest path that can be listed, in bytes. */
const PATH_BYTES_MAX: i32 = 1024;

/** FNV-1a, which goes on byte by byte: the hash of a beginning is on the way to the hash of the whole. */
const FNV_OFFSET: u32 = 2166136261;
const FNV_PRIME: u32 = 16777619;

/** Exact paths and beginnings. */
export class PathTable {
  private readonly exact: Slots = new Slots();
  private readonly beginnings: Slots = new Slots();
  private readonly exactNumbers: i32[] = [];
  private readonly beginningNumbers: i32[] = [];
  /** For each length: whether a beginning has it. */
  private readonly lengths: StaticArray<bool> = new StaticArray<bool>(PATH_BYTES_MAX + 1);
  private longest: i32 = 0;

  constructor(private readonly entries: Entries) {}

  /** Adds a path that must be met as a whole. */
  addExact(number: i32, item: Config): void {
    if (this.isUsable(number, item)) this.exactNumbers.push(number);
  }

  /** Adds the beginning of paths. */
  addBeginning(number: i32, item: Config): void {
    if (!this.isUsable(number, item)) return;
    this.beginningNumbers.push(number);
    const length = this.entries.at(number).value.length;
    this.lengths[length] = true;
    this.longest = max(this.longest, length);
  }

  private isUsable(number: i32, item: Config): bool {
    const path = this.entries.at(number).value;
    if (path.byteAt(0) != 0x2f) item.problem('"' + path.toString() + '" does not begin with "/"');
    else if (path.length > PATH_BYTES_MAX) {
      item.problem("is longer than " + PATH_BYTES_MAX.toString() + " bytes");
    } else return true;
    return false;
  }

  /** Builds the tables from what was added. */
  build(): void {
    fill(this.exact, this.exactNumbers, this.entries);
    fill(this.beginnings, this.beginningNumbers, this.entries);
  }

  get isEmpty(): bool {
    return this.exactNumbers.length == 0 && this.beginningNumbers.length == 0;
  }

  /** The number of a live entry that the path meets; -1 when there is none. */
  find(path: Text): i32 {
    let hash = FNV_OFFSET;
    const longest = this.longest;
    for (let at = 0; at < path.length; at++) {
      hash = (hash ^ path.byteAt(at)) * FNV_PRIME;
      if (at < longest && unchecked(this.lengths[at + 1])) {
        const found = this.lookUp(this.beginnings, hash, path.slice(0, at + 1));
        if (found >= 0) return found;
      }
    }
    return this.exactNumbers.length == 0 ? -1 : this.lookUp(this.exact, hash, path);
  }

  private lookUp(slots: Slots, hash: u32, path: Text): i32 {
    for (let at = slots.first(hash); at >= 0; at = slots.next(hash, at)) {
      const number = slots.value(at);
      if (this.entries.at(number).value.equals(path) && this.entries.isLive(number)) return number;
    }
    return -1;
  }
}

function fill(slots: Slots, numbers: i32[], entries: Entries): void {
  slots.reserve(numbers.length);
  for (let index = 0; index < numbers.length; index++) {
    const path = entries.at(numbers[index]).value;
    let hash = FNV_OFFSET;
    for (let at = 0; at < path.length; at++) hash = (hash ^ path.byteAt(at)) * FNV_PRIME;
    slots.put(hash, numbers[index]);
  }
}
