/** Messages of WebSockets as filters see them. */

import type { MaybePromise } from "../core/message.ts";

/** A message: text (UTF-8, checked) or binary. */
export interface SocketMessage {
  readonly opcode: "text" | "binary";
  readonly data: Uint8Array;
}

/** A message on its way. */
export interface PassingMessage extends SocketMessage {
  readonly isFromClient: boolean;
  /** Counted from 0 for each direction. */
  readonly index: number;
}

/** What becomes of a message; undefined lets it pass as it is. */
export type Ruling =
  | undefined
  | { readonly type: "drop" }
  | { readonly type: "replace"; readonly value: SocketMessage }
  /** These go back to where it came from, and it is dropped. */
  | { readonly type: "answer"; readonly value: readonly SocketMessage[] }
  | { readonly type: "close"; readonly code: number; readonly reason: string };

/** Decides about messages. Throws or rejects when it cannot and the socket must not go on. */
export interface MessageJudge {
  judge(message: PassingMessage): MaybePromise<Ruling>;
}
