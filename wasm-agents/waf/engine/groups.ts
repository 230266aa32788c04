/**
 * What several rules look at: the same variables after the same transformations. It is gathered once, with the bits of
 * all literals that stand in any of the values, and then serves every rule of the group.
 *
 * An entry is a record of 16 bytes: text, pair, variable, and whether it is the pair's name or a count.
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
import { bitBytesOf, bitsOf, textOf } from "./texts";

export const IS_VALUE: u32 = 0;
export const IS_NAME: u32 = 1;
export const IS_COUNT: u32 = 2;

/** Variables and a chain of transformations. */
export class Group {
  /** Of values that can change from rule to rule: gathered each time. */
  isDynamic: bool = false;
  private epoch: u32 = 0;
  entries: usize = 0;
  count: i32 = 0;
  private room: i32 = 0;
  /** Bits of the literals that stand in any value. */
  bits: usize = 0;
  private readonly bitBytes: i32;

  constructor(
    readonly targets: Target[],
    readonly node: i32,
    readonly side: i32,
    readonly key: string,
  ) {
    for (let index = 0; index < targets.length; index++) {
      const kind = TABLE[targets[index].variable].kind;
      if (kind == KIND_DYNAMIC || kind == KIND_MATCHED || kind == KIND_STORE) {
        this.isDynamic = true;
      }
    }
    this.bitBytes = bitBytesOf(side);
    this.bits = allocate(this.bitBytes + 8);
  }

  /** Gathers the values, unless they are at hand. */
  gather(): void {
    if (this.epoch == lists.epoch && !this.isDynamic) return;
    this.epoch = lists.epoch;
    this.count = 0;
    this.room = 0;
    const targets = this.targets;
    for (let index = 0; index < targets.length; index++) {
      const target = unchecked(targets[index]);
      if (!target.isExcluded) this.add(target);
    }
    if (!this.isDynamic) this.uniteBits();
  }

  private uniteBits(): void {
    const bits = this.bits;
    const bytes = this.bitBytes;
    memory.fill(bits, 0, bytes);
    const end = this.entries + 16 * this.count;
    for (let entry = this.entries; entry < end; entry += 16) {
      const own = bitsOf(load<usize>(entry), this.side);
      for (let at = 0; at < bytes; at += 8) {
        store<u64>(bits + at, load<u64>(bits + at) | load<u64>(own + at));
      }
    }
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
    } else {
      const pair = needSingle(target.variable);
      if (pair != lists.ABSENT) this.put(pair, target.variable, IS_VALUE);
    }
  }

  private addList(target: Target, list: i32, isName: bool): void {
    needList(list);
    for (let pair = lists.firstOf(list); pair != 0; pair = lists.nextOf(pair)) {
      if (!isMember(target, pair) || this.isExcluded(target.variable, pair)) {
        continue;
      }
      this.put(pair, target.variable, isName ? IS_NAME : IS_VALUE);
    }
  }

  private addXml(target: Target): void {
    const list = target.selector.length > 2
      ? LIST_XML_ATTRIBUTES
      : LIST_XML_TEXT;
    needList(list);
    for (let pair = lists.firstOf(list); pair != 0; pair = lists.nextOf(pair)) {
      this.put(pair, target.variable, IS_VALUE);
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
    if (target.slot >= 0) {
      const value = stores.slotValue(target.slot);
      if (load<i32>(value) != stores.UNSET) {
        this.putStored(
          stores.slotName(target.slot).at,
          target.selector.length,
          value,
          target,
        );
      }
      return;
    }
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
    if (owner == VAR_TX) {
      for (let slot = 0; slot < stores.slotCount(); slot++) {
        const value = stores.slotValue(slot);
        if (load<i32>(value) == stores.UNSET) continue;
        const name = stores.slotName(slot);
        this.putStored(name.at, name.length, value, target);
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
    if (isMember(target, pair) && !this.isExcluded(target.variable, pair)) {
      this.put(pair, target.variable, IS_VALUE);
    }
  }

  /** `&`: how many there are, as a value of its own. */
  private addCount(target: Target): void {
    const before = this.count;
    target.isCount = false;
    this.add(target);
    target.isCount = true;
    const found = this.count - before;
    this.count = before;
    const length = stores.numberText(found);
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

  private isExcluded(variable: i32, pair: usize): bool {
    const targets = this.targets;
    for (let index = targets.length - 1; index >= 0; index--) {
      const target = unchecked(targets[index]);
      if (
        target.isExcluded && target.variable == variable &&
        isMember(target, pair)
      ) return true;
    }
    return false;
  }

  private put(pair: usize, variable: i32, kind: u32): void {
    if (this.count == this.room) this.grow();
    const entry = this.entries + 16 * this.count++;
    const row = kind == IS_NAME ? lists.nameRow(pair) : lists.valueRow(pair);
    store<usize>(entry, textOf(row, this.node));
    store<usize>(entry, pair, 4);
    store<i32>(entry, variable, 8);
    store<u32>(entry, kind, 12);
  }

  private grow(): void {
    const room = this.room == 0 ? 8 : 2 * this.room;
    const entries = allocate(16 * room);
    if (this.count > 0) memory.copy(entries, this.entries, 16 * this.count);
    this.entries = entries;
    this.room = room;
  }
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
