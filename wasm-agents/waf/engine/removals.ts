/** Rules and targets that `ctl` and exclusions have taken away for this transaction. */

import { allocate } from "sentinel/arena";
import { Ctl, Target } from "../seclang/model";
import { hasBit } from "./texts";

/** Targets that one transaction can take away. */
const TARGETS_MAX: i32 = 256;

/** Bit sets over all rules: taken away; some target taken away. */
let removed: usize = 0;
let touched: usize = 0;
let bitBytes: i32 = 0;
let isAny: bool = false;

/** Addresses of `Ctl` objects, which outlast every call. */
let targets: usize = 0;
let targetCount: i32 = 0;

/** Makes room for the bits of all rules. */
export function prepareRemovals(rules: i32): void {
  bitBytes = ((rules + 63) >> 6) << 3;
  removed = allocate(bitBytes);
  touched = allocate(bitBytes);
  targets = allocate(4 * TARGETS_MAX);
  isAny = true;
  clearRemovals();
}

/** A transaction begins with all rules. */
export function clearRemovals(): void {
  if (!isAny) return;
  memory.fill(removed, 0, bitBytes);
  memory.fill(touched, 0, bitBytes);
  targetCount = 0;
  isAny = false;
}

/** A set of bits for all rules, empty. */
export function newRuleBits(): usize {
  const bits = allocate(bitBytes);
  memory.fill(bits, 0, bitBytes);
  return bits;
}

export function removalBytes(): i32 {
  return bitBytes;
}

// asc: @inline
export function hasRemovals(): bool {
  return isAny;
}

/** Whether a rule is taken away. */
export function isRemoved(rule: i32): bool {
  return hasBit(removed, rule);
}

/** Whether some target of a rule is taken away. */
export function isTouched(rule: i32): bool {
  return isAny && hasBit(touched, rule);
}

/** Takes rules away. */
export function removeRulesNow(bits: usize): void {
  if (bits == 0) return;
  isAny = true;
  unite(removed, bits);
}

/** Takes a target away from rules. */
export function removeTargetNow(ctl: Ctl): void {
  if (ctl.ruleBits == 0 || targetCount == TARGETS_MAX) return;
  isAny = true;
  unite(touched, ctl.ruleBits);
  store<usize>(targets + 4 * targetCount++, changetype<usize>(ctl));
}

function unite(into: usize, bits: usize): void {
  for (let at = 0; at < bitBytes; at += 8) {
    store<u64>(into + at, load<u64>(into + at) | load<u64>(bits + at));
  }
}

/** How many targets are taken away, and each of them. */
export function removedTargets(): i32 {
  return targetCount;
}

/** Whether the removed target at `index` is one of a rule. */
export function concernsRule(index: i32, rule: i32): bool {
  return hasBit(
    changetype<Ctl>(load<usize>(targets + 4 * index)).ruleBits,
    rule,
  );
}

export function removedTarget(index: i32): Target {
  return changetype<Ctl>(load<usize>(targets + 4 * index)).target!;
}

/** Bytes that `saveRemovals` writes now. */
export function removalsSize(): i32 {
  return isAny ? 2 * bitBytes + 4 * targetCount + 8 : 8;
}

/** Writes what is taken away, for the next call. */
export function saveRemovals(at: usize): void {
  store<i32>(at, isAny ? 1 : 0);
  store<i32>(at, targetCount, 4);
  if (!isAny) return;
  memory.copy(at + 8, removed, bitBytes);
  memory.copy(at + 8 + bitBytes, touched, bitBytes);
  memory.copy(at + 8 + 2 * bitBytes, targets, 4 * targetCount);
}

/** Reads it back, and gives where it ended. */
export function loadRemovals(at: usize): usize {
  clearRemovals();
  if (load<i32>(at) == 0) return at + 8;
  isAny = true;
  targetCount = load<i32>(at, 4);
  memory.copy(removed, at + 8, bitBytes);
  memory.copy(touched, at + 8 + bitBytes, bitBytes);
  memory.copy(targets, at + 8 + 2 * bitBytes, 4 * targetCount);
  return at + 8 + 2 * bitBytes + 4 * targetCount;
}
