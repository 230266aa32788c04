/**
 * Finds rules that can never run, such as those above the paranoia level of the Core Rule Set: they are jumped over by
 * rules that compare a TX variable whose value is the same for every request. The rules are gone through in the order in
 * which they run, with what is known about each TX variable; whatever depends on a request is not known, and what may be
 * jumped over or taken away for a request changes what is known to "perhaps". Phase 5 also runs after a request was
 * refused half way, so nothing is concluded there.
 */

import { Bytes } from "sentinel";
import {
  CTL_REMOVE_RULES,
  CTL_RESPONSE_BODY_ACCESS,
  DO_ALLOW,
  DO_ALLOW_PHASE,
  DO_ALLOW_REQUEST,
  Macro,
  OperatorText,
  Rule,
  SET_ADD,
  SET_REMOVE,
  SET_SUBTRACT,
  SetVar,
  Target,
} from "../seclang/model";
import { RuleSet } from "../seclang/rule_set";
import { RuleChoice } from "../seclang/updates";
import { VAR_RESPONSE_BODY, VAR_TX } from "../seclang/variables";
import { actionsAskForMatches } from "./quick_rules";
import { isWord, leadingNumber } from "../seclang/words";

const UNKNOWN: u8 = 0;
const ABSENT: u8 = 1;
const KNOWN: u8 = 2;

const NEVER: u8 = 0;
const PERHAPS: u8 = 1;
const ALWAYS: u8 = 2;

/** Conditions under which something may be otherwise, at most; beyond, nothing is concluded. */
const REMOVERS_MAX: i32 = 30;

/** What is known of one TX variable. */
class Fact {
  state: u8 = ABSENT;
  number: i32 = 0;
  /** Removals that would make this wrong, as bits. */
  unless: u32 = 0;
}

/** For each rule of the set whether it can never run. */
export function neverRunning(set: RuleSet): bool[] {
  return new Pruning(set, set.settings.readsResponseBody || switchesResponseBody(set.rules)).run();
}

/** For each rule of the set whether it can never match as a whole for a response whose body is not looked at. */
export function neverMatchingWithoutBody(set: RuleSet): bool[] {
  const pruning = new Pruning(set, false);
  pruning.run();
  return pruning.isNeverMet;
}

class Pruning {
  private readonly facts: Fact[] = [];
  private readonly removers: RuleChoice[] = [];
  private readonly isLeftOut: bool[] = [];
  /** The same, and rules that only begin to match: then earlier links of their chains may have set variables. */
  readonly isNeverMet: bool[] = [];
  /** Everything from here on may not happen. */
  private isDoubtful: bool = false;
  /** Whether somebody may ask what an earlier rule has matched. */
  private readonly isMatchAsked: bool;
  /** Set by `outcomeOf`: removals that would make the outcome wrong. */
  private unless: u32 = 0;

  /** `hasResponseBody`: bodies of responses can be read. */
  constructor(private readonly set: RuleSet, private readonly hasResponseBody: bool) {
    this.isMatchAsked = actionsAskForMatches(set.rules);
    for (let slot = 0; slot < set.txNames.names.length; slot++) {
      this.facts.push(new Fact());
    }
    // `capture` fills these at any time.
    for (let slot = 0; slot < 10; slot++) this.facts[slot].state = UNKNOWN;
    for (let index = 0; index < set.presetSlots.length; index++) {
      const fact = this.facts[set.presetSlots[index]];
      fact.state = KNOWN;
      fact.number = set.presetNumbers[index];
    }
    for (let index = 0; index < set.rules.length; index++) {
      this.isLeftOut.push(false);
      this.isNeverMet.push(false);
    }
    for (let index = 0; index < set.scopedRemovals.length; index++) {
      this.addRemover(set.scopedRemovals[index]);
    }
  }

  run(): bool[] {
    for (let phase = 1; phase <= 4; phase++) this.phase(phase);
    return this.isLeftOut;
  }

  private addRemover(choice: RuleChoice): void {
    if (this.removers.length < REMOVERS_MAX) this.removers.push(choice);
    else this.isDoubtful = true;
  }

