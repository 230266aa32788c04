/** `%{RULE.id}` and what else a rule can say of itself. */

import { Bytes, Text } from "sentinel";
import { Macro, Rule } from "../seclang/model";
import { isWord, NOTHING } from "../seclang/words";

/** The rule at hand, as a bare address: rules outlast every call. */
let current: usize = 0;

/** A rule is being looked at. */
export function setCurrentRule(rule: Rule): void {
  current = changetype<usize>(rule);
}

/** A fact of the rule at hand. */
export function rulePart(name: Bytes): Bytes {
  if (current == 0) return NOTHING;
  const rule = changetype<Rule>(current);
  if (isWord(name, "id")) return Text.of(rule.id.toString());
  if (isWord(name, "severity")) return Text.of(rule.severity.toString());
  if (isWord(name, "rev")) return rule.revision;
  if (isWord(name, "ver")) return rule.version;
  if (isWord(name, "msg")) return sourceOf(rule.message);
  return isWord(name, "logdata") ? sourceOf(rule.logData) : NOTHING;
}

function sourceOf(macro: Macro | null): Bytes {
  return macro === null ? NOTHING : macro.source;
}
