/**
 * Finds sets of bytes such that any text that matches has a byte of each of them. They are the second means to pass
 * over an expression without running it, for those that have no literals.
 */

import { allocate } from "sentinel/arena";
import { SET_BYTES, setsAt, setUnite } from "./byte_sets";
import { BYTE_SETS_MAX } from "./limits";
import { Kind, Node, nodeAt } from "./nodes";
import { chanceOfSet } from "./rarity";

/** Most sets for one expression. */
export const BYTE_NEEDS_MAX: i32 = 4;

/** A set that more than this many of a million bytes of ordinary text are in says too little. */
const CHANCE_MAX: i32 = 300_000;

/** The sets of a part, and behind them how likely each is. */
const NEEDS_BYTES: usize = 36 * 4;
const CHANCES: usize = 32 * 4;

/** The sets, 32 bytes each. */
export class ByteNeeds {
  at: usize = 0;
  count: i32 = 0;
}

/** Sets while they are looked for: for each level of the tree those of the current part. */
class Room {
  static at: usize = 0;
  static level: i32 = 0;
  /** For each number of a set how likely it is; -1: not known. */
  static chances: usize = 0;
}

/** Deepest tree that is looked into. */
const LEVELS_MAX: i32 = 1024;

/** Fills `needs` with what a tree says. */
export function findByteNeeds(tree: Node, needs: ByteNeeds): void {
  if (Room.at == 0) {
    Room.chances = allocate(4 * BYTE_SETS_MAX);
    memory.fill(Room.chances, 0xff, 4 * BYTE_SETS_MAX);
    Room.at = allocate(NEEDS_BYTES * (LEVELS_MAX + 1));
  }
  Room.level = 0;
  const count = needsOf(tree, Room.at);
  if (count == 0) return;
  needs.at = allocate(<usize> count * SET_BYTES);
  memory.copy(needs.at, Room.at, <usize> count * SET_BYTES);
  needs.count = count;
}

/** Puts what a part needs at `to`; gives how many sets that is. */
function needsOf(node: Node, to: usize): i32 {
  switch (node.kind) {
    case Kind.SET:
      return needsOfSet(node.value, to);
    case Kind.REPEAT:
      return node.min == 0 ? 0 : needsOf(nodeAt(node.first), to);
    case Kind.GROUP:
    case Kind.ATOMIC:
      return needsOf(nodeAt(node.first), to);
    case Kind.CONCAT:
      return needsOfConcat(node, to);
    case Kind.ALTERNATE:
      return needsOfAlternate(node, to);
    default:
      return 0;
  }
}

function needsOfSet(number: u32, to: usize): i32 {
  const noted = Room.chances + (<usize> number << 2);
  const set = setsAt() + <usize> number * SET_BYTES;
  let chance = load<i32>(noted);
  if (chance < 0) {
    chance = chanceOfSet(set);
    store<i32>(noted, chance);
  }
  if (chance > CHANCE_MAX) return 0;
  memory.copy(to, set, SET_BYTES);
  store<i32>(to, chance, CHANCES);
  return 1;
}

function needsOfConcat(node: Node, to: usize): i32 {
  if (++Room.level >= LEVELS_MAX) return 0;
  const own = Room.at + <usize> Room.level * NEEDS_BYTES;
  let count = 0;
  for (let at = node.first; at != 0; at = nodeAt(at).next) {
    const more = needsOf(nodeAt(at), own);
    for (let index = 0; index < more; index++) {
      count = include(to, count, own + <usize> index * SET_BYTES, chanceAt(own, index));
    }
  }
  Room.level--;
  return count;
}

// asc: @inline
function chanceAt(needs: usize, index: i32): i32 {
  return load<i32>(needs + (<usize> index << 2), CHANCES);
}

/** Puts a set among those at `to`, in place of the least useful one when there is no room. */
function include(to: usize, count: i32, set: usize, chance: i32): i32 {
  let worst = -1;
  let worstChance = chance;
  for (let index = 0; index < count; index++) {
    if (chanceAt(to, index) == chance && isSame(to + <usize> index * SET_BYTES, set)) return count;
    if (chanceAt(to, index) > worstChance) {
      worst = index;
      worstChance = chanceAt(to, index);
    }
  }
  if (count < BYTE_NEEDS_MAX) worst = count++;
  if (worst < 0) return count;
  memory.copy(to + <usize> worst * SET_BYTES, set, SET_BYTES);
  store<i32>(to + (<usize> worst << 2), chance, CHANCES);
  return count;
}

function isSame(one: usize, other: usize): bool {
  return memory.compare(one, other, SET_BYTES) == 0;
}

/** Of each alternative the rarest set; all of them together are one. */
function needsOfAlternate(node: Node, to: usize): i32 {
  if (++Room.level >= LEVELS_MAX) return 0;
  const own = Room.at + <usize> Room.level * NEEDS_BYTES;
  let isNeeded = true;
  memory.fill(to, 0, SET_BYTES);
  for (let at = node.first; at != 0 && isNeeded; at = nodeAt(at).next) {
    const count = needsOf(nodeAt(at), own);
    let best = 0;
    for (let index = 1; index < count; index++) if (chanceAt(own, index) < chanceAt(own, best)) best = index;
    isNeeded = count > 0;
    if (isNeeded) setUnite(to, own + <usize> best * SET_BYTES);
  }
  Room.level--;
  const chance = isNeeded ? chanceOfSet(to) : CHANCE_MAX + 1;
  store<i32>(to, chance, CHANCES);
  return chance <= CHANCE_MAX ? 1 : 0;
}
