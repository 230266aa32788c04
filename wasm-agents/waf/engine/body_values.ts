/** Variables of the request's body that have one value. What `bodies.ts` has found out stands in the singles already. */

import { Bytes, ByteWriter, EMPTY, Text } from "sentinel";
import { BODY_JSON, BODY_MULTIPART, BODY_URLENCODED, BODY_XML } from "../seclang/ctls";
import {
  LIST_ARGS_GET,
  LIST_ARGS_POST,
  LIST_FILES_SIZES,
  LIST_REQUEST_HEADERS,
  VAR_ARGS_COMBINED_SIZE,
  VAR_FILES_COMBINED_SIZE,
  VAR_FULL_REQUEST,
  VAR_FULL_REQUEST_LENGTH,
  VAR_REQBODY_ERROR_MSG,
  VAR_REQBODY_PROCESSOR,
  VAR_REQBODY_PROCESSOR_ERROR_MSG,
  VAR_REQUEST_BODY,
  VAR_REQUEST_LINE,
} from "../seclang/variables";
import { leadingNumber } from "../seclang/words";
import { needList, needSingle } from "./gather";
import * as lists from "./lists";
import * as transaction from "./transaction";

const ZERO = Text.of("0");
const URLENCODED = Text.of("URLENCODED");
const MULTIPART = Text.of("MULTIPART");
const JSON_NAME = Text.of("JSON");
const XML_NAME = Text.of("XML");

/** The value; null when there is none. */
export function bodySingle(variable: i32): Bytes | null {
  if (variable == VAR_REQBODY_PROCESSOR) {
    return processorName(transaction.bodyProcessor);
  }
  if (
    variable == VAR_REQBODY_ERROR_MSG ||
    variable == VAR_REQBODY_PROCESSOR_ERROR_MSG
  ) return EMPTY;
  if (variable == VAR_REQUEST_BODY) return null;
  if (variable == VAR_ARGS_COMBINED_SIZE) return argumentsSize();
  if (variable == VAR_FILES_COMBINED_SIZE) return filesSize();
  if (variable == VAR_FULL_REQUEST) return fullRequest();
  if (variable == VAR_FULL_REQUEST_LENGTH) {
    return Text.of(fullRequest().length.toString());
  }
  // The length of no body, and every flag.
  return ZERO;
}

/** The name of a processor as rules know it. */
export function processorName(processor: i32): Bytes {
  if (processor == BODY_URLENCODED) return URLENCODED;
  if (processor == BODY_MULTIPART) return MULTIPART;
  if (processor == BODY_JSON) return JSON_NAME;
  return processor == BODY_XML ? XML_NAME : EMPTY;
}

function argumentsSize(): Bytes {
  needList(LIST_ARGS_GET);
  return Text.of((sizeOf(LIST_ARGS_GET) + sizeOf(LIST_ARGS_POST)).toString());
}

function sizeOf(list: i32): i64 {
  let size: i64 = 0;
  for (let pair = lists.firstOf(list); pair != 0; pair = lists.nextOf(pair)) {
    size += lists.nameLength(pair) + lists.valueLength(pair);
  }
  return size;
}

function filesSize(): Bytes {
  let size: i64 = 0;
  for (
    let pair = lists.firstOf(LIST_FILES_SIZES);
    pair != 0;
    pair = lists.nextOf(pair)
  ) {
    size += leadingNumber(lists.valueAt(pair), lists.valueLength(pair));
  }
  return Text.of(size.toString());
}

/** Request line, headers and body, as they would stand in HTTP/1.1. */
function fullRequest(): Bytes {
  const whole = new ByteWriter(2048);
  putSingle(whole, VAR_REQUEST_LINE);
  putLineEnd(whole);
  needList(LIST_REQUEST_HEADERS);
  for (
    let pair = lists.firstOf(LIST_REQUEST_HEADERS);
    pair != 0;
    pair = lists.nextOf(pair)
  ) {
    whole.bytes(new Bytes(lists.nameAt(pair), lists.nameLength(pair)));
    whole.byte(0x3a);
    whole.byte(0x20);
    whole.bytes(new Bytes(lists.valueAt(pair), lists.valueLength(pair)));
    putLineEnd(whole);
  }
  putLineEnd(whole);
  putSingle(whole, VAR_REQUEST_BODY);
  return whole.text;
}

function putSingle(writer: ByteWriter, variable: i32): void {
  const pair = needSingle(variable);
  if (pair != lists.ABSENT) {
    writer.bytes(new Bytes(lists.valueAt(pair), lists.valueLength(pair)));
  }
}

function putLineEnd(writer: ByteWriter): void {
  writer.byte(13);
  writer.byte(10);
}
