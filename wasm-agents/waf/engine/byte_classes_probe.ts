/** For the test of `byte_classes.ts`. */

import { Bytes, Text } from "sentinel/text";
import { transform, transformId } from "../transforms/transforms";
import { actsOn, classesOf } from "./byte_classes";

/** 0: the text has bytes that the transformation acts on; 1: it has none, and nothing changes; 2: it changes all the same. */
export function isLeftAlone(id: i32, at: usize, length: i32): i32 {
  if ((actsOn(id) & classesOf(at, length)) != 0) return 0;
  const output = transform(id, new Bytes(at, length));
  return output.length == length && memory.compare(output.at, at, length) == 0 ? 1 : 2;
}

/** The number of a transformation by its name. */
export function idOf(at: usize, length: i32): i32 {
  return transformId(new Text(at, length));
}
