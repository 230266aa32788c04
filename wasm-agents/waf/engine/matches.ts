/**
 * Rules that have matched in this call, for the log: what matched, with what is around it, and what it counts.
 *
 * A record has 52 bytes: rule, number of tags that are not fixed, name (address, length), value (address, length), message
 * (address, length), data (address, length), score, phase, addresses and lengths of those tags in order.
 */

import { Bytes } from "sentinel";
import { allocate } from "sentinel/arena";
import { Rule } from "../seclang/model";
import { addedScore } from "./changes";
import { fullNameAt, hasMatched, matchedName, matchedText } from "./matched";
import { argumentStart, isMatchHidden, REDACTED, shownText, withoutArguments } from "./redaction";
import * as stores from "./stores";
import { textAt, textLength } from "./texts";

/** Matches that are listed for one call; more are counted. */
export const MATCHES_MAX: i32 = 256;

/** Bytes of a value, a message or a rule's own data that are shown. */
const SHOWN_BYTES_MAX: i32 = 512;

/** Bytes that are shown before what a rule captured. */
const BEFORE_BYTES: i32 = 64;

export const RECORD_BYTES: i32 = 52;

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
  const isHidden = isMatchHidden(rule);
  if (hasMatched() && !rule.isUnconditional) {
    const length = matchedName();
    put(record + 8, fullNameAt(), length);
    if (isHidden) putBytes(record + 16, REDACTED);
    else putAround(record + 16, textAt(matchedText()), textLength(matchedText()));
  }
  const message = rule.message;
  if (message !== null) putBytes(record + 24, shownText(rule, message, isHidden));
  const data = rule.logData;
  if (data !== null) putBytes(record + 32, shownText(rule, data, isHidden));
  noteTags(record, rule, isHidden);
  store<i32>(record, addedScore, 40);
  store<i32>(record, phase, 44);
}

/** What the tags stand for now: later rules match other values. */
function noteTags(record: usize, rule: Rule, isHidden: bool): void {
  const tags = rule.tags;
  let open = 0;
  for (let index = 0; index < tags.length; index++) if (!tags[index].isFixed) open++;
  if (open == 0) return;
  let place = allocate(8 * open);
  store<i32>(record, open, 4);
  store<usize>(record, place, 48);
  for (let index = 0; index < tags.length; index++) {
    if (tags[index].isFixed) continue;
    putBytes(place, shownText(rule, tags[index], isHidden));
    place += 8;
  }
}

/** Of a long value: what is around the part that a rule captured, or else its start. */
function putAround(place: usize, at: usize, length: i32): void {
  const captured = stores.slotValue(0);
  let from = 0;
  if (length > SHOWN_BYTES_MAX && load<i32>(captured) == stores.BYTES) {
    const start = load<usize>(captured, 4);
    if (start >= at && start < at + length) from = max(0, <i32> (start - at) - BEFORE_BYTES);
  }
  from = argumentStart(at, from);
  putBytes(place, withoutArguments(new Bytes(at + from, min(length - from, SHOWN_BYTES_MAX))));
}

function putBytes(place: usize, bytes: Bytes): void {
  put(place, bytes.at, bytes.length);
}

function put(place: usize, at: usize, length: i32): void {
  store<usize>(place, at);
  store<i32>(place, min(length, SHOWN_BYTES_MAX), 4);
}
