/** Fills lists and single values when a rule asks for them. */

import { Bytes, Text } from "sentinel";
import * as http from "sentinel/bindings/http";
import { parseCookies } from "../bodies/cookies";
import { parseUrlEncoded } from "../bodies/urlencoded";
import {
  KIND_BODY_SCALAR,
  KIND_DYNAMIC,
  KIND_RESPONSE_SCALAR,
  LIST_ARGS_GET,
  LIST_GEO,
  LIST_REQUEST_COOKIES,
  LIST_REQUEST_HEADERS,
  LIST_RESPONSE_HEADERS,
  TABLE,
  VAR_REQUEST_URI,
  VAR_REQUEST_URI_RAW,
} from "../seclang/variables";
import { isWord } from "../seclang/words";
import { bodySingle } from "./body_values";
import { dynamicSingle } from "./dynamic_values";
import * as lists from "./lists";
import { finishSink, SINK, startSink } from "./list_sink";
import { query, requestSingle } from "./request_values";
import { responseSingle } from "./response_values";
import * as transaction from "./transaction";
import { wireBytes } from "./wire_bytes";

/** What the proxy knows of the client's place, as notes of agents before this one. */
const GEO_NOTES: string[] = [
  "geo.country",
  "geo.continent",
  "geo.region",
  "geo.city",
  "geo.asn",
];
const GEO_NAMES: string[] = [
  "COUNTRY_CODE",
  "COUNTRY_CONTINENT",
  "REGION",
  "CITY",
  "ASN",
];

/** Fills a list, unless it is filled. */
export function needList(list: i32): void {
  if ((transaction.gathered & (1 << list)) != 0) return;
  transaction.setGathered(list);
  if (list == LIST_REQUEST_HEADERS) {
    addHeaders(list, http.requestHeaders(transaction.request));
  } else if (list == LIST_REQUEST_COOKIES) addCookies();
  else if (list == LIST_ARGS_GET) addQuery();
  else if (list == LIST_RESPONSE_HEADERS) {
    if (transaction.hasResponse) {
      addHeaders(list, http.responseHeaders(transaction.response));
    }
  } else if (list == LIST_GEO) addGeo();
}

function addHeaders(list: i32, headers: http.Header[]): void {
  for (let index = 0; index < headers.length; index++) {
    const header = unchecked(headers[index]);
    const value = wireBytes(header.value);
    lists.addPair(list, header.name.at, header.name.length, value.at, value.length);
  }
}

function addCookies(): void {
  needList(LIST_REQUEST_HEADERS);
  startSink(LIST_REQUEST_COOKIES);
  for (
    let pair = lists.firstOf(LIST_REQUEST_HEADERS);
    pair != 0;
    pair = lists.nextOf(pair)
  ) {
    if (lists.nameLength(pair) != 6) continue;
    if (!isWord(new Bytes(lists.nameAt(pair), 6), "cookie")) continue;
    parseCookies(new Bytes(lists.valueAt(pair), lists.valueLength(pair)), SINK);
  }
  finishSink();
}

function addQuery(): void {
  const text = query();
  if (text.length == 0) return;
  startSink(LIST_ARGS_GET);
  parseUrlEncoded(text, SINK, transaction.argumentSeparator);
  finishSink();
}

function addGeo(): void {
  for (let index = 0; index < GEO_NOTES.length; index++) {
    const value = http.requestMetadata(
      transaction.request,
      Text.of(GEO_NOTES[index]),
    );
    if (value === null) continue;
    const name = Text.of(GEO_NAMES[index]);
    lists.addPair(LIST_GEO, name.at, name.length, value.at, value.length);
  }
}

/** The pair with the value of a variable that has one at most; `ABSENT` when it has none. */
export function needSingle(variable: i32): usize {
  const kind = unchecked(TABLE[variable]).kind;
  if (kind == KIND_DYNAMIC) return dynamicSingle(variable);
  const known = lists.singleOf(variable);
  if (known != 0) return known;
  // The same bytes: what is found out about them is found out once.
  if (variable == VAR_REQUEST_URI_RAW) return lists.setPair(variable, needSingle(VAR_REQUEST_URI));
  const value = kind == KIND_BODY_SCALAR
    ? bodySingle(variable)
    : kind == KIND_RESPONSE_SCALAR
    ? responseSingle(variable)
    : requestSingle(variable);
  return value === null ? lists.setAbsent(variable) : lists.setSingle(variable, value.at, value.length);
}

/** The first value of a header of the request; null when there is none. */
export function requestHeader(name: string): Bytes | null {
  needList(LIST_REQUEST_HEADERS);
  for (
    let pair = lists.firstOf(LIST_REQUEST_HEADERS);
    pair != 0;
    pair = lists.nextOf(pair)
  ) {
    if (lists.nameLength(pair) != name.length) continue;
    if (isWord(new Bytes(lists.nameAt(pair), lists.nameLength(pair)), name)) {
      return new Bytes(lists.valueAt(pair), lists.valueLength(pair));
    }
  }
  return null;
}
