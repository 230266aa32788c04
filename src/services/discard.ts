import type { Response } from "../core/message.ts";

/** Bytes of an answer that are read and dropped so that its connection can be used again. */
const DISCARD_BYTES_MAX = 65_536;

/**
 * Drops an answer that another attempt is to replace. What came with its head is read, so that the connection
 * of a small error page is kept; nothing is waited for, since the next attempt is more urgent than that.
 */
export function discard({ body }: Response): void {
  if (body === null) return;
  let left = DISCARD_BYTES_MAX;
  try {
    while (left > 0) {
      const piece = body.read();
      if (piece instanceof Promise) {
        piece.catch(() => {});
        break;
      }
      if (piece === null) return;
      left -= piece.length;
    }
  } catch {
    // A broken body is dropped like any other.
  }
  body.cancel();
}
