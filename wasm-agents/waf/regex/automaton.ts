/**
 * Says whether an expression matches somewhere. States of a deterministic automaton are made when a text first
 * leads to them, and kept in one bounded memory for all expressions; when that is full, all are forgotten. A text
 * that keeps leading to new states is followed without keeping them, at the same order of cost.
 */

import { BUCKETS, Cache, forgetAll, take } from "./cache";
import { Program } from "./program";
import {
  addOne,
  decideSet,
  END_OF_TEXT,
  LAST_BREAK,
  newSet,
  noteEarlierMatch,
  Place,
  placeAfter,
  placeBefore,
  reachAnchors,
  stepBase,
  stepSet,
  Work,
} from "./states";

/** In place of a row's address: not known yet, the text matches, it never will. */
export const UNKNOWN: u32 = 0;
export const MATCHED: u32 = 1;
export const DEAD: u32 = 2;

/** Nothing comes of the text until a line break. */
const IDLE: u32 = 3;

/** Before a row: owner (4), next in the bucket (4), count (2), flags (2), nothing (4). After it: the instructions. */
const HEADER_BYTES: usize = 16;

/** Before what a byte makes of the base: count (4), flags (4). */
const LIST_HEADER_BYTES: usize = 8;

/** In the flags of a list: the match was reached, behind the byte or before it. */
const HAS_MATCH: u32 = 1 << 16;
const HAD_MATCH: u32 = 1 << 17;

/** In the address of a row, of a program that does not stop: the match was reached, before the byte or behind it. */
const MATCH_BEFORE: u32 = 1;
const MATCH_BEHIND: u32 = 2;
const MATCHES: u32 = 3;

/** In place of a row behind the end of a text. */
const ENDED: u32 = 4;

/** What follows a state with more instructions than this is not kept, for it would fill the memory. */
const INSTRUCTIONS_KEPT_MAX: u16 = 1024;

/** From a state with more instructions than this, a match's begin is not looked for without keeping states. */
const ALIVE_MAX: i32 = 96;

/** A call may make this many states, and one more for each so many bytes, before it goes on without keeping them. */
const FRESH_STATES: i32 = 64;
const BYTES_PER_STATE_SHIFT: i32 = 4;

/** The automaton of one program. */
export class Automaton {
  readonly program: Program;
  /** Whether a match is all that it looks for. */
  private readonly stops: bool;
  /** The number that its states carry. */
  private readonly owner: u32;
  private readonly classes: usize;
  /** Bytes of a row: one address for each class and one for the end of the text. */
  private readonly rowBytes: usize;
  private readonly endOffset: usize;
  /** Whether an empty set can still come to something. */
  private readonly canRevive: bool;
  private generation: u32 = 0;
  private startRow: u32 = UNKNOWN;
  /** The row of IDLE. */
  private idleRow: u32 = UNKNOWN;
  /** For each place before and each class, the list of what the base becomes. */
  private baseSteps: usize = 0;

  constructor(program: Program, stops: bool) {
    this.program = program;
    this.stops = stops;
    this.owner = ++Cache.owners;
    this.classes = program.classes;
    this.endOffset = <usize> program.classCount << 2;
    this.rowBytes = this.endOffset + 4;
    this.canRevive = !stops || program.baseCount > 0 || (program.hasLines && program.anchorCount > 0);
  }

  /** Whether the program matches somewhere in the bytes. */
  test(at: usize, length: i32): bool {
    let row = this.generation == Cache.generation ? this.startRow : UNKNOWN;
    if (row == UNKNOWN) {
      // Such a program never has states.
      if (this.program.hasLastBreak) return this.simulateAll(at, length);
      row = this.begin();
    }
    if (row <= DEAD) return row == MATCHED;
    const classes = this.classes;
    const end = at + length;
    const from = at;
    let made = 0;
    let next = row;
    while (true) {
      // All that is done for most bytes; fuel is paid for what is between the braces, whether it is done or not.
      while (at < end) {
        next = load<u32>(<usize> row + (<usize> load<u8>(classes + <usize> load<u8>(at)) << 2));
        at++;
        if (next <= IDLE) break;
        row = next;
      }
      if (next > IDLE) break;
      if (next == UNKNOWN) {
        if (Work.steps > Work.stepsMax) return false;
        const isTooLarge = load<u16>(<usize> row - 8) > INSTRUCTIONS_KEPT_MAX;
        if (isTooLarge || ++made > FRESH_STATES + (<i32> (at - from) >> BYTES_PER_STATE_SHIFT)) {
          return this.simulate(row, at - 1, end);
        }
        next = this.follow(row, <i32> load<u8>(at - 1));
      }
      if (next == MATCHED) return true;
      if (next == DEAD) return false;
      if (next == IDLE) {
        at = lineBreakAfter(at, end);
        next = this.idleRow;
      }
      row = next;
    }
    const last = load<u32>(<usize> row + this.endOffset);
    return (last == UNKNOWN ? this.follow(row, END_OF_TEXT) : last) == MATCHED;
  }

