/**
 * Looks for many literals in one pass, whatever the case of letters of ASCII (Aho and Corasick, 1975). States near
 * the start, where nearly all time is spent, have a row with an answer for every byte; the many behind them know
 * only their own next bytes, and where to look when another comes.
 */

import { allocate, keepCall } from "sentinel/arena";
import { Bytes, lowered } from "sentinel/text";
import { borrow } from "../regex/cache";
import { Regex } from "../regex/regex";
import { Conditions } from "./conditions";

/** Memory for states that have a row. */
const ROWS_BYTES_MAX: i32 = 2 * 1024 * 1024;

/** Most bytes of all literals together. */
export const LITERALS_BYTES_MAX: i32 = 2 * 1024 * 1024;

/** In an address of a state: it has hits; it has no row. */
const HAS_HITS: u32 = 1;
const IS_SPARSE: u32 = 2;
const FLAGS: u32 = 3;

/** A hit: the next one (4), its id (4), the scan that met it last (4). */
const HIT_BYTES: usize = 12;

/** Before a row: its first hit. */
const ROW_HEADER_BYTES: usize = 4;

/** A state without a row: first hit, the state to look at instead, number of next bytes; then class and state each. */
const SPARSE_HEADER_BYTES: usize = 12;

/** A node of the trie, while it is built. */
const CHILD: usize = 0;
const SIBLING: usize = 4;
const FAIL: usize = 8;
const HITS: usize = 12;
/** Where its state is; before that, the next node by depth. */
const PLACE: usize = 16;
const CLASS: usize = 20;
const NODE_BYTES: usize = 24;

/** Collects literals. */
export class LiteralScanBuilder {
  private literals: Array<Bytes> = [];
  private ids: Array<i32> = [];
  private bytes: i32 = 0;
  private lastId: i32 = -1;
  private expressions: Array<Regex> = [];
  private expressionIds: Array<i32> = [];
  private alwaysIds: Array<i32> = [];

  /** Adds a literal that is reported as `id`, from 0 on. Empty ones are never found. False: there is no more room. */
  add(literal: Bytes, id: i32): bool {
    if (literal.length == 0) return true;
    if (this.bytes + literal.length > LITERALS_BYTES_MAX) return false;
    this.bytes += literal.length;
    this.literals.push(literal);
    this.ids.push(id);
    this.lastId = max(this.lastId, id);
    return true;
  }

  /**
   * Has `id` reported for texts that an expression could match: one of its literals is there if it has any, and all
   * that it needs besides, as far as the text or the same text in small letters can tell. Nobody else may use the id.
   * False: any text could, and nothing was added; or there is no more room.
   */
  addExpression(expression: Regex, id: i32): bool {
    const literals = expression.literals;
    if (literals.length == 0 && expression.needsByteCount == 0 && expression.minLength == 0) return false;
    for (let index = 0; index < literals.length; index++) if (!this.add(literals[index], id)) return false;
    this.expressions.push(expression);
    this.expressionIds.push(id);
    this.lastId = max(this.lastId, id);
    return true;
  }

  /** Has `id` reported for every text, as nothing is known that it must have. */
  addAlways(id: i32): void {
    this.alwaysIds.push(id);
    this.lastId = max(this.lastId, id);
  }

  /** The scan for all literals. They are not needed any more then. */
  build(): LiteralScan {
    // Tables are reached through bare addresses.
    keepCall();
    const trie = new Trie(this.bytes + 1, this.literals.length);
    for (let index = 0; index < this.literals.length; index++) trie.note(this.literals[index]);
    for (let index = 0; index < this.literals.length; index++) {
      trie.add(this.literals[index], this.ids[index]);
    }
    trie.link();
    const hasConditions = this.expressions.length > 0;
    const conditions = hasConditions
      ? new Conditions(this.expressions, this.expressionIds, this.lastId)
      : null;
    const scan = new LiteralScan(trie, this.lastId, conditions);
    for (let index = 0; index < this.alwaysIds.length; index++) setBit(scan.always, this.alwaysIds[index]);
    return scan;
  }
}

