/** Frames of a WebSocket, and what an agent does to them. */

import {
  CloseReason,
  Direction,
  Frame,
  FrameDecision as Verdict,
  Opcode,
} from "./bindings/websocket_handler";
import { Bytes, Text } from "./text";

/** A frame on its way. */
export class WebSocketFrame {
  constructor(readonly frame: Frame, readonly direction: u8, readonly index: u64) {}

  /** One of `Opcode`. */
  get opcode(): u8 {
    return this.frame.opcode;
  }

  get isText(): bool {
    return this.frame.opcode == Opcode.TEXT;
  }

  get isBinary(): bool {
    return this.frame.opcode == Opcode.BINARY;
  }

  /** Whether the message ends with this frame. */
  get isFinal(): bool {
    return this.frame.fin;
  }

  get isFromClient(): bool {
    return this.direction == Direction.CLIENT_TO_SERVER;
  }

  get data(): Bytes {
    return this.frame.data;
  }

  get text(): string {
    return this.frame.data.toString();
  }
}

/** What happens to a frame. */
export class FrameDecision {
  /** For the host; null is "allow", which costs nothing. */
  verdict: Verdict | null = null;

  /** Lets the frame go on. */
  static allow(): FrameDecision {
    return ALLOW;
  }

  /** Takes the frame out of the stream. */
  static drop(): FrameDecision {
    return FrameDecision.of(new Verdict(Verdict.DROP));
  }

  /** Sends text in place of the frame. */
  static replaceText(text: string): FrameDecision {
    return FrameDecision.replace(frameOf(Opcode.TEXT, Text.of(text)));
  }

  /** Sends bytes in place of the frame. */
  static replaceBinary(data: Bytes): FrameDecision {
    return FrameDecision.replace(frameOf(Opcode.BINARY, data));
  }

  /** Sends another frame in place of this one. */
  static replace(frame: Frame): FrameDecision {
    const verdict = new Verdict(Verdict.REPLACE);
    verdict.replace = frame;
    return FrameDecision.of(verdict);
  }

  /** Sends text back to where the frame came from, and drops the frame. */
  static answerText(text: string): FrameDecision {
    const verdict = new Verdict(Verdict.ANSWER);
    verdict.answer = [frameOf(Opcode.TEXT, Text.of(text))];
    return FrameDecision.of(verdict);
  }

  /** Closes the connection with a status such as 1008. */
  static close(code: i32, reason: string = ""): FrameDecision {
    const close = new CloseReason();
    close.code = <u16> code;
    close.reason = Text.of(reason);
    const verdict = new Verdict(Verdict.CLOSE);
    verdict.close = close;
    return FrameDecision.of(verdict);
  }

  private static of(verdict: Verdict): FrameDecision {
    const decision = new FrameDecision();
    decision.verdict = verdict;
    return decision;
  }
}

const ALLOW = new FrameDecision();

/** A frame that is a message of its own. */
export function frameOf(opcode: u8, data: Bytes): Frame {
  const frame = new Frame();
  frame.opcode = opcode;
  frame.fin = true;
  frame.data = data;
  return frame;
}
