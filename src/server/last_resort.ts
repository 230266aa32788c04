import type { Log } from "../core/ports.ts";

/**
 * Keeps this thread running after a failed promise that nobody awaited: it belongs to one connection,
 * and the others must not end with it. Every one is a bug and logged as such.
 */
export function surviveRejections(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log("error", "A failure was not handled; this is a bug", { error: event.reason });
  });
}

/**
 * As `surviveRejections` for errors thrown out of a callback. For the supervisor's thread only: a worker
 * ends and is replaced, but nobody replaces the supervisor.
 */
export function surviveErrors(log: Log): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    log("error", "An error was not caught; this is a bug", { error: event.error });
  });
}
