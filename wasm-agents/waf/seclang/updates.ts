/** Changes of rules by later directives: `SecRuleRemoveById`, `SecRuleUpdateTargetByTag` and their kin. */

import { Bytes } from "sentinel";
import { Regex, regexError } from "../regex/regex";
import { ActionReader } from "./actions";
import { isListedId } from "./directives";
import { BY_ID, BY_TAG, Macro, Rule } from "./model";
import { Place, Problems } from "./problems";
import { REGEX_SELECTOR_FLAGS } from "./regex_flags";
import { RuleSet, Update, UPDATE_ACTIONS, UPDATE_REMOVE } from "./rule_set";
import { isSameWord, listed, trimmed } from "./words";

/** Which rules are meant: by number, or by a pattern over tags or messages. */
export class RuleChoice {
  private pattern: Regex | null = null;

  /** A pattern that cannot be used is reported. */
  constructor(
    readonly by: u8,
    readonly which: Bytes,
    place: Place,
    problems: Problems,
  ) {
    if (by != BY_ID) this.pattern = Regex.compile(which, REGEX_SELECTOR_FLAGS);
    if (by != BY_ID && this.pattern === null) {
      problems.error(
        place,
        "the pattern " + which.toString() + " cannot be used: " +
          regexError().toString(),
      );
    }
  }

  /** Whether a rule, by its first link, is meant. */
  includes(rule: Rule): bool {
    if (this.by == BY_ID) return isListedId(rule.id, this.which);
    if (this.by == BY_TAG) {
      for (let index = 0; index < rule.tags.length; index++) {
        if (this.isMet(rule.tags[index])) return true;
      }
      return false;
    }
    const message = rule.message;
    return message !== null && this.isMet(message);
  }

  private isMet(text: Macro): bool {
    const pattern = this.pattern;
    return isSameWord(text.source, this.which) ||
      (pattern !== null && pattern.test(text.source.at, text.source.length));
  }
}

/** Makes all changes, in the order in which they were written. */
export function applyUpdates(rules: RuleSet, reader: ActionReader): void {
  for (let index = 0; index < rules.updates.length; index++) {
    const update = rules.updates[index];
    const which = update.kind == UPDATE_ACTIONS ? withoutLink(update.which) : update.which;
    const choice = new RuleChoice(
      update.by,
      which,
      update.place,
      rules.problems,
    );
    if (update.kind == UPDATE_REMOVE) removeRules(rules, choice);
    else if (!change(rules, update, choice, reader)) {
      rules.problems.warn(
        update.place,
        "no rule is " + update.which.toString() + ", so nothing changes",
      );
    }
  }
}

/** Takes rules out. */
export function removeRules(rules: RuleSet, choice: RuleChoice): void {
  const kept = new Array<Rule>();
  for (let index = 0; index < rules.rules.length; index++) {
    if (!choice.includes(rules.rules[index])) kept.push(rules.rules[index]);
  }
  rules.rules = kept;
}

function change(
  rules: RuleSet,
  update: Update,
  choice: RuleChoice,
  reader: ActionReader,
): bool {
  let isFound = false;
  for (let index = 0; index < rules.rules.length; index++) {
    const rule = rules.rules[index];
    if (!choice.includes(rule)) continue;
    isFound = true;
    if (update.kind == UPDATE_ACTIONS) {
      changeActions(linkOf(rule, update.which), update, reader);
    } else changeTargets(rule, update, reader);
  }
  return isFound;
}

/** `100:1` means the link behind the first one of the chain 100. */
function linkOf(rule: Rule, which: Bytes): Rule {
  const colon = which.indexOfByte(0x3a);
  let link = rule;
  if (colon < 0) return link;
  let left = <i32> parseInt(which.asText().slice(colon + 1).toString());
  for (; left > 0; left--) {
    const next = link.next;
    if (next === null) break;
    link = next;
  }
  return link;
}

function withoutLink(which: Bytes): Bytes {
  const colon = which.indexOfByte(0x3a);
  return colon < 0 ? which : which.asText().slice(0, colon);
}

function changeTargets(rule: Rule, update: Update, reader: ActionReader): void {
  const targets = reader.targets.read(update.change, update.place);
  if (update.replaced.length > 0) {
    const replaced = listed(update.replaced, 0x7c);
    for (let index = rule.targets.length - 1; index >= 0; index--) {
      for (let other = 0; other < replaced.length; other++) {
        if (!isSameWord(rule.targets[index].source, trimmed(replaced[other]))) {
          continue;
        }
        rule.targets.splice(index, 1);
        break;
      }
    }
  }
  let link: Rule | null = rule;
  while (link !== null) {
    for (let index = 0; index < targets.length; index++) {
      // What is added is added to the first link alone; what is taken away is not looked at by any.
      if (
        link == rule || targets[index].isExcluded && link.targets.length > 0
      ) link.targets.push(targets[index]);
    }
    link = link.next;
  }
}

function changeActions(rule: Rule, update: Update, reader: ActionReader): void {
  const isOpen = rule.isChainOpen;
  const id = rule.id;
  const phase = rule.phase;
  // Read once by itself, without complaints, to see whether it has transformations, which take the place of all others.
  const alone = new Rule();
  alone.place = update.place;
  new ActionReader(reader.macros, reader.targets, new Problems()).read(
    update.change,
    alone,
  );
  if (alone.transforms.length > 0) rule.transforms = [];
  reader.read(update.change, rule);
  if (rule.id == id && rule.phase == phase && rule.isChainOpen == isOpen) {
    return;
  }
  reader.problems.error(
    update.place,
    "id, phase and chain of a rule cannot be changed",
  );
  rule.id = id;
  rule.phase = phase;
  rule.isChainOpen = isOpen;
}
