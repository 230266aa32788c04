/**
 * Captures that only logs show. To find where a match and its groups lie costs far more than to find that there is one, so
 * there is a budget for those that no rule reads; beyond it, TX.0 is the value that matched.
 */

import { Macro, Rule } from "../seclang/model";
import { VAR_TX } from "../seclang/variables";
import { Operation } from "./operations";

/** Bytes of text times instructions of the expression, for one call. */
const WORK_MAX: i64 = 4_000_000;

/** What the search for a phrase or the like counts, as instructions. */
const SEARCH_WORK: i32 = 16;

let work: i64 = 0;

/** A call begins. */
export function clearCaptureWork(): void {
  work = 0;
}

/** Whether a capture that only logs show is still worth its work. */
export function isCaptureAffordable(operation: Operation, length: i32): bool {
  work += <i64> operation.regex!.programSize * length;
  return work <= WORK_MAX;
}

/** The same for the search for something simple. */
export function isSearchAffordable(length: i32): bool {
  work += <i64> SEARCH_WORK * length;
  return work <= WORK_MAX;
}

/** Finds the links whose captures nothing but logs shows. */
export function findShownCaptures(rules: Rule[], operations: Operation[]): void {
  // A rule that reads what another one captured makes every capture one that is read.
  for (let index = 0; index < rules.length; index++) {
    if (readsGroups(rules[index], operations) && !hasCapture(rules[index])) return;
  }
  for (let index = 0; index < rules.length; index++) {
    if (readsGroups(rules[index], operations)) continue;
    let link: Rule | null = rules[index];
    while (link !== null) {
      link.isCaptureShown = true;
      link = link.next;
    }
  }
}

function hasCapture(rule: Rule): bool {
  let link: Rule | null = rule;
  while (link !== null) {
    if (link.isCapturing) return true;
    link = link.next;
  }
  return false;
}

/** Whether a chain looks at TX.0 to TX.9, or at all of TX, other than for what it says. */
function readsGroups(rule: Rule, operations: Operation[]): bool {
  let link: Rule | null = rule;
  while (link !== null) {
    for (let index = 0; index < link.targets.length; index++) {
      const target = link.targets[index];
      if (target.variable != VAR_TX) continue;
      if (target.slot < 0 ? hasGroupSlot(target.slots) : target.slot < 10) return true;
    }
    for (let index = 0; index < link.setVars.length; index++) {
      if (hasGroup(link.setVars[index].name) || hasGroup(link.setVars[index].value)) return true;
    }
    for (let index = 0; index < link.initCollections.length; index++) {
      if (hasGroup(link.initCollections[index].value)) return true;
    }
    for (let index = 0; index < link.expirations.length; index++) {
      if (hasGroup(link.expirations[index].name) || hasGroup(link.expirations[index].value)) return true;
    }
    const redirect = link.redirect;
    if (redirect !== null && hasGroup(redirect)) return true;
    const argument: Macro | null = link.operation < 0 ? null : operations[link.operation].macro;
    if (argument !== null && hasGroup(argument)) return true;
    link = link.next;
  }
  return false;
}

function hasGroupSlot(slots: StaticArray<i32> | null): bool {
  if (slots === null) return false;
  for (let index = 0; index < slots.length; index++) {
    if (slots[index] < 10) return true;
  }
  return false;
}

function hasGroup(macro: Macro): bool {
  for (let index = 0; index < macro.parts.length; index++) {
    const part = macro.parts[index];
    if (part.variable == VAR_TX && part.slot >= 0 && part.slot < 10) return true;
  }
  return false;
}
