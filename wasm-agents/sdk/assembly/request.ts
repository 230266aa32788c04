/** The request at hand. */

import * as connection from "./bindings/conn_info";
import * as http from "./bindings/http";
import { Text } from "./text";

/**
 * A request. Every getter asks the proxy and copies the answer, so ask once and for what you need. Getters whose name
 * ends in `Text` spare the conversion to the language's own text.
 */
export class Request {
  handle: i32 = 0;

  /** The id under which the request stands in every log. */
  get id(): string {
    return http.requestId(this.handle).toString();
  }

  get method(): string {
    return http.requestMethod(this.handle).toString();
  }

  get methodText(): Text {
    return http.requestMethod(this.handle);
  }

  get isGet(): bool {
    return http.requestMethod(this.handle).is("GET");
  }

  get isPost(): bool {
    return http.requestMethod(this.handle).is("POST");
  }

  /** Path and query as received. */
  get target(): string {
    return http.requestTarget(this.handle).toString();
  }

  get targetText(): Text {
    return http.requestTarget(this.handle);
  }

  /** The path that routes are matched on: no dot segments, no needless escapes. */
  get path(): string {
    return http.requestPath(this.handle).toString();
  }

  get pathText(): Text {
    return http.requestPath(this.handle);
  }

  pathStartsWith(prefix: string): bool {
    return http.requestPath(this.handle).startsWith(Text.of(prefix));
  }

  pathEquals(path: string): bool {
    return http.requestPath(this.handle).is(path);
  }

  /** Without `?`, as received; empty when there is none. */
  get query(): string {
    return http.requestQuery(this.handle).toString();
  }

  get queryText(): Text {
    return http.requestQuery(this.handle);
  }

  /** The first value of a query parameter, with escapes resolved; null when there is none. */
  queryParam(name: string): string | null {
    const value = findParam(http.requestQuery(this.handle), Text.of(name));
    return value === null ? null : value.toString();
  }

  /** Lower case, without port. */
  get host(): string {
    return http.requestHost(this.handle).toString();
  }

  get hostText(): Text {
    return http.requestHost(this.handle);
  }

  /** All values of a header, joined by `, `; null when there is none. The name in any letter case. */
  header(name: string): string | null {
    const value = http.requestHeader(this.handle, Text.of(name));
    return value === null ? null : value.toString();
  }

  headerText(name: Text): Text | null {
    return http.requestHeader(this.handle, name);
  }

  hasHeader(name: string): bool {
    return http.requestHeader(this.handle, Text.of(name)) !== null;
  }

  /** Every header line in order, with the edits of agents before this one, or as received (`headers "received"`). */
  get headers(): http.Header[] {
    return http.requestHeaders(this.handle);
  }

  get userAgent(): string | null {
    return this.header("user-agent");
  }

  get contentType(): string | null {
    return this.header("content-type");
  }

  get authorization(): string | null {
    return this.header("authorization");
  }

  /** The announced length of the body; -1 when there is none. */
  get contentLength(): i64 {
    const value = http.requestHeader(this.handle, Text.of("content-length"));
    return value === null ? -1 : lengthOf(value);
  }

  get route(): string | null {
    const route = http.requestRoute(this.handle);
    return route === null ? null : route.toString();
  }

  get upstream(): string | null {
    const upstream = http.requestUpstream(this.handle);
    return upstream === null ? null : upstream.toString();
  }

  /** W3C `traceparent` that goes to the upstream. */
  get traceparent(): string {
    return http.requestTraceparent(this.handle).toString();
  }

  /** What agents before this one said about the request. */
  metadata(key: string): string | null {
    const value = http.requestMetadata(this.handle, Text.of(key));
    return value === null ? null : value.toString();
  }

  /** The client's address as far as it can be believed. Needs the grant `conn-info`. */
  get clientAddress(): string {
    return connection.clientAddress(this.handle).toString();
  }

  /** As `clientAddress`. */
  get clientAddressText(): Text {
    return connection.clientAddress(this.handle);
  }

  /** Needs the grant `conn-info`. */
  get clientPort(): u16 {
    return connection.clientPort(this.handle);
  }

  /** Facts about the TLS connection; null without TLS. Needs the grant `conn-info`. */
  get tls(): connection.TlsInfo | null {
    return connection.tls(this.handle);
  }
}

const CURRENT = new Request();

/** The request of a call; there is one object for all of them. */
export function requestOf(handle: i32): Request {
  CURRENT.handle = handle;
  return CURRENT;
}

/** A number of digits and nothing else; -1 for anything else. */
export function lengthOf(text: Text): i64 {
  if (text.length == 0 || text.length > 15) return -1;
  let value: i64 = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.byteAt(index) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** The first value of a parameter in a query, with escapes resolved. */
function findParam(query: Text, name: Text): Text | null {
  let from = 0;
  while (from < query.length) {
    const found = query.indexOfByte(38, from);
    const end = found < 0 ? query.length : found;
    const equals = query.indexOfByte(61, from);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (unescaped(query.slice(from, nameEnd)).equals(name)) {
      return unescaped(query.slice(min(nameEnd + 1, end), end));
    }
    from = end + 1;
  }
  return null;
}

/** A part of a query with `+` as a space and `%41` as `A`; what is no escape stays. */
export function unescaped(text: Text): Text {
  if (text.indexOfByte(37) < 0 && text.indexOfByte(43) < 0) return text;
  const copy = text.toLowerCase();
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    let byte = text.byteAt(index);
    if (byte == 43) byte = 32;
    if (byte == 37 && index + 2 < text.length) {
      const high = hexDigit(text.byteAt(index + 1));
      const low = hexDigit(text.byteAt(index + 2));
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        index += 2;
      }
    }
    store<u8>(copy.at + length++, <u8> byte);
  }
  return copy.slice(0, length);
}

/** The value of a hexadecimal digit; -1 when it is none. */
export function hexDigit(byte: u32): i32 {
  if (byte - 48 < 10) return byte - 48;
  const letter = (byte | 32) - 97;
  return letter < 6 ? letter + 10 : -1;
}
