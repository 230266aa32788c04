/**
 * Finds literals of which at least one stands in any text that an expression matches, by what every part of the
 * tree must begin with, end with and contain (the way of Cox's code search, with texts in place of trigrams). Of
 * several such sets the one is taken that an ordinary text is least likely to meet.
 */

import { allocate } from "sentinel/arena";
import { Bytes, lowered } from "sentinel/text";
import { SET_BYTES, setsAt, setSize } from "./byte_sets";
import { Kind, Node, nodeAt } from "./nodes";
import { ByteNeeds, findByteNeeds } from "./byte_needs";
import { rarityOf } from "./rarity";
import {
  addText,
  appendText,
  beginnings,
  emptyText,
  endings,
  longest,
  newList,
  newSetOf,
  noteChance,
  notedChance,
  product,
  ranOut,
  resetLists,
  saysNothing,
  sizeOf,
  takeRoom,
  textAt,
  textLength,
} from "./text_lists";

/** Most texts that a part of an expression is expanded to. */
const EXPANDED_MAX: i32 = 128;

/** Longest literal. */
const LITERAL_BYTES_MAX: i32 = 24;

/** Most bytes, in small letters, of a class that is expanded. */
const CLASS_BYTES_MAX: i32 = 16;

/** Most texts of all alternatives together, at whose beginnings and ends is looked. */
const UNITED_MAX: i32 = 30_000;

/** Most literals of an expression. */
const LITERALS_MAX: i32 = 6_000;

/** A set of literals that more than this many of a million bytes of ordinary text would meet helps nobody. */
const CHANCE_MAX: f32 = 40_000;

/** The chance of a list that says nothing. */
const NOTHING: f32 = 1e9;

/** Lengths are counted up to here. */
const LENGTH_MAX: i32 = 1 << 24;

/** What is known of all texts that match. */
export class Literals {
  all: Array<Bytes> = [];
  minLength: i32 = 0;
  needs: ByteNeeds = new ByteNeeds();
}

/** What is known of a part; lists of texts, 0 where nothing is known. */
@unmanaged
class Facts {
  /** All texts that match. */
  exact: usize;
  /** One of these every match begins with; and ends with. */
  prefix: usize;
  suffix: usize;
  /** One of these every match contains. */
  inside: usize;
  minLength: i32;
}

const FACTS_BYTES: usize = offsetof<Facts>();

/** What is known of all texts that the tree matches. Looks at it while its nodes are there. */
export function findLiterals(tree: Node): Literals {
  resetLists();
  const found = new Literals();
  const facts = factsOf(tree);
  if (!ranOut()) {
    found.minLength = facts.minLength;
    const inside = better(facts.inside, facts.exact);
    if (inside != 0 && chanceOf(inside) <= CHANCE_MAX) keep(inside, found.all);
  }
  findByteNeeds(tree, found.needs);
  return found;
}

function keep(list: usize, all: Array<Bytes>): void {
  for (let index = 0; index < sizeOf(list); index++) {
    const length = textLength(list, index);
    const at = allocate(length);
    memory.copy(at, textAt(list, index), length);
    all.push(new Bytes(at, length));
  }
}

function newFacts(): Facts {
  const at = takeRoom(FACTS_BYTES);
  memory.fill(at, 0, FACTS_BYTES);
  return changetype<Facts>(at);
}

/** A part that matches just these texts. */
function exactly(list: usize, minLength: i32): Facts {
  const facts = newFacts();
  facts.exact = facts.prefix = facts.suffix = list;
  facts.minLength = minLength;
  return facts;
}

function factsOf(node: Node): Facts {
  if (ranOut()) return newFacts();
  switch (node.kind) {
    case Kind.SET:
      return factsOfSet(node);
    case Kind.CONCAT:
      return factsOfConcat(node);
    case Kind.ALTERNATE:
      return factsOfAlternate(node);
    case Kind.REPEAT:
      return factsOfRepeat(node);
    case Kind.GROUP:
    case Kind.ATOMIC:
      return factsOf(nodeAt(node.first));
    default:
      return exactly(emptyText(), 0);
  }
}

