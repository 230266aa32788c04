/** Reads `ctl`: `ruleRemoveTargetById=942100;ARGS:password`. */

import { Bytes } from "sentinel";
import { ActionReader } from "./actions";
import { nearestWord } from "./hints";
import {
  BY_ID,
  BY_MSG,
  BY_TAG,
  Ctl,
  CTL_AUDIT_ENGINE,
  CTL_BODY_ACCESS,
  CTL_BODY_PROCESSOR,
  CTL_FORCE_BODY_VARIABLE,
  CTL_NOTHING,
  CTL_REMOVE_RULES,
  CTL_REMOVE_TARGET,
  CTL_REQUEST_BODY_LIMIT,
  CTL_RESPONSE_BODY_ACCESS,
  CTL_RESPONSE_BODY_LIMIT,
  CTL_RULE_ENGINE,
  ENGINE_DETECTION,
  ENGINE_OFF,
  ENGINE_ON,
  Rule,
} from "./model";
import { isWord, part, trimmed, wholeNumber } from "./words";

/** How bodies are read. */
export const BODY_NONE: i32 = 0;
export const BODY_URLENCODED: i32 = 1;
export const BODY_MULTIPART: i32 = 2;
export const BODY_JSON: i32 = 3;
export const BODY_XML: i32 = 4;

const KNOWN: string[] = [
  "auditEngine",
  "auditLogParts",
  "debugLogLevel",
  "forceRequestBodyVariable",
  "requestBodyAccess",
  "requestBodyLimit",
  "requestBodyProcessor",
  "responseBodyAccess",
  "responseBodyLimit",
  "ruleEngine",
  "ruleRemoveById",
  "ruleRemoveByMsg",
  "ruleRemoveByTag",
  "ruleRemoveTargetById",
  "ruleRemoveTargetByMsg",
  "ruleRemoveTargetByTag",
  "hashEngine",
  "hashEnforcement",
];

/** Puts the change into the rule, or reports what is wrong with it. */
export function readCtl(text: Bytes, rule: Rule, reader: ActionReader): void {
  const equals = text.indexOfByte(0x3d);
  if (equals < 0) {
    reader.problems.error(rule.place, '"ctl" is written ctl:option=value');
    return;
  }
  const name = trimmed(part(text, 0, equals));
  const value = trimmed(part(text, equals + 1, text.length));
  const ctl = new Ctl();
  if (
    readRemoval(ctl, name, value, rule, reader) || readMode(ctl, name, value)
  ) {
    if (ctl.value < 0) {
      reader.problems.error(
        rule.place,
        "ctl:" + name.toString() + ' cannot be "' + value.toString() + '"',
      );
    } else if (ctl.kind != CTL_NOTHING) rule.ctls.push(ctl);
    else {reader.problems.warn(
        rule.place,
        "ctl:" + name.toString() +
          " has no effect here: the proxy has logs of its own",
      );}
    return;
  }
  const word = name.toString();
  reader.problems.error(
    rule.place,
    'there is no ctl option "' + word + '"' + nearestWord(word, KNOWN),
  );
}

function readRemoval(
  ctl: Ctl,
  name: Bytes,
  value: Bytes,
  rule: Rule,
  reader: ActionReader,
): bool {
  const isTarget = isWord(name, "ruleRemoveTargetById") ||
    isWord(name, "ruleRemoveTargetByTag") ||
    isWord(name, "ruleRemoveTargetByMsg");
  if (isWord(name, "ruleRemoveById") || isWord(name, "ruleRemoveTargetById")) {
    ctl.by = BY_ID;
  } else if (
    isWord(name, "ruleRemoveByTag") || isWord(name, "ruleRemoveTargetByTag")
  ) ctl.by = BY_TAG;
  else if (
    isWord(name, "ruleRemoveByMsg") || isWord(name, "ruleRemoveTargetByMsg")
  ) ctl.by = BY_MSG;
  else return false;
  ctl.kind = isTarget ? CTL_REMOVE_TARGET : CTL_REMOVE_RULES;
  ctl.which = value;
  if (!isTarget) return true;
  const semicolon = value.indexOfByte(0x3b);
  if (semicolon < 0) {
    ctl.value = -1;
    return true;
  }
  ctl.which = trimmed(part(value, 0, semicolon));
  const targets = reader.targets.read(
    part(value, semicolon + 1, value.length),
    rule.place,
  );
  // One change for each target of a list.
  for (let index = 1; index < targets.length; index++) {
    const more = new Ctl();
    more.kind = ctl.kind;
    more.by = ctl.by;
    more.which = ctl.which;
    more.target = targets[index];
    rule.ctls.push(more);
  }
  if (targets.length > 0) ctl.target = targets[0];
  else ctl.kind = CTL_NOTHING;
  return true;
}

function readMode(ctl: Ctl, name: Bytes, value: Bytes): bool {
  if (isWord(name, "ruleEngine")) {
    ctl.kind = CTL_RULE_ENGINE;
    ctl.value = engineMode(value);
  } else if (isWord(name, "requestBodyProcessor")) {
    ctl.kind = CTL_BODY_PROCESSOR;
    ctl.value = bodyProcessor(value);
  } else if (isWord(name, "requestBodyAccess")) {
    ctl.kind = CTL_BODY_ACCESS;
    ctl.value = onOff(value);
  } else if (isWord(name, "responseBodyAccess")) {
    ctl.kind = CTL_RESPONSE_BODY_ACCESS;
    ctl.value = onOff(value);
  } else if (isWord(name, "forceRequestBodyVariable")) {
    ctl.kind = CTL_FORCE_BODY_VARIABLE;
    ctl.value = onOff(value);
  } else if (isWord(name, "auditEngine")) {
    ctl.kind = CTL_AUDIT_ENGINE;
    ctl.value = isWord(value, "RelevantOnly") ? 1 : onOff(value);
  } else if (isWord(name, "requestBodyLimit")) {
    ctl.kind = CTL_REQUEST_BODY_LIMIT;
    ctl.value = wholeNumber(value, -1);
  } else if (isWord(name, "responseBodyLimit")) {
    ctl.kind = CTL_RESPONSE_BODY_LIMIT;
    ctl.value = wholeNumber(value, -1);
  } else if (
    isWord(name, "auditLogParts") || isWord(name, "debugLogLevel") ||
    isWord(name, "hashEngine") ||
    isWord(name, "hashEnforcement")
  ) {
    ctl.kind = CTL_NOTHING;
  } else return false;
  return true;
}

/** The engine mode of a word; -1 for none. */
export function engineMode(word: Bytes): i32 {
  if (isWord(word, "On")) return ENGINE_ON;
  if (isWord(word, "DetectionOnly")) return ENGINE_DETECTION;
  return isWord(word, "Off") ? ENGINE_OFF : -1;
}

/** 1 for "On", 0 for "Off", -1 for anything else. */
export function onOff(word: Bytes): i32 {
  return isWord(word, "On") ? 1 : isWord(word, "Off") ? 0 : -1;
}

/** The processor of that name; -1 when there is none. */
export function bodyProcessor(word: Bytes): i32 {
  if (isWord(word, "URLENCODED")) return BODY_URLENCODED;
  if (isWord(word, "MULTIPART")) return BODY_MULTIPART;
  if (isWord(word, "JSON")) return BODY_JSON;
  return isWord(word, "XML") ? BODY_XML : -1;
}
