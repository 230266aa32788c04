/** ipMatch, ipMatchFromFile (ipMatchF): addresses and networks of both families. */

import { Bytes, Text } from "sentinel/text";
import { firstHigh, firstLow, isVersion6, lastHigh, lastLow, readAddress, readNetwork } from "./addresses";
import { Operator, refused } from "./operator";

/** From the first address to the last one. */
class Range {
  constructor(
    readonly firstHigh: u64,
    readonly firstLow: u64,
    public lastHigh: u64,
    public lastLow: u64,
  ) {}

  holds(high: u64, low: u64): bool {
    return !isBelow(high, low, this.firstHigh, this.firstLow) &&
      !isBelow(this.lastHigh, this.lastLow, high, low);
  }
}

// asc: @inline
function isBelow(high: u64, low: u64, otherHigh: u64, otherLow: u64): bool {
  return high < otherHigh || (high == otherHigh && low < otherLow);
}

/** Ranges of one family, in order and apart from one another. */
class Ranges {
  all: Array<Range> = new Array<Range>();

  /** Sorts the ranges and makes one of those that overlap. */
  settle(): void {
    this.all.sort((a, b) => isBelow(a.firstHigh, a.firstLow, b.firstHigh, b.firstLow) ? -1 : 1);
    const settled = new Array<Range>();
    for (let index = 0; index < this.all.length; index++) {
      const range = this.all[index];
      const last = settled.length > 0 ? settled[settled.length - 1] : null;
      if (
        last === null ||
        isBelow(last.lastHigh, last.lastLow, range.firstHigh, range.firstLow)
      ) settled.push(range);
      else if (
        isBelow(last.lastHigh, last.lastLow, range.lastHigh, range.lastLow)
      ) {
        last.lastHigh = range.lastHigh;
        last.lastLow = range.lastLow;
      }
    }
    this.all = settled;
  }

  holds(high: u64, low: u64): bool {
    let from = 0;
    let to = this.all.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const range = unchecked(this.all[middle]);
      if (range.holds(high, low)) return true;
      if (isBelow(high, low, range.firstHigh, range.firstLow)) to = middle;
      else from = middle + 1;
    }
    return false;
  }
}

export class IpMatch extends Operator {
  private readonly version4: Ranges = new Ranges();
  private readonly version6: Ranges = new Ranges();

  /** From a list between commas. */
  static make(argument: Text): Operator | null {
    const made = new IpMatch(argument);
    if (!made.read(argument, 0x2c)) return null;
    return made.isEmpty ? refused("names no address") : made;
  }

  /** For an argument that is only known later. */
  static later(argument: Text): Operator {
    return new IpMatch(argument);
  }

  /** From a file with one on each line; what is behind `#` is a comment. */
  static fromFile(argument: Text, file: Bytes): Operator | null {
    const made = new IpMatch(argument);
    return made.read(file, 10) ? made : null;
  }

  override test(value: Bytes): bool {
    if (!readAddress(value.asText())) return false;
    const ranges = isVersion6 ? this.version6 : this.version4;
    return ranges.holds(firstHigh, firstLow) && this.met(0, value.length);
  }

  /** Reads the list anew; what is no address in it is passed over. */
  testWith(value: Bytes, argument: Bytes): bool {
    if (!readAddress(value.asText())) return false;
    const isOwn6 = isVersion6;
    const high = firstHigh;
    const low = firstLow;
    for (let from = 0; from <= argument.length;) {
      const comma = argument.indexOfByte(0x2c, from);
      const to = comma < 0 ? argument.length : comma;
      if (
        readNetwork(new Text(argument.at + from, to - from).trim()) &&
        isVersion6 == isOwn6
      ) {
        if (
          new Range(firstHigh, firstLow, lastHigh, lastLow).holds(high, low)
        ) return this.met(0, value.length);
      }
      from = to + 1;
    }
    return false;
  }

  private get isEmpty(): bool {
    return this.version4.all.length + this.version6.all.length == 0;
  }

  private read(list: Bytes, separator: u32): bool {
    let line = 1;
    for (let from = 0; from < list.length; line++) {
      const found = list.indexOfByte(separator, from);
      const to = found < 0 ? list.length : found;
      let item = new Text(list.at + from, to - from);
      from = to + 1;
      const comment = separator == 10 ? item.indexOfByte(0x23) : -1;
      item = withoutReturn(comment < 0 ? item : item.slice(0, comment)).trim();
      if (item.length == 0) continue;
      if (readNetwork(item)) {
        const ranges = isVersion6 ? this.version6 : this.version4;
        ranges.all.push(new Range(firstHigh, firstLow, lastHigh, lastLow));
        continue;
      }
      const place = separator == 10 ? ` (line ${line} of the file)` : "";
      refused(
        `"${item.toString()}" is no address or network${place}; write 192.0.2.1, 192.0.2.0/24, 2001:db8::/32`,
      );
      return false;
    }
    this.version4.settle();
    this.version6.settle();
    return true;
  }
}

function withoutReturn(line: Text): Text {
  return line.length > 0 && line.byteAt(line.length - 1) == 13 ? line.slice(0, line.length - 1) : line;
}