function factsOfSet(node: Node): Facts {
  const set = setsAt() + <usize> node.value * SET_BYTES;
  const list = newList(CLASS_BYTES_MAX + 1);
  // Twice: a class of a few letters in both cases.
  if (setSize(set) <= 2 * CLASS_BYTES_MAX) {
    for (let word: usize = 0; word < 32; word += 8) {
      let bits = load<u64>(set + word);
      for (; bits != 0 && sizeOf(list) <= CLASS_BYTES_MAX; bits &= bits - 1) {
        const at = takeRoom(1);
        store<u8>(at, <u8> lowered(<u32> (word << 3) + <u32> ctz(bits)));
        addText(list, at, 1);
      }
    }
  }
  const count = sizeOf(list);
  if (count > 0 && count <= CLASS_BYTES_MAX) return exactly(list, 1);
  const facts = newFacts();
  facts.minLength = 1;
  return facts;
}

/** How often an ordinary text meets one of the texts, in each million bytes. */
function chanceOf(list: usize): f32 {
  if (ranOut()) return NOTHING;
  const noted = notedChance(list);
  if (noted >= 0) return noted;
  let chance: f32 = 0;
  for (let index = 0; index < sizeOf(list); index++) {
    let own: f32 = 1e6;
    const at = textAt(list, index);
    // What comes behind eight bytes makes no difference any more.
    const length = min(8, textLength(list, index));
    for (let byte = 0; byte < length; byte++) own *= <f32> rarityOf(load<u8>(at + byte)) * 1e-6;
    chance += own + 0.1; // Each literal takes memory, and common words are more common than their letters say.
  }
  if (saysNothing(list)) chance = NOTHING;
  noteChance(list, chance);
  return chance;
}

/** Of two lists the one that says more; 0 when neither says anything. */
function better(one: usize, other: usize): usize {
  if (one == 0) return other == 0 || chanceOf(other) >= NOTHING ? 0 : other;
  const chance = chanceOf(one);
  if (other == 0 || chance <= chanceOf(other)) return chance >= NOTHING ? 0 : one;
  return other;
}

function fits(one: usize, other: usize): bool {
  return sizeOf(one) * sizeOf(other) <= EXPANDED_MAX && longest(one) + longest(other) <= LITERAL_BYTES_MAX;
}

/** Shortens texts from behind until there are few; 0 when that leaves nothing. */
function fewBeginnings(list: usize): usize {
  if (list == 0) return 0;
  for (let length = LITERAL_BYTES_MAX / 2; sizeOf(list) > EXPANDED_MAX / 4; length >>= 1) {
    if (length == 0) return 0;
    list = beginnings(list, length);
  }
  return list;
}

function fewEndings(list: usize): usize {
  if (list == 0) return 0;
  for (let length = LITERAL_BYTES_MAX / 2; sizeOf(list) > EXPANDED_MAX / 4; length >>= 1) {
    if (length == 0) return 0;
    list = endings(list, length);
  }
  return list;
}

/**
 * Follows the run of texts up to the current child, and whether it goes back to the beginning; and the same run
 * without what a child before it may end with (`bare`), which is shorter, but of fewer texts.
 */
function factsOfConcat(node: Node): Facts {
  const facts = newFacts();
  let run = emptyText();
  let bare: usize = 0;
  let isWhole = true;
  for (let at = node.first; at != 0; at = nodeAt(at).next) {
    const child = factsOf(nodeAt(at));
    if (ranOut()) return facts;
    facts.minLength = min(facts.minLength + child.minLength, LENGTH_MAX);
    if (child.exact != 0 && fits(run, child.exact)) {
      run = product(run, child.exact);
      if (bare != 0) bare = product(bare, child.exact);
      continue;
    }
    facts.inside = better(facts.inside, better(child.inside, child.exact));
    const left = joined(run, child.prefix);
    facts.inside = better(facts.inside, left);
    if (bare != 0) facts.inside = better(facts.inside, joined(bare, child.prefix));
    if (isWhole) facts.prefix = left;
    isWhole = false;
    bare = 0;
    if (child.exact != 0) run = joinedShort(run, child.exact);
    else {
      run = child.suffix != 0 ? child.suffix : emptyText();
      if (sizeOf(run) > 1) bare = emptyText();
    }
  }
  facts.inside = better(better(facts.inside, run), bare);
  facts.suffix = run;
  if (isWhole) facts.exact = facts.prefix = run;
  return facts;
}

