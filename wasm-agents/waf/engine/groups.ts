/**
 * What rules look at. A `Source` is one target, such as `ARGS` or `REQUEST_HEADERS` without `Cookie`, with its values; a
 * `Group` is all targets of a rule, seen through a chain of transformations. A source has the bits of the literals that
 * stand in any of its values, and of those that stand in what any rule has made of them, so that most rules are answered
 * by one bit. A chain that acts on no byte that is there costs nothing.
 *
 * An entry is a record of 16 bytes: text, pair, variable, and whether it is the pair's name or a count.
 */

import { allocate } from "sentinel/arena";
import { Regex } from "../regex/regex";
import { Target } from "../seclang/model";
import {
  KIND_DYNAMIC,
  KIND_LIST,
  KIND_MATCHED,
  KIND_NAMES,
  KIND_STORE,
  KIND_XML,
  LIST_EMPTY,
  LIST_XML_ATTRIBUTES,
  LIST_XML_TEXT,
  TABLE,
  VAR_MATCHED_VARS_NAMES,
  VAR_TX,
} from "../seclang/variables";
import { isSameRun } from "../seclang/words";
import { needList, needSingle } from "./gather";
import * as lists from "./lists";
import { matchedCount, matchedPair, matchedPairOfName } from "./matched";
import * as stores from "./stores";
import { actsOf, bitBytesOf, bitsOf, hasBit, kindsOf, parentOf, textOf } from "./texts";

export const IS_VALUE: u32 = 0;
export const IS_NAME: u32 = 1;
export const IS_COUNT: u32 = 2;

export const ENTRY_BYTES: i32 = 16;

/** Of each chain that a source is seen through: its node, the kinds of bytes that it acts on; 4 bytes each. */
const CHAIN_BYTES: usize = 8;

/** One target and its values. What every request asks of it stands first. */
export class Source {
  private epoch: u32 = 0;
  count: i32 = 0;
  entries: usize = 0;
  /** Kinds of bytes that any value has. */
  kinds: u32 = 0;
  /** Bits of the literals that stand in any value as it is: those of the only value, or of its own. */
  bits: usize = 0;
  /** The same with all that chains make of the values, for rules that look for literals. */
  reach: usize = 0;
  readonly isDynamic: bool;
  private readonly isCount: bool;
  private readonly kind: u8;
  private readonly hasExclusions: bool;
  /** Lists that it draws from, one behind the other. */
  private readonly first: u8;
  private readonly second: u8;
  /** Whether it is about one member by name. */
  private readonly isNamed: bool;
  private readonly variable: i32;
  private readonly nameAt: usize;
  private readonly nameLength: i32;
  /** Of members whose name matches. */
  private pattern: Regex | null = null;
  private room: i32 = 0;
  /** Kinds of bytes that any chain acts on. */
  private acts: u32 = 0;
  private chains: usize = 0;
  private chainsEnd: usize = 0;
  private readonly bitBytes: i32;
  private readonly own: usize;
  private readonly ownReach: usize;
  private readonly nodes: i32[] = [];

  constructor(
    readonly target: Target,
    private readonly exclusions: Target[],
    private readonly side: i32,
  ) {
    const variable = TABLE[target.variable];
    this.isDynamic = isChanging(target.variable);
    this.isCount = target.isCount;
    this.kind = variable.kind;
    this.hasExclusions = exclusions.length > 0;
    this.first = <u8> variable.first;
    this.second = <u8> variable.second;
    this.isNamed = target.hasSelector && target.pattern === null;
    if (this.kind != KIND_XML) this.pattern = target.pattern;
    this.variable = target.variable;
    this.nameAt = target.selector.at;
    this.nameLength = target.selector.length;
    this.bitBytes = bitBytesOf(side);
    this.own = allocate(this.bitBytes + 8);
    this.ownReach = allocate(this.bitBytes + 8);
  }

  /** At configuration: rules look for literals in what this chain makes of the values. */
  seeThrough(node: i32): void {
    if (actsOf(node) != 0 && !this.nodes.includes(node)) this.nodes.push(node);
  }

  /** At configuration, when all chains are known. */
  settle(): void {
    const nodes = this.nodes;
    this.chains = allocate(CHAIN_BYTES * nodes.length);
    this.chainsEnd = this.chains + CHAIN_BYTES * nodes.length;
    for (let index = 0; index < nodes.length; index++) {
      const acts = actsOf(nodes[index]);
      store<i32>(this.chains + CHAIN_BYTES * index, nodes[index]);
      store<u32>(this.chains + CHAIN_BYTES * index, acts, 4);
      this.acts |= acts;
    }
  }