/** All literals by their beginnings, and the classes of their bytes. */
class Trie {
  readonly nodes: usize;
  readonly hits: usize;
  readonly classes: usize;
  /** For each byte the hits of the literals that are nothing else: they need no automaton. */
  readonly singles: usize;
  nodeCount: i32 = 1;
  hitCount: i32 = 0;
  /** Class 0 is of the bytes that are in no literal. */
  classCount: i32 = 1;
  /** Nodes that have children, and how many children all nodes have: the same as nodes but one. */
  private last: usize;

  constructor(nodes: i32, literals: i32) {
    this.nodes = borrow(<usize> nodes * NODE_BYTES);
    memory.fill(this.nodes, 0, NODE_BYTES);
    this.last = this.nodes;
    this.hits = allocate(<usize> literals * HIT_BYTES);
    this.classes = allocate(256);
    memory.fill(this.classes, 0, 256);
    this.singles = allocate(256 * 4);
    memory.fill(this.singles, 0, 256 * 4);
  }

  note(literal: Bytes): void {
    if (literal.length == 1) return;
    for (let index = 0; index < literal.length; index++) {
      const byte = lowered(literal.byteAt(index));
      if (load<u8>(this.classes + byte) != 0) continue;
      // 255 classes suffice: capital letters have none of their own.
      store<u8>(this.classes + byte, <u8> this.classCount);
      if (byte - 97 < 26) store<u8>(this.classes + byte - 32, <u8> this.classCount);
      this.classCount++;
    }
  }

  add(literal: Bytes, id: i32): void {
    if (literal.length == 1) return this.addSingle(lowered(literal.byteAt(0)), id);
    let node = this.nodes;
    for (let index = 0; index < literal.length; index++) {
      const kind = load<u8>(this.classes + lowered(literal.byteAt(index)));
      const next = childOf(node, kind);
      node = next != 0 ? next : this.newChild(node, kind);
    }
    this.addHit(node + HITS, id);
  }

  private addSingle(byte: u32, id: i32): void {
    const head = this.singles + (<usize> byte << 2);
    this.addHit(head, id);
    if (byte - 97 < 26) store<u32>(head - 32 * 4, load<u32>(head));
  }

  /** Puts an id in front of a list of hits, unless it is there. */
  private addHit(head: usize, id: i32): void {
    for (let hit = <usize> load<u32>(head); hit != 0; hit = load<u32>(hit)) {
      if (load<i32>(hit, 4) == id) return;
    }
    const hit = this.hits + <usize> this.hitCount * HIT_BYTES;
    this.hitCount++;
    store<u32>(hit, load<u32>(head));
    store<i32>(hit, id, 4);
    store<u32>(hit, 0, 8);
    store<u32>(head, <u32> hit);
  }

  private newChild(parent: usize, kind: u32): usize {
    const node = this.nodes + <usize> this.nodeCount * NODE_BYTES;
    this.nodeCount++;
    memory.fill(node, 0, NODE_BYTES);
    store<u8>(node, <u8> kind, CLASS);
    store<u32>(node, load<u32>(parent, CHILD), SIBLING);
    store<u32>(parent, <u32> node, CHILD);
    return node;
  }

  /** Finds for each node the longest other beginning that it ends with, and puts the nodes in order of depth. */
  link(): void {
    const root = this.nodes;
    store<u32>(root, <u32> root, FAIL);
    for (let node = root; node != 0; node = load<u32>(node, PLACE)) {
      for (let child = <usize> load<u32>(node, CHILD); child != 0; child = load<u32>(child, SIBLING)) {
        store<u32>(this.last, <u32> child, PLACE);
        this.last = child;
        const fail = node == root ? root : failFor(root, load<u32>(node, FAIL), load<u8>(child, CLASS));
        store<u32>(child, <u32> fail, FAIL);
        appendHits(child, load<u32>(fail, HITS));
      }
    }
  }
}

function childOf(node: usize, kind: u32): usize {
  let child = <usize> load<u32>(node, CHILD);
  while (child != 0 && load<u8>(child, CLASS) != kind) child = load<u32>(child, SIBLING);
  return child;
}