/** A run and what comes next, as far as both fit together. */
function joined(run: usize, next: usize): usize {
  if (next == 0) return run;
  if (fits(run, next)) return product(run, next);
  const few = fewBeginnings(next);
  return few != 0 && fits(run, few) ? product(run, few) : run;
}

/** The end of a run and all of what comes next; only that when there is no room for both. */
function joinedShort(run: usize, next: usize): usize {
  for (let length = 4; length > 0; length--) {
    const few = endings(run, length);
    if (fits(few, next)) return product(few, next);
  }
  if (sizeOf(next) <= EXPANDED_MAX && longest(next) <= LITERAL_BYTES_MAX) return next;
  const few = fewEndings(next);
  return few != 0 ? few : emptyText();
}

function factsOfAlternate(node: Node): Facts {
  const facts = newFacts();
  let count = 0;
  for (let at = node.first; at != 0; at = nodeAt(at).next) count++;
  const children = takeRoom(4 * <usize> count);
  let exact = 0;
  let inside = 0;
  facts.minLength = LENGTH_MAX;
  let index = 0;
  let hasExact = true;
  let hasInside = true;
  for (let at = node.first; at != 0; at = nodeAt(at).next) {
    const child = factsOf(nodeAt(at));
    if (ranOut()) return facts;
    store<u32>(children + 4 * <usize> index, <u32> changetype<usize>(child));
    index++;
    facts.minLength = min(facts.minLength, child.minLength);
    child.inside = better(child.inside, child.exact);
    if (child.exact != 0) exact += sizeOf(child.exact);
    else hasExact = false;
    if (child.inside != 0) inside += sizeOf(child.inside);
    else hasInside = false;
  }
  facts.prefix = fewBeginnings(united(children, count, offsetof<Facts>("prefix")));
  facts.suffix = fewEndings(united(children, count, offsetof<Facts>("suffix")));
  if (hasExact && exact <= EXPANDED_MAX) {
    facts.exact = facts.prefix = facts.suffix = united(children, count, offsetof<Facts>("exact"));
  }
  if (hasInside && inside <= LITERALS_MAX) {
    const all = newList(inside);
    for (index = 0; index < count; index++) {
      const list = load<usize>(<usize> load<u32>(children + 4 * <usize> index) + offsetof<Facts>("inside"));
      for (let each = 0; each < sizeOf(list); each++) {
        appendText(all, textAt(list, each), textLength(list, each));
      }
    }
    facts.inside = all;
  }
  return facts;
}

/** What all children say together of one of their lists; 0 when one says nothing. */
function united(children: usize, count: i32, field: usize): usize {
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const list = load<usize>(<usize> load<u32>(children + 4 * <usize> index) + field);
    if (list == 0) return 0;
    sum += sizeOf(list);
  }
  if (sum > UNITED_MAX) return 0;
  const all = newSetOf(sum);
  for (let index = 0; index < count; index++) {
    const list = load<usize>(<usize> load<u32>(children + 4 * <usize> index) + field);
    for (let each = 0; each < sizeOf(list); each++) addText(all, textAt(list, each), textLength(list, each));
  }
  return all;
}

function factsOfRepeat(node: Node): Facts {
  const child = factsOf(nodeAt(node.first));
  const facts = newFacts();
  if (ranOut()) return facts;
  if (node.max == 0) return exactly(emptyText(), 0);
  if (node.min == 0) {
    if (node.max != 1 || child.exact == 0) return facts;
    const list = newList(sizeOf(child.exact) + 1);
    for (let each = 0; each < sizeOf(child.exact); each++) {
      appendText(list, textAt(child.exact, each), textLength(child.exact, each));
    }
    addText(list, list, 0);
    return exactly(list, 0);
  }
  const length = <i32> min<i64>(<i64> child.minLength * node.min, LENGTH_MAX);
  if (child.exact == 0) {
    facts.prefix = child.prefix;
    facts.suffix = child.suffix;
    facts.inside = child.inside;
    facts.minLength = length;
    return facts;
  }
  let power = child.exact;
  let count = 1;
  while (count < node.min && fits(power, child.exact)) {
    power = product(power, child.exact);
    count++;
  }
  if (count == node.min && node.max == node.min) return exactly(power, length);
  facts.prefix = facts.suffix = power;
  facts.inside = better(power, 0);
  facts.minLength = length;
  return facts;
}
