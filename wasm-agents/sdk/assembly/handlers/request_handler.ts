/** `request-handler` by the author's `onRequest`. */

import * as agent from "agent";
import { Outcome } from "../bindings/decisions";
import { requestOf } from "../request";

/** What the host asks for at the request's headers; null is a plain "allow". */
export function onRequestHeaders(request: i32): Outcome | null {
  return agent.onRequest(requestOf(request)).outcome;
}
