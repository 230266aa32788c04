import { deepEqual, equal, match, ok } from "node:assert/strict";
import { namedOrigin, OptionStage } from "../support/option_stage.ts";
import { Authority, type Pair } from "../support/pki.ts";
import { hasCommand } from "../support/servers.ts";
import { visit } from "../support/tls_client.ts";

const ignore = !hasCommand("openssl") && Deno.env.get("CI") === undefined;
const WORKERS = 2;
const CLIENTS = 4;

/** A client that asks on one connection, over and over, and sees whether that ever fails. */
class SteadyClient {
  readonly running: Promise<void>;
  requests = 0;
  failure: unknown;
  #stopping = false;

  constructor(port: number, caCerts: string[]) {
    this.running = this.#run(port, caCerts).catch((cause) => {
      this.failure = cause;
    });
  }

  stop(): Promise<void> {
    this.#stopping = true;
    return this.running;
  }

  async #run(port: number, caCerts: string[]): Promise<void> {
    const plain = await Deno.connect({ hostname: "127.0.0.1", port });
    using connection = await Deno.startTls(plain, { hostname: "www.example", caCerts });
    const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: www.example\r\n\r\n");
    const buffer = new Uint8Array(4096);
    while (!this.#stopping) {
      await connection.write(request);
      let answer = "";
      while (!answer.endsWith("\r\n\r\norigin")) {
        const count = await connection.read(buffer);
        if (count === null) {
          throw new Error(`the connection ended after ${this.requests} requests: ${answer}`);
        }
        answer += new TextDecoder().decode(buffer.subarray(0, count));
      }
      this.requests++;
    }
  }
}

async function copy(from: Pair, to: Pair): Promise<void> {
  // The way of those who know: whole files under the same names, the key first.
  for (const part of ["key", "cert"] as const) {
    await Deno.copyFile(from[part], `${to[part]}.new`);
    await Deno.rename(`${to[part]}.new`, to[part]);
  }
}

async function serials(port: number, count = 6): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) seen.add((await visit(port)).subject);
  return seen;
}

Deno.test({
  name: "TLS: certificates replaced on the disk are used for the next handshake, and no connection is lost",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-tls-reload-" });
    try {
      const root = await Authority.root(folder, "root");
      const first = await root.issue("first", { names: ["DNS:www.example"], from: -50, until: 10 });
      const second = await root.issue("second", { names: ["DNS:www.example"], key: "rsa" });
      const brief = await root.issue("brief", { names: ["DNS:brief.example"], from: -1, until: 5 });
      const over = await root.issue("over", { names: ["DNS:over.example"], from: -50, until: -1 });
      const place = { cert: `${folder}/site.pem`, key: `${folder}/site.key` };
      await copy(first, place);
      await using origin = namedOrigin("origin");
      await using stage = await OptionStage.start((at) =>
        `system { worker-threads ${WORKERS}; auto-reload #false; }
listeners { listener "https" { address "127.0.0.1:${at.port("https")}"; protocol "https"
  tls { cert-file "${place.cert}"; key-file "${place.key}"
    sni { cert-file "${brief.cert}"; key-file "${brief.key}"; }
    sni { cert-file "${over.cert}"; key-file "${over.key}"; }; }; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "origin"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
observability { metrics { address "127.0.0.1:${
          at.port("admin")
        }"; }; logging { level "info"; format "text"; access-log { enabled #false; }; }; }
`
      );
      const port = stage.port("https");
      const metric = async (pattern: RegExp) => {
        const text = await (await fetch(`http://127.0.0.1:${stage.port("admin")}/metrics`)).text();
        return Number(pattern.exec(text)?.[1] ?? NaN);
      };
      await stage.process.said(/A certificate ends soon.*site\.pem.*daysLeft/);
      await stage.process.said(/A certificate has expired.*over\.pem/);
      equal(
        /ends soon.*brief\.pem/.test(stage.process.output),
        false,
        "six days are all that it was made for",
      );
      deepEqual(await serials(port), new Set(["O = Example, CN = first"]));
      const expiry = /certificate_expiry_timestamp_seconds\{[^}]*site\.pem"\} (\d+)/;
      const before = await metric(expiry);
      const ca = await Deno.readTextFile(root.pair.cert);
      const clients = Array.from({ length: CLIENTS }, () => new SteadyClient(port, [ca]));

      await copy(second, place);
      // One file came after the other: a look in between is refused, and the next one is not.
      await stage.process.said(/Certificates replaced/);
      deepEqual(await serials(port), new Set(["O = Example, CN = second"]));
      ok(await metric(expiry) > before + 86_400, "the metric follows");
      const refused = await metric(/certificate_reloads_total\{result="failed"\} (\d+)/) || 0;

      await Deno.writeTextFile(
        place.cert,
        "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n",
      );
      await stage.process.said(/New certificates cannot be used/, refused + 1);
      match(stage.process.output, /holds no certificate that can be read/);
      equal(await metric(/certificate_reloads_total\{result="failed"\} (\d+)/), refused + 1);
      deepEqual(await serials(port), new Set(["O = Example, CN = second"]), "the old one stays");

      await copy(first, place);
      await stage.process.said(/Certificates replaced/, 2);
      deepEqual(await serials(port), new Set(["O = Example, CN = first"]));
      for (const client of clients) {
        await client.stop();
        equal(client.failure, undefined);
        ok(client.requests > 10, `${client.requests} requests`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "TLS: who is revoked does not go on with the connection that is open",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-tls-revoked-" });
    try {
      const root = await Authority.root(folder, "root");
      const site = await root.issue("site", { names: ["DNS:localhost"] });
      const client = await root.issue("client");
      const lists = `${folder}/lists.pem`;
      await Deno.writeTextFile(lists, await root.list());
      await using origin = namedOrigin("origin");
      await using stage = await OptionStage.start((at) =>
        `system { worker-threads 1; auto-reload #false; }
listeners { listener "https" { address "127.0.0.1:${at.port("https")}"; protocol "https"
  tls { cert-file "${site.cert}"; key-file "${site.key}"
    client-auth "required"; ca-file "${root.pair.cert}"; crl-file "${lists}"; }; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "origin"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
observability { logging { level "info"; format "text"; access-log { enabled #false; }; }; }
`
      );
      const shown = {
        hostname: "localhost",
        port: stage.port("https"),
        caCerts: [await Deno.readTextFile(root.pair.cert)],
        cert: await Deno.readTextFile(client.cert),
        key: await Deno.readTextFile(client.key),
      };
      const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const buffer = new Uint8Array(4096);
      using connection = await Deno.connectTls(shown);
      await connection.write(request);
      let answer = "";
      while (!answer.endsWith("origin")) {
        answer += new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
      }
      match(answer, /^HTTP\/1\.1 200/);
      await root.revoke(client);
      await Deno.writeTextFile(lists, await root.list());
      await stage.process.said(/Certificates replaced/);
      equal(await connection.read(buffer), null, "it is closed");
      using again = await Deno.connectTls(shown);
      await again.write(request).catch(() => {});
      equal(await again.read(buffer).catch(() => null), null, "and not let in again");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
