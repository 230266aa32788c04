/**
 * What no log shows: values that the operator names, under whichever of its names a rule meets them, in what rules say of
 * them, and within longer texts.
 */

import { Bytes, ByteWriter, Text } from "sentinel";
import { Macro, MacroPart, Rule } from "../seclang/model";
import {
  KIND_STORE,
  TABLE,
  VAR_ARGS,
  VAR_ARGS_GET,
  VAR_ARGS_POST,
  VAR_FULL_REQUEST,
  VAR_MATCHED_VAR,
  VAR_MATCHED_VAR_NAME,
  VAR_MATCHED_VARS,
  VAR_MATCHED_VARS_NAMES,
  VAR_QUERY_STRING,
  VAR_REMOTE_ADDR,
  VAR_REQUEST_BODY,
  VAR_REQUEST_COOKIES,
  VAR_REQUEST_HEADERS,
  VAR_REQUEST_LINE,
  VAR_REQUEST_METHOD,
  VAR_REQUEST_URI,
  VAR_REQUEST_URI_RAW,
  VAR_RULE,
  VAR_TX,
  VAR_UNIQUE_ID,
  variableOf,
} from "../seclang/variables";
import { isSameRun, isSameWord, isWord, NOTHING, part } from "../seclang/words";
import { expanded, partText } from "./expand";
import * as lists from "./lists";
import { lastPair, lastVariable, matchedCount, matchedPairAt, matchedVariableAt } from "./matched";
import * as stores from "./stores";

export const REDACTED: Bytes = Text.of("[redacted]");

/** A text of clients is looked through as far as it may be shown, and this far before that for where an argument begins. */
const ARGUMENT_BYTES_MAX: i32 = 256;

/** A value that is not shown: a member of a variable, or with no name all of them. */
class Hidden {
  constructor(readonly variable: i32, readonly member: Bytes) {}
}

let hidden: Hidden[] = [];
/** Names of arguments, which stand in longer texts too. */
let members: Bytes[] = [];

/** Takes names such as `ARGS:password` or `REQUEST_COOKIES`. */
export function setRedacted(names: Bytes[]): void {
  hidden = [];
  members = [];
  for (let index = 0; index < names.length; index++) {
    const name = names[index];
    let end = 0;
    while (end < name.length && name.byteAt(end) != 0x3a) end++;
    const variable = variableOf(part(name, 0, end));
    if (variable >= 0) hide(family(variable), end < name.length ? part(name, end + 1, name.length) : NOTHING);
  }
  if (hidden.length > 0) hidden.push(new Hidden(VAR_FULL_REQUEST, NOTHING));
}

/** The same value has other names, and stands in other values. */
function hide(variable: i32, member: Bytes): void {
  hidden.push(new Hidden(variable, member));
  const isAll = member.length == 0;
  if (variable == VAR_REQUEST_COOKIES) hidden.push(new Hidden(VAR_REQUEST_HEADERS, Text.of("cookie")));
  if (variable == VAR_REQUEST_HEADERS && (isAll || isWord(member, "cookie"))) {
    hidden.push(new Hidden(VAR_REQUEST_COOKIES, NOTHING));
  }
  if (variable != VAR_ARGS) return;
  if (!isAll) {
    members.push(member);
    return;
  }
  hidden.push(new Hidden(VAR_QUERY_STRING, NOTHING));
  hidden.push(new Hidden(VAR_REQUEST_URI, NOTHING));
  hidden.push(new Hidden(VAR_REQUEST_URI_RAW, NOTHING));
  hidden.push(new Hidden(VAR_REQUEST_LINE, NOTHING));
  hidden.push(new Hidden(VAR_REQUEST_BODY, NOTHING));
}

/** One argument has three names. */
function family(variable: i32): i32 {
  return variable == VAR_ARGS_GET || variable == VAR_ARGS_POST ? VAR_ARGS : variable;
}

function isHidden(variable: i32, member: Bytes): bool {
  const own = family(variable);
  for (let index = 0; index < hidden.length; index++) {
    const each = unchecked(hidden[index]);
    if (each.variable != own) continue;
    // Without a name of its own a macro stands for any member.
    if (each.member.length == 0 || member.length == 0 || isSameWord(each.member, member)) return true;
  }
  return false;
}

function isHiddenPair(pair: usize, variable: i32): bool {
  const name = new Bytes(lists.nameAt(pair), lists.nameLength(pair));
  if (variable != VAR_MATCHED_VARS) return isHidden(variable, name);
  // Its member `ARGS:password` is the value of that.
  let end = 0;
  while (end < name.length && name.byteAt(end) != 0x3a) end++;
  const origin = variableOf(part(name, 0, end));
  return origin >= 0 && isHidden(origin, end < name.length ? part(name, end + 1, name.length) : NOTHING);
}

/** Whether it is a part of what matched before, which may be anything. */
function isTaken(pair: usize, variable: i32): bool {
  if (variable == VAR_MATCHED_VAR) return true;
  return variable == VAR_TX && lists.nameLength(pair) == 1 && isDigit(load<u8>(lists.nameAt(pair)));
}

function isDigit(byte: u32): bool {
  return byte >= 0x30 && byte <= 0x39;
}