function failFor(root: usize, from: usize, kind: u32): usize {
  while (true) {
    const child = childOf(from, kind);
    if (child != 0) return child;
    if (from == root) return root;
    from = load<u32>(from, FAIL);
  }
}

/** What the longest other beginning hits is hit as well: the lists share their ends. */
function appendHits(node: usize, more: u32): void {
  let hit = <usize> load<u32>(node, HITS);
  if (hit == 0) {
    store<u32>(node, more, HITS);
    return;
  }
  while (load<u32>(hit) != 0) hit = load<u32>(hit);
  store<u32>(hit, more);
}

/** Looks for literals, in time linear in the text and the number of different hits. */
export class LiteralScan {
  /** Bytes of the set of bits that `scan` fills. */
  readonly bitBytes: i32;
  /** The id of the literal that `find` found. */
  lastId: i32 = -1;
  /** What the tables take, in bytes. */
  readonly tableBytes: i32;
  /** Which bytes the text of the last `scan` has, 32 bytes of bits: what `Regex.needsByte` is compared with. */
  readonly present: usize;
  /** The bits that every text has, also an empty one. */
  readonly always: usize;
  private readonly singles: usize;
  /** Which bytes have hits of their own, 32 bytes of bits. */
  private readonly singleBits: usize;
  private readonly classes: usize;
  private readonly root: u32;
  private readonly hits: usize;
  private readonly hitCount: i32;
  private stamp: u32 = 0;

  constructor(trie: Trie, lastId: i32, private readonly conditions: Conditions | null) {
    this.bitBytes = (lastId + 8) >> 3;
    this.classes = trie.classes;
    this.hits = trie.hits;
    this.hitCount = trie.hitCount;
    this.singles = trie.singles;
    this.present = allocate(32);
    const bitBytes = <usize> (this.bitBytes + 7 & ~7);
    this.always = allocate(bitBytes);
    memory.fill(this.always, 0, bitBytes);
    this.singleBits = allocate(32);
    memory.fill(this.present, 0, 32);
    memory.fill(this.singleBits, 0, 32);
    for (let byte: u32 = 0; byte < 256; byte++) {
      if (load<u32>(this.singles + (<usize> byte << 2)) != 0) setBit(this.singleBits, byte);
    }
    this.tableBytes = <i32> place(trie);
    fillTables(trie);
    this.root = load<u32>(trie.nodes, PLACE) & ~FLAGS;
  }

  /**
   * Sets the bit of every literal that stands in the bytes and of every expression that could match them, and clears all
   * others, in the set of `bitBytes` bytes, in eights, at `bits`; and fills `present`.
   */
  scan(at: usize, length: i32, bits: usize): void {
    memory.copy(bits, this.always, this.bitBytes + 7 & ~7);
    this.nextStamp();
    this.follow(at, at + length, bits);
    for (let word: usize = 0; word < 32; word += 8) {
      let common = load<u64>(this.present + word) & load<u64>(this.singleBits + word);
      while (common != 0) {
        const byte = (word << 3) + <usize> ctz(common);
        this.report(load<u32>(this.singles + (byte << 2)), bits);
        common &= common - 1;
      }
    }
    const conditions = this.conditions;
    if (conditions) conditions.apply(length, this.present, bits, this.bitBytes);
  }

