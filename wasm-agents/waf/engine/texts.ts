/**
 * Values and what transformations make of them. A value that a chain of transformations acts on has a row with a place
 * for every chain, so that a chain runs at most once over it; where nothing changes, all share one text. A text is
 * searched for the literals of all rules at most once.
 *
 * A text is a record of 32 bytes: address, length, kinds of bytes (0: not looked at), bits of the request's rules found
 * in it (0: not searched), the text whose bits it shares (0: none), bits of the response's rules, the first note of what a
 * transformation makes of it (the next note, the transformation, its text), the first note of what an operator captured in
 * it (the next note, the operator, 20 places of 2 bytes). That of a value as it came has 8 more: its row (0: none yet).
 * Texts of the value cache share no bits: theirs get fewer as operators say no, and behind them are the bits of those that
 * said yes.
 */

import { Bytes } from "sentinel";
import { allocate } from "sentinel/arena";
import { LiteralScan } from "../scan/literal_scan";
import { transform } from "../transforms/transforms";
import { allocateBeside, cachedValue, isCached, isSameEntry, VALUE_TEXT_BYTES } from "./value_cache";
import { actsOn, classesOf, isCaseOnly } from "./byte_classes";

const NODES_MAX: i32 = 1024;

/** Of each chain: the chain without its last step, that step, the bytes that any step acts on, those of the last one. */
const nodes: StaticArray<i32> = new StaticArray<i32>(4 * NODES_MAX);
let nodeCount: i32 = 1;

/** The two searches: rules that see requests, and rules that see responses. */
const scans: Array<LiteralScan | null> = [null, null];

/** The chain that is `parent` and then one more step; -1 when there are too many. */
export function chainOf(parent: i32, step: i32): i32 {
  for (let node = 1; node < nodeCount; node++) {
    if (nodes[4 * node] == parent && nodes[4 * node + 1] == step) return node;
  }
  if (nodeCount == NODES_MAX) return -1;
  const node = nodeCount++;
  const acts = actsOn(step);
  nodes[4 * node] = parent;
  nodes[4 * node + 1] = step;
  nodes[4 * node + 2] = nodes[4 * parent + 2] | acts;
  nodes[4 * node + 3] = acts | (isCaseOnly(step) ? <i32> 0x80000000 : 0);
  return node;
}

/** The chain without its last step. */
export function parentOf(node: i32): i32 {
  return unchecked(nodes[4 * node]);
}

/** The kinds of bytes that any step of a chain acts on. */
export function actsOf(node: i32): u32 {
  return nodes[4 * node + 2];
}

/** Forgets all chains and searches. */
export function resetTexts(): void {
  nodeCount = 1;
  scans[0] = null;
  scans[1] = null;
}

/** Sets the search of one side: 0 for requests, 1 for responses. */
export function setScan(side: i32, scan: LiteralScan | null): void {
  scans[side] = scan;
}

/** How many bytes the bits of a side take, in eights. */
export function bitBytesOf(side: i32): i32 {
  const scan = scans[side];
  return scan === null ? 0 : (scan.bitBytes + 7) & ~7;
}

// asc: @inline
export function textAt(text: usize): usize {
  return load<usize>(text);
}

// asc: @inline
export function textLength(text: usize): i32 {
  return load<i32>(text, 4);
}

/** Bytes of a row. */
export function rowBytes(): i32 {
  return 4 * nodeCount;
}

/** Begins a text. */
function setText(text: usize, at: usize, length: i32): void {
  store<usize>(text, at);
  store<i32>(text, length, 4);
  store<u64>(text, 0, 8);
  store<u64>(text, 0, 16);
  store<u64>(text, 0, 24);
}

/** A text beside another one. */
function newText(beside: usize, at: usize, length: i32): usize {
  const text = allocateBeside(beside, 32);
  setText(text, at, length);
  return text;
}

/** A text for a value. */
export function valueText(at: usize, length: i32): usize {
  let text = cachedValue(at, length);
  if (text != 0 && load<usize>(text) != 0) return text;
  let lasting = at;
  if (text != 0) lasting = copied(text, at, length);
  else text = allocate(VALUE_TEXT_BYTES);
  setText(text, lasting, length);
  store<usize>(text, 0, 32);
  return text;
}

function copied(beside: usize, from: usize, length: i32): usize {
  const at = allocateBeside(beside, length);
  memory.copy(at, from, length);
  return at;
}

/** What a chain makes of the text of a value. */
export function textOf(value: usize, node: i32): usize {
  const table = changetype<usize>(nodes) + (<usize> node << 4);
  if ((kindsOf(value) & load<u32>(table, 8)) == 0) return value;
  let row = load<usize>(value, 32);
  if (row == 0) row = newRow(value);
  const known = load<usize>(row + (<usize> node << 2));
  if (known != 0) return known;
  const text = stepped(textOf(value, load<i32>(table)), table);
  store<usize>(row + (<usize> node << 2), text);
  return text;
}

