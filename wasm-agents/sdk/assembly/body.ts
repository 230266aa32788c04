/** Bodies: what comes in, and what an agent does to it. */

import { BodyEdit, BodyOutcome } from "./bindings/decisions";
import { Decision } from "./decision";
import { Bytes, EMPTY, Text } from "./text";

/** A piece of a body; with buffering, all of it. */
export class Chunk {
  /** The bytes. */
  bytes: Bytes = EMPTY;
  /** Counts from 0. */
  index: u32 = 0;
  isLast: bool = false;

  /** Whether this is the whole body. */
  get isWhole(): bool {
    return this.index == 0 && this.isLast;
  }

  /** The bytes as text. */
  get text(): string {
    return this.bytes.toString();
  }
}

/** What happens to a chunk, and to the message that it belongs to. */
export class BodyDecision {
  /** For the host; null is "keep", which costs nothing. */
  outcome: BodyOutcome | null = null;

  /** Lets the chunk go on as it is. */
  static keep(): BodyDecision {
    return KEEP;
  }

  /** Takes the chunk out of the body. */
  static drop(): BodyDecision {
    return BodyDecision.of(new BodyEdit(BodyEdit.DROP));
  }

  /** Puts other bytes in place of the chunk. */
  static replace(bytes: Bytes): BodyDecision {
    const edit = new BodyEdit(BodyEdit.REPLACE);
    edit.replace = bytes;
    return BodyDecision.of(edit);
  }

  /** Puts text in place of the chunk. */
  static replaceText(text: string): BodyDecision {
    return BodyDecision.replace(Text.of(text));
  }

  /** Decides about the message, now that its body is known. */
  static decide(decision: Decision): BodyDecision {
    return KEEP.with(decision);
  }

  private static of(edit: BodyEdit): BodyDecision {
    const outcome = new BodyOutcome();
    outcome.edit = edit;
    const decision = new BodyDecision();
    decision.outcome = outcome;
    return decision;
  }

  /** The same edit, with a decision about the message. */
  with(decision: Decision): BodyDecision {
    if (decision.isPlain) return this;
    const outcome = new BodyOutcome();
    outcome.outcome = decision.outcome;
    const own = this.outcome;
    if (own !== null) outcome.edit = own.edit;
    const together = new BodyDecision();
    together.outcome = outcome;
    return together;
  }
}

const KEEP = new BodyDecision();

/** The chunk that a body handler gets: a new one each time, for what an older object leads to is kept for ever. */
export function chunkOf(bytes: Bytes, index: u32, isLast: bool): Chunk {
  const chunk = new Chunk();
  chunk.bytes = bytes;
  chunk.index = index;
  chunk.isLast = isLast;
  return chunk;
}