  /**
   * The first place at which a match begins, for a program that reads from the end; -1: there is none, or to find
   * it takes longer than to try all places.
   */
  firstPlace(at: usize, length: i32): i32 {
    let row = this.generation == Cache.generation ? this.startRow : UNKNOWN;
    if (row == UNKNOWN) row = this.begin();
    let best = (row & MATCH_BEHIND) != 0 ? length : -1;
    row &= ~MATCHES;
    const classes = this.classes;
    let place = length;
    let made = 0;
    let next = row;
    while (true) {
      while (place > 0) {
        const byte = <usize> load<u8>(at + <usize> place - 1);
        next = load<u32>(<usize> row + (<usize> load<u8>(classes + byte) << 2));
        if (next == UNKNOWN || (next & MATCHES) != 0) break;
        row = next;
        place--;
      }
      if (place == 0) break;
      if (next == UNKNOWN) {
        if (Work.steps > Work.stepsMax) return -1;
        if (++made > FRESH_STATES + ((length - place) >> BYTES_PER_STATE_SHIFT)) {
          return this.simulatePlaces(row, at, place, best);
        }
        if (<i32> load<u16>(<usize> row - 8) > 4 * ALIVE_MAX) return -1;
        next = this.follow(row, <i32> load<u8>(at + <usize> place - 1));
      }
      if ((next & MATCHES) != 0) best = (next & MATCH_BEHIND) != 0 ? place - 1 : place;
      row = next & ~MATCHES;
      place--;
    }
    let last = load<u32>(<usize> row + this.endOffset);
    if (last == UNKNOWN) last = this.follow(row, END_OF_TEXT);
    return (last & MATCH_BEFORE) != 0 ? 0 : best;
  }

  /** The row at the start of a text. */
  private begin(): u32 {
    Work.stopsAtMatch = this.stops;
    if (this.generation != Cache.generation) this.forget();
    this.beginSet();
    let row = this.stateOf(Place.AT_START);
    if (row == UNKNOWN) {
      forgetAll();
      this.forget();
      row = this.addState(this.flagsOf(Place.AT_START));
    }
    if (row == IDLE) row = this.idleRow;
    if (!this.stops && Work.hasMatch) row |= MATCH_BEHIND;
    this.startRow = row;
    return row;
  }

  private forget(): void {
    this.generation = Cache.generation;
    this.startRow = UNKNOWN;
    this.idleRow = UNKNOWN;
    this.baseSteps = 0;
  }

  private beginSet(): void {
    Work.hasMatch = this.program.matchesAlways;
    Work.isPending = false;
    newSet();
    if (!Work.hasMatch) reachAnchors(this.program, Place.AT_START);
  }

  /** Makes the set that follows a set at a byte or the end of the text. */
  private advance(ids: usize, count: i32, flags: u32, byte: i32): void {
    Work.steps += count + 1;
    Work.hasMatch = false;
    Work.hadMatch = false;
    if ((flags & Place.PENDING) != 0) {
      count = decideSet(this.program, ids, count, placeBefore(flags, byte));
      noteEarlierMatch();
      if (Work.hasMatch) return;
      ids = Work.decidedSet;
    }
    Work.isPending = false;
    this.baseStep(flags & Place.BEFORE, byte);
    if (byte == END_OF_TEXT || (Work.hasMatch && this.stops)) return;
    stepSet(this.program, ids, count, byte);
  }

  /** Begins a set with what becomes of the base, which is remembered. */
  private baseStep(before: u32, byte: i32): void {
    const program = this.program;
    if (byte == LAST_BREAK) return stepBase(program, before, byte);
    const place = byte == END_OF_TEXT ? this.endOffset : <usize> load<u8>(this.classes + byte) << 2;
    const lists = this.baseLists();
    const slot = lists +
      (program.isBasePending ? <usize> before * this.rowBytes : 0) + place;
    if (lists != 0 && load<u32>(slot) != 0) {
      return this.addList(load<u32>(slot));
    }
    const hadMatch = Work.hadMatch;
    Work.hadMatch = false;
    stepBase(program, before, byte);
    const isEarlier = Work.hadMatch;
    Work.hadMatch = hadMatch || isEarlier;
    if (lists == 0) return;
    const size = <usize> Work.count << 1;
    const list = take(LIST_HEADER_BYTES + size);
    if (list == 0) return;
    store<u32>(list, Work.count);
    store<u32>(
      list,
      (Work.hasMatch ? HAS_MATCH : 0) | (isEarlier ? HAD_MATCH : 0) | (Work.isPending ? Place.PENDING : 0),
      4,
    );
    memory.copy(list + LIST_HEADER_BYTES, Work.list, size);
    store<u32>(slot, <u32> list);
  }

