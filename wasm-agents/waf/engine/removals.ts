/** Rules and targets that `ctl` and exclusions have taken away for this transaction. */

import { allocate } from "sentinel/arena";
import { Ctl } from "../seclang/model";
import { isMember } from "./groups";
import { memberships, setMemberships } from "./lists";
import { hasBit } from "./texts";

/** Targets that one transaction can take away. */
const TARGETS_MAX: i32 = 1024;

/** Bit sets over all rules: taken away; some target taken away. */
let removed: usize = 0;
let touched: usize = 0;
let bitBytes: i32 = 0;
let isAny: bool = false;

/** Addresses of `Ctl` objects, which outlast every call. */
let targets: usize = 0;
let targetCount: i32 = 0;

/** Bits of those that are about the rule and the variable that were asked for last. */
let chosen: usize = 0;

/** Makes room for the bits of all rules. */
export function prepareRemovals(rules: i32): void {
  bitBytes = ((rules + 63) >> 6) << 3;
  removed = allocate(bitBytes);
  touched = allocate(bitBytes);
  targets = allocate(4 * TARGETS_MAX);
  chosen = allocate(TARGETS_MAX >> 3);
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

/** Chooses the targets taken away that are of a rule and of a variable; false when there is none. */
export function chooseRemoved(rule: i32, variable: i32): bool {
  memory.fill(chosen, 0, bytesOfBits());
  let isAnyChosen = false;
  for (let index = 0; index < targetCount; index++) {
    const ctl = changetype<Ctl>(load<usize>(targets + 4 * index));
    if (ctl.target!.variable != variable || !hasBit(ctl.ruleBits, rule)) continue;
    setBit(chosen, index);
    isAnyChosen = true;
  }
  return isAnyChosen;
}

/** Whether one of the chosen targets means a pair. */
export function isTakenAway(pair: usize): bool {
  const bits = memberBits(pair);
  for (let at: usize = 0; at < bytesOfBits(); at += 8) {
    if ((load<u64>(bits + at) & load<u64>(chosen + at)) != 0) return true;
  }
  return false;
}

/** Bits of the targets taken away that mean a pair, whatever their variables; found out once for each pair. */
function memberBits(pair: usize): usize {
  const known = memberships(pair);
  if (known != 0 && load<i32>(known) == targetCount) return known + 8;
  const found = allocate(8 + bytesOfBits());
  memory.fill(found, 0, 8 + bytesOfBits());
  store<i32>(found, targetCount);
  for (let index = 0; index < targetCount; index++) {
    const ctl = changetype<Ctl>(load<usize>(targets + 4 * index));
    if (isMember(ctl.target!, pair)) setBit(found + 8, index);
  }
  setMemberships(pair, found);
  return found + 8;
}

function bytesOfBits(): usize {
  return <usize> ((targetCount + 63) >> 6) << 3;
}

function setBit(bits: usize, index: i32): void {
  const at = bits + (index >> 3);
  store<u8>(at, load<u8>(at) | (<u8> 1 << <u8> (index & 7)));
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
