import type { ConfigSource } from "../server/config_source.ts";
import { handleSignals } from "../server/signals.ts";
import { startService } from "../server/start.ts";
import type { Service } from "../server/start.ts";
import { StartError } from "../server/supervisor.ts";
import { banner } from "./banner.ts";
import { sourceOf } from "./load.ts";
import type { GlobalOptions } from "./program.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Serves until a signal ends it; resolves with the exit status. */
export async function runVerb(options: GlobalOptions, terminal: Terminal): Promise<number> {
  return await serve({ source: sourceOf(options, terminal), verbose: options.verbose === true }, terminal);
}

/** What is served, and from which script workers are made. */
export interface ServeOptions {
  readonly source: ConfigSource;
  readonly verbose: boolean;
  /** Another script than the usual one: the seam where a test puts workers that it can crash. */
  readonly workerScript?: URL;
}

/** As `run`, for tests that bring a source or a worker script of their own. */
export async function serve(options: ServeOptions, terminal: Terminal): Promise<number> {
  let service: Service;
  try {
    service = await startService({ ...options, version: VERSION });
  } catch (cause) {
    if (!(cause instanceof StartError)) throw cause;
    if (typeof cause.cause === "string") terminal.err(`${cause.cause}\n`);
    terminal.err(`sentinel: ${cause.message}`);
    return EXIT.failed;
  }
  const { supervisor } = service;
  if (supervisor.lastReload?.report) terminal.err(supervisor.lastReload.report);
  return await untilStopped(service, terminal);
}

/** Follows signals; resolves once the last request is answered and the logs are written. */
async function untilStopped(service: Service, terminal: Terminal): Promise<number> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<Deno.Signal>();
  const { promise: impatient, resolve: stopNow } = Promise.withResolvers<number>();
  const ignoreSignals = handleSignals({
    reload: () => void service.supervisor.reload("signal"),
    reopenLogs: () => void service.reopenLogs(),
    stop,
    stopNow: () => {
      terminal.err("sentinel: second signal, ending at once");
      stopNow(EXIT.failed);
    },
  });
  // Only now, for whoever reads it may send a signal, which would end a process that does not wait for one yet.
  terminal.err(banner(service.supervisor, VERSION));
  // Nothing else need keep the process alive while every listener is in a worker.
  const alive = setInterval(() => {}, 2 ** 31 - 1);
  const signal = await stopped;
  const seconds = service.supervisor.config.system.gracefulShutdownTimeoutSecs;
  terminal.err(`sentinel: ${signal}, finishing requests in flight for at most ${seconds} s`);
  const status = await Promise.race([impatient, finish(service, terminal)]);
  ignoreSignals();
  clearInterval(alive);
  return status;
}

async function finish(service: Service, terminal: Terminal): Promise<number> {
  const cutOff = await service.stop();
  terminal.err(cutOff === 0 ? "sentinel: stopped" : `sentinel: stopped, ${cutOff} requests were cut off`);
  return EXIT.ok;
}
