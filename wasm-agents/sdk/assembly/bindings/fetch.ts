// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** HTTP to the origins that the operator listed. */

import { allocate } from "../arena";
import { Bytes, EMPTY, loadBytes, loadText, storeText, Text } from "../text";
import { countOf, failed, Result, succeeded } from "../values";
import { Header, loadHeader, storeHeader } from "./http";

const RESULT: usize = memory.data(24, 8);

/** `fetch-request` of `fetch`. */
export class FetchRequest {
  method: Text = EMPTY;
  url: Text = EMPTY;
  headers: Header[] | null = null;
  body: Bytes | null = null;
  timeoutMs: u32 = 0;
}

/** Puts FetchRequest into memory; null is all zero. */
export function storeFetchRequest(at: usize, value: FetchRequest | null): void {
  if (value === null) {
    memory.fill(at, 0, 40);
    return;
  }
  storeText(at, value.method);
  storeText(at + 8, value.url);
  store<usize>(at, storeHeaderList(value.headers), 16);
  store<i32>(at, countOf(value.headers), 20);
  const some24 = value.body;
  store<u8>(at, <u8> (some24 !== null), 24);
  if (some24 !== null) {
    storeText(at + 28, some24);
  }
  store<u32>(at, value.timeoutMs, 36);
}

/** `fetch-response` of `fetch`. */
export class FetchResponse {
  status: u16 = 0;
  headers!: Header[];
  body: Bytes = EMPTY;
}

/** Takes FetchResponse out of memory. */
export function loadFetchResponse(at: usize): FetchResponse {
  const value = new FetchResponse();
  value.status = load<u16>(at);
  value.headers = loadHeaderList(load<usize>(at, 4), load<i32>(at, 8));
  value.body = loadBytes(at + 12);
  return value;
}

// asc: @external("sentinel:agent/fetch@1.0.0", "send")
declare function rawSend(
  p0: i32,
  p1: i32,
  p2: i32,
  p3: i32,
  p4: i32,
  p5: i32,
  p6: i32,
  p7: i32,
  p8: i32,
  p9: i32,
  p10: i32,
): void;

/** `send` of `fetch`. */
export function send(request: FetchRequest): Result<FetchResponse, Text> {
  const request_headersList = storeHeaderList(request.headers);
  const request_bodySome = request.body;
  rawSend(
    <i32> request.method.at,
    request.method.length,
    <i32> request.url.at,
    request.url.length,
    <i32> request_headersList,
    countOf(request.headers),
    request_bodySome === null ? 0 : 1,
    request_bodySome === null ? 0 : <i32> request_bodySome.at,
    request_bodySome === null ? 0 : request_bodySome.length,
    <i32> request.timeoutMs,
    <i32> RESULT,
  );
  return load<u8>(RESULT) == 0
    ? succeeded<FetchResponse, Text>(loadFetchResponse(RESULT + 4))
    : failed<FetchResponse, Text>(loadText(RESULT + 4));
}

function storeHeaderList(list: Header[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(16 * list.length);
  for (let index = 0; index < list.length; index++) {
    const at = start + 16 * index;
    const each = list[index];
    storeHeader(at, each);
  }
  return start;
}

function loadHeaderList(at: usize, count: i32): Header[] {
  const list = new Array<Header>(count);
  for (let index = 0; index < count; index++) {
    list[index] = loadHeader(at + 16 * index);
  }
  return list;
}
