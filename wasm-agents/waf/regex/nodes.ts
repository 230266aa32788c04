/** The syntax tree of a pattern. Its nodes lie in memory that the next pattern uses again. */

import { allocate } from "sentinel/arena";
import { NODES_MAX } from "./limits";

/** What a node stands for. */
export class Kind {
  static readonly EMPTY: u8 = 0;
  /** One byte of a set; `value` is the set's number. */
  static readonly SET: u8 = 1;
  /** Its children one after the other. */
  static readonly CONCAT: u8 = 2;
  /** One of its children, the first that does. */
  static readonly ALTERNATE: u8 = 3;
  /** Its child `min` to `max` times; max -1: without end. */
  static readonly REPEAT: u8 = 4;
  /** Its child, remembered as group `value`. */
  static readonly GROUP: u8 = 5;
  /** A place; `value` is an `Assertion`. */
  static readonly ASSERT: u8 = 6;
  /** Its child without a second thought: `(?>…)` and possessive repeats. */
  static readonly ATOMIC: u8 = 7;
}

/** The value of an ATOMIC that is `\R`. */
export const LINE_BREAK: u16 = 1;

/** Places between bytes. */
export class Assertion {
  static readonly BEGIN_TEXT: u16 = 0;
  /** At the start, or after a line break that is not the last byte, as in PCRE. */
  static readonly BEGIN_LINE: u16 = 1;
  static readonly END_TEXT: u16 = 2;
  static readonly END_LINE: u16 = 3;
  /** At the end, or before a line break that is the last byte. */
  static readonly END_OR_LAST_BREAK: u16 = 4;
  static readonly WORD_BOUNDARY: u16 = 5;
  static readonly NO_WORD_BOUNDARY: u16 = 6;
  /** The two of lines, for a program that reads texts from their ends. */
  static readonly BACKWARDS_BEGIN_LINE: u16 = 7;
  static readonly BACKWARDS_END_LINE: u16 = 8;
}

/** A node; only its address is ever kept. */
@unmanaged
export class Node {
  kind: u8;
  /** Of a REPEAT: rather less often. */
  isLazy: bool;
  value: u16;
  min: i32;
  max: i32;
  /** Where in the pattern it begins. */
  offset: i32;
  first: usize;
  last: usize;
  next: usize;
  previous: usize;
}

const NODE_BYTES: usize = offsetof<Node>();

/** The memory for nodes. */
class Nodes {
  static at: usize = 0;
  static count: i32 = 0;
}

/** Forgets all nodes. */
export function resetNodes(): void {
  if (Nodes.at == 0) Nodes.at = allocate(<usize> NODES_MAX * NODE_BYTES);
  Nodes.count = 0;
}

/** Whether there is room for some more nodes. */
export function hasRoomForNodes(): bool {
  return Nodes.count < NODES_MAX - 16;
}

/** A new node. `hasRoomForNodes` must have been asked. */
export function newNode(kind: u8, value: u16, offset: i32): Node {
  if (Nodes.count >= NODES_MAX) unreachable();
  const at = Nodes.at + <usize> (Nodes.count++) * NODE_BYTES;
  memory.fill(at, 0, NODE_BYTES);
  const node = changetype<Node>(at);
  node.kind = kind;
  node.value = value;
  node.offset = offset;
  return node;
}

/** The node at an address. */
// asc: @inline
export function nodeAt(at: usize): Node {
  return changetype<Node>(at);
}

/** Makes `child` the last child of `parent`. */
export function append(parent: Node, child: Node): void {
  const at = changetype<usize>(child);
  child.previous = parent.last;
  child.next = 0;
  if (parent.last != 0) nodeAt(parent.last).next = at;
  else parent.first = at;
  parent.last = at;
}

/** Takes the last child away from `parent` and gives it. */
export function removeLast(parent: Node): Node {
  const child = nodeAt(parent.last);
  parent.last = child.previous;
  if (child.previous != 0) nodeAt(child.previous).next = 0;
  else parent.first = 0;
  child.previous = 0;
  return child;
}

/** How many children a node has, at most two being counted. */
export function isSingle(parent: Node): bool {
  return parent.first != 0 && parent.first == parent.last;
}

/** Whether what a node stands for can be no bytes at all. */
export function isNullable(node: Node): bool {
  switch (node.kind) {
    case Kind.SET:
      return false;
    case Kind.REPEAT:
      return node.min == 0 || isNullable(nodeAt(node.first));
    case Kind.GROUP:
    case Kind.ATOMIC:
      return isNullable(nodeAt(node.first));
    case Kind.CONCAT:
      for (let at = node.first; at != 0; at = nodeAt(at).next) {
        if (!isNullable(nodeAt(at))) return false;
      }
      return true;
    case Kind.ALTERNATE:
      for (let at = node.first; at != 0; at = nodeAt(at).next) {
        if (isNullable(nodeAt(at))) return true;
      }
      return false;
    default:
      return true;
  }
}
