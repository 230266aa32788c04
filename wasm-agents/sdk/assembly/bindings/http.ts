// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The message at hand. Every getter is a call into the proxy that copies just what it returns, so ask for what you need. A handle is valid during the call that brought it. */

import { EMPTY, loadText, storeText, Text } from "../text";

const RESULT: usize = memory.data(12, 8);

/** `header` of `http`. */
export class Header {
  name: Text = EMPTY;
  value: Text = EMPTY;
}

/** Takes Header out of memory. */
export function loadHeader(at: usize): Header {
  const value = new Header();
  value.name = loadText(at);
  value.value = loadText(at + 8);
  return value;
}

/** Puts Header into memory; null is all zero. */
export function storeHeader(at: usize, value: Header | null): void {
  if (value === null) {
    memory.fill(at, 0, 16);
    return;
  }
  storeText(at, value.name);
  storeText(at + 8, value.value);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.id")
declare function rawRequestId(p0: i32, p1: i32): void;

/** The id under which the request stands in every log. */
export function requestId(self: i32): Text {
  rawRequestId(self, <i32> RESULT);
  return loadText(RESULT);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.method")
declare function rawRequestMethod(p0: i32, p1: i32): void;

/** `[method]request.method` of `http`. */
export function requestMethod(self: i32): Text {
  rawRequestMethod(self, <i32> RESULT);
  return loadText(RESULT);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.target")
declare function rawRequestTarget(p0: i32, p1: i32): void;

/** Path and query as received, to be sent on unless a decision replaces it. */
export function requestTarget(self: i32): Text {
  rawRequestTarget(self, <i32> RESULT);
  return loadText(RESULT);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.path")
declare function rawRequestPath(p0: i32, p1: i32): void;

/** The normalised path, which routes are matched on: no dot segments, no needless escapes. */
export function requestPath(self: i32): Text {
  rawRequestPath(self, <i32> RESULT);
  return loadText(RESULT);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.query")
declare function rawRequestQuery(p0: i32, p1: i32): void;

/** Without `?`, as received; empty when there is none. */
export function requestQuery(self: i32): Text {
  rawRequestQuery(self, <i32> RESULT);
  return loadText(RESULT);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.host")
declare function rawRequestHost(p0: i32, p1: i32): void;

/** Lower case, without port. */
export function requestHost(self: i32): Text {
  rawRequestHost(self, <i32> RESULT);
  return loadText(RESULT);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.header")
declare function rawRequestHeader(p0: i32, p1: i32, p2: i32, p3: i32): void;

/** All values of a header, joined by `, `. The name in any letter case. */
export function requestHeader(self: i32, name: Text): Text | null {
  rawRequestHeader(self, <i32> name.at, name.length, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadText(RESULT + 4);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.headers")
declare function rawRequestHeaders(p0: i32, p1: i32): void;

/** Every header line in order: those to be sent on, with the edits of agents before this one; or, as the operator's `headers "received"` has it, those that the client sent, for `header` too. */
export function requestHeaders(self: i32): Header[] {
  rawRequestHeaders(self, <i32> RESULT);
  return loadHeaderList(load<usize>(RESULT), load<i32>(RESULT, 4));
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.route")
declare function rawRequestRoute(p0: i32, p1: i32): void;

/** `[method]request.route` of `http`. */
export function requestRoute(self: i32): Text | null {
  rawRequestRoute(self, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadText(RESULT + 4);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.upstream")
declare function rawRequestUpstream(p0: i32, p1: i32): void;

/** `[method]request.upstream` of `http`. */
export function requestUpstream(self: i32): Text | null {
  rawRequestUpstream(self, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadText(RESULT + 4);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.traceparent")
declare function rawRequestTraceparent(p0: i32, p1: i32): void;

/** W3C `traceparent` that goes to the upstream. */
export function requestTraceparent(self: i32): Text {
  rawRequestTraceparent(self, <i32> RESULT);
  return loadText(RESULT);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]request.metadata")
declare function rawRequestMetadata(p0: i32, p1: i32, p2: i32, p3: i32): void;

/** What agents before this one said about the request. */
export function requestMetadata(self: i32, key: Text): Text | null {
  rawRequestMetadata(self, <i32> key.at, key.length, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadText(RESULT + 4);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]response.status")
declare function rawResponseStatus(p0: i32): i32;

/** `[method]response.status` of `http`. */
export function responseStatus(self: i32): u16 {
  return <u16> rawResponseStatus(self);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]response.header")
declare function rawResponseHeader(p0: i32, p1: i32, p2: i32, p3: i32): void;

/** `[method]response.header` of `http`. */
export function responseHeader(self: i32, name: Text): Text | null {
  rawResponseHeader(self, <i32> name.at, name.length, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadText(RESULT + 4);
}

// asc: @external("sentinel:agent/http@1.0.0", "[method]response.headers")
declare function rawResponseHeaders(p0: i32, p1: i32): void;

/** `[method]response.headers` of `http`. */
export function responseHeaders(self: i32): Header[] {
  rawResponseHeaders(self, <i32> RESULT);
  return loadHeaderList(load<usize>(RESULT), load<i32>(RESULT, 4));
}

// asc: @external("sentinel:agent/http@1.0.0", "[resource-drop]request")
declare function rawDropRequest(self: i32): void;

/** Gives a handle back; the call that brought it must do so before it ends. */
export function dropRequest(self: i32): void {
  rawDropRequest(self);
}

// asc: @external("sentinel:agent/http@1.0.0", "[resource-drop]response")
declare function rawDropResponse(self: i32): void;

/** Gives a handle back; the call that brought it must do so before it ends. */
export function dropResponse(self: i32): void {
  rawDropResponse(self);
}

function loadHeaderList(at: usize, count: i32): Header[] {
  const list = new Array<Header>(count);
  for (let index = 0; index < count; index++) {
    list[index] = loadHeader(at + 16 * index);
  }
  return list;
}
