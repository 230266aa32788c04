/** What `%{…}` stands for at this moment. */

import { Bytes, ByteWriter } from "sentinel";
import { Macro, MacroPart } from "../seclang/model";
import { KIND_LIST, KIND_NAMES, KIND_STORE, LIST_EMPTY, TABLE, VAR_RULE } from "../seclang/variables";
import { isSameWord, NOTHING } from "../seclang/words";
import { needList, needSingle } from "./gather";
import * as lists from "./lists";
import { rulePart } from "./rule_facts";
import * as stores from "./stores";

/** A macro is cut off at this many bytes: rules put values together from what clients send. */
const EXPANDED_BYTES_MAX: i32 = 65536;

/** The text of a macro now. */
export function expanded(macro: Macro): Bytes {
  if (macro.isFixed) return macro.fixed;
  const parts = macro.parts;
  if (parts.length == 1) return partText(parts[0]);
  const writer = new ByteWriter(128);
  for (let index = 0; index < parts.length; index++) {
    const text = partText(parts[index]);
    const room = EXPANDED_BYTES_MAX - writer.text.length;
    writer.bytes(text.length <= room ? text : new Bytes(text.at, room));
  }
  return writer.text;
}

/** The number that a macro is now. */
export function expandedNumber(macro: Macro): i32 {
  if (macro.parts.length == 1 && macro.parts[0].slot >= 0) {
    return stores.numberOf(stores.slotValue(macro.parts[0].slot));
  }
  const text = expanded(macro);
  const value = stores.scratchValue();
  stores.setBytes(value, text.at, text.length);
  return stores.numberOf(value);
}

/** The text of one part now. */
export function partText(part: MacroPart): Bytes {
  if (part.variable < 0) return part.literal;
  const variable = TABLE[part.variable];
  if (variable.kind == KIND_STORE) {
    const value = part.slot >= 0
      ? stores.slotValue(part.slot)
      : stores.valueOf(part.variable, part.selector.at, part.selector.length);
    if (value == 0 || load<i32>(value) == stores.UNSET) return NOTHING;
    const length = stores.valueText(value);
    return new Bytes(stores.valueTextAt(), length);
  }
  if (part.variable == VAR_RULE) return rulePart(part.selector);
  if (variable.kind == KIND_LIST || variable.kind == KIND_NAMES) {
    const found = memberText(
      variable.first,
      part.selector,
      variable.kind == KIND_NAMES,
    );
    if (found !== null || variable.second == LIST_EMPTY) {
      return found === null ? NOTHING : found;
    }
    const other = memberText(
      variable.second,
      part.selector,
      variable.kind == KIND_NAMES,
    );
    return other === null ? NOTHING : other;
  }
  const pair = needSingle(part.variable);
  return pair == lists.ABSENT ? NOTHING : new Bytes(lists.valueAt(pair), lists.valueLength(pair));
}

function memberText(list: i32, selector: Bytes, isName: bool): Bytes | null {
  needList(list);
  for (let pair = lists.firstOf(list); pair != 0; pair = lists.nextOf(pair)) {
    const name = new Bytes(lists.nameAt(pair), lists.nameLength(pair));
    if (selector.length > 0 && !isSameWord(name, selector)) continue;
    return isName ? name : new Bytes(lists.valueAt(pair), lists.valueLength(pair));
  }
  return null;
}
