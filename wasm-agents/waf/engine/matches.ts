/**
 * Rules that have matched in this call, for the log: what matched, with what is around it, and what it counts.
 *
 * A record has 68 bytes: rule, number of tags that are not fixed, name (address, length), value (address, length), message
 * (address, length), data (address, length), score, phase, addresses and lengths of those tags in order, the part of the value
 * that was met (address, length), and of a value that is cut where what is shown begins and the length of all of it.
 */

import { Bytes } from "sentinel";
import { allocate } from "sentinel/arena";
import { Rule } from "../seclang/model";
import { addedScore } from "./changes";
import { fullNameAt, hasMatched, matchedName, matchedText } from "./matched";
import { findPlace, placeFrom, placeLength } from "./match_place";
import { argumentStart, isMatchHidden, REDACTED, shownText, withoutArguments } from "./redaction";
import { textAt, textLength } from "./texts";

/** Matches that are listed for one call; more are counted. */
export const MATCHES_MAX: i32 = 256;

/** Bytes of a value, a message or a rule's own data that are shown. */
const SHOWN_BYTES_MAX: i32 = 512;

/** Values that are longer are searched for the part that was met. */
const LONG_BYTES: i32 = 120;

/** Bytes that are shown before the part of a long value that was met. */
const BEFORE_BYTES: i32 = 64;

export const RECORD_BYTES: i32 = 68;

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
    else putValue(record, rule);
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

/** Of a long value: what is around the part that the rule met, where that is known, or else its start. */
function putValue(record: usize, rule: Rule): void {
  const at = textAt(matchedText());
  const length = textLength(matchedText());
  const isPlaced = length > LONG_BYTES && findPlace(rule, at, length);
  let from = 0;
  if (isPlaced && length > SHOWN_BYTES_MAX) {
    from = argumentStart(at, sequenceStart(at, max(0, placeFrom - BEFORE_BYTES)));
  }
  const to = length - from > SHOWN_BYTES_MAX ? sequenceStart(at, from + SHOWN_BYTES_MAX) : length;
  const part = new Bytes(at + from, to - from);
  const shown = withoutArguments(part);
  putBytes(record + 16, shown);
  if (part.length < length) {
    store<i32>(record, from, 60);
    store<i32>(record, length, 64);
  }
  // Where something is taken out, what was met may be a part of that.
  if (!isPlaced || shown != part) return;
  const met = new Bytes(at + placeFrom, min(placeLength, SHOWN_BYTES_MAX));
  if (withoutArguments(met) == met) putBytes(record + 52, met);
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
