/** Gives the tests of this folder a hold on the detectors. */

import { Bytes } from "sentinel/text";
import { detectSqli, prepareSqlWords } from "./sqli";
import { detectXss, prepareXssWords } from "./xss";

export function prepare(): void {
  prepareSqlWords();
  prepareXssWords();
}

/** The fingerprint, or 0. */
export function sqli(at: usize, length: i32): usize {
  const found = detectSqli(new Bytes(at, length));
  return found === null ? 0 : changetype<usize>(found);
}

export function xss(at: usize, length: i32): bool {
  return detectXss(new Bytes(at, length));
}
