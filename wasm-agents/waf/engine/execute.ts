/** Runs the rules of a phase. */

import { Bytes } from "sentinel";
import {
  DO_ALLOW,
  DO_ALLOW_PHASE,
  DO_ALLOW_REQUEST,
  DO_DENY,
  DO_DROP,
  DO_PASS,
  DO_REDIRECT,
  ENGINE_OFF,
  ENGINE_ON,
  OP_EQ,
  OP_LT,
  OP_NO_MATCH,
  OP_PART,
  OP_PM,
  OP_RX,
  OP_RX_GLOBAL,
  OP_UNCONDITIONAL,
  Rule,
} from "../seclang/model";
import { changeEngine, clearAddedScore, setVariables } from "./changes";
import { expanded, expandedNumber } from "./expand";
import { isAside, isForegone } from "./foregone";
import { ENTRY_BYTES, Group, isThere } from "./groups";
import { noteMatched, startRule } from "./matched";
import { noteMatch } from "./matches";
import { Operation } from "./operations";
import { Program } from "./program";
import { isComparisonMet, isQuickMet } from "./quick_rules";
import { chooseRemoved, hasRemovals, isRemoved, isTakenAway, isTouched } from "./removals";
import { setCurrentRule } from "./rule_facts";
import { isCaptureAffordable } from "./shown_captures";
import { Regex } from "../regex/regex";
import * as stores from "./stores";
import {
  actsOf,
  bitsOf,
  hasBit,
  isKnownMatch,
  keepAnswer,
  keepGroups,
  kindsOf,
  knownGroups,
  parentOf,
  textAt,
  textLength,
  textOf,
} from "./texts";
import * as transaction from "./transaction";
import { leadingNumber } from "../seclang/words";
import { isCached } from "./value_cache";

let program: Program = new Program();

/** Whether every match is noted, also of rules that are not to be logged. */
let isTracing: bool = false;

/** The rule that ended the transaction, as an address: 0 for none. */
export let endedBy: usize = 0;

/** The same when the engine only detects: the first rule that would have ended it. */
export let wouldEndBy: usize = 0;

const groups: StaticArray<i32> = new StaticArray<i32>(20);

/** Whether `groups` is what the operator at hand captured. */
let hasGroups: bool = false;

/** Sets the rules that `runPhase` runs. */
export function useProgram(rules: Program, withTrace: bool): void {
  program = rules;
  isTracing = withTrace;
}

/** A transaction begins. */
export function clearVerdict(): void {
  endedBy = 0;
  wouldEndBy = 0;
}

/** Takes over what was decided in calls before this one. */
export function restoreVerdict(ended: usize, would: usize): void {
  endedBy = ended;
  wouldEndBy = would;
}

/** Runs a phase, unless the transaction is over or the engine is off. */
export function runPhase(phase: i32): void {
  if (transaction.engine == ENGINE_OFF || Regex.isExhausted) return;
  if (endedBy != 0 && phase != 5) return;
  if (
    transaction.allowed == 1 && phase <= 2 ||
    transaction.allowed == 2 && phase <= 4
  ) return;
  const own = phase == 1 && !hasRemovals() ? program.begun : unchecked(program.phases[phase]);
  own.gather();
  const rules = own.rules;
  const needs = own.needs;
  const bits = own.bits;
  const count = rules.length;
  let index = 0;
  while (index < count) {
    const at = index++;
    const need = unchecked(needs[at]);
    if (need >= 0 && !(hasBit(bits, need) && own.isThere(at))) continue;
    const rule = unchecked(rules[at]);
    if (hasRemovals() && isRemoved(rule.index)) continue;
    const isMet = isChainMet(rule);
    // Whether it matched is not known, so nothing may follow from it.
    if (Regex.isExhausted) return;
    if (!isMet) continue;
    index = at + rule.jump;
    if (!finish(rule, phase)) return;
    // A rule may have changed what is known of the message.
    own.gather();
  }
}

/**
 * At configuration: runs the rules of phase 1 that come out the same for every request, and has every transaction begin
 * with what they set.
 */
export function settleForegone(): void {
  const rules = program.phases[1].rules;
  const left = new Array<Rule>();
  let index = 0;
  while (index < rules.length && !isTracing) {
    const rule = rules[index];
    if (isForegone(rule)) index += isChainMet(rule) ? rule.jump : 1;
    else if (isAside(rule)) {
      left.push(rule);
      index++;
    } else break;
  }
  for (; index < rules.length; index++) left.push(rules[index]);
  program.begun = program.phaseOf(left);
  stores.keepBeginning();
}

