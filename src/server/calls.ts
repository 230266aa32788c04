import type { Answer } from "./thread.ts";

/** A call that got no answer, or a failure as the answer. */
export class CallError extends Error {
  override readonly name = "CallError";
}

interface Waiting {
  resolve(value: unknown): void;
  reject(cause: Error): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Calls to another thread that wait for their answers, each for a bounded time. */
export class PendingCalls {
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /** Sends a call under a new id; resolves or rejects with its answer. `what` names it in the error. */
  make(what: string, timeoutMs: number, send: (id: number) => void): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new CallError(`${what} got no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      send(id);
    });
  }

  /** Settles the call that the answer belongs to; one that came too late is ignored. */
  settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    clearTimeout(waiting.timer);
    if (answer.type === "result") waiting.resolve(answer.value);
    else waiting.reject(new CallError(answer.message));
  }

  /** Rejects everything that waits. */
  rejectAll(cause: Error): void {
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(cause);
    }
    this.#waiting.clear();
  }
}

/** Does the work and sends what becomes of it as the answer to call `id`. */
export async function answerCall(
  id: number,
  work: () => Promise<unknown>,
  send: (answer: Answer) => void,
): Promise<void> {
  let answer: Answer;
  try {
    answer = { type: "result", id, value: await work() };
  } catch (cause) {
    answer = { type: "failed", id, message: cause instanceof Error ? cause.message : String(cause) };
  }
  send(answer);
}
