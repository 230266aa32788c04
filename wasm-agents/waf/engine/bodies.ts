/** Bodies: which of them are read and how, and what they are taken apart into. */

import { Bytes, Text } from "sentinel";
import { BODY_JSON, BODY_MULTIPART, BODY_NONE, BODY_URLENCODED, BODY_XML } from "../seclang/ctls";
import { Settings } from "../seclang/settings";
import {
  KIND_BODY_SCALAR,
  LIST_ARGS_POST,
  LIST_REQUEST_HEADERS,
  TABLE,
  VAR_INBOUND_DATA_ERROR,
  VAR_MULTIPART_STRICT_ERROR,
  VAR_REQBODY_ERROR,
  VAR_REQBODY_ERROR_MSG,
  VAR_REQBODY_PROCESSOR_ERROR,
  VAR_REQBODY_PROCESSOR_ERROR_MSG,
  VAR_REQUEST_BODY,
  VAR_REQUEST_BODY_LENGTH,
  VAR_URLENCODED_ERROR,
  VARIABLES,
} from "../seclang/variables";
import { isSameRun, isSpace, isWord, part, trimmed } from "../seclang/words";
import { BodyToRead, parseBody } from "./body_parsers";
import { bodyFact } from "./facts";
import { needList, requestHeader } from "./gather";
import {
  ABSENT,
  addPair,
  firstOf,
  forgetSingle,
  nameAt,
  nameLength,
  newEpoch,
  nextOf,
  setSingle,
  singleOf,
  valueAt,
  valueLength,
} from "./lists";
import { finishSink, sinkFilesSize, sinkIsFull, sinkOverflowed, startSink } from "./list_sink";
import { hasBadEscape } from "./request_values";
import * as transaction from "./transaction";

const ONE = Text.of("1");
const TOO_MANY = Text.of(
  "there are more arguments than the limit; those beyond were looked at together",
);

/** Chooses a processor by the type of the content, as long as no rule has chosen one. */
export function chooseProcessor(takesJsonAndXml: bool): void {
  const type = requestHeader("content-type");
  if (type === null) return;
  const word = mediaType(type);
  if (isWord(word, "application/x-www-form-urlencoded")) {
    transaction.setBodyProcessor(BODY_URLENCODED);
  } else if (isWord(word, "multipart/form-data")) {
    transaction.setBodyProcessor(BODY_MULTIPART);
  } else if (takesJsonAndXml) {
    if (isWord(word, "application/json") || endsWith(word, "+json")) {
      transaction.setBodyProcessor(BODY_JSON);
    } else if (
      isWord(word, "application/xml") || isWord(word, "text/xml") ||
      endsWith(word, "+xml")
    ) {
      transaction.setBodyProcessor(BODY_XML);
    }
  }
}

/**
 * Whether bodies of the request's type are looked at. So is one without a type, one that has several of which one is, and one
 * that a server may read as several: only what is surely of another type goes by.
 */
export function isTypeRead(types: Bytes[]): bool {
  if (types.length == 0) return true;
  needList(LIST_REQUEST_HEADERS);
  let isTyped = false;
  for (let pair = firstOf(LIST_REQUEST_HEADERS); pair != 0; pair = nextOf(pair)) {
    if (!isWord(new Bytes(nameAt(pair), nameLength(pair)), "content-type")) continue;
    const type = trimmed(new Bytes(valueAt(pair), valueLength(pair)));
    if (type.length == 0 || type.indexOfByte(0x2c) >= 0) return true;
    for (let index = 0; index < types.length; index++) {
      const wanted = types[index];
      if (type.length >= wanted.length && isSameRun(type.at, wanted.at, wanted.length)) return true;
    }
    isTyped = true;
  }
  return !isTyped;
}

/** A media type without its parameters. */
export function mediaType(type: Bytes): Bytes {
  let end = 0;
  while (
    end < type.length && type.byteAt(end) != 0x3b && type.byteAt(end) != 0x2c
  ) end++;
  return trimmed(part(type, 0, end));
}

function endsWith(word: Bytes, tail: string): bool {
  return word.length > tail.length &&
    isWord(part(word, word.length - tail.length, word.length), tail);
}

/** Whether a body is to come. */
export function announcesBody(): bool {
  if (isBodyAnnounced()) return true;
  // HTTP/2 needs no header for that.
  const fact = bodyFact();
  return fact !== null && fact.asText().is("1");
}