  private addList(list: usize): void {
    newSet();
    const count = load<i32>(list);
    const flags = load<u32>(list, 4);
    if ((flags & HAS_MATCH) != 0) Work.hasMatch = true;
    if ((flags & HAD_MATCH) != 0) Work.hadMatch = true;
    if ((flags & Place.PENDING) != 0) Work.isPending = true;
    for (let index = 0; index < count; index++) {
      addOne(load<u16>(list + LIST_HEADER_BYTES + (<usize> index << 1)));
    }
  }

  /** The table of lists of this generation; 0 when there is no memory. */
  private baseLists(): usize {
    if (this.generation != Cache.generation) this.forget();
    if (this.baseSteps != 0) return this.baseSteps;
    const size = this.program.isBasePending ? (<usize> Place.BEFORE + 1) * this.rowBytes : this.rowBytes;
    const at = take(size);
    if (at != 0) memory.fill(at, 0, size);
    return this.baseSteps = at;
  }

  /** The row that follows a row at a byte or the end of the text; puts it into the row. */
  private follow(row: u32, byte: i32): u32 {
    Work.stopsAtMatch = this.stops;
    const ids = <usize> row + this.rowBytes;
    this.advance(ids, load<u16>(<usize> row - 8), load<u16>(<usize> row - 6), byte);
    if (byte == END_OF_TEXT) {
      let last = Work.hasMatch ? MATCHED : DEAD;
      if (!this.stops) last = Work.hadMatch ? ENDED | MATCH_BEFORE : ENDED;
      store<u32>(<usize> row + this.endOffset, last);
      return last;
    }
    const place = placeAfter(this.program, byte);
    let next = this.stateOf(place);
    const isKept = next != UNKNOWN;
    if (!isKept) {
      forgetAll();
      this.forget();
      next = this.addState(this.flagsOf(place));
    }
    if (!this.stops) next |= (Work.hadMatch ? MATCH_BEFORE : 0) | (Work.hasMatch ? MATCH_BEHIND : 0);
    if (isKept) store<u32>(<usize> row + (<usize> load<u8>(this.classes + byte) << 2), next);
    return next;
  }

  /** What has to be known of a state with the current set besides the set. */
  private flagsOf(place: u32): u32 {
    if (Work.isPending) return place | Place.PENDING;
    return this.program.isBasePending ? place : 0;
  }

  /** The row of the current set; UNKNOWN when there is no memory for a new one. */
  private stateOf(place: u32): u32 {
    if (Work.hasMatch && this.stops) return MATCHED;
    if (Work.count == 0 && !this.canRevive) return DEAD;
    const flags = this.flagsOf(place);
    const isIdle = this.stops && Work.count == 0 && this.program.baseCount == 0;
    if (isIdle && this.idleRow != UNKNOWN) return IDLE;
    let row = load<u32>(this.bucketOf(flags));
    while (row != 0) {
      if (this.isSame(row, flags)) return row;
      row = load<u32>(<usize> row - 12);
    }
    row = this.addState(flags);
    if (!isIdle || row == UNKNOWN) return row;
    this.idleRow = row;
    return IDLE;
  }

  private isSame(row: usize, flags: u32): bool {
    if (load<u32>(row - 16) != this.owner || load<u16>(row - 6) != flags) {
      return false;
    }
    const count = <usize> load<u16>(row - 8);
    if (count != Work.count) return false;
    const ids = row + this.rowBytes;
    const end = ids + (count << 1);
    for (let at = ids; at < end; at += 2) {
      if (load<u32>(Work.stamps + (<usize> load<u16>(at) << 2)) != Work.stamp) {
        return false;
      }
    }
    return true;
  }

  /** The order of a set means nothing, nor does it here. */
  private bucketOf(flags: u32): usize {
    let sum: u32 = this.owner * 0x9e3779b1 + flags * 0x85ebca6b;
    const end = Work.list + (<usize> Work.count << 1);
    for (let at = Work.list; at < end; at += 2) {
      const mixed = (<u32> load<u16>(at) + 1) * 0x9e3779b1;
      sum += mixed ^ (mixed >>> 15);
    }
    sum ^= sum >>> 16;
    return Cache.buckets + (<usize> (sum & (BUCKETS - 1)) << 2);
  }