/** Whether all links of a rule match; their changes of variables are made as they match. */
function isChainMet(rule: Rule): bool {
  if (rule.quickSlot >= 0) {
    if (!isQuickMet(rule, unchecked(program.operations[rule.operation]))) return false;
  } else if (!couldMatch(rule)) return false;
  startRule();
  clearAddedScore();
  setCurrentRule(rule);
  let link: Rule | null = rule;
  while (link !== null) {
    if (!isLinkMet(link)) return false;
    link = link.next;
  }
  return true;
}

/** A quick no for rules without values; of those with literals their phase has said that these are there. */
function couldMatch(rule: Rule): bool {
  if (rule.bundle < 0 || rule.bit >= 0) return true;
  const group = unchecked(program.groups[rule.bundle]);
  return group.isDynamic || isThere(group.sources, -1);
}

function isLinkMet(link: Rule): bool {
  if (link.bundle < 0) {
    setVariables(link);
    return true;
  }
  const touched = isTouched(link.index);
  if (link.isSilent && !touched) {
    if (!isQuickMet(link, unchecked(program.operations[link.operation]))) return false;
    setVariables(link);
    return true;
  }
  const group = unchecked(program.groups[link.bundle]);
  const bit = link.bit;
  const side = group.side;
  const sources = group.sources;
  // What stands between the steps of `multiMatch` has bits of its own.
  const entryBit = link.isMultiMatch ? -1 : bit;
  let isMet = false;
  for (let index = 0; index < sources.length; index++) {
    const source = unchecked(sources[index]);
    source.gather();
    if (source.count == 0) continue;
    if (bit >= 0 && !source.isDynamic) {
      if (!hasBit(group.isSeenPlain(source) ? source.bits : source.reach, bit)) continue;
    }
    const end = source.entries + ENTRY_BYTES * source.count;
    const isPartial = touched && !source.target.isCount && chooseRemoved(link.index, source.target.variable);
    for (let entry = source.entries; entry < end; entry += ENTRY_BYTES) {
      if (entryBit >= 0 && !hasBit(bitsOf(textOf(load<usize>(entry), group.node), side), entryBit)) continue;
      if (isPartial && isTakenAway(load<usize>(entry, 4))) continue;
      if (!isEntryMet(link, group, entry)) continue;
      isMet = true;
      if (!link.isMultiMatch) setVariables(link);
    }
  }
  return isMet;
}

function isEntryMet(link: Rule, group: Group, entry: usize): bool {
  if (link.isMultiMatch) return isAnyStepMet(link, group, entry);
  const text = textOf(load<usize>(entry), group.node);
  if (!isTextMet(link, text, group.side)) return false;
  noteMatched(text, load<usize>(entry, 4), load<i32>(entry, 8));
  return true;
}

/** `multiMatch`: the operator sees the value after every transformation that changes it, and each match sets variables. */
function isAnyStepMet(link: Rule, group: Group, entry: usize): bool {
  const pair = load<usize>(entry, 4);
  const value = load<usize>(entry);
  if ((kindsOf(value) & actsOf(link.node)) == 0) {
    if (!isTextMet(link, value, group.side)) return false;
    noteMatched(value, pair, load<i32>(entry, 8));
    setVariables(link);
    return true;
  }
  let depth = 0;
  for (let node = link.node; node != 0; node = parentOf(node)) depth++;
  let before: usize = 0;
  let isMet = false;
  for (let step = depth; step >= 0; step--) {
    let node = link.node;
    for (let up = 0; up < step; up++) node = parentOf(node);
    const text = textOf(value, node);
    if (text == before) continue;
    before = text;
    if (!isTextMet(link, text, group.side)) continue;
    noteMatched(text, pair, load<i32>(entry, 8));
    setVariables(link);
    isMet = true;
  }
  return isMet;
}

function isTextMet(link: Rule, text: usize, side: i32): bool {
  return isOperatorMet(link, text, side) != link.isNegated;
}

function isOperatorMet(link: Rule, text: usize, side: i32): bool {
  const op = link.op;
  if (op == OP_UNCONDITIONAL) return true;
  if (op == OP_NO_MATCH) return false;
  const operation = unchecked(program.operations[link.operation]);
  if (op >= OP_EQ && op <= OP_LT) return isNumberMet(op, operation, text);
  const bit = operation.bit;
  if (bit < 0) return isSearchMet(link, operation, text);
  const bits = bitsOf(text, side);
  if (!hasBit(bits, bit)) return false;
  if (!isCached(bits)) return isSearchMet(link, operation, text);
  const captures = link.isCapturing && !link.isNegated;
  if (isKnownMatch(bits, side, bit)) {
    if (!captures) return true;
    if (knownGroups(text, link.operation, groups)) {
      captureGroups(textAt(text));
      return true;
    }
  }
  hasGroups = false;
  const isMet = isSearchMet(link, operation, text);
  // An answer that the bound on steps cut short is none.
  if (Regex.isExhausted) return false;
  keepAnswer(bits, side, bit, isMet);
  if (hasGroups) keepGroups(text, link.operation, groups);
  return isMet;
}