  private phase(phase: i32): void {
    const rules = this.set.rules;
    let jumpedTo = -1;
    let jumpUnless: u32 = 0;
    let perhapsJumpedTo = -1;
    for (let index = 0; index < rules.length; index++) {
      const rule = rules[index];
      if (rule.phase != phase) continue;
      const isJumpedOver = rule.order < jumpedTo;
      if (isJumpedOver && this.coversAll(jumpUnless, rule)) {
        this.isLeftOut[index] = true;
        this.isNeverMet[index] = true;
        continue;
      }
      const outcome = this.outcomeOf(rule);
      const unless = this.unless | this.removersOf(rule);
      if (outcome == NEVER && this.coversAll(this.unless, rule)) {
        this.isNeverMet[index] = true;
        this.isLeftOut[index] = this.endsUnseen(rule);
      }
      const isSure = outcome == ALWAYS && !isJumpedOver &&
        rule.order >= perhapsJumpedTo && !this.isDoubtful;
      this.effects(rule, outcome, isSure ? unless : 0xffffffff);
      if (outcome == NEVER) continue;
      if (allows(rule)) this.isDoubtful = true;
      const target = this.jumpTarget(rule, index);
      if (target < 0) continue;
      if (!isSure) perhapsJumpedTo = max(perhapsJumpedTo, target);
      else if (target > jumpedTo) {
        jumpedTo = target;
        jumpUnless = unless;
      }
    }
  }

  /** The order at which the rules go on after a match; -1 is the next one. */
  private jumpTarget(rule: Rule, index: i32): i32 {
    if (rule.skipAfter.length > 0) {
      const order = this.set.markerOrder(rule.skipAfter);
      return order < 0 ? i32.MAX_VALUE : order;
    }
    let left = rule.skip;
    if (left == 0) return -1;
    for (let next = index + 1; next < this.set.rules.length; next++) {
      if (this.set.rules[next].phase == rule.phase && left-- == 0) {
        return this.set.rules[next].order;
      }
    }
    return i32.MAX_VALUE;
  }

  /** Removals that may take a rule away. */
  private removersOf(rule: Rule): u32 {
    let bits: u32 = 0;
    for (let index = 0; index < this.removers.length; index++) {
      if (this.removers[index].includes(rule)) bits |= 1 << index;
    }
    return bits;
  }

  /** Whether each of these removals would take the rule away as well. */
  private coversAll(unless: u32, rule: Rule): bool {
    return (this.removersOf(rule) & unless) == unless;
  }

  /** Whether a rule that never matches leaves nothing behind from the links before the one that does not. */
  private endsUnseen(rule: Rule): bool {
    let link: Rule | null = rule;
    while (link !== null) {
      if (this.linkOutcome(link) == NEVER) return true;
      if (this.isMatchAsked || link.setVars.length > 0 || link.isCapturing) return false;
      link = link.next;
    }
    return false;
  }

  private outcomeOf(rule: Rule): u8 {
    this.unless = 0;
    let outcome = ALWAYS;
    let unless: u32 = 0;
    let link: Rule | null = rule;
    while (link !== null) {
      const own = this.linkOutcome(link);
      if (own == NEVER) return NEVER;
      unless |= this.unless;
      if (own == PERHAPS) outcome = PERHAPS;
      link = link.next;
    }
    this.unless = unless;
    return outcome;
  }

  private linkOutcome(link: Rule): u8 {
    this.unless = 0;
    const operator = link.operator;
    if (operator === null) return ALWAYS;
    if (!this.hasResponseBody && seesOnlyResponseBody(link)) return NEVER;
    if (
      link.transforms.length > 1 ||
      link.transforms.length == 1 && link.transforms[0] >= 0
    ) return PERHAPS;
    let outcome = NEVER;
    for (let index = 0; index < link.targets.length; index++) {
      const own = this.targetOutcome(link.targets[index], operator);
      if (own == PERHAPS) return PERHAPS;
      if (own == ALWAYS) outcome = ALWAYS;
    }
    return outcome;
  }

  private targetOutcome(target: Target, operator: OperatorText): u8 {
    if (target.variable != VAR_TX || target.slot < 0 || target.isExcluded) {
      return PERHAPS;
    }
    const fact = this.facts[target.slot];
    if (fact.state == UNKNOWN) return PERHAPS;
    this.unless |= fact.unless;
    if (fact.state == ABSENT && !target.isCount) return NEVER;
    const value = target.isCount ? (fact.state == ABSENT ? 0 : 1) : fact.number;
    const argument = this.argument(operator);
    if (argument == i64.MIN_VALUE) return PERHAPS;
    const compared = comparison(operator.name, value, argument);
    if (compared < 0) return PERHAPS;
    return (compared == 1) != operator.isNegated ? ALWAYS : NEVER;
  }

  /** The number that an operator compares with; the least number when it is not known. */
  private argument(operator: OperatorText): i64 {
    const text = operator.argument;
    if (text.length == 0 || text.byteAt(0) != 0x25) {
      return leadingNumber(text.at, text.length);
    }
    const macro = this.set.reader!.macros.read(text, this.set.rules[0].place);
    if (macro.parts.length != 1 || macro.parts[0].slot < 0) {
      return i64.MIN_VALUE;
    }
    const slot = macro.parts[0].slot;
    if (slot >= this.facts.length) return i64.MIN_VALUE;
    const fact = this.facts[slot];
    if (fact.state == UNKNOWN) return i64.MIN_VALUE;
    this.unless |= fact.unless;
    return fact.state == ABSENT ? 0 : fact.number;
  }

