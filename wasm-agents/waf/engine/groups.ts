/**
 * What rules look at. Three layers share the work of a request: a `Source` is one target, such as `ARGS` or
 * `REQUEST_HEADERS` without `Cookie`, with its values; a `TargetSet` is all targets of a rule; a `Group` is a set seen
 * through a chain of transformations. Each has the bits of the literals that stand in any of its values, so that most
 * rules are answered by one bit. A chain that acts on no byte that is there costs nothing.
 *
 * An entry is a record of 16 bytes: row, pair, variable, and whether it is the pair's name or a count.
 */

import { allocate } from "sentinel/arena";
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
import { actsOf, bitBytesOf, bitsOf, kindsOf, textOf } from "./texts";

export const IS_VALUE: u32 = 0;
export const IS_NAME: u32 = 1;
export const IS_COUNT: u32 = 2;

export const ENTRY_BYTES: i32 = 16;

/** One target and its values. */
export class Source {
  epoch: u32 = 0;
  entries: usize = 0;
  count: i32 = 0;
  private room: i32 = 0;
  /** Kinds of bytes that any value has. */
  kinds: u32 = 0;
  /** Bits of the literals that stand in any value as it is: those of the only value, or of its own. */
  bits: usize = 0;
  private readonly own: usize;
  private readonly bitBytes: i32;

  constructor(
    readonly target: Target,
    readonly exclusions: Target[],
    readonly side: i32,
    readonly isDynamic: bool,
  ) {
    this.bitBytes = bitBytesOf(side);
    this.own = allocate(this.bitBytes + 8);
  }

  /** Gathers the values, unless they are at hand. */
  gather(): void {
    if (this.epoch == lists.epoch && !this.isDynamic) return;
    this.epoch = lists.epoch;
    this.count = 0;
    this.room = 0;
    this.add(this.target);
    if (!this.isDynamic) this.summarise();
  }

  private summarise(): void {
    let bits: usize = 0;
    let kinds: u32 = 0;
    const end = this.entries + ENTRY_BYTES * this.count;
    for (let entry = this.entries; entry < end; entry += ENTRY_BYTES) {
      const root = load<usize>(load<usize>(entry));
      kinds |= kindsOf(root);
      bits = united(bits, bitsOf(root, this.side), this.own, this.bitBytes);
    }
    this.bits = bits;
    this.kinds = kinds;
  }

  private add(target: Target): void {
    const variable = unchecked(TABLE[target.variable]);
    const kind = variable.kind;
    if (target.isCount) return this.addCount(target);
    if (kind == KIND_STORE) this.addStore(target);
    else if (kind == KIND_MATCHED) this.addMatched(target);
    else if (kind == KIND_XML) this.addXml(target);
    else if (kind == KIND_LIST || kind == KIND_NAMES) {
      const isName = kind == KIND_NAMES;
      this.addList(target, variable.first, isName);
      if (variable.second != LIST_EMPTY) {
        this.addList(target, variable.second, isName);
      }
    } else if (this.exclusions.length == 0) {
      const pair = needSingle(target.variable);
      if (pair != lists.ABSENT) this.put(pair, target.variable, IS_VALUE);
    }
  }

  private addList(target: Target, list: i32, isName: bool): void {
    needList(list);
    const isFiltered = target.hasSelector || this.exclusions.length > 0;
    for (let pair = lists.firstOf(list); pair != 0; pair = lists.nextOf(pair)) {
      if (isFiltered && (!isMember(target, pair) || this.isExcluded(pair))) {
        continue;
      }
      this.put(pair, target.variable, isName ? IS_NAME : IS_VALUE);
    }
  }

  private addXml(target: Target): void {
    const list = target.selector.length > 2 ? LIST_XML_ATTRIBUTES : LIST_XML_TEXT;
    needList(list);
    for (let pair = lists.firstOf(list); pair != 0; pair = lists.nextOf(pair)) {
      if (!this.isExcluded(pair)) this.put(pair, target.variable, IS_VALUE);
    }
  }

  private addMatched(target: Target): void {
    const isName = target.variable == VAR_MATCHED_VARS_NAMES;
    const count = matchedCount();
    for (let index = 0; index < count; index++) {
      this.put(
        isName ? matchedPairOfName(index) : matchedPair(index),
        target.variable,
        IS_VALUE,
      );
    }
  }

  private addStore(target: Target): void {
    const owner = target.variable;
    if (target.slot >= 0) return this.putSlot(target.slot, target);
    if (target.hasSelector && target.pattern === null) {
      const value = stores.valueOf(
        owner,
        target.selector.at,
        target.selector.length,
      );
      if (value != 0) {
        this.putStored(
          target.selector.at,
          target.selector.length,
          value,
          target,
        );
      }
      return;
    }
    const slots = target.slots;
    if (owner == VAR_TX && slots !== null) {
      for (let index = 0; index < slots.length; index++) {
        this.putSlot(unchecked(slots[index]), target);
      }
    }
    for (
      let record = stores.firstDynamicRecord();
      record != 0;
      record = stores.nextDynamicRecord(record)
    ) {
      if (
        load<i32>(record, 12) != owner || load<i32>(record, 24) == stores.UNSET
      ) continue;
      this.putStored(
        load<usize>(record, 16),
        load<i32>(record, 20),
        record + 24,
        target,
      );
    }
  }

  private putSlot(slot: i32, target: Target): void {
    const value = stores.slotValue(slot);
    if (load<i32>(value) == stores.UNSET) return;
    const name = stores.slotName(slot);
    const length = stores.valueText(value);
    const pair = lists.newPair(
      name.at,
      name.length,
      stores.valueTextAt(),
      length,
    );
    if (!this.isExcluded(pair)) this.put(pair, target.variable, IS_VALUE);
  }

