// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `log`. */

import { allocate } from "../arena";
import { EMPTY, storeText, Text } from "../text";
import { countOf } from "../values";

/** `level` of `log`. */
export class Level {
  static readonly DEBUG: u8 = 0;
  static readonly INFO: u8 = 1;
  static readonly WARN: u8 = 2;
  static readonly ERROR: u8 = 3;
}

/** `field` of `log`. */
export class Field {
  key: Text = EMPTY;
  value: Text = EMPTY;
}

/** Puts Field into memory; null is all zero. */
export function storeField(at: usize, value: Field | null): void {
  if (value === null) {
    memory.fill(at, 0, 16);
    return;
  }
  storeText(at, value.key);
  storeText(at + 8, value.value);
}

// asc: @external("sentinel:agent/log@1.0.0", "write")
declare function rawWrite(p0: i32, p1: i32, p2: i32, p3: i32, p4: i32): void;

/** `write` of `log`. */
export function write(level: u8, message: Text, fields: Field[]): void {
  const fieldsList = storeFieldList(fields);
  rawWrite(level, <i32> message.at, message.length, <i32> fieldsList, countOf(fields));
}

function storeFieldList(list: Field[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(16 * list.length);
  for (let index = 0; index < list.length; index++) {
    const at = start + 16 * index;
    const each = list[index];
    storeField(at, each);
  }
  return start;
}
