/** The row of tokens that is left of a value when what only lengthens an expression is folded together. */

import { lowered } from "sentinel/text";
import * as tokens from "./sqli_tokens";
import { Kind } from "./sqli_words";

/** Kinds that are judged; a few more are read, since what follows decides how those before are folded. */
const ROW_LENGTH: i32 = 5;
const ROOM: i32 = 8;

const START_OPEN: u32 = 1;
const END_OPEN: u32 = 2;
const DOUBLE_AT: u32 = 4;
/** Part of a comparison or of arithmetic that has been folded. */
const FOLDED: u32 = 8;

/** Of each token 12 bytes: kind, flags, where it is (for words alone). */
const ROWS: usize = memory.data(12 * 8, 8);

/** One at a time, used again and again. */
export class SqlRow {
  length: i32 = 0;
  /** Tokens that were read until the row was full. */
  private count: i32 = 0;
  private hasComments: bool = false;

  kindAt(index: i32): u32 {
    return index < this.length ? load<u32>(ROWS + 12 * index) : 0;
  }

  private flagsAt(index: i32): u32 {
    return load<u32>(ROWS + 12 * index, 4);
  }

  /** Reads a value as if it stood in `context`. */
  read(at: usize, length: i32, context: u32, mySql: bool): void {
    this.length = this.count = 0;
    tokens.startTokens(at, length, context, mySql);
    while (this.length < ROOM && tokens.nextToken()) {
      this.count++;
      this.push();
      while (this.fold()) {}
    }
    // At the end a function without its parenthesis is a name.
    const last = this.length - 1;
    if (last >= 0 && this.kindAt(last) == Kind.FUNCTION) this.become(last, Kind.NAME);
    if (this.length > ROW_LENGTH) this.length = ROW_LENGTH;
    this.hasComments = tokens.hasComments;
  }

  private push(): void {
    const place = ROWS + 12 * this.length++;
    let flags: u32 = 0;
    if (tokens.isOpenStart) flags |= START_OPEN;
    if (tokens.isOpenEnd) flags |= END_OPEN;
    if (
      tokens.kind == Kind.VARIABLE && tokens.tokenEnd - tokens.tokenAt > 2 &&
      load<u8>(tokens.tokenAt, 1) == 0x40
    ) {
      flags |= DOUBLE_AT;
    }
    store<u32>(place, tokens.kind);
    store<u32>(place, flags, 4);
    store<u32>(place, <u32> tokens.tokenAt, 8);
  }

  private become(index: i32, kind: u32): void {
    store<u32>(ROWS + 12 * index, kind);
  }

  /** Takes `count` tokens away behind the one at `index`. */
  private dropBehind(index: i32, count: i32): void {
    const from = index + 1 + count;
    memory.copy(ROWS + 12 * (index + 1), ROWS + 12 * from, 12 * (this.length - from));
    this.length -= count;
  }

  /** Folds the end of the row by one step; whether there was anything to fold. */
  private fold(): bool {
    const last = this.length - 1;
    const c = this.kindAt(last);
    const b = last > 0 ? this.kindAt(last - 1) : 0;
    const a = last > 1 ? this.kindAt(last - 2) : 0;
    // A function is one only before a parenthesis.
    if (b == Kind.FUNCTION && c != Kind.OPEN) {
      this.become(last - 1, Kind.NAME);
      return true;
    }
    if (last > 0 && this.foldTwo(last, b, c)) return true;
    if (last > 1 && this.foldThree(last, a, b, c)) return true;
    return false;
  }

