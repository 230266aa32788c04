/** Finds which part of a long value a rule has met, so that logs can show that part and not just the start. */

import { Bytes } from "sentinel";
import { OP_PART, OP_PM, OP_RX, OP_RX_GLOBAL, Rule } from "../seclang/model";
import { expanded } from "./expand";
import { Operation } from "./operations";
import { isCaptureAffordable, isSearchAffordable } from "./shown_captures";
import * as stores from "./stores";

/** Where the part begins that was found last, and its length. */
export let placeFrom: i32 = 0;
export let placeLength: i32 = 0;

let operations: Operation[] = [];
const groups: StaticArray<i32> = new StaticArray<i32>(20);

/** Sets the operators that rules name by number. */
export function usePlaces(made: Operation[]): void {
  operations = made;
}

/** Whether it is known which part of a value, less than all of it, a rule has met; `placeFrom` and `placeLength` say which. */
export function findPlace(rule: Rule, at: usize, length: i32): bool {
  const link = lastLink(rule);
  if (link === null || link.isNegated || link.operation < 0) return false;
  if (link.isCapturing) return isCaptured(at, length);
  const operation = operations[link.operation];
  if (link.op == OP_RX || link.op == OP_RX_GLOBAL) {
    if (!isCaptureAffordable(operation, length)) return false;
    if (!operation.regex!.capture(at, length, groups)) return false;
    return found(groups[0], groups[1] - groups[0], length);
  }
  if (!isSearchAffordable(length)) return false;
  if (link.op == OP_PM) {
    const phrases = operation.phrases;
    if (phrases === null || !phrases.find(at, length)) return false;
    return found(phrases.foundAt, phrases.foundLength, length);
  }
  return link.op == OP_PART && isPart(operation, at, length);
}

/** The link whose value is the one that matched last. */
function lastLink(rule: Rule): Rule | null {
  let last: Rule | null = null;
  let link: Rule | null = rule;
  while (link !== null) {
    if (link.bundle >= 0 && !link.isSilent) last = link;
    link = link.next;
  }
  return last;
}

function isCaptured(at: usize, length: i32): bool {
  const captured = stores.slotValue(0);
  if (load<i32>(captured) != stores.BYTES) return false;
  const start = load<usize>(captured, 4);
  if (start < at || start >= at + length) return false;
  return found(<i32> (start - at), load<i32>(captured, 8), length);
}

/** Operators know only of their last value, which may have been another. */
function isPart(operation: Operation, at: usize, length: i32): bool {
  const operator = operation.operator!;
  if (operator.isRepeated) return false;
  const macro = operation.macro;
  const value = new Bytes(at, length);
  const isMet = macro === null ? operator.test(value) : operator.testWith(value, expanded(macro));
  return isMet && found(operator.matchedFrom, operator.matchedTo - operator.matchedFrom, length);
}

function found(from: i32, length: i32, all: i32): bool {
  placeFrom = from;
  placeLength = length;
  return from >= 0 && length > 0 && length < all && from + length <= all;
}
