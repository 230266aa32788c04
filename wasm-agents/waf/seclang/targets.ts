/** Reads what a rule looks at: `ARGS|!ARGS:password|&REQUEST_HEADERS:/^x-/`. */

import { Bytes, EMPTY } from "sentinel";
import { Regex, regexError } from "../regex/regex";
import { closingQuote, unquoted } from "./lines";
import { Target } from "./model";
import { Place, Problems } from "./problems";
import {
  KIND_LIST,
  KIND_NAMES,
  KIND_STORE,
  KIND_XML,
  TABLE,
  VAR_TX,
  VAR_XML,
  variableNames,
  variableOf,
} from "./variables";
import { isWord, loweredCopy, NameTable, NOTHING, part } from "./words";
import { REGEX_SELECTOR_FLAGS } from "./regex_flags";
import { nearestWord } from "./hints";

/** Reads targets; names of TX get their slots here. */
export class TargetReader {
  private text: Bytes = EMPTY;
  private at: i32 = 0;
  private place: Place = new Place("", 0);
  /** Patterns by their texts: rule sets name the same few over and over, and each takes tens of kilobytes. */
  private readonly patterns: Map<string, Regex> = new Map<string, Regex>();

  constructor(
    private readonly txNames: NameTable,
    private readonly problems: Problems,
  ) {}

  /** All targets of a list; what is wrong is reported and left out. */
  read(text: Bytes, place: Place): Target[] {
    const targets = new Array<Target>();
    this.text = text;
    this.at = 0;
    this.place = place;
    while (this.at < text.length) {
      const byte = text.byteAt(this.at);
      if (byte == 0x7c || byte == 0x2c || byte == 0x20) {
        this.at++;
        continue;
      }
      const target = this.one();
      if (target !== null) targets.push(target);
    }
    if (targets.length == 0 && !this.problems.hasErrors) {
      this.problems.error(place, "names no variable");
    }
    return targets;
  }

  private one(): Target | null {
    const target = new Target();
    const start = this.at;
    for (; this.at < this.text.length; this.at++) {
      const byte = this.text.byteAt(this.at);
      if (byte == 0x21) target.isExcluded = true;
      else if (byte == 0x26) target.isCount = true;
      else break;
    }
    const from = this.at;
    while (
      this.at < this.text.length && !isEnd(this.text.byteAt(this.at)) &&
      this.text.byteAt(this.at) != 0x3a
    ) this.at++;
    const name = part(this.text, from, this.at);
    target.variable = variableOf(name);
    if (this.at < this.text.length && this.text.byteAt(this.at) == 0x3a) {
      this.at++;
      this.selector(target);
    }
    target.source = loweredCopy(part(this.text, start, this.at));
    if (target.variable >= 0) return this.checked(target);
    const word = name.toString();
    this.problems.error(
      this.place,
      "there is no variable " + word +
        nearestWord(word.toUpperCase(), variableNames()),
    );
    return null;
  }

  /** `name`, `/pattern/`, `'/pattern/'` or, of XML, a path. */
  private selector(target: Target): void {
    const text = this.text;
    target.hasSelector = true;
    const first = this.at < text.length ? text.byteAt(this.at) : 0;
    if (first == 0x27 || first == 0x22) {
      const end = closingQuote(text, this.at);
      const to = end < 0 ? text.length : end;
      const inner = unquoted(part(text, this.at + 1, to), first);
      this.at = min(to + 1, text.length);
      if (
        inner.length > 1 && inner.byteAt(0) == 0x2f &&
        inner.byteAt(inner.length - 1) == 0x2f
      ) {
        this.pattern(target, part(inner, 1, inner.length - 1));
      } else target.selector = loweredCopy(inner);
      return;
    }
    if (first == 0x2f && target.variable != VAR_XML) {
      const end = patternEnd(text, this.at);
      if (end >= 0) {
        this.pattern(target, part(text, this.at + 1, end));
        this.at = end + 1;
        return;
      }
    }
    const from = this.at;
    while (this.at < text.length && !isEnd(text.byteAt(this.at))) this.at++;
    target.selector = loweredCopy(part(text, from, this.at));
  }

  private pattern(target: Target, pattern: Bytes): void {
    target.selector = NOTHING;
    const text = pattern.toString();
    if (this.patterns.has(text)) {
      target.pattern = this.patterns.get(text);
      return;
    }
    const compiled = Regex.compile(pattern, REGEX_SELECTOR_FLAGS);
    target.pattern = compiled;
    if (compiled !== null) {
      this.patterns.set(text, compiled);
      return;
    }
    this.problems.error(
      this.place,
      "the pattern /" + text + "/ cannot be used: " +
        regexError().toString(),
    );
  }

  private checked(target: Target): Target | null {
    const variable = TABLE[target.variable];
    const kind = variable.kind;
    if (kind == KIND_XML) {
      if (
        isWord(target.selector, "/*") || isWord(target.selector, "//@*") ||
        !target.hasSelector
      ) return target;
      const path = target.selector.toString();
      this.problems.error(
        this.place,
        "XML:" + path + ": paths other than /* and //@* are not supported",
      );
      return null;
    }
    const hasMembers = kind == KIND_LIST || kind == KIND_NAMES ||
      kind == KIND_STORE;
    if (target.hasSelector && !hasMembers) {
      this.problems.error(
        this.place,
        variable.name.toString() +
          " has one value and takes no name after a colon",
      );
      return null;
    }
    if (
      target.variable == VAR_TX && target.hasSelector && target.pattern === null
    ) {
      target.slot = this.txNames.intern(target.selector);
    }
    return target;
  }
}

/** Where the pattern ends that begins at `from`: at a slash that another target or nothing follows. */
function patternEnd(text: Bytes, from: i32): i32 {
  for (let index = from + 1; index < text.length; index++) {
    const byte = text.byteAt(index);
    if (byte == 0x5c) index++;
    else if (
      byte == 0x2f &&
      (index + 1 == text.length || isEnd(text.byteAt(index + 1)))
    ) return index;
  }
  return -1;
}

function isEnd(byte: u32): bool {
  return byte == 0x7c || byte == 0x2c;
}
