/** Reads `setvar`: `tx.score=+%{tx.critical}`, `!ip.block`, `tx.seen`. */

import { Bytes, Text } from "sentinel";
import { MacroReader } from "./macros";
import { Rule, SET_ADD, SET_REMOVE, SET_SUBTRACT, SET_TO, SetVar } from "./model";
import { Problems } from "./problems";
import { KIND_STORE, TABLE, VAR_TX, variableOf } from "./variables";
import { leadingNumber, loweredCopy, part, trimmed, wholeNumber } from "./words";

const SCORE = Text.of("anomaly_score");

/** Puts the change into the rule, or reports what is wrong with it. */
export function readSetVar(
  text: Bytes,
  rule: Rule,
  macros: MacroReader,
  problems: Problems,
): void {
  const change = new SetVar();
  let from = 0;
  if (text.length > 0 && text.byteAt(0) == 0x21) {
    change.operation = SET_REMOVE;
    from = 1;
  }
  const dot = text.indexOfByte(0x2e, from);
  change.store = dot < 0 ? -1 : variableOf(trimmed(part(text, from, dot)));
  if (change.store < 0 || TABLE[change.store].kind != KIND_STORE) {
    problems.error(
      rule.place,
      '"setvar" is written setvar:collection.name=value with tx, ip, global, session, user or resource',
    );
    return;
  }
  const equals = valueStart(text, dot);
  const name = trimmed(part(text, dot + 1, equals < 0 ? text.length : equals));
  change.name = macros.read(loweredName(name), rule.place);
  if (change.store == VAR_TX && change.name.isFixed) {
    change.slot = macros.slotOf(change.name.fixed);
  }
  change.isScore = name.asText().toLowerCase().includes(SCORE);
  readValue(
    change,
    equals < 0 ? Text.of("1") : part(text, equals + 1, text.length),
    rule,
    macros,
  );
  rule.setVars.push(change);
}

function readValue(
  change: SetVar,
  text: Bytes,
  rule: Rule,
  macros: MacroReader,
): void {
  let value = text;
  const sign = value.length > 0 ? value.byteAt(0) : 0;
  if (change.operation == SET_TO && (sign == 0x2b || sign == 0x2d)) {
    change.operation = sign == 0x2b ? SET_ADD : SET_SUBTRACT;
    value = part(value, 1, value.length);
  }
  change.value = macros.read(value, rule.place);
  const macro = change.value;
  if (macro.isFixed) {
    const fixed = macro.fixed;
    const number = wholeNumber(fixed, i32.MIN_VALUE);
    // `007` is not the text of a number.
    change.isNumber = number != i32.MIN_VALUE &&
      Text.of(number.toString()).equals(fixed);
    change.number = change.isNumber ? number : leadingNumber(fixed.at, fixed.length);
  } else if (macro.parts.length == 1) change.valueSlot = macro.parts[0].slot;
}

/** Names are the same in any letter case, but the names of variables inside `%{…}` are looked up anyway. */
function loweredName(name: Bytes): Bytes {
  return loweredCopy(name);
}

/** The `=` behind the name, which may hold `%{…}`. */
function valueStart(text: Bytes, from: i32): i32 {
  let isInside = false;
  for (let index = from; index < text.length; index++) {
    const byte = text.byteAt(index);
    if (byte == 0x7b) isInside = true;
    else if (byte == 0x7d) isInside = false;
    else if (byte == 0x3d && !isInside) return index;
  }
  return -1;
}
