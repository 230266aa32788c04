import { asciiDomains } from "../acme/names.ts";
import { type CertificatesView, certificatesView, type CertificateView } from "../server/acme_view.ts";
import { acmePlace, type AcmeVerbOptions, askAdmin } from "./acme_asking.ts";
import { storedStates, wantedOf } from "./acme_direct.ts";
import { table, visible } from "./agent_table.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

const TIMEOUT_MS = 3_000;

/** Lists certificates; fails when one of them needs somebody's attention. */
export async function acmeStatusVerb(options: AcmeVerbOptions, terminal: Terminal): Promise<number> {
  const place = await acmePlace(options, terminal);
  if (place === undefined) return EXIT.failed;
  let view: CertificatesView | undefined;
  try {
    view = place.admin === undefined ? undefined : await askStatus(place.admin);
  } catch (cause) {
    terminal.err(`sentinel: ${cause instanceof Error ? cause.message : cause}`);
    return EXIT.failed;
  }
  let missing: readonly string[] = [];
  if (view === undefined) {
    if (place.config === undefined) {
      terminal.err(`sentinel: ${place.admin} does not answer`);
      return EXIT.failed;
    }
    terminal.err("sentinel: no instance answers; this is what the storage folder has");
    const wanted = wantedOf(place.config, undefined);
    const states = await storedStates(wanted, (_level, message, fields) => {
      terminal.err(`sentinel: ${message} ${JSON.stringify(fields)}`);
    });
    missing = wanted.filter((_, index) => states[index] === undefined).map(({ domains }) =>
      asciiDomains(domains)[0]!
    );
    view = certificatesView(states.filter((state) => state !== undefined), Date.now());
  }
  terminal.out(options.json ? JSON.stringify(view, null, 2) : describeCertificates(view, Date.now()));
  for (const name of missing) terminal.err(`sentinel: ${name} was never ordered`);
  const isWell = missing.length === 0 && view.certificates.every((one) => !needsAttention(one, Date.now()));
  return isWell ? EXIT.ok : EXIT.failed;
}

async function askStatus(admin: string): Promise<CertificatesView | undefined> {
  const url = new URL("/acme", admin);
  const reply = await askAdmin(url, { method: "GET", timeoutMs: TIMEOUT_MS });
  if (reply === undefined) return undefined;
  const view = reply.json as Partial<CertificatesView> | null;
  if (reply.status === 200 && Array.isArray(view?.certificates)) return view as CertificatesView;
  throw new Error(`${url} does not answer as the admin listener of a sentinel does`);
}

function needsAttention({ standIn, failuresInARow, expires }: CertificateView, wallMs: number): boolean {
  return standIn || failuresInARow > 0 || Date.parse(expires) <= wallMs;
}

/** The table that people see. */
export function describeCertificates({ certificates }: CertificatesView, wallMs: number): string {
  if (certificates.length === 0) return "no certificates from an authority";
  const rows = certificates.map((one) => [
    visible(one.name),
    String(one.domains.length),
    one.standIn ? "(stands in)" : visible(one.issuer),
    `${one.expires.slice(0, 10)} (${days(Date.parse(one.expires) - wallMs)})`,
    one.ordering ? "now" : one.nextAttempt.slice(0, 16).replace("T", " "),
    one.failuresInARow === 0 ? "-" : `${one.lastFailure?.reason} (${one.failuresInARow} in a row)`,
  ]);
  const lines = [table(["NAME", "NAMES", "ISSUER", "EXPIRES", "NEXT ATTEMPT", "LAST ERROR"], rows)];
  for (const { name, lastFailure, failuresInARow } of certificates) {
    if (failuresInARow === 0 || lastFailure === null) continue;
    lines.push(`${visible(name)}: ${lastFailure.at}: ${visible(lastFailure.message)}`);
  }
  return lines.join("\n");
}

function days(ms: number): string {
  const count = Math.floor(ms / 86_400_000);
  return count < 0 ? "expired" : count === 1 ? "1 day" : `${count} days`;
}
