/** Variables of the response that have one value. */

import { Bytes, ByteWriter, EMPTY, Text } from "sentinel";
import * as http from "sentinel/bindings/http";
import {
  VAR_OUTBOUND_DATA_ERROR,
  VAR_RESPONSE_CONTENT_LENGTH,
  VAR_RESPONSE_CONTENT_TYPE,
  VAR_RESPONSE_PROTOCOL,
  VAR_RESPONSE_STATUS,
  VAR_STATUS,
  VAR_STATUS_LINE,
} from "../seclang/variables";
import * as transaction from "./transaction";

const CONTENT_TYPE = Text.of("content-type");
const CONTENT_LENGTH = Text.of("content-length");
const HTTP_1_1 = Text.of("HTTP/1.1");
const ZERO = Text.of("0");

/** The value; null when there is none. */
export function responseSingle(variable: i32): Bytes | null {
  if (variable == VAR_OUTBOUND_DATA_ERROR) return ZERO;
  if (!transaction.hasResponse) return null;
  const handle = transaction.response;
  if (variable == VAR_RESPONSE_STATUS || variable == VAR_STATUS) {
    return status(handle);
  }
  if (variable == VAR_RESPONSE_CONTENT_TYPE) {
    return orEmpty(http.responseHeader(handle, CONTENT_TYPE));
  }
  if (variable == VAR_RESPONSE_CONTENT_LENGTH) {
    return orEmpty(http.responseHeader(handle, CONTENT_LENGTH));
  }
  if (variable == VAR_RESPONSE_PROTOCOL) return HTTP_1_1;
  if (variable != VAR_STATUS_LINE) return null;
  const line = new ByteWriter(16);
  line.bytes(HTTP_1_1);
  line.byte(0x20);
  line.bytes(status(handle));
  return line.text;
}

function status(handle: i32): Bytes {
  return Text.of((<i32> http.responseStatus(handle)).toString());
}

function orEmpty(value: Text | null): Bytes {
  return value === null ? EMPTY : value;
}
