/**
 * Whether a value would change the meaning of an SQL statement that it is put into. The method is that of
 * libinjection (N. Galbreath, Black Hat 2012): the value is cut into tokens as if it stood outside of quotes, or
 * within them; tokens that only lengthen an expression are folded together; the few kinds that are left say whether
 * this is SQL or something that people write. What counts as SQL is decided by a small grammar of our own.
 */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";
import { Kind } from "./sqli_words";
import { SqlRow } from "./sqli_rows";
import { OUTSIDE, WITHIN_DOUBLE, WITHIN_SINGLE } from "./sqli_tokens";

export { prepareSqlWords } from "./sqli_words";

/** Longer values are looked at in their first part only. */
const VALUE_BYTES_MAX: i32 = 65_536;

const row: SqlRow = new SqlRow();

/** The kinds of its tokens (a letter each) when the value is an injection; null when it is not. Makes no other garbage. */
export function detectSqli(value: Bytes): Bytes | null {
  const length = min(value.length, VALUE_BYTES_MAX);
  if (length < 3) return null;
  const facts = marksOf(value.at, length);
  if (facts == 0) return null;
  if (isInjection(value.at, length, OUTSIDE, facts)) return fingerprint();
  if ((facts & HAS_SINGLE) != 0 && isInjection(value.at, length, WITHIN_SINGLE, facts)) return fingerprint();
  if ((facts & HAS_DOUBLE) != 0 && isInjection(value.at, length, WITHIN_DOUBLE, facts)) return fingerprint();
  return null;
}

const HAS_SINGLE: u32 = 1;
const HAS_DOUBLE: u32 = 2;
/** `#`, or `--` without white space behind it: read in two ways. */
const HAS_TWO_READINGS: u32 = 4;
/** Something that is neither a letter nor a digit, without which nothing is SQL. */
const HAS_OTHER: u32 = 8;

/** 0 when the value cannot be an injection. */
function marksOf(at: usize, length: i32): u32 {
  let marks: u32 = 0;
  for (let index = 0; index < length; index++) {
    const byte = <u32> load<u8>(at + index);
    if ((byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10) continue;
    marks |= HAS_OTHER;
    if (byte == 0x27) marks |= HAS_SINGLE;
    else if (byte == 0x22) marks |= HAS_DOUBLE;
    else if (byte == 0x23 || (byte == 0x2d && index + 1 < length && load<u8>(at + index, 1) == 0x2d)) {
      marks |= HAS_TWO_READINGS;
    }
  }
  return marks;
}

function isInjection(at: usize, length: i32, context: u32, marks: u32): bool {
  row.read(at, length, context, false);
  if (row.isInjection(context)) return true;
  if ((marks & HAS_TWO_READINGS) == 0) return false;
  row.read(at, length, context, true);
  return row.isInjection(context);
}

function fingerprint(): Bytes {
  const at = allocate(row.length);
  for (let index = 0; index < row.length; index++) store<u8>(at + index, <u8> row.kindAt(index));
  return new Bytes(at, row.length);
}