  /** What is known after a rule; `unless` of all ones means that it may not have run. */
  private effects(rule: Rule, outcome: u8, unless: u32): void {
    const isSure = outcome == ALWAYS && unless != 0xffffffff;
    let link: Rule | null = rule;
    while (link !== null) {
      if (this.linkOutcome(link) == NEVER) return;
      for (let index = 0; index < link.setVars.length; index++) {
        this.assign(
          link.setVars[index],
          isSure && link.targets.length < 2,
          unless,
        );
      }
      for (let index = 0; index < link.ctls.length; index++) {
        const ctl = link.ctls[index];
        if (ctl.kind != CTL_REMOVE_RULES) continue;
        this.addRemover(
          new RuleChoice(ctl.by, ctl.which, rule.place, this.set.problems),
        );
      }
      link = link.next;
    }
  }

  private assign(change: SetVar, isSure: bool, unless: u32): void {
    if (change.store != VAR_TX) return;
    if (change.slot < 0) return this.assignAny(change.name);
    const fact = this.facts[change.slot];
    const before = fact.state;
    const number = fact.number;
    const result = this.valueOf(change, fact);
    if (isSure && result != i64.MIN_VALUE) {
      const dependsOn = unless | this.unlessOf(change) |
        (change.operation == SET_ADD || change.operation == SET_SUBTRACT ? fact.unless : 0);
      fact.state = change.operation == SET_REMOVE ? ABSENT : KNOWN;
      fact.number = <i32> result;
      fact.unless = dependsOn;
      return;
    }
    const isSame = before == KNOWN && result == number &&
      change.operation != SET_REMOVE && this.unlessOf(change) == 0;
    if (!isSame) fact.state = UNKNOWN;
  }

  /** What a change makes of a variable; the least number when it is not known. Text counts as the number it begins with. */
  private valueOf(change: SetVar, fact: Fact): i64 {
    if (change.operation == SET_REMOVE) return 0;
    let amount: i64 = change.number;
    if (!change.value.isFixed) {
      if (change.valueSlot < 0) return i64.MIN_VALUE;
      const from = this.facts[change.valueSlot];
      if (from.state != KNOWN) return i64.MIN_VALUE;
      amount = from.number;
    }
    if (change.operation != SET_ADD && change.operation != SET_SUBTRACT) {
      return amount;
    }
    if (fact.state == UNKNOWN) return i64.MIN_VALUE;
    const base: i64 = fact.state == ABSENT ? 0 : fact.number;
    const sum = change.operation == SET_ADD ? base + amount : base - amount;
    return sum == <i64> <i32> sum ? sum : i64.MIN_VALUE;
  }

  private unlessOf(change: SetVar): u32 {
    return change.valueSlot < 0 ? 0 : this.facts[change.valueSlot].unless;
  }

  /** A variable whose name is put together: any that begins like it. */
  private assignAny(name: Macro): void {
    const start: Bytes | null = name.parts.length > 0 && name.parts[0].variable < 0
      ? name.parts[0].literal
      : null;
    for (let slot = 0; slot < this.facts.length; slot++) {
      if (start === null || this.set.txNames.names[slot].startsWith(start)) {
        this.facts[slot].state = UNKNOWN;
      }
    }
  }
}

function switchesResponseBody(rules: Rule[]): bool {
  for (let index = 0; index < rules.length; index++) {
    let link: Rule | null = rules[index];
    while (link !== null) {
      for (let ctl = 0; ctl < link.ctls.length; ctl++) {
        if (link.ctls[ctl].kind == CTL_RESPONSE_BODY_ACCESS) return true;
      }
      link = link.next;
    }
  }
  return false;
}

function seesOnlyResponseBody(link: Rule): bool {
  for (let index = 0; index < link.targets.length; index++) {
    const target = link.targets[index];
    if (target.variable != VAR_RESPONSE_BODY || target.isCount) return false;
  }
  return link.targets.length > 0;
}

/** 1 or 0 for how a comparison comes out; -1 when it is none. */
function comparison(operator: Bytes, value: i64, argument: i64): i32 {
  if (isWord(operator, "eq")) return value == argument ? 1 : 0;
  if (isWord(operator, "ge")) return value >= argument ? 1 : 0;
  if (isWord(operator, "gt")) return value > argument ? 1 : 0;
  if (isWord(operator, "le")) return value <= argument ? 1 : 0;
  return isWord(operator, "lt") ? (value < argument ? 1 : 0) : -1;
}

function allows(rule: Rule): bool {
  return rule.disruption == DO_ALLOW || rule.disruption == DO_ALLOW_PHASE ||
    rule.disruption == DO_ALLOW_REQUEST;
}
