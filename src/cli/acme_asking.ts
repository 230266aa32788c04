/** Asking a running instance about its certificates. */

import type { Config } from "../config/document.ts";
import { readyUrl } from "./health.ts";
import { loadOrReport } from "./load.ts";
import type { GlobalOptions } from "./program.ts";
import type { Terminal } from "./terminal.ts";

/** Whom to ask, and how to print. */
export interface AcmeVerbOptions extends GlobalOptions {
  readonly admin?: string;
  readonly json?: boolean;
}

/** Where to ask, and the configuration where it was read to find that out. */
export interface AcmePlace {
  /** Of the admin listener; undefined when there is none. */
  readonly admin: string | undefined;
  readonly config: Config | undefined;
}

/** Finds the admin listener. Undefined after telling what is wrong. */
export async function acmePlace(
  options: AcmeVerbOptions,
  terminal: Terminal,
): Promise<AcmePlace | undefined> {
  if (options.admin !== undefined) {
    const base = /^https?:\/\//i.test(options.admin) ? options.admin : `http://${options.admin}`;
    if (URL.canParse(base)) return { admin: base, config: undefined };
    terminal.err(
      `sentinel: "${options.admin}" is no URL of an admin listener, such as http://127.0.0.1:9090`,
    );
    return undefined;
  }
  const loaded = await loadOrReport(options, terminal);
  if (loaded === undefined) return undefined;
  const { enabled, address } = loaded.config.observability.metrics;
  return { admin: enabled ? readyUrl(address) : undefined, config: loaded.config };
}

/** What an instance answered. */
export interface AdminReply {
  readonly status: number;
  readonly json: unknown;
}

/** Asks the admin listener. Undefined when nobody is there; throws when whoever is there is no sentinel. */
export async function askAdmin(
  url: URL,
  { method, timeoutMs }: { readonly method: "GET" | "POST"; readonly timeoutMs: number },
): Promise<AdminReply | undefined> {
  let response: Response;
  try {
    response = await fetch(url, { method, signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    // Somebody who takes too long is there; who cannot be connected to is not.
    if (cause instanceof DOMException) throw new Error(`${url} does not answer in time`);
    return undefined;
  }
  try {
    return { status: response.status, json: JSON.parse(await response.text()) };
  } catch (cause) {
    throw new Error(`${url} does not answer as the admin listener of a sentinel does`, { cause });
  }
}
