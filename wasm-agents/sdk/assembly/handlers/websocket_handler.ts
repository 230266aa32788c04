/** `websocket-handler` by the author's `onWebSocketOpen`, `onWebSocketFrame` and `onWebSocketClose`. */

import * as agent from "agent";
import { Outcome } from "../bindings/decisions";
import { CloseReason, Frame, FrameDecision } from "../bindings/websocket_handler";
import { requestOf } from "../request";
import { WebSocketFrame } from "../websocket";

/** What the host asks for when a client wants a WebSocket; null is a plain "allow". */
export function wsOpen(request: i32): Outcome | null {
  if (isDefined(agent.onWebSocketOpen)) return agent.onWebSocketOpen(requestOf(request)).outcome;
  return null;
}

/** What the host asks for at each frame; null is "allow". */
export function wsFrame(request: i32, direction: u8, index: u64, frame: Frame): FrameDecision | null {
  if (isDefined(agent.onWebSocketFrame)) {
    return agent.onWebSocketFrame(requestOf(request), new WebSocketFrame(frame, direction, index)).verdict;
  }
  return null;
}

/** What the host calls when the WebSocket is closed. */
export function wsClose(request: i32, reason: CloseReason | null): void {
  if (isDefined(agent.onWebSocketClose)) agent.onWebSocketClose(requestOf(request), reason);
}
