/** `request-body-handler` by the author's `onRequestBody`. */

import * as agent from "agent";
import { BodyOutcome } from "../bindings/decisions";
import { chunkOf } from "../body";
import { requestOf } from "../request";
import { Bytes } from "../text";

/** What the host asks for at each piece of the request's body; null is "keep". */
export function onRequestBody(request: i32, chunk: Bytes, index: u32, last: bool): BodyOutcome | null {
  return agent.onRequestBody(requestOf(request), chunkOf(chunk, index, last)).outcome;
}