/** Whether what the rule at hand has matched is not to be shown: the value itself, or in a chain any it may come from. */
export function isMatchHidden(rule: Rule): bool {
  if (hidden.length == 0 || lastVariable < 0) return false;
  if (isHiddenPair(lastPair, lastVariable)) return true;
  if (rule.next === null) return isTaken(lastPair, lastVariable);
  let isKnown = false;
  for (let index = 0; index < matchedCount(); index++) {
    const pair = matchedPairAt(index);
    const variable = matchedVariableAt(index);
    if (isTaken(pair, variable)) {
      if (!isKnown) return true;
    } else if (isHiddenPair(pair, variable)) return true;
    else isKnown = true;
  }
  return isTaken(lastPair, lastVariable) && !isKnown;
}

/** A text of the rule at hand as logs may show it. */
export function shownText(rule: Rule, macro: Macro, isMatchHidden: bool): Bytes {
  if (macro.isFixed) return macro.fixed;
  if (hidden.length == 0) return expanded(macro);
  const takes = isCapturing(rule);
  const writer = new ByteWriter(128);
  for (let index = 0; index < macro.parts.length && writer.text.length < 65536; index++) {
    const each = macro.parts[index];
    if (each.variable < 0) writer.bytes(each.literal);
    else if (isPartHidden(each, isMatchHidden) || !takes && isGroup(each)) writer.bytes(REDACTED);
    else {
      const text = partText(each);
      writer.bytes(withoutArguments(text.length <= 4096 ? text : part(text, 0, 4096)));
    }
  }
  return writer.text;
}

function isPartHidden(each: MacroPart, isMatchHidden: bool): bool {
  const variable = each.variable;
  if (
    variable == VAR_RULE || variable == VAR_MATCHED_VAR_NAME || variable == VAR_MATCHED_VARS_NAMES ||
    variable == VAR_UNIQUE_ID || variable == VAR_REMOTE_ADDR || variable == VAR_REQUEST_METHOD
  ) return false;
  if (isHidden(variable, each.selector)) return true;
  if (!isMatchHidden) return false;
  // A rule that has looked at nothing knows of the one before it by these alone.
  if (matchedCount() == 0) return variable == VAR_MATCHED_VAR || variable == VAR_MATCHED_VARS;
  return !isNumber(each);
}

/** TX.0 to TX.9, which a match fills. */
function isGroup(each: MacroPart): bool {
  return each.variable == VAR_TX && each.slot >= 0 && each.slot < 10;
}

/** Scores and other numbers that rules count. */
function isNumber(each: MacroPart): bool {
  if (unchecked(TABLE[each.variable]).kind != KIND_STORE) return false;
  const value = each.slot >= 0
    ? stores.slotValue(each.slot)
    : stores.valueOf(each.variable, each.selector.at, each.selector.length);
  return value != 0 && load<i32>(value) == stores.NUMBER;
}

/** Whether TX.0 to TX.9 are what this rule took, not what one before it left. */
function isCapturing(rule: Rule): bool {
  let link: Rule | null = rule;
  while (link !== null) {
    if (link.isCapturing && !link.isNegated) return true;
    link = link.next;
  }
  return false;
}

/** Where the argument begins in which a text is cut, so that its name is seen. */
export function argumentStart(at: usize, from: i32): i32 {
  if (members.length == 0) return from;
  const least = max(0, from - ARGUMENT_BYTES_MAX);
  for (let index = from; index > least; index--) {
    const before = load<u8>(at + index - 1);
    if (before == 0x26 || before == 0x3f || before == 0x7b || before == 0x2c || before <= 0x20) return index;
  }
  return least == 0 ? 0 : from;
}

/** A text without the values of hidden arguments in it: `name=value`, or `"name": "value"` as JSON has it. */
export function withoutArguments(text: Bytes): Bytes {
  if (members.length == 0) return text;
  let writer: ByteWriter | null = null;
  let copied = 0;
  let index = 0;
  while (index < text.length) {
    const from = index == 0 || !isNameByte(text.byteAt(index - 1)) ? valueAfterName(text, index) : -1;
    if (from < 0) {
      index++;
      continue;
    }
    const to = valueEnd(text, from);
    if (to > from) {
      if (writer === null) writer = new ByteWriter(text.length + 64);
      writer.bytes(part(text, copied, from));
      writer.bytes(REDACTED);
      copied = to;
    }
    index = max(to, index + 1);
  }
  if (writer === null) return text;
  writer.bytes(part(text, copied, text.length));
  return writer.text;
}

/** Where the value of a hidden argument begins whose name stands at `index`; -1 when there is none. */
function valueAfterName(text: Bytes, index: i32): i32 {
  for (let each = 0; each < members.length; each++) {
    const name = unchecked(members[each]);
    let at = index + name.length;
    if (at >= text.length || !isSameRun(text.at + index, name.at, name.length)) continue;
    if (text.byteAt(at) == 0x3d) return at + 1;
    if (text.byteAt(at++) != 0x22) continue;
    while (at < text.length && text.byteAt(at) <= 0x20) at++;
    if (at == text.length || text.byteAt(at++) != 0x3a) continue;
    while (at < text.length && text.byteAt(at) <= 0x20) at++;
    return at;
  }
  return -1;
}

function valueEnd(text: Bytes, from: i32): i32 {
  let at = from;
  if (at < text.length && text.byteAt(at) == 0x22) {
    for (at++; at < text.length && text.byteAt(at) != 0x22; at++) if (text.byteAt(at) == 0x5c) at++;
    return min(at + 1, text.length);
  }
  while (at < text.length && text.byteAt(at) > 0x20 && text.byteAt(at) != 0x26 && text.byteAt(at) != 0x23) {
    at++;
  }
  return at;
}

function isNameByte(byte: u32): bool {
  return isDigit(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || byte == 0x5f || byte == 0x2d;
}
