/**
 * Rules that have matched in this call, for the log: what matched, with what is around it, and what it counts.
 *
 * A record has 64 bytes: rule, variable, name (address, length), value (address, length), message (address, length),
 * data (address, length), score, phase, the part of the value that was met (address, length), where what is shown of the
 * value begins, and the length of all of it.
 */

import { Bytes } from "sentinel";
import { allocate } from "sentinel/arena";
import { Rule } from "../seclang/model";
import { addedScore } from "./changes";
import { expanded } from "./expand";
import { fullNameAt, hasMatched, matchedName, matchedText } from "./matched";
import { findPlace, placeFrom, placeLength } from "./match_place";
import { textAt, textLength } from "./texts";

/** Matches that are listed for one call; more are counted. */
export const MATCHES_MAX: i32 = 256;

/** Bytes of a value, a message or a rule's own data that are shown. */
const SHOWN_BYTES_MAX: i32 = 512;

/** Values that are longer are searched for the part that was met. */
const LONG_BYTES: i32 = 120;

/** Bytes that are shown before the part of a long value that was met. */
const BEFORE_BYTES: i32 = 64;

export const RECORD_BYTES: i32 = 64;

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
    putValue(record, rule);
  }
  const message = rule.message;
  if (message !== null) putBytes(record + 24, expanded(message));
  const data = rule.logData;
  if (data !== null) putBytes(record + 32, expanded(data));
  store<i32>(record, addedScore, 40);
  store<i32>(record, phase, 44);
}

/** Of a long value: what is around the part that the rule met, where that is known, or else its start. */
function putValue(record: usize, rule: Rule): void {
  const at = textAt(matchedText());
  const length = textLength(matchedText());
  store<i32>(record, length, 60);
  let from = 0;
  if (length > LONG_BYTES && findPlace(rule, at, length)) {
    put(record + 48, at + placeFrom, placeLength);
    if (length > SHOWN_BYTES_MAX) from = sequenceStart(at, max(0, placeFrom - BEFORE_BYTES));
  }
  store<i32>(record, from, 56);
  let to = length;
  if (length - from > SHOWN_BYTES_MAX) to = sequenceStart(at, from + SHOWN_BYTES_MAX);
  put(record + 16, at + from, to - from);
}

/** The place itself, or that before it where the bytes of a character of UTF-8 begin. */
function sequenceStart(at: usize, place: i32): i32 {
  for (let back = 0; back < min(4, place + 1); back++) {
    if ((load<u8>(at + place - back) & 0xc0) != 0x80) return place - back;
  }
  return place;
}

function putBytes(place: usize, bytes: Bytes): void {
  put(place, bytes.at, bytes.length);
}

function put(place: usize, at: usize, length: i32): void {
  store<usize>(place, at);
  store<i32>(place, min(length, SHOWN_BYTES_MAX), 4);
}