  /** Gathers the values, unless they are at hand. */
  // asc: @inline
  gather(): void {
    if (this.epoch != lists.epoch || this.isDynamic) this.gatherAnew();
  }

  private gatherAnew(): void {
    this.epoch = lists.epoch;
    this.count = 0;
    this.room = 0;
    this.add();
    if (this.isCount) this.countThem();
    if (!this.isDynamic) this.summarise();
  }

  private summarise(): void {
    let bits: usize = 0;
    let more: usize = 0;
    let kinds: u32 = 0;
    const end = this.entries + ENTRY_BYTES * this.count;
    for (let entry = this.entries; entry < end; entry += ENTRY_BYTES) {
      const value = load<usize>(entry);
      const own = kindsOf(value);
      kinds |= own;
      const found = bitsOf(value, this.side);
      bits = united(bits, found, this.own, this.bitBytes);
      if ((own & this.acts) != 0) more = this.seen(value, own, found, more);
    }
    this.bits = bits;
    this.kinds = kinds;
    this.reach = united(more, bits, this.ownReach, this.bitBytes);
  }

  /** Adds the bits of what the chains make of a value, which has the bits `found` itself, to those of others. */
  private seen(value: usize, kinds: u32, found: usize, before: usize): usize {
    let last = found;
    let bits = before;
    for (let chain = this.chains; chain < this.chainsEnd; chain += CHAIN_BYTES) {
      if ((load<u32>(chain, 4) & kinds) == 0) continue;
      const own = bitsOf(textOf(value, load<i32>(chain)), this.side);
      if (own == last || own == found) continue;
      last = own;
      bits = united(bits, own, this.ownReach, this.bitBytes);
    }
    return bits;
  }

  private add(): void {
    const kind = this.kind;
    if (kind == KIND_LIST || kind == KIND_NAMES) {
      this.addList(this.first);
      if (this.second != LIST_EMPTY) this.addList(this.second);
    } else if (kind == KIND_STORE) this.addStore(this.target);
    else if (kind == KIND_MATCHED) this.addMatched();
    else if (kind == KIND_XML) {
      this.addAll(this.nameLength > 2 ? LIST_XML_ATTRIBUTES : LIST_XML_TEXT, IS_VALUE);
    } else if (!this.hasExclusions) {
      const pair = needSingle(this.variable);
      if (pair != lists.ABSENT) this.put(pair, IS_VALUE);
    }
  }

  private addList(list: i32): void {
    const kind = this.kind == KIND_NAMES ? IS_NAME : IS_VALUE;
    if (this.isNamed) this.addNamed(list, kind);
    else this.addAll(list, kind);
  }

  private addNamed(list: i32, kind: u32): void {
    needList(list);
    const at = this.nameAt;
    const length = this.nameLength;
    for (let pair = lists.firstOf(list); pair != 0; pair = lists.nextOf(pair)) {
      if (lists.nameLength(pair) != length || !isSameRun(lists.nameAt(pair), at, length)) continue;
      if (!this.isExcluded(pair)) this.put(pair, kind);
    }
  }

  private addAll(list: i32, kind: u32): void {
    needList(list);
    const pattern = this.pattern;
    this.reserve(this.count + lists.countOf(list));
    for (let pair = lists.firstOf(list); pair != 0; pair = lists.nextOf(pair)) {
      if (pattern !== null && !pattern.test(lists.nameAt(pair), lists.nameLength(pair))) continue;
      if (!this.isExcluded(pair)) this.put(pair, kind);
    }
  }

  private addMatched(): void {
    const isName = this.variable == VAR_MATCHED_VARS_NAMES;
    const count = matchedCount();
    for (let index = 0; index < count; index++) {
      this.put(isName ? matchedPairOfName(index) : matchedPair(index), IS_VALUE);
    }
  }

  private addStore(target: Target): void {
    const owner = this.variable;
    if (target.slot >= 0) return this.putSlot(target.slot);
    if (this.isNamed) {
      const value = stores.valueOf(owner, this.nameAt, this.nameLength);
      if (value != 0) this.putStored(this.nameAt, this.nameLength, value);
      return;
    }
    const slots = target.slots;
    if (owner == VAR_TX && slots !== null) {
      for (let index = 0; index < slots.length; index++) this.putSlot(unchecked(slots[index]));
    }
    for (
      let record = stores.firstDynamicRecord();
      record != 0;
      record = stores.nextDynamicRecord(record)
    ) {
      if (load<i32>(record, 12) != owner || load<i32>(record, 24) == stores.UNSET) continue;
      this.putStored(load<usize>(record, 16), load<i32>(record, 20), record + 24);
    }
  }

