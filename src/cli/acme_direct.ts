/** Certificates without a running instance: the storage folder, and orders by this very process. */

import { AcmeManager } from "../acme/manager.ts";
import type { CertificateState, RenewalOutcome } from "../acme/managed_certificate.ts";
import { asciiDomains } from "../acme/names.ts";
import type { AcmeOptions } from "../acme/options.ts";
import { wantedCertificates } from "../config/certificates.ts";
import type { Config } from "../config/document.ts";
import { resolveConfig } from "../config/resolve.ts";
import { parseEndpoint } from "../core/address.ts";
import type { Log } from "../core/ports.ts";
import { createAcmePorts } from "../server/acme_ports.ts";
import { createDialer } from "../server/dialer.ts";
import { createClock, createRandom, createTimers } from "../server/platform.ts";

const PREFIX = "/.well-known/acme-challenge/";

/** The certificates of a configuration that have a name; all of them when none is given. */
export function wantedOf(config: Config, name: string | undefined): AcmeOptions[] {
  const wanted = wantedCertificates(config);
  if (name === undefined) return wanted;
  return wanted.filter(({ domains }) => asciiDomains(domains).includes(name));
}

/** What is in the storage folder, in the order of `wanted`; undefined for what was never ordered. */
export async function storedStates(
  wanted: readonly AcmeOptions[],
  log: Log,
): Promise<(CertificateState | undefined)[]> {
  return await createManager({ log, answers: new Answers() }).peek(wanted);
}

/** Orders certificates now. HTTP-01 is answered on the addresses of the plain http listeners. Throws when they are taken. */
export async function renewDirectly(
  wanted: readonly AcmeOptions[],
  config: Config,
  log: Log,
): Promise<ReadonlyMap<string, RenewalOutcome>> {
  const answers = new Answers();
  const overHttp = wanted.some(({ challengeType }) => challengeType === "http-01");
  const servers = overHttp ? serveProofs(config, answers) : [];
  const manager = createManager({ log, answers });
  // The timers of the ports do not keep the process alive.
  const alive = setInterval(() => {}, 2 ** 31 - 1);
  try {
    await manager.prepare(wanted);
    manager.commit();
    return await manager.renew(undefined);
  } finally {
    await manager.stop();
    await Promise.all(servers.map((server) => server.shutdown()));
    clearInterval(alive);
  }
}

class Answers {
  current: ReadonlyMap<string, string> = new Map();
}

function createManager({ log, answers }: { readonly log: Log; readonly answers: Answers }): AcmeManager {
  const base = {
    clock: createClock(),
    timers: createTimers(),
    random: createRandom(),
    dialer: createDialer(),
    log,
  };
  return new AcmeManager({
    ports: createAcmePorts(base),
    board: {
      show: (shown) => {
        answers.current = shown;
        return Promise.resolve();
      },
    },
    sink: () => {},
    attempted: () => {},
  });
}

function serveProofs(config: Config, answers: Answers): Deno.HttpServer[] {
  const servers: Deno.HttpServer[] = [];
  for (const { protocol, address } of resolveConfig(config).listeners) {
    const endpoint = parseEndpoint(address);
    if (protocol !== "http" || typeof endpoint === "string" || endpoint.type === "unix") continue;
    const { host: hostname, port } = endpoint;
    servers.push(Deno.serve({ hostname, port, onListen: () => {} }, (request) => {
      const { pathname } = new URL(request.url);
      const proof = pathname.startsWith(PREFIX)
        ? answers.current.get(pathname.slice(PREFIX.length))
        : undefined;
      return new Response(proof ?? "not found\n", { status: proof === undefined ? 404 : 200 });
    }));
  }
  return servers;
}
