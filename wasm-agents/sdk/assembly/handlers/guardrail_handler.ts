/** `guardrail-handler` by the author's `onGuardrailInspect`. */

import * as agent from "agent";
import { Finding, Subject } from "../bindings/guardrail_handler";

/** What the host asks for about a prompt or an answer; null is "nothing found". */
export function guardrailInspect(subject: Subject): Finding | null {
  return agent.onGuardrailInspect(subject).raw;
}
