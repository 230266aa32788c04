/** Gives the test a hold on what stands in for expressions of the Core Rule Set 3. */

import { Bytes, Text } from "sentinel/text";
import { WordComparison } from "../operators/word_comparison";
import { isWordComparison, withStandIns } from "./stand_ins";

let comparison: WordComparison | null = null;

export function standIns(at: usize, length: i32): Bytes {
  return withStandIns(new Bytes(at, length));
}

/** Makes the operator where the expression is the one that it stands in for. */
export function make(at: usize, length: i32): bool {
  if (!isWordComparison(new Bytes(at, length))) return false;
  comparison = new WordComparison(Text.of(""));
  return true;
}

export function test(at: usize, length: i32): bool {
  return comparison!.test(new Bytes(at, length));
}

export function matchedFrom(): i32 {
  return comparison!.matchedFrom;
}

export function matchedTo(): i32 {
  return comparison!.matchedTo;
}
