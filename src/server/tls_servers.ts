import type { OpenTlsServer, TlsServer } from "../core/tls.ts";
import { type CertificateFiles, certificateFiles, type TlsOptions } from "../tls/options.ts";
import { type CredentialSet, type NamedSet, normalName, ServerNames } from "../tls/server_names.ts";
import { ClientCertificates } from "./client_certificates.ts";
import { type Credential, type CredentialReader, readCredential, readPem } from "./tls_credentials.ts";
import { findTlsEngine } from "./tls_engine.ts";
import { EngineTlsServer, engineVersions } from "./tls_server.ts";

/** Where files and time come from. */
export interface TlsServersPorts {
  readonly readText: (path: string) => Promise<string>;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

/** Reads the certificates of listeners and makes them ready for handshakes. */
export function createTlsServers(ports: TlsServersPorts): OpenTlsServer<TlsOptions> {
  return async (listenerId, options, protocols) => {
    try {
      return await open({ options, protocols, ports });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Listener "${listenerId}": ${why}`, { cause });
    }
  };
}

async function open({ options, protocols, ports }: {
  readonly options: TlsOptions;
  readonly protocols: readonly string[];
  readonly ports: TlsServersPorts;
}): Promise<TlsServer> {
  const engine = findTlsEngine();
  if (engine === undefined) {
    throw new Error("this version of Deno has no TLS engine that can be used; use 2.9.6");
  }
  const clients = await clientCertificates(options, ports);
  const ca = options.caFile === undefined ? [] : [await readPem(options.caFile, ports.readText)];
  const reader: CredentialReader = {
    engine,
    readText: ports.readText,
    rules: {
      ...engineVersions(options),
      requestCert: options.clientAuth !== "none",
      rejectUnauthorized: options.clientAuth === "required",
      ca,
    },
  };
  const fallback = await readSet(options, reader);
  const sets: NamedSet<Credential>[] = [];
  for (const entry of options.sni) {
    const { set, all } = await readSet(entry, reader);
    const { hostnames, priorityHostnames } = entry;
    const own = all.flatMap((each) => each.names);
    if (hostnames.length + priorityHostnames.length + own.length === 0) {
      throw new Error(`${entry.certFile} names no host, so nobody would be shown it; give it "hostnames"`);
    }
    sets.push({
      set,
      label: entry.certFile!,
      names: hostnames.length > 0 ? hostnames.map(asciiName) : own,
      priorityNames: priorityHostnames.map(asciiName),
    });
  }
  const names = new ServerNames([...sets, ...fallbackNames(fallback, sets, options)]);
  const credentials = [...fallback.all, ...sets.flatMap(({ set }) => [set.ecdsa, set.rsa])];
  return new EngineTlsServer({
    engine,
    options,
    names,
    fallback: fallback.set,
    clients,
    protocols,
    certificates: credentials.flatMap((each) => each === undefined ? [] : [each.facts]),
  });
}

/** The default certificate's own names are known names; what further certificates claim is theirs. */
function fallbackNames(
  fallback: { readonly set: CredentialSet<Credential>; readonly all: readonly Credential[] },
  sets: readonly NamedSet<Credential>[],
  options: TlsOptions,
): NamedSet<Credential>[] {
  const taken = new Set(sets.flatMap((each) => [...each.names, ...each.priorityNames]).map(normalName));
  const names = fallback.all.flatMap((each) => each.names).filter((name) => !taken.has(normalName(name)));
  return [{ set: fallback.set, names, priorityNames: [], label: options.certFile! }];
}

/** A certificate as options have it, whose check has made sure that both are there. */
type MaybePair = Parameters<typeof certificateFiles>[0];

async function readSet(
  pair: MaybePair & { readonly alternate?: CertificateFiles | undefined },
  reader: CredentialReader,
): Promise<{ readonly set: CredentialSet<Credential>; readonly all: readonly Credential[] }> {
  const first = await readCredential(certificateFiles(pair), reader);
  if (pair.alternate === undefined) return { set: { [first.keyType]: first }, all: [first] };
  const second = await readCredential(pair.alternate, reader);
  if (second.keyType === first.keyType) {
    throw new Error(
      `${first.facts.file} and ${second.facts.file} have the same kind of key; an alternate has another one`,
    );
  }
  return { set: { [first.keyType]: first, [second.keyType]: second }, all: [first, second] };
}

async function clientCertificates(
  { clientAuth, caFile, crlFile }: TlsOptions,
  { readText, wallMs }: TlsServersPorts,
): Promise<ClientCertificates | null> {
  if (clientAuth === "none" || caFile === undefined) return null;
  return new ClientCertificates({
    ca: { path: caFile, pem: await readPem(caFile, readText) },
    crl: crlFile === undefined ? null : { path: crlFile, pem: await readPem(crlFile, readText) },
    wallMs,
  });
}

/** A name as clients send it: letters beyond ASCII as IDNA writes them. */
function asciiName(name: string): string {
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(name)) return name;
  const prefix = name.startsWith("*.") ? "*." : "";
  return prefix + new URL(`http://${name.slice(prefix.length)}`).hostname;
}
