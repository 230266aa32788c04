// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `websocket-handler`. */

import { allocate, endCall } from "../arena";
import { wsClose, wsFrame, wsOpen } from "../handlers/websocket_handler";
import { Bytes, EMPTY, loadBytes, loadText, storeText, Text } from "../text";
import { countOf } from "../values";
import { storeOutcome } from "./decisions";
import { dropRequest } from "./http";

const RESULT: usize = memory.data(120, 8);
const ZERO: usize = memory.data(120, 8);

/** `opcode` of `websocket-handler`. */
export class Opcode {
  static readonly CONTINUATION: u8 = 0;
  static readonly TEXT: u8 = 1;
  static readonly BINARY: u8 = 2;
  static readonly CLOSE: u8 = 3;
  static readonly PING: u8 = 4;
  static readonly PONG: u8 = 5;
}

/** `direction` of `websocket-handler`. */
export class Direction {
  static readonly CLIENT_TO_SERVER: u8 = 0;
  static readonly SERVER_TO_CLIENT: u8 = 1;
}

/** `frame` of `websocket-handler`. */
export class Frame {
  opcode: u8 = 0;
  fin: bool = false;
  data: Bytes = EMPTY;
}

/** Takes Frame out of memory. */
export function loadFrame(at: usize): Frame {
  const value = new Frame();
  value.opcode = load<u8>(at);
  value.fin = load<u8>(at, 1) != 0;
  value.data = loadBytes(at + 4);
  return value;
}

/** Puts Frame into memory; null is all zero. */
export function storeFrame(at: usize, value: Frame | null): void {
  if (value === null) {
    memory.fill(at, 0, 12);
    return;
  }
  store<u8>(at, value.opcode);
  store<u8>(at, <u8> value.fin, 1);
  storeText(at + 4, value.data);
}

/** `close-reason` of `websocket-handler`. */
export class CloseReason {
  code: u16 = 0;
  reason: Text = EMPTY;
}

/** Takes CloseReason out of memory. */
export function loadCloseReason(at: usize): CloseReason {
  const value = new CloseReason();
  value.code = load<u16>(at);
  value.reason = loadText(at + 4);
  return value;
}

/** Puts CloseReason into memory; null is all zero. */
export function storeCloseReason(at: usize, value: CloseReason | null): void {
  if (value === null) {
    memory.fill(at, 0, 12);
    return;
  }
  store<u16>(at, value.code);
  storeText(at + 4, value.reason);
}

/** `frame-decision` of `websocket-handler`. */
export class FrameDecision {
  static readonly ALLOW: u8 = 0;
  static readonly DROP: u8 = 1;
  static readonly REPLACE: u8 = 2;
  /** Sends these frames back to where the frame came from, and drops it. */
  static readonly ANSWER: u8 = 3;
  static readonly CLOSE: u8 = 4;
  replace: Frame | null = null;
  answer: Frame[] | null = null;
  close: CloseReason | null = null;

  constructor(public tag: u8) {}
}

/** Puts FrameDecision into memory; null is all zero. */
export function storeFrameDecision(at: usize, value: FrameDecision | null): void {
  if (value === null) {
    memory.fill(at, 0, 16);
    return;
  }
  store<u8>(at, value.tag);
  if (value.tag == FrameDecision.REPLACE) {
    storeFrame(at + 4, value.replace!);
  }
  if (value.tag == FrameDecision.ANSWER) {
    store<usize>(at, storeFrameList(value.answer!), 4);
    store<i32>(at, countOf(value.answer!), 8);
  }
  if (value.tag == FrameDecision.CLOSE) {
    storeCloseReason(at + 4, value.close!);
  }
}

/** The host calls `websocket-handler#ws-open`. */
export function websocketHandler_wsOpen(p0: i32): usize {
  const result = wsOpen(p0);
  if (result === null) {
    dropRequest(p0);
    return ZERO;
  }
  storeOutcome(RESULT, result);
  dropRequest(p0);
  return RESULT;
}

/** The host calls `websocket-handler#ws-frame`. */
export function websocketHandler_wsFrame(
  p0: i32,
  p1: i32,
  p2: i64,
  p3: i32,
  p4: i32,
  p5: i32,
  p6: i32,
): usize {
  const frame = new Frame();
  frame.opcode = <u8> p3;
  frame.fin = p4 != 0;
  frame.data = new Bytes(p5, p6);
  const result = wsFrame(p0, <u8> p1, <u64> p2, frame);
  if (result === null) {
    dropRequest(p0);
    return ZERO;
  }
  storeFrameDecision(RESULT, result);
  dropRequest(p0);
  return RESULT;
}

/** The host calls `websocket-handler#ws-close`. */
export function websocketHandler_wsClose(p0: i32, p1: i32, p2: i32, p3: i32, p4: i32): void {
  const reason = new CloseReason();
  reason.code = <u16> p2;
  reason.reason = new Text(p3, p4);
  wsClose(p0, p1 == 0 ? null : reason);
  dropRequest(p0);
  endCall();
}

function storeFrameList(list: Frame[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(12 * list.length);
  for (let index = 0; index < list.length; index++) {
    const at = start + 12 * index;
    const each = list[index];
    storeFrame(at, each);
  }
  return start;
}
