/** Proofs in the DNS, by signed changes to a real server (Knot DNS), which the authority then asks. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { findDnsProvider } from "../../src/acme/dns/find_provider.ts";
import { AcmeManager } from "../../src/acme/manager.ts";
import type { RenewalOutcome } from "../../src/acme/managed_certificate.ts";
import type { AcmeOptions } from "../../src/acme/options.ts";
import type { AcmePorts } from "../../src/acme/ports.ts";
import { Resolver } from "../../src/discovery/dns/resolver.ts";
import { createAcmePorts } from "../../src/server/acme_ports.ts";
import { createDialer } from "../../src/server/dialer.ts";
import { createClock, createRandom, createTimers } from "../../src/server/platform.ts";
import { httpTo, readAcme } from "../support/acme_rig.ts";
import { AcmeServer } from "../support/acme_server.ts";
import { hasKnot, Knot } from "../support/knot.ts";

const SECRET = btoa("0123456789abcdef0123456789abcdef");
const ignore = !hasKnot && Deno.env.get("CI") === undefined;
if (ignore) console.log("knotd is not installed: proofs in a real DNS server are not tested");

interface Stage {
  readonly knot: Knot;
  readonly folder: string;
  readonly ports: AcmePorts;
  readonly authority: AcmeServer;
  txt(name: string): Promise<readonly string[]>;
}

async function onStage(algorithm: string, task: (stage: Stage) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-acme-" });
  try {
    await using knot = await Knot.start("", { name: "acme-key.", algorithm, secret: SECRET });
    const clock = createClock();
    const ports = createAcmePorts({
      clock,
      timers: createTimers(),
      random: createRandom(),
      dialer: createDialer(),
      log: () => {},
    });
    const servers = [{ ip: "127.0.0.1", port: knot.port }];
    const resolver = new Resolver({ servers, timeoutMs: 2_000, attempts: 3 }, ports);
    const txt = async (name: string) => {
      const { records } = await resolver.resolve(name, "TXT", new AbortController().signal);
      return records.map(({ text }) => text);
    };
    const authority = await AcmeServer.create({ wallMs: Date.now, lookupTxt: txt });
    const http = httpTo((request) => authority.handle(request));
    await task({ knot, folder, ports: { ...ports, http }, authority, txt });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function optionsOf(
  { knot, folder }: Stage,
  { secret = SECRET, more = "" }: { readonly secret?: string; readonly more?: string } = {},
): Promise<AcmeOptions> {
  await Deno.writeTextFile(`${folder}/secret`, `${secret}\n`, { mode: 0o600 });
  return readAcme(`
    email "a@b.test"; domains "app.test" "*.app.test"; server-url "https://ca.test/directory"
    storage "${folder}/acme"; challenge-type "dns-01"
    dns-provider "rfc2136" {
      server "127.0.0.1:${knot.port}"; key-name "acme-key"; credentials-file "${folder}/secret"
      propagation { initial-delay-secs 0; check-interval-secs 0.1; timeout-secs 5; nameservers "127.0.0.1:${knot.port}" }
      ${more}
    }`);
}

function orders(stage: Stage, options: AcmeOptions): Promise<RenewalOutcome> {
  const { promise, resolve } = Promise.withResolvers<RenewalOutcome>();
  const manager = new AcmeManager({
    ports: stage.ports,
    board: { show: () => Promise.resolve() },
    sink: () => {},
    attempted: (_name, outcome) => resolve(outcome),
  });
  return manager.prepare([options]).then(() => manager.commit()).then(() => promise).finally(() =>
    manager.stop()
  );
}

for (const transport of ["tcp", "udp"]) {
  for (const algorithm of ["hmac-sha256", "hmac-sha512"]) {
    Deno.test({
      name:
        `acme dns: a wildcard and its parent by ${algorithm} over ${transport}, records taken away afterwards`,
      ignore,
      fn: () =>
        onStage(algorithm, async (stage) => {
          const more = `transport "${transport}"; key-algorithm "${algorithm}"`;
          deepEqual(await orders(stage, await optionsOf(stage, { more })), { type: "issued" });
          const bundle = await Deno.readTextFile(`${stage.folder}/acme/domains/app.test/bundle.pem`);
          equal(new X509Certificate(bundle).subjectAltName, "DNS:app.test, DNS:*.app.test");
          deepEqual(await stage.txt("_acme-challenge.app.test"), []);
        }),
    });
  }
}

Deno.test({
  name: "acme dns: records of others stay, and ours can be several at a time",
  ignore,
  fn: () =>
    onStage("hmac-sha256", async (stage) => {
      const { type, options } = (await optionsOf(stage)).dnsProvider!;
      const provider = findDnsProvider(type).create(options, stage.ports);
      const { signal } = new AbortController();
      const name = "_acme-challenge.app.test";
      const removals = [];
      for (const value of ["a", "b", "c"]) removals.push(await provider.add({ name, value }, signal));
      deepEqual((await stage.txt(name)).toSorted(), ["a", "b", "c"]);
      await removals[1]!();
      deepEqual((await stage.txt(name)).toSorted(), ["a", "c"]);
    }),
});

const REFUSALS: readonly {
  readonly name: string;
  readonly secret?: string;
  readonly more?: string;
  readonly want: RegExp;
}[] = [
  { name: "another secret", secret: btoa("wrong wrong wrong wrong"), want: /dns: .*BADSIG/ },
  { name: "another zone", more: 'zone "elsewhere.test"', want: /dns: .*(NOTAUTH|NOTZONE|REFUSED)/ },
  { name: "a secret that is no base64", secret: "***", want: /dns: the secret of the key is no base64/ },
];

for (const { name, want, ...given } of REFUSALS) {
  Deno.test({
    name: `acme dns: ${name} is a failure that says so`,
    ignore,
    fn: () =>
      onStage("hmac-sha256", async (stage) => {
        const outcome = await orders(stage, await optionsOf(stage, given));
        ok(outcome.type === "failed");
        match(`${outcome.reason}: ${outcome.message}`, want);
        equal(stage.authority.issued.length, 0);
        equal(stage.authority.count("challenge"), 0, "the authority is not asked in vain");
      }),
  });
}

Deno.test({
  name: "acme dns: a key that the server does not know, and a server that does not sign",
  ignore,
  fn: () =>
    onStage("hmac-sha256", async (stage) => {
      const { type, options } = (await optionsOf(stage)).dnsProvider!;
      const record = { name: "_acme-challenge.app.test", value: "x" };
      const { signal } = new AbortController();
      const unknown = findDnsProvider(type).create(
        { ...options as object, keyName: "other-key" },
        stage.ports,
      );
      await rejects(unknown.add(record, signal), /BADKEY/);
      // An answer without a signature may be anybody's.
      const unsigned = findDnsProvider(type).create(
        { ...options as object, zone: "test", transport: "udp" },
        {
          ...stage.ports,
          datagrams: {
            exchange: ({ bytes, accept }) => {
              const answer = bytes.slice(0, 12);
              answer[2]! |= 0x80;
              answer.fill(0, 4);
              accept(answer);
              return Promise.resolve();
            },
          },
        },
      );
      await rejects(unsigned.add(record, signal), /not signed/);
    }),
});
