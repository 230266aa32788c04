/** What an agent's decisions about messages of WebSockets come to. */

import type { Frame, FrameDecision } from "../agents/contract/sentinel_types.ts";
import type { AgentVerdictWord } from "../agents/runtime/agent_meter.ts";
import type { DirectedFrame } from "../agents/runtime/bound_agent.ts";
import type { PassingMessage, Ruling, SocketMessage } from "../tunnel/message.ts";

/** A message as agents see it: always a whole one. */
export function frameOf(message: PassingMessage): DirectedFrame {
  return {
    direction: message.isFromClient ? "client-to-server" : "server-to-client",
    index: BigInt(message.index),
    frame: { opcode: message.opcode, fin: true, data: message.data },
  };
}

/** A message that stays as it is while an agent that nobody waits for looks at it. */
export function copyOf(message: PassingMessage): PassingMessage {
  return { ...message, data: message.data.slice() };
}

/** What becomes of the message. The decision has been checked (`outcome_rules.ts`). */
export function rulingOf(decision: FrameDecision): Ruling {
  switch (decision.type) {
    case "allow":
      return undefined;
    case "drop":
      return decision;
    case "replace":
      return { type: "replace", value: messageOf(decision.value) };
    case "answer":
      return { type: "answer", value: decision.value.map(messageOf) };
    case "close":
      return { type: "close", ...decision.value };
  }
}

/** Which of the words for requests a decision counts as. */
export function verdictOf({ type }: FrameDecision): AgentVerdictWord {
  return type === "drop" || type === "close" ? "block" : "allow";
}

function messageOf({ opcode, data }: Frame): SocketMessage {
  return { opcode: opcode === "text" ? "text" : "binary", data };
}
