/** Places in a JSON value, written as `order.items[0].price`. A name with other signs stands in `["…"]`. */

import { emptyObject, isSameName, Json, Text } from "sentinel";
import { encodedString } from "sentinel";

/** Longest way to a place. */
const STEPS_MAX: i32 = 32;

/** One step: to a member by its name, or to an element by its number. */
class Step {
  constructor(readonly name: Text | null, readonly index: i32) {}
}

/** A place. */
export class JsonPath {
  readonly steps: Step[] = [];
  /** Why the text is no path; empty when it is one. */
  problem: string = "";

  constructor(text: Text) {
    let at = 0;
    if (text.length > 0 && text.byteAt(0) == 0x24) at = text.length > 1 && text.byteAt(1) == 0x2e ? 2 : 1;
    while (at < text.length && this.problem == "") {
      at = text.byteAt(at) == 0x5b ? this.bracket(text, at) : this.word(text, at);
    }
    if (this.steps.length == 0 || this.steps.length > STEPS_MAX) {
      this.refuse("has no steps, or more than " + STEPS_MAX.toString());
    }
  }

  private refuse(why: string): i32 {
    if (this.problem == "") this.problem = why;
    return i32.MAX_VALUE;
  }

  private word(text: Text, from: i32): i32 {
    let at = from;
    while (at < text.length && text.byteAt(at) != 0x2e && text.byteAt(at) != 0x5b) at++;
    if (at == from) return this.refuse("has a step without a name");
    this.steps.push(new Step(text.slice(from, at), 0));
    return this.separator(text, at);
  }

  private bracket(text: Text, from: i32): i32 {
    if (from + 1 < text.length && text.byteAt(from + 1) == 0x22) {
      const end = text.indexOfByte(0x22, from + 2);
      if (end < 0 || end + 1 >= text.length || text.byteAt(end + 1) != 0x5d) {
        return this.refuse('has a "[" without an end');
      }
      this.steps.push(new Step(text.slice(from + 2, end), 0));
      return this.separator(text, end + 2);
    }
    const end = text.indexOfByte(0x5d, from);
    if (end < 0 || end == from + 1 || end - from > 7) {
      return this.refuse('has a "[" without a number or an end');
    }
    let index = 0;
    for (let at = from + 1; at < end; at++) {
      const digit = text.byteAt(at) - 48;
      if (digit > 9) return this.refuse('has a "[" that no number follows');
      index = index * 10 + digit;
    }
    this.steps.push(new Step(null, index));
    return this.separator(text, end + 1);
  }

  /** What follows a step: the end, `[`, or a dot with a name after it. */
  private separator(text: Text, at: i32): i32 {
    if (at >= text.length || text.byteAt(at) == 0x5b) return at;
    if (text.byteAt(at) != 0x2e || at + 1 == text.length) {
      return this.refuse("has something between its steps");
    }
    return at + 1;
  }

  /** The value that holds the last step; null when there is none. */
  parentIn(root: Json): Json | null {
    let node: Json | null = root;
    for (let index = 0; index < this.steps.length - 1 && node !== null; index++) {
      node = child(node, this.steps[index]);
    }
    return node;
  }

  /** The value at the place; null when there is none. */
  find(root: Json): Json | null {
    const parent = this.parentIn(root);
    return parent === null ? null : child(parent, this.steps[this.steps.length - 1]);
  }

  /** Takes the value at the place out, with any other member of the same name; null when there is none. */
  take(root: Json): Json | null {
    const parent = this.parentIn(root);
    return parent === null ? null : takeChild(parent, this.steps[this.steps.length - 1]);
  }

  /** Puts a value at the place. Objects on the way are made; false when something else is in the way. */
  put(root: Json, value: Json): bool {
    let node: Json = root;
    for (let index = 0; index < this.steps.length - 1; index++) {
      const step = this.steps[index];
      let next = child(node, step);
      if (next === null) {
        next = emptyObject();
        if (!putChild(node, step, next)) return false;
      }
      node = next;
    }
    return putChild(node, this.steps[this.steps.length - 1], value);
  }

  /** Gives the member at the place another name, where it stands. */
  rename(root: Json, to: Text): void {
    const last = this.steps[this.steps.length - 1].name;
    const parent = this.parentIn(root);
    if (last === null || parent === null || !parent.isObject || last.equals(to)) return;
    const member = parent.get(last);
    if (member === null) return;
    // Members that have either name already would decide by their order what the reader gets.
    removeOthers(parent, last, member);
    removeOthers(parent, to, member);
    member.rawName = encodedString(to);
  }
}

function child(node: Json, step: Step): Json | null {
  const name = step.name;
  if (name === null) return node.isArray ? node.item(step.index) : null;
  return node.isObject ? node.get(name) : null;
}

function takeChild(node: Json, step: Step): Json | null {
  const found = child(node, step);
  if (found === null) return null;
  const name = step.name;
  if (name !== null) removeOthers(node, name, found);
  unlink(node, found);
  return found;
}

function putChild(node: Json, step: Step, value: Json): bool {
  const name = step.name;
  if (name !== null) {
    if (!node.isObject) return false;
    value.rawName = encodedString(name);
  } else if (!node.isArray) return false;
  const old = child(node, step);
  if (old === null) {
    if (name === null && step.index != node.count) return false;
    node.append(value);
    return true;
  }
  if (name !== null) removeOthers(node, name, old);
  replace(node, old, value);
  return true;
}

/** Takes out all members of that name but one. */
function removeOthers(node: Json, name: Text, kept: Json): void {
  let each = node.first;
  while (each !== null) {
    const next = each.next;
    const isOther = changetype<usize>(each) != changetype<usize>(kept);
    if (isOther && isSameName(each.rawName, name)) unlink(node, each);
    each = next;
  }
}

function unlink(node: Json, member: Json): void {
  const before = beforeOf(node, member);
  if (before === null) node.first = member.next;
  else before.next = member.next;
  if (member.next === null) node.last = before;
  member.next = null;
}

function replace(node: Json, old: Json, value: Json): void {
  const before = beforeOf(node, old);
  value.next = old.next;
  if (before === null) node.first = value;
  else before.next = value;
  if (old.next === null) node.last = value;
}

function beforeOf(node: Json, member: Json): Json | null {
  let before: Json | null = null;
  let each = node.first;
  while (each !== null && changetype<usize>(each) != changetype<usize>(member)) {
    before = each;
    each = each.next;
  }
  return before;
}
