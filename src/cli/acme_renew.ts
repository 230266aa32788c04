import { asciiDomain } from "../acme/names.ts";
import { renewalsView, type RenewalView } from "../server/acme_view.ts";
import { type AcmePlace, acmePlace, type AcmeVerbOptions, askAdmin } from "./acme_asking.ts";
import { renewDirectly, wantedOf } from "./acme_direct.ts";
import { visible } from "./agent_table.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** An order may wait for DNS; the instance goes on with it when nobody waits any more. */
const TIMEOUT_MS = 45 * 60_000;

/** Renews now; fails when one could not be renewed. */
export async function acmeRenewVerb(
  written: string | undefined,
  options: AcmeVerbOptions,
  terminal: Terminal,
): Promise<number> {
  const name = written === undefined ? undefined : asciiDomain(written);
  if (written !== undefined && name === undefined) {
    terminal.err(`sentinel: "${written}" is no name that a certificate can be for`);
    return EXIT.usage;
  }
  const place = await acmePlace(options, terminal);
  if (place === undefined) return EXIT.failed;
  let renewals: readonly RenewalView[];
  try {
    renewals = await askRenewal(place, name) ?? await directly(place, name, terminal);
  } catch (cause) {
    terminal.err(`sentinel: ${cause instanceof Error ? cause.message : cause}`);
    return EXIT.failed;
  }
  if (options.json) terminal.out(JSON.stringify({ renewals }, null, 2));
  else for (const renewal of renewals) terminal.out(describe(renewal));
  return renewals.every(({ outcome }) => outcome !== "failed") ? EXIT.ok : EXIT.failed;
}

function describe({ name, outcome, reason, message }: RenewalView): string {
  if (outcome === "failed") return `${visible(name)}: failed, ${reason}: ${visible(message ?? "")}`;
  return `${visible(name)}: ${outcome === "issued" ? "issued" : "renewed by another process"}`;
}

/** Undefined when no instance is there. */
async function askRenewal(
  { admin }: AcmePlace,
  name: string | undefined,
): Promise<readonly RenewalView[] | undefined> {
  if (admin === undefined) return undefined;
  const url = new URL(
    name === undefined ? "/acme/renew" : `/acme/renew?name=${encodeURIComponent(name)}`,
    admin,
  );
  const reply = await askAdmin(url, { method: "POST", timeoutMs: TIMEOUT_MS });
  if (reply === undefined) return undefined;
  const view = reply.json as { renewals?: unknown; error?: unknown } | null;
  if (Array.isArray(view?.renewals)) return view.renewals as readonly RenewalView[];
  throw new Error(typeof view?.error === "string" ? view.error : `${url} answers ${reply.status}`);
}

async function directly(
  { config, admin }: AcmePlace,
  name: string | undefined,
  terminal: Terminal,
): Promise<readonly RenewalView[]> {
  if (config === undefined) throw new Error(`${admin} does not answer`);
  const { workingDirectory } = config.system;
  if (workingDirectory !== undefined) Deno.chdir(workingDirectory);
  const wanted = wantedOf(config, name);
  if (wanted.length === 0) {
    throw new Error(`the configuration has no acme block${name === undefined ? "" : ` for ${name}`}`);
  }
  terminal.err("sentinel: no instance answers; ordering by this process");
  const outcomes = await renewDirectly(wanted, config, (level, message, fields) => {
    if (level !== "debug") terminal.err(`sentinel: ${message} ${JSON.stringify(fields)}`);
  });
  return renewalsView(outcomes);
}