/** Whether the head of a request says that a body comes. */
function isBodyAnnounced(): bool {
  if (requestHeader("transfer-encoding") !== null) return true;
  const length = requestHeader("content-length");
  if (length === null) return false;
  for (let index = 0; index < length.length; index++) {
    const byte = length.byteAt(index);
    if (byte != 0x30 && !isSpace(byte)) return true;
  }
  return false;
}

/**
 * Takes a body apart into arguments, files and the like. A body over the limit that is not refused is cut off there, so that
 * it is the same whether it comes in pieces or not. `isCut` says that there is more of it. Gives whether there is more in
 * it than rules may look at, without the contents of files: what is beyond was left out.
 */
export function readRequestBody(
  body: Bytes,
  settings: Settings,
  isCut: bool,
): bool {
  forgetBodyValues();
  let seen = body;
  let isPartial = isCut;
  const processor = transaction.bodyProcessor;
  const noFilesMax = settings.requestBodyNoFilesLimit;
  // A form with files is measured as it is read. What nobody reads is not an error, as in ModSecurity.
  let isTooMuch = min(body.length, transaction.requestBodyLimit) > noFilesMax &&
    processor != BODY_MULTIPART &&
    (processor != BODY_NONE || transaction.isBodyForced);
  const limit = transaction.requestBodyLimit;
  if (body.length > limit) {
    seen = part(body, 0, limit);
    isPartial = true;
  }
  if (seen.length > noFilesMax && processor != BODY_MULTIPART) {
    seen = part(seen, 0, noFilesMax);
    isPartial = true;
  }
  const length = Text.of(min(body.length, limit + 1).toString());
  setSingle(VAR_REQUEST_BODY_LENGTH, length.at, length.length);
  // As in ModSecurity 2: the raw body of a type that has a processor of its own is not a value besides.
  if (
    processor == BODY_URLENCODED || processor == BODY_NONE ||
    transaction.isBodyForced
  ) {
    setSingle(VAR_REQUEST_BODY, seen.at, min(seen.length, noFilesMax));
  }
  if (processor == BODY_URLENCODED && hasBadEscape(seen)) {
    setSingle(VAR_URLENCODED_ERROR, ONE.at, ONE.length);
  }
  startSink(LIST_ARGS_POST, processor == BODY_MULTIPART ? noFilesMax : i32.MAX_VALUE);
  const problem = parseBody(new BodyToRead(seen, requestHeader("content-type"), isPartial), settings);
  if (problem !== null) bodyError(problem);
  else if (sinkOverflowed()) bodyError(TOO_MANY);
  finishSink();
  // Of a form that cannot be read to its end nobody knows what is in a file.
  if (processor == BODY_MULTIPART && problem === null) isTooMuch = seen.length - sinkFilesSize() > noFilesMax;
  // Names count twice, in the header and by themselves: what was left out for that must not go by unseen either.
  if (sinkIsFull()) isTooMuch = true;
  if (isUnjudged(problem !== null, settings)) {
    addPair(LIST_ARGS_POST, 0, 0, seen.at, min(seen.length, noFilesMax));
    if (seen.length > noFilesMax) isTooMuch = true;
  }
  if (isPartial || isTooMuch) setSingle(VAR_INBOUND_DATA_ERROR, ONE.at, ONE.length);
  newEpoch();
  return isTooMuch;
}

/**
 * Whether something is wrong with the body that no rule of the set asks about. What a parser did not reach, or what a server
 * reads in another way, must not go by unseen then.
 */
function isUnjudged(hasProblem: bool, settings: Settings): bool {
  if (hasProblem) return !settings.judgesBodyErrors;
  return !settings.judgesStrictErrors && singleOf(VAR_MULTIPART_STRICT_ERROR) > ABSENT;
}

/** What is known of the body is asked for anew. */
function forgetBodyValues(): void {
  for (let variable = 0; variable < VARIABLES; variable++) {
    if (unchecked(TABLE[variable]).kind == KIND_BODY_SCALAR) {
      forgetSingle(variable);
    }
  }
}

function bodyError(message: Bytes): void {
  setSingle(VAR_REQBODY_ERROR, ONE.at, ONE.length);
  setSingle(VAR_REQBODY_PROCESSOR_ERROR, ONE.at, ONE.length);
  setSingle(VAR_REQBODY_ERROR_MSG, message.at, message.length);
  setSingle(VAR_REQBODY_PROCESSOR_ERROR_MSG, message.at, message.length);
}
