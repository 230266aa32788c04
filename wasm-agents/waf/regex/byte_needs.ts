/**
 * Finds sets of bytes such that any text that matches has a byte of each of them. They are the second means to pass
 * over an expression without running it, for those that have no literals.
 */

import { allocate } from "sentinel/arena";
import { lowered } from "sentinel/text";
import { SET_BYTES, setHas, setsAt, setUnite } from "./byte_sets";
import { Kind, Node, nodeAt } from "./nodes";
import { rarityOf } from "./rarity";

/** Most sets for one expression. */
export const BYTE_NEEDS_MAX: i32 = 4;

/** A set that more than this many of a million bytes of ordinary text are in says too little. */
const CHANCE_MAX: i32 = 300_000;

const NEEDS_BYTES: usize = 32 * 4;

/** The sets, 32 bytes each. */
export class ByteNeeds {
  at: usize = 0;
  count: i32 = 0;
}

/** Sets while they are looked for: for each level of the tree those of the current part. */
class Room {
  static at: usize = 0;
  static level: i32 = 0;
  static united: usize = 0;
}

/** Deepest tree that is looked into. */
const LEVELS_MAX: i32 = 1024;

/** Fills `needs` with what a tree says. */
export function findByteNeeds(tree: Node, needs: ByteNeeds): void {
  if (Room.at == 0) Room.at = allocate(NEEDS_BYTES * (LEVELS_MAX + 1));
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
      memory.copy(to, setsAt() + <usize> node.value * SET_BYTES, SET_BYTES);
      return chanceOf(to) <= CHANCE_MAX ? 1 : 0;
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

function needsOfConcat(node: Node, to: usize): i32 {
  if (++Room.level >= LEVELS_MAX) return 0;
  const own = Room.at + <usize> Room.level * NEEDS_BYTES;
  let count = 0;
  for (let at = node.first; at != 0; at = nodeAt(at).next) {
    const more = needsOf(nodeAt(at), own);
    for (let index = 0; index < more; index++) count = include(to, count, own + <usize> index * SET_BYTES);
  }
  Room.level--;
  return count;
}

/** Puts a set among those at `to`, in place of the least useful one when there is no room. */
function include(to: usize, count: i32, set: usize): i32 {
  let worst = -1;
  let worstChance = chanceOf(set);
  for (let index = 0; index < count; index++) {
    const other = to + <usize> index * SET_BYTES;
    if (memory.compare(other, set, SET_BYTES) == 0) return count;
    const chance = chanceOf(other);
    if (chance > worstChance) {
      worst = index;
      worstChance = chance;
    }
  }
  if (count < BYTE_NEEDS_MAX) worst = count++;
  if (worst >= 0) memory.copy(to + <usize> worst * SET_BYTES, set, SET_BYTES);
  return count;
}

/** Of each alternative the rarest set; all of them together are one. */
function needsOfAlternate(node: Node, to: usize): i32 {
  if (++Room.level >= LEVELS_MAX) return 0;
  const own = Room.at + <usize> Room.level * NEEDS_BYTES;
  let isNeeded = true;
  memory.fill(to, 0, SET_BYTES);
  for (let at = node.first; at != 0 && isNeeded; at = nodeAt(at).next) {
    const count = needsOf(nodeAt(at), own);
    let best = own;
    for (let index = 1; index < count; index++) {
      const other = own + <usize> index * SET_BYTES;
      if (chanceOf(other) < chanceOf(best)) best = other;
    }
    isNeeded = count > 0;
    if (isNeeded) setUnite(to, best);
  }
  Room.level--;
  return isNeeded && chanceOf(to) <= CHANCE_MAX ? 1 : 0;
}

/** How many of a million bytes of ordinary text are in a set. */
function chanceOf(set: usize): i32 {
  let chance = 0;
  for (let byte: u32 = 0; byte < 256; byte++) {
    if (!setHas(set, byte)) continue;
    // A capital letter is counted as rare next to its small one.
    chance += byte - 65 < 26 ? rarityOf(lowered(byte)) >> 4 : rarityOf(byte);
  }
  return chance;
}
