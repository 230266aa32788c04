// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `request-body-handler`. */

import { onRequestBody } from "../handlers/request_body_handler";
import { Bytes } from "../text";
import { storeBodyOutcome } from "./decisions";
import { dropRequest } from "./http";

const RESULT: usize = memory.data(132, 8);
const ZERO: usize = memory.data(132, 8);

/** `index` counts from 0. With buffering the whole body is one chunk. */
export function requestBodyHandler_onRequestBody(p0: i32, p1: i32, p2: i32, p3: i32, p4: i32): usize {
  const result = onRequestBody(p0, new Bytes(p1, p2), <u32> p3, p4 != 0);
  if (result === null) {
    dropRequest(p0);
    return ZERO;
  }
  storeBodyOutcome(RESULT, result);
  dropRequest(p0);
  return RESULT;
}
