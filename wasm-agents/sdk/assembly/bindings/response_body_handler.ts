// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `response-body-handler`. */

import { onResponseBody } from "../handlers/response_body_handler";
import { Bytes } from "../text";
import { storeBodyOutcome } from "./decisions";
import { dropRequest, dropResponse } from "./http";

const RESULT: usize = memory.data(132, 8);
const ZERO: usize = memory.data(132, 8);

/** The host calls `response-body-handler#on-response-body`. */
export function responseBodyHandler_onResponseBody(
  p0: i32,
  p1: i32,
  p2: i32,
  p3: i32,
  p4: i32,
  p5: i32,
): usize {
  const result = onResponseBody(p0, p1, new Bytes(p2, p3), <u32> p4, p5 != 0);
  if (result === null) {
    dropRequest(p0);
    dropResponse(p1);
    return ZERO;
  }
  storeBodyOutcome(RESULT, result);
  dropRequest(p0);
  dropResponse(p1);
  return RESULT;
}
