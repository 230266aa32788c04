import { X509Certificate } from "node:crypto";
import type { Config } from "../config/document.ts";
import { wantedCertificates } from "../config/certificates.ts";
import { createStorage } from "../server/acme_storage.ts";
import { parseEndpoint } from "../core/address.ts";
import { resolveConfig } from "../config/resolve.ts";
import { APPLICATION_PROTOCOLS } from "../downstream/acceptor.ts";
import { createTlsServers } from "../server/tls_servers.ts";
import { agentProblems } from "./agent_problems.ts";
import { loadOrReport } from "./load.ts";
import type { GlobalOptions } from "./program.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const EXPIRY_WARNING_DAYS = 30;
const DAY_MS = 86_400_000;

/** Which checks to leave out. */
export interface ValidateOptions extends GlobalOptions {
  readonly skipNetwork?: boolean;
  readonly skipCerts?: boolean;
}

/** One thing that was checked. */
interface Finding {
  readonly outcome: "ok" | "warning" | "error";
  readonly text: string;
}

/** As `test`, and then what only the outside world can tell: targets answer, certificates are good. */
export async function validateVerb(options: ValidateOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadOrReport(options, terminal);
  if (loaded === undefined) return EXIT.failed;
  const findings: Finding[] = [{ outcome: "ok", text: `configuration ${loaded.name} is valid` }];
  for (const text of await agentProblems(loaded.config)) findings.push({ outcome: "error", text });
  if (!options.skipNetwork) findings.push(...await checkTargets(loaded.config));
  if (!options.skipCerts) {
    findings.push(
      ...checkCertificates(loaded.config),
      ...await checkStorage(loaded.config),
      ...await checkListenerTls(loaded.config),
    );
  }
  for (const { outcome, text } of findings) {
    if (outcome === "ok") terminal.out(`ok: ${text}`);
    else terminal.err(`${outcome}: ${text}`);
  }
  return findings.some(({ outcome }) => outcome === "error") ? EXIT.failed : EXIT.ok;
}

function checkTargets(config: Config): Promise<Finding[]> {
  return Promise.all(
    resolveConfig(config).upstreams.flatMap(({ id, targets }) =>
      targets.map(({ address }) => checkTarget(id, address))
    ),
  );
}

async function checkTarget(upstreamId: string, address: string): Promise<Finding> {
  const subject = `upstream "${upstreamId}" target ${address}`;
  const endpoint = parseEndpoint(address);
  if (typeof endpoint === "string") return { outcome: "error", text: `${subject} ${endpoint}` };
  const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  try {
    const connection = endpoint.type === "unix"
      ? await Deno.connect({ transport: "unix", path: endpoint.path })
      : await Deno.connect({ hostname: endpoint.host, port: endpoint.port, signal });
    connection.close();
    return { outcome: "ok", text: `${subject} accepts connections` };
  } catch (cause) {
    if (signal.aborted) {
      return { outcome: "warning", text: `${subject} did not accept within ${CONNECT_TIMEOUT_MS / 1000} s` };
    }
    return {
      outcome: "error",
      text: `${subject}: ${cause instanceof Error ? cause.message : String(cause)}`,
    };
  }
}

/** Storage folders of certificates from authorities: written to and read from, as an order would. */
async function checkStorage(config: Config): Promise<Finding[]> {
  const folders = new Set(wantedCertificates(config).map(({ storage }) => storage));
  return await Promise.all([...folders].map(async (folder): Promise<Finding> => {
    const path = `${folder}/.sentinel_write_test`;
    try {
      await createStorage().write(path, "");
      await Deno.remove(path);
      return { outcome: "ok", text: `acme storage ${folder} can be written` };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      return { outcome: "error", text: `acme storage ${folder}: ${why}` };
    }
  }));
}

function checkCertificates(config: Config): Finding[] {
  return resolveConfig(config).upstreams.flatMap(({ id, tls }) => {
    if (tls === undefined) return [];
    const { caCert, clientCert, clientKey } = tls;
    return [
      ...(caCert === undefined ? [] : [checkCertificate(`upstream "${id}" ca-cert ${caCert}`, caCert)]),
      ...(clientCert === undefined
        ? []
        : [checkCertificate(`upstream "${id}" client-cert ${clientCert}`, clientCert)]),
      ...(clientKey === undefined ? [] : [checkKey(`upstream "${id}" client-key ${clientKey}`, clientKey)]),
    ];
  });
}

/** What a listener would meet at its start: every file, and whether certificates and keys belong together. */
async function checkListenerTls(config: Config): Promise<Finding[]> {
  const open = createTlsServers({ readText: (path) => Deno.readTextFile(path), wallMs: () => Date.now() });
  const findings: Finding[] = [];
  for (const { id, tls } of resolveConfig(config).listeners) {
    if (tls === undefined) continue;
    try {
      const { certificates } = await open(id, tls, APPLICATION_PROTOCOLS);
      for (const { file } of certificates) {
        findings.push(checkCertificate(`listener "${id}" certificate ${file}`, file));
      }
    } catch (cause) {
      findings.push({ outcome: "error", text: cause instanceof Error ? cause.message : String(cause) });
    }
  }
  return findings;
}

/** The first certificate of a PEM file: readable, begun, and not about to expire. */
export function checkCertificate(subject: string, path: string): Finding {
  try {
    const certificate = new X509Certificate(Deno.readTextFileSync(path));
    const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / DAY_MS);
    if (days < 0) return { outcome: "error", text: `${subject} expired on ${certificate.validTo}` };
    if (Date.parse(certificate.validFrom) > Date.now()) {
      return { outcome: "error", text: `${subject} is not valid before ${certificate.validFrom}` };
    }
    const outcome = days < EXPIRY_WARNING_DAYS ? "warning" : "ok";
    return { outcome, text: `${subject} is valid for ${days} days more` };
  } catch (cause) {
    return {
      outcome: "error",
      text: `${subject}: ${cause instanceof Error ? cause.message : String(cause)}`,
    };
  }
}

function checkKey(subject: string, path: string): Finding {
  try {
    const text = Deno.readTextFileSync(path);
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
      return { outcome: "ok", text: `${subject} is a private key` };
    }
    return { outcome: "error", text: `${subject} is no PEM private key` };
  } catch (cause) {
    return {
      outcome: "error",
      text: `${subject}: ${cause instanceof Error ? cause.message : String(cause)}`,
    };
  }
}
