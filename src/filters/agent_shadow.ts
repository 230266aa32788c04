import type { BodyOutcome } from "../agents/contract/sentinel_types.ts";
import type { BodyMode } from "../agents/options.ts";
import type { AgentHook } from "../agents/runtime/agent_meter.ts";
import { type BodyChunk, chain } from "../agents/runtime/bound_agent.ts";
import type { CallResult } from "../agents/runtime/live_agent.ts";
import type { Body, MaybePromise } from "../core/message.ts";
import { InspectedBody, joinPieces } from "./agent_body.ts";
import { heldBytes } from "./agent_body_inspection.ts";
import { decodeBody, type Decoding } from "./agent_decoding.ts";
import type { AgentCourse } from "./agent_course.ts";

/** How a body is shown to an agent that changes nothing. */
export interface ShadowDirection {
  readonly hook: AgentHook;
  readonly mode: BodyMode;
  readonly bytesMax: number;
  /** The message's Content-Encoding, and how it is undone if the agent wants that. */
  readonly encoding: string | undefined;
  readonly decoding: Decoding | undefined;
  readonly call: (chunk: BodyChunk) => MaybePromise<CallResult<BodyOutcome>>;
}

/** The same body, of which the agent is shown copies as it passes; nobody waits for what it says. */
export function shadowBody(course: AgentCourse, body: Body, direction: ShadowDirection): Body {
  const { hook, mode, bytesMax, encoding, decoding, call } = direction;
  let held: Uint8Array[] | undefined = mode === "stream" ? undefined : [];
  const heldMin = heldBytes(mode);
  const heldMax = Math.min(heldMin, bytesMax);
  let bytes = 0;
  let index = 0;
  let isOff = false;
  const show = (data: Uint8Array, { isLast }: { readonly isLast: boolean }) => {
    course.watch(hook, call({ data, index: index++, last: isLast }));
  };
  const showWhole = (data: Uint8Array, last: { readonly isLast: boolean }) => {
    if (decoding === undefined || !last.isLast) return show(data, last);
    // What cannot be decoded is shown as it is: nobody waits for the verdict.
    chain(decodeBody(data, encoding, decoding), (decoded) => {
      if (!course.isOver) show(decoded?.type === "decoded" ? decoded.data : data, last);
    });
  };
  return new InspectedBody(body, (data, last) => {
    if (isOff || course.isOver) return data;
    bytes += data.length;
    if (held === undefined) show(data.slice(), last);
    else {
      if (data.length > 0) held.push(data.slice());
      if (bytes > heldMax && heldMin > bytesMax) {
        isOff = true;
        course.agent.meter.skipped(hook, "too-large");
        held = undefined;
      } else if (bytes > heldMax || last.isLast) {
        showWhole(joinPieces(held), last);
        held = undefined;
      }
    }
    return data;
  }, { length: body.length });
}
