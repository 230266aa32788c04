/**
 * Links that compare one TX variable with a number or another TX variable, as rule sets that count points have them by the
 * dozen: they are answered without gathering anything.
 */

import { Macro, OP_EQ, OP_GE, OP_GT, OP_LE, OP_LT, Rule, SetVar } from "../seclang/model";
import { KIND_MATCHED, TABLE, VAR_MATCHED_VAR, VAR_MATCHED_VAR_NAME, VAR_TX } from "../seclang/variables";
import { Operation } from "./operations";
import * as stores from "./stores";

/** Finds out which links are of this kind, and which need not remember what they matched. */
export function findQuickRules(rules: Rule[], operations: Operation[]): void {
  const isAsked = actionsAskForMatches(rules);
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    const isShown = isAsked || rule.isLogged || asksForMatches(rule);
    let link: Rule | null = rule;
    while (link !== null) {
      if (isQuick(link, operations)) {
        link.quickSlot = link.targets[0].slot;
        link.isQuickCount = link.targets[0].isCount;
        link.isSilent = !isShown;
      }
      link = link.next;
    }
  }
}

function isQuick(link: Rule, operations: Operation[]): bool {
  if (link.op < OP_EQ || link.op > OP_LT || link.node != 0 || link.targets.length != 1 || link.isMultiMatch) {
    return false;
  }
  const target = link.targets[0];
  if (target.variable != VAR_TX || target.slot < 0 || target.isExcluded) return false;
  const macro = operations[link.operation].macro;
  if (macro === null) return true;
  return macro.parts.length == 1 && macro.parts[0].slot >= 0;
}

/** Whether actions that look at nothing themselves ask what was matched before them. */
export function actionsAskForMatches(rules: Rule[]): bool {
  for (let index = 0; index < rules.length; index++) {
    if (rules[index].targets.length == 0 && asksForMatches(rules[index])) return true;
  }
  return false;
}

/** Whether a chain asks what it has matched. */
function asksForMatches(rule: Rule): bool {
  let link: Rule | null = rule;
  while (link !== null) {
    for (let index = 0; index < link.targets.length; index++) {
      if (isMatchedVariable(link.targets[index].variable)) return true;
    }
    for (let index = 0; index < link.setVars.length; index++) {
      const change: SetVar = link.setVars[index];
      if (hasMatched(change.name) || hasMatched(change.value)) return true;
    }
    for (let index = 0; index < link.initCollections.length; index++) {
      if (hasMatched(link.initCollections[index].value)) return true;
    }
    const redirect = link.redirect;
    if (redirect !== null && hasMatched(redirect)) return true;
    link = link.next;
  }
  return false;
}

function hasMatched(macro: Macro): bool {
  for (let index = 0; index < macro.parts.length; index++) {
    const variable = macro.parts[index].variable;
    if (variable >= 0 && isMatchedVariable(variable)) return true;
  }
  return false;
}

function isMatchedVariable(variable: i32): bool {
  return variable == VAR_MATCHED_VAR || variable == VAR_MATCHED_VAR_NAME ||
    TABLE[variable].kind == KIND_MATCHED;
}

/** Whether such a link matches. */
export function isQuickMet(link: Rule, operation: Operation): bool {
  const value = stores.slotValue(link.quickSlot);
  const isSet = load<i32>(value) != stores.UNSET;
  if (!isSet && !link.isQuickCount) return false;
  const number = link.isQuickCount ? <i32> isSet : stores.numberOf(value);
  const macro = operation.macro;
  const argument = macro === null
    ? operation.number
    : stores.numberOf(stores.slotValue(unchecked(macro.parts[0]).slot));
  return isComparisonMet(link.op, number, argument) != link.isNegated;
}

/** How two numbers compare. */
export function isComparisonMet(op: u8, value: i32, argument: i32): bool {
  if (op == OP_EQ) return value == argument;
  if (op == OP_GE) return value >= argument;
  if (op == OP_GT) return value > argument;
  return op == OP_LE ? value <= argument : value < argument;
}
