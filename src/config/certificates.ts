import type { AcmeOptions } from "../acme/options.ts";
import { asciiDomain } from "../acme/names.ts";
import type { Reading } from "../core/reading.ts";
import type { ListenerConfig } from "../downstream/listener.ts";
import type { TlsOptions } from "../tls/options.ts";
import type { Config } from "./document.ts";
import { eachScope, type ScopedDocument } from "./scopes.ts";

type WithListeners = ScopedDocument & { readonly listeners: readonly ListenerConfig[] };

/** The certificates that a configuration wants from authorities. */
export function wantedCertificates(config: WithListeners): AcmeOptions[] {
  const all: AcmeOptions[] = [];
  for (const { block } of eachScope(config)) {
    for (const listener of block.listeners) all.push(...acmeOf(listener));
  }
  return all;
}

function acmeOf({ tls }: ListenerConfig): AcmeOptions[] {
  if (tls === undefined) return [];
  return [tls.acme, ...tls.sni.map(({ acme }) => acme)].filter((acme) => acme !== undefined);
}

/** The configuration with the files of those certificates in their places. */
export function withCertificateFiles(config: Config, fileOf: (options: AcmeOptions) => string): Config {
  const filed = (listeners: readonly ListenerConfig[]) =>
    listeners.map((listener) => acmeOf(listener).length === 0 ? listener : withFiles(listener, fileOf));
  return {
    ...config,
    listeners: filed(config.listeners),
    namespaces: config.namespaces.map((namespace) => ({
      ...namespace,
      listeners: filed(namespace.listeners),
      services: namespace.services.map((service) => ({ ...service, listeners: filed(service.listeners) })),
    })),
  };
}

function withFiles(listener: ListenerConfig, fileOf: (options: AcmeOptions) => string): ListenerConfig {
  const tls: TlsOptions = listener.tls!;
  const pair = <T extends { readonly acme?: AcmeOptions | undefined }>(block: T): T => {
    if (block.acme === undefined) return block;
    const file = fileOf(block.acme);
    return { ...block, certFile: file, keyFile: file };
  };
  return { ...listener, tls: { ...pair(tls), sni: tls.sni.map(pair) } };
}

/** Reports names that two blocks want, and proofs over HTTP that nobody would answer. */
export function checkCertificates(document: WithListeners, reading: Reading): void {
  const owners = new Map<string, AcmeOptions>();
  const listeners = [...eachScope(document)].flatMap(({ block }) => block.listeners);
  const wanted = wantedCertificates(document);
  for (const options of wanted) checkTwins(options, owners, reading);
  const overHttp = wanted.find(({ challengeType }) => challengeType === "http-01");
  if (overHttp !== undefined && !listeners.some(({ protocol }) => protocol === "http")) {
    reading.warn(
      reading.spanOf(overHttp, "challengeType"),
      "names are to be proven over HTTP, and no listener speaks plain http",
      'add one that is reached on port 80: listener "http" { address "0.0.0.0:80" }',
    );
  }
}

function checkTwins(options: AcmeOptions, owners: Map<string, AcmeOptions>, reading: Reading): void {
  for (const [index, written] of options.domains.entries()) {
    const domain = asciiDomain(written);
    if (domain === undefined) continue;
    const owner = owners.get(domain);
    if (owner === undefined) owners.set(domain, options);
    else {
      const first = reading.spanOf(owner, "domains");
      const where = owner === options ? "twice in one acme block" : "in two acme blocks";
      reading.report({
        severity: "error",
        message: `"${written}" stands ${where}`,
        span: reading.spanOf(options, "domains", index),
        hint: "a name has one certificate; remove it here",
        related: first === undefined ? [] : [{ message: "first here", span: first }],
      });
    }
  }
}
