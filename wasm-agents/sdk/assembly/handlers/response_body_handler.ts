/** `response-body-handler` by the author's `onResponseBody`. */

import * as agent from "agent";
import { BodyOutcome } from "../bindings/decisions";
import { chunkOf } from "../body";
import { requestOf } from "../request";
import { responseOf } from "../response";
import { Bytes } from "../text";

/** What the host asks for at each piece of the response's body; null is "keep". */
export function onResponseBody(
  request: i32,
  response: i32,
  chunk: Bytes,
  index: u32,
  last: bool,
): BodyOutcome | null {
  return agent.onResponseBody(requestOf(request), responseOf(response), chunkOf(chunk, index, last)).outcome;
}
