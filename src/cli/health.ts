import { parseEndpoint } from "../core/address.ts";
import { loadOrReport } from "./load.ts";
import type { GlobalOptions } from "./program.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** How long the running instance may take to answer. */
const TIMEOUT_MS = 3_000;

/** Asks the admin listener that the configuration names whether the instance is ready: for container checks. */
export async function healthVerb(options: GlobalOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadOrReport(options, terminal);
  if (loaded === undefined) return EXIT.failed;
  const { enabled, address } = loaded.config.observability.metrics;
  if (!enabled) {
    terminal.err(
      "sentinel: the admin listener is switched off (observability { metrics { enabled #false } })",
    );
    return EXIT.failed;
  }
  const url = readyUrl(address);
  if (url === undefined) {
    terminal.err(`sentinel: cannot ask ${address} over HTTP`);
    return EXIT.failed;
  }
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    terminal.out((await response.text()).trim());
    return response.ok ? EXIT.ok : EXIT.failed;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.cause ?? cause : cause;
    terminal.err(`sentinel: ${url} does not answer: ${reason instanceof Error ? reason.message : reason}`);
    return EXIT.failed;
  }
}

/** Where to ask. An admin listener on every address is reached over loopback. */
export function readyUrl(address: string): string | undefined {
  const endpoint = parseEndpoint(address);
  if (typeof endpoint === "string" || endpoint.type === "unix") return undefined;
  const host = endpoint.host === "0.0.0.0" ? "127.0.0.1" : endpoint.host === "::" ? "::1" : endpoint.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${endpoint.port}/ready`;
}
