/** What the process does on signals. */
export interface SignalActions {
  /** SIGHUP. */
  reload(): void;
  /** SIGUSR1: after log files were renamed. */
  reopenLogs(): void;
  /** First SIGTERM or SIGINT: end in good order. */
  stop(signal: Deno.Signal): void;
  /** Second one: the operator is out of patience. */
  stopNow(): void;
}

/**
 * One Ctrl-C can arrive twice: the terminal signals the whole process group, and a task runner passes its
 * own on. Only what comes later than this is a second wish.
 */
const ECHO_MS = 1000;

/** Listens to signals until the result is called. */
export function handleSignals(actions: SignalActions): () => void {
  let stoppingSinceMs: number | undefined;
  const stop = (signal: Deno.Signal) => () => {
    if (stoppingSinceMs === undefined) {
      stoppingSinceMs = performance.now();
      actions.stop(signal);
    } else if (performance.now() - stoppingSinceMs > ECHO_MS) actions.stopNow();
  };
  const handlers: readonly (readonly [Deno.Signal, () => void])[] = [
    ["SIGHUP", () => actions.reload()],
    ["SIGUSR1", () => actions.reopenLogs()],
    ["SIGTERM", stop("SIGTERM")],
    ["SIGINT", stop("SIGINT")],
  ];
  for (const [signal, handler] of handlers) Deno.addSignalListener(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) Deno.removeSignalListener(signal, handler);
  };
}
