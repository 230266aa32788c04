import type { Timers } from "../../core/ports.ts";

/**
 * The promise's outcome, or `late()` as its failure when it takes longer than `ms`. What the promise comes to
 * afterwards is given to `settled`, which is called once in either case.
 */
export function within<T>(
  pending: Promise<T>,
  limit: {
    readonly ms: number;
    readonly timers: Timers;
    readonly late: () => Error;
    readonly settled?: () => void;
  },
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = limit.timers.after(limit.ms, () => reject(limit.late()));
    pending.then(resolve, reject).finally(() => {
      cancel();
      limit.settled?.();
    });
  });
}
