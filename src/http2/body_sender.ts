import type { Body, MaybePromise } from "../core/message.ts";
import { FRAME_BYTES_MAX } from "./frames.ts";
import type { Session } from "./session.ts";
import type { Http2Stream } from "./stream.ts";

const EMPTY = new Uint8Array(0);

/** What is sent, and who is told. */
export interface BodyToSend {
  readonly body: Body;
  /** `bytes` more have been put into the output. */
  sent(bytes: number): void;
}

/**
 * Sends a body and what follows it as the rest of a stream, reading no more of it than windows and output
 * take. Resolves true when all was put out, false when the stream ended before; the caller then cancels the
 * body. Rejects with what the body threw.
 */
export async function sendBody(session: Session, stream: Http2Stream, what: BodyToSend): Promise<boolean> {
  const { body } = what;
  const { sender } = session;
  let next: MaybePromise<Uint8Array | null> = body.read();
  while (true) {
    const piece: Uint8Array | null = next instanceof Promise ? await next : next;
    if (stream.isSendingOver) return false;
    if (piece === null) break;
    for (let from = 0; from < piece.length;) {
      if (!canSend(session, stream)) {
        await sendable(session, stream);
        if (stream.isSendingOver) return false;
        continue;
      }
      const take = Math.min(piece.length - from, FRAME_BYTES_MAX, stream.sendWindow, sender.window);
      sender.data(stream, piece.subarray(from, from + take));
      from += take;
      what.sent(take);
    }
    next = body.read();
    // The frame put out just now can still be made the last one.
    if (next === null && !hasTrailers(body) && sender.endWithLastData(stream)) {
      session.localEnd(stream);
      return true;
    }
  }
  const { trailers } = body;
  if (trailers !== undefined && trailers.size > 0) {
    sender.trailers(stream, trailers);
  } else {
    sender.data(stream, EMPTY);
    sender.endWithLastData(stream);
  }
  session.localEnd(stream);
  return true;
}

function hasTrailers({ trailers }: Body): boolean {
  return trailers !== undefined && trailers.size > 0;
}

function canSend({ sender }: Session, stream: Http2Stream): boolean {
  return stream.sendWindow > 0 && sender.window > 0 && !sender.output.isHigh;
}

/** Waits until the peer and the socket take more, or sending is over. */
async function sendable(session: Session, stream: Http2Stream): Promise<void> {
  const { sender, clock } = session;
  while (!stream.isSendingOver && !canSend(session, stream)) {
    if (sender.output.isHigh) {
      await sender.output.drained();
    } else {
      stream.blockedSinceMs = clock.nowMs();
      await stream.whenSendable();
      stream.blockedSinceMs = Infinity;
    }
  }
}