function isSearchMet(link: Rule, operation: Operation, text: usize): bool {
  const op = link.op;
  const at = textAt(text);
  const length = textLength(text);
  if (op == OP_PM) {
    if (link.isCapturing && !link.isNegated) {
      capturePhrase(operation, at, length);
    }
    return true;
  }
  if (op == OP_RX || op == OP_RX_GLOBAL) {
    const regex = operation.regex!;
    if (!link.isCapturing || link.isNegated) return regex.test(at, length);
    if (link.isCaptureShown && !isCaptureAffordable(operation, length)) {
      if (!regex.test(at, length)) return false;
      stores.setBytes(stores.slotValue(0), at, length);
      return true;
    }
    if (!regex.capture(at, length, groups)) return false;
    hasGroups = true;
    captureGroups(at);
    return true;
  }
  return op == OP_PART && isPartMet(link, operation, at, length);
}

function isNumberMet(op: u8, operation: Operation, text: usize): bool {
  const value = leadingNumber(textAt(text), textLength(text));
  const macro = operation.macro;
  const argument = macro === null ? operation.number : expandedNumber(macro);
  return isComparisonMet(op, value, argument);
}

function isPartMet(
  link: Rule,
  operation: Operation,
  at: usize,
  length: i32,
): bool {
  const operator = operation.operator!;
  const macro = operation.macro;
  const value = new Bytes(at, length);
  const isMet = macro === null ? operator.test(value) : operator.testWith(value, expanded(macro));
  if (isMet && link.isCapturing && !link.isNegated) {
    const captured = operator.captured;
    if (captured !== null) {
      for (let index = 0; index < min(captured.length, 10); index++) {
        stores.setBytes(
          stores.slotValue(index),
          captured[index].at,
          captured[index].length,
        );
      }
    } else if (operator.matchedTo > operator.matchedFrom) {
      stores.setBytes(
        stores.slotValue(0),
        at + operator.matchedFrom,
        operator.matchedTo - operator.matchedFrom,
      );
    } else stores.setBytes(stores.slotValue(0), at, length);
  }
  return isMet;
}

function captureGroups(at: usize): void {
  for (let index = 0; index < 10; index++) {
    const from = unchecked(groups[2 * index]);
    const value = stores.slotValue(index);
    if (from < 0) store<i32>(value, stores.UNSET);
    else {stores.setBytes(
        value,
        at + from,
        unchecked(groups[2 * index + 1]) - from,
      );}
  }
}

/** TX.0 becomes the phrase that was found. */
function capturePhrase(operation: Operation, at: usize, length: i32): void {
  const phrases = operation.phrases;
  if (phrases === null || !phrases.find(at, length)) return;
  stores.setBytes(stores.slotValue(0), at + phrases.foundAt, phrases.foundLength);
}

/** What follows when all of a rule has matched; false when the phase is over. */
function finish(rule: Rule, phase: i32): bool {
  let link: Rule | null = rule;
  while (link !== null) {
    changeEngine(link);
    link = link.next;
  }
  const severity = rule.severity;
  if (severity >= 0 && severity < transaction.highestSeverity) {
    transaction.setHighestSeverity(severity);
  }
  if (rule.isLogged && rule.isAudited || isTracing) noteMatch(rule, phase);
  return rule.disruption == DO_PASS || !disrupt(rule);
}

/** Whether the phase is over. */
function disrupt(rule: Rule): bool {
  const what = rule.disruption;
  if (what == DO_ALLOW) transaction.setAllowed(2);
  else if (what == DO_ALLOW_REQUEST) transaction.setAllowed(1);
  if (what == DO_ALLOW || what == DO_ALLOW_PHASE || what == DO_ALLOW_REQUEST) {
    return true;
  }
  if (what != DO_DENY && what != DO_DROP && what != DO_REDIRECT) return false;
  if (transaction.engine != ENGINE_ON) {
    if (wouldEndBy == 0) wouldEndBy = changetype<usize>(rule);
    return false;
  }
  endedBy = changetype<usize>(rule);
  return true;
}