  private putStored(
    nameAt: usize,
    nameLength: i32,
    value: usize,
    target: Target,
  ): void {
    const length = stores.valueText(value);
    const pair = lists.newPair(
      nameAt,
      nameLength,
      stores.valueTextAt(),
      length,
    );
    if (isMember(target, pair) && !this.isExcluded(pair)) {
      this.put(pair, target.variable, IS_VALUE);
    }
  }

  /** `&`: how many there are, as a value of its own. */
  private addCount(target: Target): void {
    target.isCount = false;
    this.add(target);
    target.isCount = true;
    const length = stores.numberText(this.count);
    this.count = 0;
    this.put(
      lists.newPair(
        target.selector.at,
        target.selector.length,
        stores.valueTextAt(),
        length,
      ),
      target.variable,
      IS_COUNT,
    );
  }

  private isExcluded(pair: usize): bool {
    const exclusions = this.exclusions;
    for (let index = 0; index < exclusions.length; index++) {
      if (isMember(unchecked(exclusions[index]), pair)) return true;
    }
    return false;
  }

  private put(pair: usize, variable: i32, kind: u32): void {
    if (this.count == this.room) this.grow();
    const entry = this.entries + ENTRY_BYTES * this.count++;
    store<usize>(
      entry,
      kind == IS_NAME ? lists.nameRow(pair) : lists.valueRow(pair),
    );
    store<usize>(entry, pair, 4);
    store<i32>(entry, variable, 8);
    store<u32>(entry, kind, 12);
  }

  private grow(): void {
    const room = this.room == 0 ? 8 : 2 * this.room;
    const entries = allocate(ENTRY_BYTES * room);
    if (this.count > 0) {
      memory.copy(entries, this.entries, ENTRY_BYTES * this.count);
    }
    this.entries = entries;
    this.room = room;
  }
}

/** All targets of a rule. */
export class TargetSet {
  /** Whether any target can change from rule to rule, so that it is gathered each time. */
  isDynamic: bool = false;
  epoch: u32 = 0;
  count: i32 = 0;
  kinds: u32 = 0;
  /** Bits of the literals that stand in any value as it is: those of the only source with values, or of its own. */
  bits: usize = 0;
  private readonly own: usize;
  readonly bitBytes: i32;

  constructor(readonly sources: StaticArray<Source>, readonly side: i32, readonly number: i32) {
    for (let index = 0; index < sources.length; index++) {
      if (sources[index].isDynamic) this.isDynamic = true;
    }
    this.bitBytes = bitBytesOf(side);
    this.own = allocate(this.bitBytes + 8);
  }

  /** Gathers what its sources have. */
  gather(): void {
    if (this.epoch == lists.epoch && !this.isDynamic) return;
    this.epoch = lists.epoch;
    const sources = this.sources;
    let bits: usize = 0;
    let count = 0;
    let kinds: u32 = 0;
    for (let index = 0; index < sources.length; index++) {
      const source = unchecked(sources[index]);
      if (source.epoch != lists.epoch || source.isDynamic) source.gather();
      if (source.count == 0) continue;
      count += source.count;
      kinds |= source.kinds;
      if (!this.isDynamic) bits = united(bits, source.bits, this.own, this.bitBytes);
    }
    this.bits = bits;
    this.count = count;
    this.kinds = kinds;
  }
}

/** A set of targets, seen through a chain of transformations. */
export class Group {
  private epoch: u32 = 0;
  /** Bits of the literals that stand in any value: those of the set, of a single value, or of its own. */
  bits: usize = 0;
  private readonly own: usize;
  private readonly acts: u32;

  constructor(readonly set: TargetSet, readonly node: i32) {
    this.acts = actsOf(node);
    this.own = allocate(set.bitBytes + 8);
  }

  /** Whether the transformations act on nothing that is there, so that every step gives what it got. */
  get isPlain(): bool {
    return (this.set.kinds & this.acts) == 0;
  }

  /** Whether the same is so for one source, and its bits are known. */
  // asc: @inline
  isSeenPlain(source: Source): bool {
    return !source.isDynamic && (source.kinds & this.acts) == 0;
  }

  /** Whether there are values at all. */
  gather(): bool {
    const set = this.set;
    if (this.epoch == lists.epoch && !set.isDynamic) return set.count > 0;
    set.gather();
    if (set.isDynamic) return set.count > 0;
    this.epoch = lists.epoch;
    this.bits = set.bits;
    if ((set.kinds & this.acts) != 0 && set.count > 0) this.summarise();
    return set.count > 0;
  }

  /** The bits of what the transformations make of the values. */
  private summarise(): void {
    const set = this.set;
    const bytes = set.bitBytes;
    const own = this.own;
    let bits: usize = 0;
    const sources = set.sources;
    for (let index = 0; index < sources.length; index++) {
      const source = unchecked(sources[index]);
      if ((source.kinds & this.acts) == 0) {
        if (source.count > 0) bits = united(bits, source.bits, own, bytes);
        continue;
      }
      const end = source.entries + ENTRY_BYTES * source.count;
      for (let entry = source.entries; entry < end; entry += ENTRY_BYTES) {
        bits = united(bits, bitsOf(textOf(load<usize>(entry), this.node), set.side), own, bytes);
      }
    }
    this.bits = bits;
  }
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
export function isChanging(variable: i32): bool {
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
