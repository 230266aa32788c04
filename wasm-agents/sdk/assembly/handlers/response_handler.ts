/** `response-handler` by the author's `onResponse`. */

import * as agent from "agent";
import { Outcome } from "../bindings/decisions";
import { requestOf } from "../request";
import { responseOf } from "../response";

/** What the host asks for at the response's headers; null is a plain "allow". */
export function onResponseHeaders(request: i32, response: i32): Outcome | null {
  return agent.onResponse(requestOf(request), responseOf(response)).outcome;
}
