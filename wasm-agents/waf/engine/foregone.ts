/**
 * Rules that need not run. Some do nothing whether they match or not, such as those of the Core Rule Set that jump over
 * what a paranoia level leaves out, once that is gone. Others, its setup, come out the same for every request: they run
 * once, when the agent is configured, and every transaction begins with what they set.
 */

import {
  CTL_REMOVE_RULES,
  CTL_REMOVE_TARGET,
  CTL_RULE_ENGINE,
  DO_PASS,
  Rule,
  SetVar,
} from "../seclang/model";
import { RuleSet } from "../seclang/rule_set";
import { KIND_MATCHED, KIND_STORE, TABLE, VAR_TX } from "../seclang/variables";
import { actionsAskForMatches } from "./quick_rules";

/** The order at which rules go on after a match; -1 is the next one. `skip` counts all rules, also those left out. */
export function orderAfterJump(rule: Rule, set: RuleSet): i32 {
  if (rule.skipAfter.length > 0) {
    const order = set.markerOrder(rule.skipAfter);
    return order < 0 ? i32.MAX_VALUE : order;
  }
  let left = rule.skip;
  if (left == 0) return -1;
  for (let index = 0; index < set.rules.length; index++) {
    const other = set.rules[index];
    if (other.phase == rule.phase && other.order > rule.order && left-- == 0) return other.order;
  }
  return i32.MAX_VALUE;
}

/** The rules of a phase without those that do nothing. */
export function withoutIdle(rules: Rule[], set: RuleSet): Rule[] {
  const isAsked = actionsAskForMatches(set.rules);
  const kept = new Array<Rule>();
  let next = i32.MAX_VALUE;
  for (let index = rules.length - 1; index >= 0; index--) {
    const rule = rules[index];
    if (!isAsked && leavesNothing(rule) && orderAfterJump(rule, set) <= next) continue;
    kept.push(rule);
    next = rule.order;
  }
  return kept.reverse();
}

/** Whether nobody can tell afterwards that a rule has matched, but for where it jumps. */
function leavesNothing(rule: Rule): bool {
  if (!isQuiet(rule)) return false;
  let link: Rule | null = rule;
  while (link !== null) {
    if (
      link.setVars.length + link.ctls.length + link.initCollections.length + link.expirations.length > 0 ||
      link.isCapturing
    ) return false;
    link = link.next;
  }
  return true;
}

/** Whether a rule is in no log and ends nothing. */
function isQuiet(rule: Rule): bool {
  return rule.disruption == DO_PASS && rule.severity < 0 && !(rule.isLogged && rule.isAudited);
}

/** Whether anybody can tell that the rules of a phase have run, but for TX variables. */
export function isNoticed(rules: StaticArray<Rule>): bool {
  for (let index = 0; index < rules.length; index++) {
    if (!isQuiet(rules[index])) return true;
    let link: Rule | null = rules[index];
    while (link !== null) {
      if (link.ctls.length + link.initCollections.length + link.expirations.length > 0) return true;
      for (let change = 0; change < link.setVars.length; change++) {
        if (link.setVars[change].store != VAR_TX) return true;
      }
      link = link.next;
    }
  }
  return false;
}

/** Whether a rule comes out the same for every request, so long as no other rule has run before it that does not. */
export function isForegone(rule: Rule): bool {
  if (!isQuiet(rule)) return false;
  let link: Rule | null = rule;
  while (link !== null) {
    const isFixed = link.isUnconditional || link.quickSlot >= 0 && link.isSilent;
    if (!isFixed || link.isCapturing) return false;
    if (link.ctls.length + link.initCollections.length + link.expirations.length > 0) return false;
    for (let index = 0; index < link.setVars.length; index++) {
      if (!isFixedChange(link.setVars[index])) return false;
    }
    link = link.next;
  }
  return true;
}

function isFixedChange(change: SetVar): bool {
  if (change.store != VAR_TX || change.slot < 0) return false;
  return change.isNumber || change.valueSlot >= 0 || change.value.isFixed;
}

/** Whether it makes no difference that foregone rules behind a rule have run before it. */
export function isAside(rule: Rule): bool {
  if (!isQuiet(rule) || rule.skip > 0 || rule.skipAfter.length > 0) return false;
  let link: Rule | null = rule;
  while (link !== null) {
    if (link.setVars.length + link.initCollections.length + link.expirations.length > 0) return false;
    if (link.isCapturing || link.quickSlot >= 0) return false;
    for (let index = 0; index < link.targets.length; index++) {
      const kind = TABLE[link.targets[index].variable].kind;
      if (kind == KIND_STORE || kind == KIND_MATCHED) return false;
    }
    for (let index = 0; index < link.ctls.length; index++) {
      const kind = link.ctls[index].kind;
      if (kind == CTL_RULE_ENGINE || kind == CTL_REMOVE_RULES || kind == CTL_REMOVE_TARGET) return false;
    }
    const operator = link.operator;
    if (operator !== null && operator.argument.indexOfByte(0x25) >= 0) return false;
    link = link.next;
  }
  return true;
}