  private foldTwo(last: i32, b: u32, c: u32): bool {
    if (b == Kind.COMMENT) return false;
    if (
      (b == c &&
        (c == Kind.OPEN || c == Kind.CLOSE || c == Kind.SEMICOLON || c == Kind.DOT || c == Kind.OTHER)) ||
      (b == Kind.TEXT && c == Kind.TEXT)
    ) {
      store<u32>(
        ROWS + 12 * (last - 1),
        this.flagsAt(last - 1) & START_OPEN | this.flagsAt(last) & END_OPEN,
        4,
      );
      this.length--;
      return true;
    }
    // NOT IN, IS NOT, NOT LIKE; an operator behind another is a sign.
    if (b == Kind.OPERATOR && c == Kind.OPERATOR) {
      this.length--;
      return true;
    }
    // UNION ALL, UNION DISTINCT, ORDER BY, SELECT DISTINCT
    if (
      (b == Kind.UNION || b == Kind.TAIL || b == Kind.SELECT) && c == Kind.KEYWORD && this.isFillWord(last)
    ) {
      this.length--;
      return true;
    }
    // A sign before a value.
    if (c == Kind.OPERATOR && this.isSign(last) && (last == 0 || this.takesSign(b))) {
      this.length--;
      return true;
    }
    return false;
  }

  private foldThree(last: i32, a: u32, b: u32, c: u32): bool {
    // Arithmetic and comparisons of values, but for texts, whose ends matter.
    if (b == Kind.OPERATOR && isValue(a) && isValue(c) && !(a == Kind.TEXT && last == 2)) {
      this.become(
        last - 2,
        a == Kind.NAME && c == Kind.NAME ? Kind.NAME : a == Kind.TEXT ? Kind.TEXT : Kind.NUMBER,
      );
      store<u32>(ROWS + 12 * (last - 2), this.flagsAt(last - 2) | FOLDED, 4);
      this.dropBehind(last - 2, 2);
      return true;
    }
    // A list is as good as its first value.
    if (b == Kind.COMMA && isValue(a) && isValue(c)) {
      this.dropBehind(last - 2, 2);
      return true;
    }
    // A value in parentheses, which is not the argument of a function.
    if (
      a == Kind.OPEN && isValue(b) && c == Kind.CLOSE && (last == 2 || !isCallable(this.kindAt(last - 3)))
    ) {
      memory.copy(ROWS + 12 * (last - 2), ROWS + 12 * (last - 1), 12);
      this.dropBehind(last - 2, 2);
      return true;
    }
    if (b == Kind.DOT && (a == Kind.NAME || a == Kind.NUMBER) && c == Kind.NAME) {
      this.become(last - 2, Kind.NAME);
      this.dropBehind(last - 2, 2);
      return true;
    }
    return false;
  }

  private isSign(index: i32): bool {
    const byte = <u32> load<u8>(<usize> load<u32>(ROWS + 12 * index, 8));
    return byte == 0x2b || byte == 0x2d || byte == 0x21 || byte == 0x7e || lowered(byte) == 0x6e;
  }

  private takesSign(before: u32): bool {
    return before == Kind.LOGIC || before == Kind.COMMA || before == Kind.OPEN || before == Kind.SELECT ||
      before == Kind.KEYWORD || before == Kind.UNION || before == Kind.TAIL || before == Kind.SEMICOLON;
  }

  private isFillWord(index: i32): bool {
    const at = <usize> load<u32>(ROWS + 12 * index, 8);
    const first = lowered(load<u8>(at));
    const second = lowered(load<u8>(at, 1));
    // ALL, DISTINCT, BY, TOP
    return (first == 0x61 && second == 0x6c) || (first == 0x64 && second == 0x69) ||
      (first == 0x62 && second == 0x79) ||
      (first == 0x74 && second == 0x6f);
  }

  /** Whether this row is SQL that somebody wants to be executed. */
  isInjection(context: u32): bool {
    for (let index = 0; index < this.length; index++) {
      if (this.kindAt(index) == Kind.EVIL) return true;
    }
    let from: i32 = 0;
    while (this.kindAt(from) == Kind.OPEN || this.kindAt(from) == Kind.OPERATOR) from++;
    const first = this.kindAt(from);
    if (this.beginsStatement(from)) return true;
    if (!isValue(first)) return first == Kind.FUNCTION && this.isCall(from);
    return this.goesOn(from, context);
  }

