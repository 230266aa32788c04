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

/** Listens to signals until the result is called. */
export function handleSignals(actions: SignalActions): () => void {
  let stopping = false;
  const stop = (signal: Deno.Signal) => () => {
    if (stopping) actions.stopNow();
    else actions.stop(signal);
    stopping = true;
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
