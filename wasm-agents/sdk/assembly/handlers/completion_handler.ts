/** `completion-handler` by the author's `onRequestComplete`. */

import * as agent from "agent";
import { Summary } from "../bindings/completion_handler";
import { requestOf } from "../request";

/** What the host calls when a request is over. */
export function onRequestComplete(request: i32, summary: Summary): void {
  agent.onRequestComplete(requestOf(request), summary);
}
