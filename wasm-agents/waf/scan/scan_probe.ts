/** Gives the tests of this folder a hold on scans. */

import { allocate } from "sentinel/arena";
import { Bytes } from "sentinel/text";
import { LiteralScan, LiteralScanBuilder } from "./literal_scan";
import { RegexFlags } from "../regex/limits";
import { Regex } from "../regex/regex";
import { hasNeeded } from "./present_bytes";

let builder: LiteralScanBuilder = new LiteralScanBuilder();
let made: LiteralScan | null = null;
let bits: usize = 0;
const expressions: Regex[] = [];

export function begin(): void {
  builder = new LiteralScanBuilder();
}

export function add(at: usize, length: i32, id: i32): bool {
  return builder.add(new Bytes(at, length), id);
}

/** 0: the pattern is refused, 1: any text could match it, 2: added. */
export function addExpression(at: usize, length: i32, id: i32): i32 {
  const regex = Regex.compile(new Bytes(at, length), RegexFlags.MODSECURITY_3);
  if (!regex) return 0;
  expressions.push(regex);
  return builder.addExpression(regex, id) ? 2 : 1;
}

/** Whether an expression, by the order of adding, matches. */
export function matches(index: i32, at: usize, length: i32): bool {
  return expressions[index].test(at, length);
}

export function build(): void {
  made = builder.build();
  bits = allocate(made!.bitBytes);
}

export function bitBytes(): i32 {
  return made!.bitBytes;
}

export function tableBytes(): i32 {
  return made!.tableBytes;
}

/** Where the bits are. */
export function scan(at: usize, length: i32): usize {
  memory.fill(bits, 0, made!.bitBytes);
  made!.scan(at, length, bits);
  return bits;
}

export function scanMany(at: usize, length: i32, times: i32): void {
  for (let index = 0; index < times; index++) made!.scan(at, length, bits);
}

export function find(at: usize, length: i32): i32 {
  return made!.find(at, length);
}

export function lastId(): i32 {
  return made!.lastId;
}

/** Whether the text has a byte of each of the sets. */
export function hasBytes(at: usize, length: i32, needs: usize, needsLength: i32): bool {
  scan(at, length);
  return hasNeeded(made!.present, needs, needsLength >> 5);
}
