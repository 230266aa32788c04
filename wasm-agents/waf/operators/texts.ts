/** beginsWith, contains, containsWord, endsWith, streq, strmatch, within; case matters. */

import { Bytes } from "sentinel/text";
import { Operator } from "./operator";
import { findBytes } from "./search";

export class BeginsWith extends Operator {
  testWith(value: Bytes, argument: Bytes): bool {
    return value.startsWith(argument) && this.met(0, argument.length);
  }
}

/** Also `strmatch`, which is a faster way to the same in ModSecurity. */
export class Contains extends Operator {
  testWith(value: Bytes, argument: Bytes): bool {
    const from = findBytes(value, argument, 0);
    return from >= 0 && this.met(from, from + argument.length);
  }
}

/** The argument with no letter before and behind it. */
export class ContainsWord extends Operator {
  testWith(value: Bytes, argument: Bytes): bool {
    if (argument.length == 0) return this.met(0, 0);
    for (
      let from = findBytes(value, argument, 0);
      from >= 0;
      from = findBytes(value, argument, from + 1)
    ) {
      const to = from + argument.length;
      const isFree = from == 0 || !isLetter(value.byteAt(from - 1));
      if (isFree && (to == value.length || !isLetter(value.byteAt(to)))) {
        return this.met(from, to);
      }
      // A long argument has a table made for each search; places inside of this one are left out to stay linear.
      if (argument.length > WORD_BYTES_MAX) from = to - 1;
    }
    return false;
  }
}

/** Longer arguments are no words that anyone means. */
const WORD_BYTES_MAX: i32 = 64;

function isLetter(byte: u32): bool {
  return (byte | 32) - 97 < 26;
}

export class EndsWith extends Operator {
  testWith(value: Bytes, argument: Bytes): bool {
    return value.endsWith(argument) &&
      this.met(value.length - argument.length, value.length);
  }
}

export class StrEq extends Operator {
  testWith(value: Bytes, argument: Bytes): bool {
    return value.equals(argument) && this.met(0, value.length);
  }
}

/** The value stands somewhere in the argument; the empty value does. */
export class Within extends Operator {
  testWith(value: Bytes, argument: Bytes): bool {
    return (value.length == 0 || findBytes(argument, value, 0) >= 0) &&
      this.met(0, value.length);
  }
}

export class UnconditionalMatch extends Operator {
  testWith(value: Bytes, _argument: Bytes): bool {
    return this.met(0, value.length);
  }
}

export class NoMatch extends Operator {
  testWith(_value: Bytes, _argument: Bytes): bool {
    return false;
  }
}
