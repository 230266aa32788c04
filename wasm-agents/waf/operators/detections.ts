/** detectSQLi, detectXSS. */

import { Bytes, Text } from "sentinel/text";
import { detectSqli } from "../detect/sqli";
import { detectXss } from "../detect/xss";
import { Operator } from "./operator";

/** Captures the row of tokens that gave the attack away. */
export class DetectSqli extends Operator {
  private readonly row: Bytes = new Bytes(0, 0);

  constructor(argument: Text) {
    super(argument);
    this.captured = [this.row];
  }

  testWith(value: Bytes, _argument: Bytes): bool {
    const row = detectSqli(value);
    if (row === null) return false;
    // The row stays an object of its own: `captured` must not lead to one of the call.
    const kept = changetype<usize>(this.row);
    store<usize>(kept, row.at, offsetof<Bytes>("at"));
    store<i32>(kept, row.length, offsetof<Bytes>("length"));
    return this.met(0, value.length);
  }
}

export class DetectXss extends Operator {
  testWith(value: Bytes, _argument: Bytes): bool {
    return detectXss(value) && this.met(0, value.length);
  }
}
