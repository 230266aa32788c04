/**
 * An expression with the value of a TX variable in it, such as `^%{tx.allowed_charset}$`. Nothing is compiled while a request waits:
 * there is one for each text that rules set the variable to.
 */

import { Bytes, EMPTY, Text } from "sentinel";
import { Operator } from "../operators/operators";
import { Regex, regexError } from "../regex/regex";
import { Macro, Rule, SET_REMOVE, SET_TO, SetVar } from "../seclang/model";
import { REGEX_FLAGS } from "../seclang/regex_flags";
import { RuleSet } from "../seclang/rule_set";
import { VAR_TX } from "../seclang/variables";
import { joinedBytes } from "../seclang/words";

/** Texts that a variable may be set to. */
const CHOICES_MAX: i32 = 32;

/** Slots that `capture` fills. */
const CAPTURES: i32 = 10;

const groups: StaticArray<i32> = new StaticArray<i32>(20);

/** Why there is none; read it after `patternChoice` gave null. */
export let choiceProblem: string = "";

class PatternChoice extends Operator {
  constructor(
    argument: Text,
    private readonly patterns: Bytes[],
    private readonly regexes: Regex[],
  ) {
    super(argument);
  }

  testWith(value: Bytes, argument: Bytes): bool {
    for (let index = 0; index < this.patterns.length; index++) {
      if (!unchecked(this.patterns[index]).equals(argument)) continue;
      const isMet = unchecked(this.regexes[index]).capture(value.at, value.length, groups);
      return isMet && this.met(groups[0], groups[1]);
    }
    return false;
  }
}

/** The operator for an expression; null when its values are not known beforehand. */
export function patternChoice(macro: Macro, set: RuleSet): Operator | null {
  choiceProblem = "a pattern can have one %{tx.…} in it, of a variable that rules set to fixed texts; " +
    "use @streq, @contains, @within or the like";
  let slot = -1;
  for (let index = 0; index < macro.parts.length; index++) {
    const part = macro.parts[index];
    if (part.variable < 0) continue;
    if (slot >= 0 || part.variable != VAR_TX || part.slot < CAPTURES) return null;
    slot = part.slot;
  }
  const values = new Array<Bytes>();
  // What nobody has set.
  values.push(EMPTY);
  if (set.presetSlots.indexOf(slot) >= 0) {
    values.push(Text.of(set.presetNumbers[set.presetSlots.indexOf(slot)].toString()));
  }
  for (let index = 0; index < set.rules.length; index++) {
    if (!addValues(set.rules[index], slot, values)) return null;
  }
  const patterns = new Array<Bytes>();
  const regexes = new Array<Regex>();
  for (let index = 0; index < values.length; index++) {
    const pattern = withValue(macro, values[index]);
    const regex = Regex.compile(pattern, REGEX_FLAGS);
    if (regex === null) {
      choiceProblem = "the pattern cannot be used as " + pattern.toString() + ": " + regexError().toString();
      return null;
    }
    patterns.push(pattern);
    regexes.push(regex);
  }
  return new PatternChoice(macro.source.asText(), patterns, regexes);
}

/** Adds what a rule sets the variable to; false when that is not known beforehand. */
function addValues(rule: Rule, slot: i32, values: Bytes[]): bool {
  let link: Rule | null = rule;
  while (link !== null) {
    for (let index = 0; index < link.setVars.length; index++) {
      const change: SetVar = link.setVars[index];
      if (change.store != VAR_TX || change.slot != slot || change.operation == SET_REMOVE) continue;
      if (change.operation != SET_TO || !change.value.isFixed) return false;
      if (!isAmong(values, change.value.fixed)) values.push(change.value.fixed);
      if (values.length > CHOICES_MAX) return false;
    }
    link = link.next;
  }
  return true;
}

function isAmong(values: Bytes[], value: Bytes): bool {
  for (let index = 0; index < values.length; index++) {
    if (values[index].equals(value)) return true;
  }
  return false;
}

function withValue(macro: Macro, value: Bytes): Bytes {
  let text: Bytes = EMPTY;
  for (let index = 0; index < macro.parts.length; index++) {
    const part = macro.parts[index];
    text = joinedBytes(text, part.variable < 0 ? part.literal : value);
  }
  return text;
}
