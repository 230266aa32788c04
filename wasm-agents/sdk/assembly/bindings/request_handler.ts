// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `request-handler`. */

import { onRequestHeaders } from "../handlers/request_handler";
import { storeOutcome } from "./decisions";
import { dropRequest } from "./http";

const RESULT: usize = memory.data(120, 8);
const ZERO: usize = memory.data(120, 8);

/** The host calls `request-handler#on-request-headers`. */
export function requestHandler_onRequestHeaders(p0: i32): usize {
  const result = onRequestHeaders(p0);
  if (result === null) {
    dropRequest(p0);
    return ZERO;
  }
  storeOutcome(RESULT, result);
  dropRequest(p0);
  return RESULT;
}
