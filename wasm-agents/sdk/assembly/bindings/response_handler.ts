// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `response-handler`. */

import { onResponseHeaders } from "../handlers/response_handler";
import { storeOutcome } from "./decisions";
import { dropRequest, dropResponse } from "./http";

const RESULT: usize = memory.data(120, 8);
const ZERO: usize = memory.data(120, 8);

/** The host calls `response-handler#on-response-headers`. */
export function responseHandler_onResponseHeaders(p0: i32, p1: i32): usize {
  const result = onResponseHeaders(p0, p1);
  if (result === null) {
    dropRequest(p0);
    dropResponse(p1);
    return ZERO;
  }
  storeOutcome(RESULT, result);
  dropRequest(p0);
  dropResponse(p1);
  return RESULT;
}