  /** SELECT …, UNION SELECT, INSERT INTO …, DROP TABLE …, at `index`. */
  private beginsStatement(index: i32): bool {
    const first = this.kindAt(index);
    const second = this.kindAt(index + 1);
    const third = this.kindAt(index + 2);
    if (first == Kind.SELECT) {
      if (
        second == Kind.OPERATOR || second == Kind.VARIABLE || second == Kind.FUNCTION || second == Kind.OPEN
      ) return true;
      if (isValue(second)) {
        return third == Kind.KEYWORD || third == Kind.UNION || third == Kind.COMMENT || third == Kind.COMMA;
      }
      return second == Kind.KEYWORD && isValue(third);
    }
    if (first == Kind.UNION) return second == Kind.SELECT || (second == Kind.OPEN && third == Kind.SELECT);
    if (first == Kind.STATEMENT) {
      if (second == Kind.KEYWORD) return isValue(third);
      return second == Kind.VARIABLE || second == Kind.FUNCTION || second == Kind.STATEMENT ||
        second == Kind.TEXT;
    }
    if (first == Kind.KEYWORD && second == Kind.KEYWORD) {
      return third == Kind.NAME &&
        (this.kindAt(index + 3) == Kind.KEYWORD || this.kindAt(index + 3) == Kind.OPEN);
    }
    return false;
  }

  /** A call of a function of SQL with an argument. */
  private isCall(index: i32): bool {
    if (this.kindAt(index) != Kind.FUNCTION || this.kindAt(index + 1) != Kind.OPEN) return false;
    const argument = this.kindAt(index + 2);
    return argument == Kind.NUMBER || argument == Kind.TEXT || argument == Kind.SELECT ||
      argument == Kind.VARIABLE ||
      argument == Kind.OPERATOR || argument == Kind.FUNCTION || argument == Kind.OPEN;
  }

  /** Whether what follows the value at `from` turns it into something else. */
  private goesOn(from: i32, context: u32): bool {
    const isOpen = (this.flagsAt(from) & START_OPEN) != 0;
    const value = this.kindAt(from);
    let next = from + 1;
    while (this.kindAt(next) == Kind.CLOSE) next++;
    const closes = next > from + 1;
    const kind = this.kindAt(next);
    const behind = this.kindAt(next + 1);
    const isSql = isOpen || closes || value == Kind.NUMBER;
    if (kind == Kind.LOGIC) return this.isCondition(from, next, context);
    if (kind == Kind.UNION) {
      return behind == Kind.SELECT || behind == Kind.OPEN || (behind == Kind.KEYWORD && isSql);
    }
    if (kind == Kind.SEMICOLON) {
      if (this.beginsStatement(next + 1) || (isSql && this.isCall(next + 1))) return true;
      if (behind == Kind.STATEMENT || behind == Kind.SELECT) return isSql;
      if (behind == Kind.KEYWORD) return isSql && this.kindAt(next + 2) == Kind.KEYWORD;
      return isOpen && behind == Kind.COMMENT;
    }
    if (kind == Kind.OPEN) return isOpen && behind == Kind.SELECT;
    if (kind == Kind.COMMENT) {
      return isOpen || (closes && value != Kind.NAME) || (value == Kind.NUMBER && this.endsWithDashes(next));
    }
    if (kind == Kind.TAIL) {
      if (behind == Kind.OPEN || behind == Kind.FUNCTION) return true;
      return isSql &&
        (behind == Kind.NUMBER || behind == Kind.VARIABLE || behind == Kind.TEXT ||
          (behind == Kind.NAME && isOpen));
    }
    if (kind == Kind.STATEMENT) return isSql && (behind != Kind.NAME || closes || isOpen) && behind != 0;
    if (kind == Kind.SELECT) return isSql && behind != Kind.NAME;
    if (kind == Kind.KEYWORD) {
      return (isOpen || closes) &&
        (this.isCall(next + 1) || behind == Kind.SELECT ||
          behind == Kind.KEYWORD && this.kindAt(next + 2) != Kind.NAME);
    }
    if (kind == Kind.FUNCTION) return isOpen && this.isCall(next);
    if (kind == Kind.COMMA) {
      return isSql &&
        (this.isCall(next + 1) || (behind == Kind.OPEN && this.kindAt(next + 2) == Kind.SELECT));
    }
    if (kind == Kind.OPERATOR) return this.isOperation(from, next, context);
    return false;
  }