  /** Makes a state of the current set; UNKNOWN when there is no memory. */
  private addState(flags: u32): u32 {
    const size = <usize> Work.count << 1;
    const at = take(HEADER_BYTES + this.rowBytes + size);
    if (at == 0) return UNKNOWN;
    const row = at + HEADER_BYTES;
    const bucket = this.bucketOf(flags);
    store<u32>(row - 16, this.owner);
    store<u32>(row - 12, load<u32>(bucket));
    store<u16>(row - 8, <u16> Work.count);
    store<u16>(row - 6, <u16> flags);
    memory.fill(row, 0, this.rowBytes);
    memory.copy(row + this.rowBytes, Work.list, size);
    store<u32>(bucket, <u32> row);
    return <u32> row;
  }

  /** The same as `firstPlace`, without keeping states. */
  firstPlaceSlowly(at: usize, length: i32): i32 {
    let row = this.generation == Cache.generation ? this.startRow : UNKNOWN;
    if (row == UNKNOWN) row = this.begin();
    return this.simulatePlaces(row & ~MATCHES, at, length, (row & MATCH_BEHIND) != 0 ? length : -1);
  }

  /** From a row and a place on backwards, without keeping states. */
  private simulatePlaces(row: u32, at: usize, place: i32, best: i32): i32 {
    Work.stopsAtMatch = false;
    let count = <i32> load<u16>(<usize> row - 8);
    let flags = <u32> load<u16>(<usize> row - 6);
    memory.copy(Work.from, <usize> row + this.rowBytes, <usize> count << 1);
    for (; place > 0; place--) {
      if (count > ALIVE_MAX || Work.steps > Work.stepsMax) return -1;
      const byte = <i32> load<u8>(at + <usize> place - 1);
      this.advance(Work.from, count, flags, byte);
      if (Work.hasMatch) best = place - 1;
      else if (Work.hadMatch) best = place;
      count = Work.count;
      flags = this.flagsOf(placeAfter(this.program, byte));
      const made = Work.list;
      Work.list = Work.from;
      Work.from = made;
    }
    this.advance(Work.from, count, flags, END_OF_TEXT);
    return Work.hadMatch ? 0 : best;
  }

  /** From a row and a place on, without keeping states. */
  private simulate(row: u32, at: usize, end: usize): bool {
    Work.stopsAtMatch = true;
    const count = <i32> load<u16>(<usize> row - 8);
    memory.copy(Work.from, <usize> row + this.rowBytes, <usize> count << 1);
    return this.run(count, load<u16>(<usize> row - 6), at, end);
  }

  /** The whole text without keeping states. */
  simulateAll(at: usize, length: i32): bool {
    Work.stopsAtMatch = true;
    this.beginSet();
    if (Work.hasMatch) return true;
    const count = Work.count;
    const flags = this.flagsOf(Place.AT_START);
    memory.copy(Work.from, Work.list, <usize> count << 1);
    return this.run(count, flags, at, at + length);
  }

  /** Follows the set in `Work.from`. */
  private run(count: i32, flags: u32, at: usize, end: usize): bool {
    const hasLastBreak = this.program.hasLastBreak;
    for (; at < end; at++) {
      if (Work.steps > Work.stepsMax) return false;
      const byte = <i32> load<u8>(at);
      const isLast = hasLastBreak && byte == 10 && at + 1 == end;
      this.advance(Work.from, count, flags, isLast ? LAST_BREAK : byte);
      if (Work.hasMatch) return true;
      count = Work.count;
      if (count == 0 && !this.canRevive) return false;
      flags = this.flagsOf(placeAfter(this.program, byte));
      const made = Work.list;
      Work.list = Work.from;
      Work.from = made;
    }
    this.advance(Work.from, count, flags, END_OF_TEXT);
    return Work.hasMatch;
  }
}

/** The first line break from `at` on, or the end. */
function lineBreakAfter(at: usize, end: usize): usize {
  // Eight bytes at a time: a byte that is 0 after the exclusive or is found by the borrow it causes.
  for (; at + 8 <= end; at += 8) {
    const eight = load<u64>(at) ^ 0x0a0a0a0a0a0a0a0a;
    const found = (eight - 0x0101010101010101) & ~eight & 0x8080808080808080;
    if (found != 0) return at + <usize> (ctz(found) >> 3);
  }
  while (at < end && load<u8>(at) != 10) at++;
  return at;
}
