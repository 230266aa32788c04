/** Variables of the request's head that have one value. */

import { Bytes, ByteWriter, clock, EMPTY, Text } from "sentinel";
import * as connection from "sentinel/bindings/conn_info";
import * as http from "sentinel/bindings/http";
import {
  VAR_AUTH_TYPE,
  VAR_MODSEC_BUILD,
  VAR_PATH_INFO,
  VAR_QUERY_STRING,
  VAR_REMOTE_ADDR,
  VAR_REMOTE_HOST,
  VAR_REMOTE_PORT,
  VAR_REQUEST_BASENAME,
  VAR_REQUEST_FILENAME,
  VAR_REQUEST_LINE,
  VAR_REQUEST_METHOD,
  VAR_REQUEST_PROTOCOL,
  VAR_REQUEST_URI,
  VAR_SERVER_NAME,
  VAR_SERVER_PORT,
  VAR_TIME,
  VAR_TIME_YEAR,
  VAR_UNIQUE_ID,
  VAR_URLENCODED_ERROR,
} from "../seclang/variables";
import { isSpace, part } from "../seclang/words";
import { protocolFact } from "./facts";
import { needSingle, requestHeader } from "./gather";
import * as lists from "./lists";
import { timeValue } from "./time_values";
import { pathBytes, wireBytes } from "./wire_bytes";
import * as transaction from "./transaction";

const HTTP_1_1 = Text.of("HTTP/1.1");
const ZERO = Text.of("0");
const ONE = Text.of("1");
const BUILD = Text.of("030000000");

/** The value; null when there is none. */
export function requestSingle(variable: i32): Bytes | null {
  const handle = transaction.request;
  if (variable == VAR_REQUEST_METHOD) return http.requestMethod(handle);
  if (variable == VAR_REQUEST_URI) return wireBytes(http.requestTarget(handle));
  if (variable == VAR_REQUEST_FILENAME || variable == VAR_PATH_INFO) {
    return fileName();
  }
  if (variable == VAR_REQUEST_BASENAME) return baseName();
  if (variable == VAR_QUERY_STRING) return query();
  if (variable == VAR_REQUEST_PROTOCOL) return protocol();
  if (variable == VAR_REQUEST_LINE) return requestLine();
  if (variable == VAR_REMOTE_ADDR || variable == VAR_REMOTE_HOST) {
    return connection.clientAddress(handle);
  }
  if (variable == VAR_REMOTE_PORT) {
    return Text.of((<u32> connection.clientPort(handle)).toString());
  }
  if (variable == VAR_SERVER_NAME) return http.requestHost(handle);
  if (variable == VAR_SERVER_PORT) return serverPort();
  if (variable == VAR_AUTH_TYPE) return authType();
  if (variable == VAR_UNIQUE_ID) return http.requestId(handle);
  if (variable >= VAR_TIME && variable <= VAR_TIME_YEAR) {
    return timeValue(variable, clock.wallMs());
  }
  if (variable == VAR_URLENCODED_ERROR) {
    return hasBadEscape(query()) ? ONE : ZERO;
  }
  return variable == VAR_MODSEC_BUILD ? BUILD : null;
}

/** A value that is always there. */
function known(variable: i32): Bytes {
  const pair = needSingle(variable);
  return new Bytes(lists.valueAt(pair), lists.valueLength(pair));
}

/** The target behind its first question mark. */
export function query(): Bytes {
  const target = known(VAR_REQUEST_URI);
  const question = target.indexOfByte(0x3f);
  return question < 0 ? EMPTY : part(target, question + 1, target.length);
}

/** The target up to its query, with escapes resolved once. */
function fileName(): Bytes {
  const target = known(VAR_REQUEST_URI);
  const question = target.indexOfByte(0x3f);
  return pathBytes(question < 0 ? target : part(target, 0, question));
}

function baseName(): Bytes {
  const name = known(VAR_REQUEST_FILENAME);
  let from = name.length;
  while (
    from > 0 && name.byteAt(from - 1) != 0x2f && name.byteAt(from - 1) != 0x5c
  ) from--;
  return part(name, from, name.length);
}

function protocol(): Bytes {
  const fact = protocolFact();
  return fact === null ? HTTP_1_1 : fact;
}

function requestLine(): Bytes {
  const method = known(VAR_REQUEST_METHOD);
  const target = known(VAR_REQUEST_URI);
  const version = known(VAR_REQUEST_PROTOCOL);
  const line = new ByteWriter(
    method.length + target.length + version.length + 2,
  );
  line.bytes(method);
  line.byte(0x20);
  line.bytes(target);
  line.byte(0x20);
  line.bytes(version);
  return line.text;
}

function serverPort(): Bytes {
  const host = requestHeader("host");
  if (host !== null) {
    let from = host.length;
    while (from > 0 && host.byteAt(from - 1) - 48 < 10) from--;
    if (from > 0 && from < host.length && host.byteAt(from - 1) == 0x3a) {
      return part(host, from, host.length);
    }
  }
  return Text.of(connection.tls(transaction.request) === null ? "80" : "443");
}

/** The first word of `Authorization`. */
function authType(): Bytes | null {
  const header = requestHeader("authorization");
  if (header === null) return null;
  let end = 0;
  while (end < header.length && !isSpace(header.byteAt(end))) end++;
  return end == 0 ? EMPTY : part(header, 0, end);
}

/** Whether a `%` is not followed by two hexadecimal digits. */
export function hasBadEscape(text: Bytes): bool {
  for (
    let index = text.indexOfByte(0x25);
    index >= 0;
    index = text.indexOfByte(0x25, index + 1)
  ) {
    if (
      index + 2 >= text.length || !isHex(text.byteAt(index + 1)) ||
      !isHex(text.byteAt(index + 2))
    ) return true;
  }
  return false;
}

function isHex(byte: u32): bool {
  return byte - 48 < 10 || (byte | 32) - 97 < 6;
}