  private follow(at: usize, end: usize, bits: usize): void {
    const classes = this.classes;
    // Which bytes below 64 and below 128 were there; those above are rare, and go to memory.
    let low: u64 = 0;
    let high: u64 = 0;
    store<u64>(this.present, 0, 16);
    store<u64>(this.present, 0, 24);
    let state = this.root;
    while (true) {
      // All that is done for most bytes; fuel is paid for what is between the braces, whether it is done or not.
      while (at < end) {
        const byte = <u64> load<u8>(at);
        at++;
        state = load<u32>(<usize> state + (<usize> load<u8>(classes + <usize> byte) << 2));
        if (byte > 127) setBit(this.present, <u32> byte);
        const bit = <u64> (byte < 128) << byte;
        const isHigh = -(byte >> 6 & 1);
        high |= bit & isHigh;
        low |= bit & ~isHigh;
        if ((state & FLAGS) != 0) break;
      }
      if ((state & FLAGS) == 0) break;
      if ((state & IS_SPARSE) == 0) {
        state &= ~FLAGS;
        this.report(load<u32>(<usize> state - ROW_HEADER_BYTES), bits);
        continue;
      }
      // Without a row: until there is one again.
      while ((state & IS_SPARSE) != 0) {
        const here = <usize> (state & ~FLAGS);
        if ((state & HAS_HITS) != 0) this.report(load<u32>(here), bits);
        if (at == end) break;
        const byte = <u64> load<u8>(at);
        at++;
        if (byte > 127) setBit(this.present, <u32> byte);
        else if (byte > 63) high |= <u64> 1 << byte;
        else low |= <u64> 1 << byte;
        state = nextOf(here, load<u8>(classes + <usize> byte));
      }
      if ((state & IS_SPARSE) != 0) break;
      if ((state & HAS_HITS) != 0) {
        state &= ~FLAGS;
        this.report(load<u32>(<usize> state - ROW_HEADER_BYTES), bits);
      }
    }
    store<u64>(this.present, low);
    store<u64>(this.present, high, 8);
  }

  /** Where the first literal that ends in the bytes ends; -1 when there is none. Its id is in `lastId`. */
  find(at: usize, length: i32): i32 {
    const start = at;
    const end = at + length;
    let state = this.root;
    while (at < end) {
      const byte = <usize> load<u8>(at);
      const kind = <u32> load<u8>(this.classes + byte);
      at++;
      const here = <usize> (state & ~FLAGS);
      state = (state & IS_SPARSE) != 0 ? nextOf(here, kind) : load<u32>(here + (<usize> kind << 2));
      const single = load<u32>(this.singles + (byte << 2));
      if ((state & HAS_HITS) == 0 && single == 0) continue;
      const found = <usize> (state & ~FLAGS);
      let hit = single;
      if (hit == 0) hit = (state & IS_SPARSE) != 0 ? load<u32>(found) : load<u32>(found - ROW_HEADER_BYTES);
      this.lastId = load<i32>(<usize> hit, 4);
      return <i32> (at - start);
    }
    return -1;
  }

  /** Sets the bits of a list of hits, up to the first that this scan has met before: the rest is set then. */
  private report(hit: usize, bits: usize): void {
    const stamp = this.stamp;
    while (hit != 0 && load<u32>(hit, 8) != stamp) {
      store<u32>(hit, stamp, 8);
      const id = load<u32>(hit, 4);
      setBit(bits, id);
      hit = load<u32>(hit);
    }
  }

  private nextStamp(): void {
    if (++this.stamp != 0) return;
    for (let index = 0; index < this.hitCount; index++) {
      store<u32>(this.hits + <usize> index * HIT_BYTES, 0, 8);
    }
    this.stamp = 1;
  }
}

function setBit(bits: usize, bit: u32): void {
  const at = bits + (bit >> 3);
  store<u8>(at, <u8> (<u32> load<u8>(at) | (<u32> 1 << (bit & 7))));
}

/** Where a state without a row goes at a byte. */
function nextOf(here: usize, kind: u32): u32 {
  while (true) {
    let at = here + SPARSE_HEADER_BYTES;
    const end = at + (<usize> load<u32>(here, 8) << 3);
    for (; at < end; at += 8) if (load<u32>(at) == kind) return load<u32>(at, 4);
    const other = load<u32>(here, 4);
    here = <usize> (other & ~FLAGS);
    if ((other & IS_SPARSE) == 0) return load<u32>(here + (<usize> kind << 2));
  }
}