function newRow(value: usize): usize {
  const bytes = rowBytes();
  const row = allocateBeside(value, bytes);
  memory.fill(row, 0, bytes);
  store<usize>(value, row, 32);
  return row;
}

/** Different chains come to the same step of the same text, when what is before it changes nothing. */
function stepped(parent: usize, table: usize): usize {
  const acts = load<u32>(table, 12);
  if ((kindsOf(parent) & acts & 0x7fffffff) == 0) return parent;
  const step = load<i32>(table, 4);
  for (let note = load<usize>(parent, 24); note != 0; note = load<usize>(note)) {
    if (load<i32>(note, 4) == step) return load<usize>(note, 8);
  }
  const text = transformed(parent, step, acts);
  const note = allocateBeside(parent, 16);
  store<usize>(note, load<usize>(parent, 24));
  store<i32>(note, step, 4);
  store<usize>(note, text, 8);
  store<usize>(parent, note, 24);
  return text;
}

function transformed(parent: usize, step: i32, acts: u32): usize {
  const input = new Bytes(load<usize>(parent), load<i32>(parent, 4));
  const output = transform(step, input);
  if (
    output.length == input.length &&
    (output.at == input.at ||
      memory.compare(output.at, input.at, input.length) == 0)
  ) {
    return parent;
  }
  if (isCached(parent)) {
    const isBeside = isSameEntry(parent, output.at);
    return newText(parent, isBeside ? output.at : copied(parent, output.at, output.length), output.length);
  }
  const text = newText(parent, output.at, output.length);
  if ((acts & 0x80000000) != 0) store<usize>(text, parent, 16);
  return text;
}

const NOTE_BYTES: i32 = 48;

/** Fills `groups` with what an operator captured in a text of the value cache; false when that is not known. */
export function knownGroups(text: usize, which: i32, groups: StaticArray<i32>): bool {
  let note = load<usize>(text, 28);
  while (note != 0 && load<i32>(note, 4) != which) note = load<usize>(note);
  if (note == 0) return false;
  for (let index = 0; index < groups.length; index++) {
    unchecked(groups[index] = <i32> load<i16>(note + 8 + 2 * index));
  }
  return true;
}

/** Keeps them. */
export function keepGroups(text: usize, which: i32, groups: StaticArray<i32>): void {
  if (load<i32>(text, 4) > <i32> i16.MAX_VALUE) return;
  const note = allocateBeside(text, NOTE_BYTES);
  store<usize>(note, load<usize>(text, 28));
  store<i32>(note, which, 4);
  for (let index = 0; index < groups.length; index++) {
    store<i16>(note + 8 + 2 * index, <i16> unchecked(groups[index]));
  }
  store<usize>(text, note, 28);
}

/** The kinds of bytes that a text has. */
export function kindsOf(text: usize): u32 {
  const known = load<u32>(text, 8);
  if (known != 0) return known;
  const kinds = classesOf(load<usize>(text), load<i32>(text, 4));
  store<u32>(text, kinds, 8);
  return kinds;
}

/** The bits of all rules of a side whose literals stand in a text. */
export function bitsOf(text: usize, side: i32): usize {
  const place = text + (side == 0 ? 12 : 20);
  const known = load<usize>(place);
  if (known != 0) return known;
  const other = load<usize>(text, 16);
  const bits = other != 0 ? bitsOf(other, side) : scanned(text, side);
  store<usize>(place, bits);
  return bits;
}

function scanned(text: usize, side: i32): usize {
  const scan = unchecked(scans[side]);
  // Without operators there are no bits.
  if (scan === null) return text;
  const length = load<i32>(text, 4);
  if (length == 0) return scan.always;
  const bytes = (scan.bitBytes + 7) & ~7;
  const bits = allocateBeside(text, isCached(text) ? 2 * bytes : bytes);
  if (isCached(bits)) memory.fill(bits + bytes, 0, bytes);
  scan.scan(load<usize>(text), length, bits);
  return bits;
}

/** Whether an operator is known to match the text whose bits are at `bits`, in the value cache. */
export function isKnownMatch(bits: usize, side: i32, id: i32): bool {
  return hasBit(bits + bitBytesOf(side), id);
}

/** Keeps what an operator said of a text for the next request with the same value. */
export function keepAnswer(bits: usize, side: i32, id: i32, isMatch: bool): void {
  let at = bits + (id >> 3);
  if (isMatch) at += bitBytesOf(side);
  const bit = <u32> 1 << (id & 7);
  const byte = <u32> load<u8>(at);
  store<u8>(at, <u8> (isMatch ? byte | bit : byte & ~bit));
}

/** Whether the literals of a rule stand in a text. */
export function hasBit(bits: usize, id: i32): bool {
  return ((<u32> load<u8>(bits + (id >> 3)) >> (id & 7)) & 1) != 0;
}