  private putSlot(slot: i32): void {
    const value = stores.slotValue(slot);
    if (load<i32>(value) == stores.UNSET) return;
    const name = stores.slotName(slot);
    const length = stores.valueText(value);
    const pair = lists.newPair(name.at, name.length, stores.valueTextAt(), length);
    if (!this.isExcluded(pair)) this.put(pair, IS_VALUE);
  }

  private putStored(nameAt: usize, nameLength: i32, value: usize): void {
    const length = stores.valueText(value);
    const pair = lists.newPair(nameAt, nameLength, stores.valueTextAt(), length);
    if (isMember(this.target, pair) && !this.isExcluded(pair)) this.put(pair, IS_VALUE);
  }

  /** `&`: how many there are, as a value of its own. */
  private countThem(): void {
    const length = stores.numberText(this.count);
    this.count = 0;
    this.put(lists.newPair(this.nameAt, this.nameLength, stores.valueTextAt(), length), IS_COUNT);
  }

  // asc: @inline
  private isExcluded(pair: usize): bool {
    return this.hasExclusions && this.isOneExcluded(pair);
  }

  private isOneExcluded(pair: usize): bool {
    const exclusions = this.exclusions;
    for (let index = 0; index < exclusions.length; index++) {
      if (isMember(unchecked(exclusions[index]), pair)) return true;
    }
    return false;
  }

  private put(pair: usize, kind: u32): void {
    if (this.count == this.room) this.reserve(max(2 * this.room, 1));
    const entry = this.entries + ENTRY_BYTES * this.count++;
    store<usize>(
      entry,
      kind == IS_NAME ? lists.nameTextOf(pair) : lists.valueTextOf(pair),
    );
    store<usize>(entry, pair, 4);
    store<i32>(entry, this.variable, 8);
    store<u32>(entry, kind, 12);
  }

  private reserve(room: i32): void {
    if (room <= this.room) return;
    const entries = allocate(ENTRY_BYTES * room);
    if (this.count > 0) memory.copy(entries, this.entries, ENTRY_BYTES * this.count);
    this.entries = entries;
    this.room = room;
  }
}

/** All targets of a rule, seen through a chain of transformations. */
export class Group {
  /** Whether any target can change from rule to rule, so that it is gathered each time. */
  readonly isDynamic: bool;
  private readonly acts: u32;

  constructor(readonly sources: StaticArray<Source>, readonly side: i32, readonly node: i32) {
    let isDynamic = false;
    for (let index = 0; index < sources.length; index++) {
      if (sources[index].isDynamic) isDynamic = true;
    }
    this.isDynamic = isDynamic;
    this.acts = actsOf(node);
  }

  /** At configuration: a rule looks for literals; with `withSteps` also in what stands between the steps. */
  lookFor(withSteps: bool): void {
    const sources = this.sources;
    for (let node = this.node; node != 0; node = withSteps ? parentOf(node) : 0) {
      for (let index = 0; index < sources.length; index++) sources[index].seeThrough(node);
    }
  }

  /** Whether the transformations act on nothing that a source has, and its bits are known. */
  // asc: @inline
  isSeenPlain(source: Source): bool {
    return !source.isDynamic && (source.kinds & this.acts) == 0;
  }
}

/** Whether any of some sources has a value; with a bit, one in which it could be. */
export function isThere(sources: StaticArray<Source>, bit: i32): bool {
  for (let index = 0; index < sources.length; index++) {
    const source = unchecked(sources[index]);
    source.gather();
    if (source.count > 0 && (bit < 0 || hasBit(source.reach, bit))) return true;
  }
  return false;
}

/**
 * Bits that are in one set or another: where nothing was before, or the same, what is added is the answer as it is;
 * otherwise both come to `own`.
 */
// asc: @inline
function united(before: usize, bits: usize, own: usize, bytes: i32): usize {
  if (before == bits || before == 0) return bits;
  for (let at = 0; at < bytes; at += 8) {
    store<u64>(own + at, load<u64>(before + at) | load<u64>(bits + at));
  }
  return own;
}

/** Whether a variable can have another value from rule to rule. */
function isChanging(variable: i32): bool {
  const kind = TABLE[variable].kind;
  return kind == KIND_DYNAMIC || kind == KIND_MATCHED || kind == KIND_STORE;
}

/** Whether a pair is one of those that a target means. */
export function isMember(target: Target, pair: usize): bool {
  if (!target.hasSelector) return true;
  const at = lists.nameAt(pair);
  const length = lists.nameLength(pair);
  const pattern = target.pattern;
  if (pattern !== null) return pattern.test(at, length);
  return length == target.selector.length &&
    isSameRun(at, target.selector.at, length);
}