/** Gives every node its place, with flags; says how many bytes they take. Later nodes are found through `FAIL` order. */
function place(trie: Trie): usize {
  const rowBytes = ROW_HEADER_BYTES + (<usize> trie.classCount << 2);
  const rows = max(1, ROWS_BYTES_MAX / <i32> rowBytes);
  let size: usize = 0;
  let count = 0;
  for (let node = trie.nodes; node != 0; node = load<u32>(node, PLACE)) {
    size += count++ < rows ? rowBytes : SPARSE_HEADER_BYTES + 8 * childrenOf(node);
  }
  const start = allocate(size);
  let at = start;
  count = 0;
  let node = trie.nodes;
  while (node != 0) {
    const next = <usize> load<u32>(node, PLACE);
    const flags = load<u32>(node, HITS) != 0 ? HAS_HITS : 0;
    if (count++ < rows) {
      store<u32>(node, (<u32> at + <u32> ROW_HEADER_BYTES) | flags, PLACE);
      at += rowBytes;
    } else {
      store<u32>(node, <u32> at | flags | IS_SPARSE, PLACE);
      at += SPARSE_HEADER_BYTES + 8 * childrenOf(node);
    }
    node = next;
  }
  return size;
}

function childrenOf(node: usize): usize {
  let count: usize = 0;
  for (let child = <usize> load<u32>(node, CHILD); child != 0; child = load<u32>(child, SIBLING)) count++;
  return count;
}

/** Fills rows and lists; nodes are taken in the order of their numbers, rows of shorter ones are made when needed. */
function fillTables(trie: Trie): void {
  const root = trie.nodes;
  fillRow(trie, root, root);
  for (let index = 1; index < trie.nodeCount; index++) {
    const node = root + <usize> index * NODE_BYTES;
    const own = load<u32>(node, PLACE);
    if ((own & IS_SPARSE) != 0) fillSparse(node, <usize> (own & ~FLAGS));
  }
  fillRowsBelow(trie, root);
}

/** Rows in order of depth: that of the longest other beginning is there before. */
function fillRowsBelow(trie: Trie, root: usize): void {
  // The order by depth is also the order of places.
  const rowBytes = ROW_HEADER_BYTES + (<usize> trie.classCount << 2);
  const first = <usize> (load<u32>(root, PLACE) & ~FLAGS);
  const rows = max(1, ROWS_BYTES_MAX / <i32> rowBytes);
  const byPlace = allocate(4 * <usize> min(rows, trie.nodeCount));
  let count = 0;
  for (let index = 0; index < trie.nodeCount; index++) {
    const node = root + <usize> index * NODE_BYTES;
    const own = load<u32>(node, PLACE);
    if ((own & IS_SPARSE) != 0) continue;
    const row = (<usize> (own & ~FLAGS) - first) / rowBytes;
    store<u32>(byPlace + 4 * row, <u32> node);
    count++;
  }
  for (let row = 1; row < count; row++) {
    const node = <usize> load<u32>(byPlace + 4 * <usize> row);
    fillRow(trie, node, load<u32>(node, FAIL));
  }
}

function fillRow(trie: Trie, node: usize, fail: usize): void {
  const row = <usize> (load<u32>(node, PLACE) & ~FLAGS);
  const own = <usize> trie.classCount << 2;
  store<u32>(row - ROW_HEADER_BYTES, load<u32>(node, HITS));
  if (node != fail) memory.copy(row, <usize> (load<u32>(fail, PLACE) & ~FLAGS), own);
  else for (let at: usize = 0; at < own; at += 4) store<u32>(row + at, load<u32>(node, PLACE));
  for (let child = <usize> load<u32>(node, CHILD); child != 0; child = load<u32>(child, SIBLING)) {
    store<u32>(row + (<usize> load<u8>(child, CLASS) << 2), load<u32>(child, PLACE));
  }
}

function fillSparse(node: usize, at: usize): void {
  store<u32>(at, load<u32>(node, HITS));
  store<u32>(at, load<u32>(load<u32>(node, FAIL), PLACE), 4);
  let count: u32 = 0;
  for (let child = <usize> load<u32>(node, CHILD); child != 0; child = load<u32>(child, SIBLING)) {
    const entry = at + SPARSE_HEADER_BYTES + (<usize> count << 3);
    store<u32>(entry, load<u8>(child, CLASS));
    store<u32>(entry, load<u32>(child, PLACE), 4);
    count++;
  }
  store<u32>(at, count, 8);
}
