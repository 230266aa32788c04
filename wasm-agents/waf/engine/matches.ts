/**
 * Rules that have matched in this call, for the log: what matched, with what is around it, and what it counts.
 *
 * A record has 48 bytes: rule, variable, name (address, length), value (address, length), message (address, length),
 * data (address, length), score, phase.
 */

import { Bytes } from "sentinel";
import { allocate } from "sentinel/arena";
import { Rule } from "../seclang/model";
import { addedScore } from "./changes";
import { expanded } from "./expand";
import { fullNameAt, hasMatched, matchedName, matchedText } from "./matched";
import * as stores from "./stores";
import { textAt, textLength } from "./texts";

/** Matches that are listed for one call; more are counted. */
export const MATCHES_MAX: i32 = 256;

/** Bytes of a value, a message or a rule's own data that are shown. */
const SHOWN_BYTES_MAX: i32 = 512;

/** Bytes that are shown before what a rule captured. */
const BEFORE_BYTES: i32 = 64;

export const RECORD_BYTES: i32 = 48;

let records: usize = 0;
let count: i32 = 0;
let leftOut: i32 = 0;

/** A call begins with no matches. */
export function clearMatches(): void {
  records = 0;
  count = 0;
  leftOut = 0;
}

export function matchCount(): i32 {
  return count;
}

export function matchesLeftOut(): i32 {
  return leftOut;
}

export function matchRecord(index: i32): usize {
  return records + RECORD_BYTES * index;
}

/** Notes that a rule has matched, with what matched last. */
export function noteMatch(rule: Rule, phase: i32): void {
  if (count == MATCHES_MAX) {
    leftOut++;
    return;
  }
  if (records == 0) records = allocate(RECORD_BYTES * MATCHES_MAX);
  const record = records + RECORD_BYTES * count++;
  memory.fill(record, 0, RECORD_BYTES);
  store<usize>(record, changetype<usize>(rule));
  if (hasMatched() && !rule.isUnconditional) {
    const length = matchedName();
    put(record + 8, fullNameAt(), length);
    putAround(record + 16, textAt(matchedText()), textLength(matchedText()));
  }
  const message = rule.message;
  if (message !== null) putBytes(record + 24, expanded(message));
  const data = rule.logData;
  if (data !== null) putBytes(record + 32, expanded(data));
  store<i32>(record, addedScore, 40);
  store<i32>(record, phase, 44);
}

/** Of a long value: what is around the part that a rule captured, or else its start. */
function putAround(place: usize, at: usize, length: i32): void {
  const captured = stores.slotValue(0);
  let from = 0;
  if (length > SHOWN_BYTES_MAX && load<i32>(captured) == stores.BYTES) {
    const start = load<usize>(captured, 4);
    if (start >= at && start < at + length) from = max(0, <i32> (start - at) - BEFORE_BYTES);
  }
  put(place, at + from, length - from);
}

function putBytes(place: usize, bytes: Bytes): void {
  put(place, bytes.at, bytes.length);
}

function put(place: usize, at: usize, length: i32): void {
  store<usize>(place, at);
  store<i32>(place, min(length, SHOWN_BYTES_MAX), 4);
}
