/** Addresses and CIDR blocks: one lookup for each length of prefix that occurs. */

import { Config, Text } from "sentinel";
import { maskHigh, maskLow, parseAddress, Parsed } from "./address";
import { Entries } from "./entries";
import { Slots } from "./slots";

/** The blocks of one family. */
class Family {
  private readonly high: u64[] = [];
  private readonly low: u64[] = [];
  private readonly bits: u8[] = [];
  private readonly numbers: i32[] = [];
  /** The lengths that occur. */
  private readonly lengths: u8[] = [];
  private readonly slots: Slots = new Slots();

  constructor(private readonly entries: Entries) {}

  add(number: i32, bits: i32): void {
    this.high.push(Parsed.high & maskHigh(bits));
    this.low.push(Parsed.low & maskLow(bits));
    this.bits.push(<u8> bits);
    this.numbers.push(number);
    if (!this.lengths.includes(<u8> bits)) this.lengths.push(<u8> bits);
  }

  /** Builds the table from what was added. */
  build(): void {
    this.slots.reserve(this.numbers.length);
    for (let index = 0; index < this.numbers.length; index++) {
      this.slots.put(hashOf(this.high[index], this.low[index], this.bits[index]), index);
    }
  }

  get isEmpty(): bool {
    return this.numbers.length == 0;
  }

  /** The number of a live entry whose block holds the address in `Parsed`; -1 when there is none. */
  find(): i32 {
    for (let each = 0; each < this.lengths.length; each++) {
      const bits = unchecked(this.lengths[each]);
      const high = Parsed.high & maskHigh(bits);
      const low = Parsed.low & maskLow(bits);
      const hash = hashOf(high, low, bits);
      for (let at = this.slots.first(hash); at >= 0; at = this.slots.next(hash, at)) {
        const index = this.slots.value(at);
        const isSame = unchecked(this.high[index]) == high && unchecked(this.low[index]) == low &&
          unchecked(this.bits[index]) == bits;
        if (isSame && this.entries.isLive(unchecked(this.numbers[index]))) {
          return unchecked(this.numbers[index]);
        }
      }
    }
    return -1;
  }
}

/** Both families. */
export class AddressLists {
  private readonly v4: Family;
  private readonly v6: Family;

  constructor(private readonly entries: Entries) {
    this.v4 = new Family(entries);
    this.v6 = new Family(entries);
  }

  /** Adds an entry by its number; what it says must be an address or a CIDR block. */
  add(number: i32, item: Config): void {
    const value = this.entries.at(number).value;
    const slash = value.indexOfByte(0x2f);
    if (!parseAddress(slash < 0 ? value : value.slice(0, slash))) {
      item.problem('"' + value.toString() + '" is neither an address nor a CIDR block');
      return;
    }
    const isMapped = Parsed.isV4 && value.indexOfByte(0x3a) >= 0;
    const most = Parsed.isV4 && !isMapped ? 32 : 128;
    const given = slash < 0 ? most : lengthOf(value.slice(slash + 1), most);
    const least = isMapped ? 96 : 0;
    if (given < least) {
      item.problem('"' + value.toString() + '" has a prefix that is not from 0 to ' + most.toString());
      return;
    }
    // An IPv4 address stands in the last 32 of 128 bits.
    const bits = most == 32 ? given + 96 : given;
    if (Parsed.isV4) this.v4.add(number, bits);
    else this.v6.add(number, bits);
  }

  /** Builds the tables from what was added. */
  build(): void {
    this.v4.build();
    this.v6.build();
  }

  get isEmpty(): bool {
    return this.v4.isEmpty && this.v6.isEmpty;
  }

  /** The number of a live entry that holds the address; -1 when there is none. */
  find(address: Text): i32 {
    if (!parseAddress(address)) return -1;
    return Parsed.isV4 ? this.v4.find() : this.v6.find();
  }
}

/** The number after the slash; -1 when it is none, or too big. */
function lengthOf(text: Text, most: i32): i32 {
  if (text.length == 0 || text.length > 3) return -1;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.byteAt(at) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value > most ? -1 : value;
}

function hashOf(high: u64, low: u64, bits: u8): u32 {
  const mixed = (high ^ (low << 7 | low >>> 57) ^ bits) * 0x9e3779b97f4a7c15;
  return <u32> (mixed >>> 32) ^ <u32> low;
}
