/** The rules of one phase, and at a glance which of them cannot match. */

import { allocate } from "sentinel/arena";
import { Rule } from "../seclang/model";
import { Group, isThere, Source } from "./groups";
import * as lists from "./lists";
import { bitBytesOf } from "./texts";

const NOTHING: StaticArray<Source> = new StaticArray<Source>(0);

/** Rules in their order, with the literals that stand anywhere in what they look at. */
export class Phase {
  /** For each rule the bit of its literals; -1 when it has none, or can match without. */
  readonly needs: StaticArray<i32>;
  /** What those that have one look at. */
  private readonly targets: StaticArray<StaticArray<Source>>;
  /** Bits of all literals that were found. */
  readonly bits: usize;
  private readonly sources: StaticArray<Source>;
  private readonly bitBytes: i32;
  private epoch: u32 = 0;

  constructor(readonly rules: StaticArray<Rule>, groups: Group[]) {
    const needs = new StaticArray<i32>(rules.length);
    const targets = new StaticArray<StaticArray<Source>>(rules.length);
    const asked = new Array<Source>();
    let side = 0;
    for (let index = 0; index < rules.length; index++) {
      const rule = rules[index];
      side = rule.phase >= 3 ? 1 : 0;
      needs[index] = -1;
      targets[index] = NOTHING;
      if (rule.bundle < 0) continue;
      const group = groups[rule.bundle];
      if (group.isDynamic || rule.bit < 0) continue;
      needs[index] = rule.bit;
      targets[index] = group.sources;
      for (let each = 0; each < group.sources.length; each++) {
        if (!asked.includes(group.sources[each])) asked.push(group.sources[each]);
      }
    }
    this.needs = needs;
    this.targets = targets;
    this.sources = StaticArray.fromArray<Source>(asked);
    this.bitBytes = bitBytesOf(side);
    this.bits = allocate(this.bitBytes + 8);
  }

  /** Whether the literals of a rule that has a bit stand in what it looks at itself. */
  isThere(at: i32): bool {
    return isThere(unchecked(this.targets[at]), unchecked(this.needs[at]));
  }

  /** Looks at all values that rules with literals ask for, unless that is done. */
  gather(): void {
    if (this.epoch == lists.epoch) return;
    this.epoch = lists.epoch;
    const bytes = this.bitBytes;
    const bits = this.bits;
    for (let at = 0; at < bytes; at += 8) store<u64>(bits + at, 0);
    const sources = this.sources;
    let before: usize = 0;
    for (let index = 0; index < sources.length; index++) {
      const source = unchecked(sources[index]);
      source.gather();
      if (source.count == 0) continue;
      const own = source.reach;
      if (own == before) continue;
      before = own;
      for (let at = 0; at < bytes; at += 8) store<u64>(bits + at, load<u64>(bits + at) | load<u64>(own + at));
    }
  }
}

/** No rules. */
export function emptyPhase(): Phase {
  return new Phase(new StaticArray<Rule>(0), []);
}