  /** `value AND …`: a condition, unless it is `fish and chips` or `1 and 2`. */
  private isCondition(from: i32, logic: i32, context: u32): bool {
    const right = logic + 1;
    const kind = this.kindAt(right);
    if (kind == Kind.FUNCTION) return this.kindAt(right + 1) == Kind.OPEN;
    if (kind == Kind.SELECT || kind == Kind.VARIABLE || kind == Kind.BACKSLASH) return true;
    if (kind == Kind.OPEN) {
      const inner = this.kindAt(right + 1);
      if (inner == Kind.SELECT || inner == Kind.FUNCTION) return true;
      if (this.kindAt(from) == Kind.NAME) return false;
      return inner != 0 && (inner != Kind.NAME || (this.flagsAt(from) & START_OPEN) != 0);
    }
    if (kind == Kind.STATEMENT || kind == Kind.KEYWORD) {
      return this.beginsStatement(right) || this.kindAt(right + 1) == Kind.OPEN;
    }
    const isOpen = (this.flagsAt(from) & START_OPEN) != 0;
    if (kind == Kind.NUMBER || kind == Kind.TEXT) {
      if (isOpen) return true;
      // Numbers alone are a condition only when they are compared.
      return (this.count > 3 || this.hasComments) &&
        ((this.flagsAt(right) & FOLDED) != 0 || this.hasComments || this.kindAt(right + 1) != 0) &&
        this.kindAt(right + 1) != Kind.NAME;
    }
    if (kind != Kind.NAME) return false;
    const behind = this.kindAt(right + 1);
    if (isOpen) {
      return behind == Kind.OPERATOR || behind == Kind.COMMENT || (this.flagsAt(right) & FOLDED) != 0;
    }
    return this.kindAt(from) == Kind.NUMBER && (this.flagsAt(right) & FOLDED) != 0;
  }

  /** `value operator …` where the right side is more than a value, or ends the quotes it stands in. */
  private isOperation(from: i32, operator: i32, context: u32): bool {
    const right = operator + 1;
    const kind = this.kindAt(right);
    const isOpen = (this.flagsAt(from) & START_OPEN) != 0;
    if (kind == Kind.FUNCTION) return (isOpen || this.kindAt(from) == Kind.NUMBER) && this.isCall(right);
    if (kind == Kind.OPEN) {
      const inner = this.kindAt(right + 1);
      return inner == Kind.SELECT ||
        (isOpen && (inner == Kind.FUNCTION || inner == Kind.TEXT || inner == Kind.NUMBER));
    }
    if (kind == Kind.SELECT) return true;
    if (!isOpen) return false;
    if (kind == Kind.TEXT) {
      return (this.flagsAt(right) & END_OPEN) != 0 || this.kindAt(right + 1) == Kind.COMMENT ||
        this.kindAt(right + 1) == Kind.LOGIC;
    }
    if (kind == Kind.NUMBER || kind == Kind.VARIABLE || kind == Kind.NAME) {
      const behind = this.kindAt(right + 1);
      const third = this.kindAt(right + 2);
      return behind == Kind.COMMENT || behind == Kind.LOGIC || behind == Kind.UNION || behind == Kind.TAIL ||
        (behind == Kind.OPERATOR && (third == Kind.TEXT || third == Kind.BACKSLASH)) ||
        (kind == Kind.VARIABLE && (this.flagsAt(right) & DOUBLE_AT) != 0);
    }
    return false;
  }

  /** A comment of two dashes, which is how people end a statement early. */
  private endsWithDashes(index: i32): bool {
    return load<u8>(<usize> load<u32>(ROWS + 12 * index, 8)) == 0x2d;
  }
}

function isValue(kind: u32): bool {
  return kind == Kind.NUMBER || kind == Kind.TEXT || kind == Kind.NAME || kind == Kind.VARIABLE;
}

function isCallable(kind: u32): bool {
  return kind == Kind.FUNCTION || kind == Kind.NAME || kind == Kind.KEYWORD;
}
