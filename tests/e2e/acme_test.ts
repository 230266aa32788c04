/** Certificates from an authority, with real sockets: proofs are fetched from the proxy, handshakes use what came. */

import { deepEqual, equal, match } from "node:assert/strict";
import { connect } from "node:tls";
import { AcmeServer } from "../support/acme_server.ts";
import { SentinelProcess } from "../support/process.ts";
import { RawOrigin } from "../support/raw_origin.ts";
import { eventually, freePort } from "../support/servers.ts";

/** An authority on a port of its own, which looks for proofs at the proxy's plain listener. */
class LoopbackAuthority implements AsyncDisposable {
  readonly acme: AcmeServer;
  readonly url: string;
  readonly #http: Deno.HttpServer<Deno.NetAddr>;

  private constructor(acme: AcmeServer) {
    this.acme = acme;
    this.#http = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => acme.handle(request),
    );
    this.url = `http://127.0.0.1:${this.#http.addr.port}/directory`;
  }

  /** Looks for proofs at each of the ports: a name with several addresses, of which one process knows the proof. */
  static async start(...proofPorts: readonly number[]): Promise<LoopbackAuthority> {
    return new LoopbackAuthority(
      await AcmeServer.create({
        wallMs: Date.now,
        fetchProof: async (domain, path) => {
          const [token] = path.split("/").slice(-1);
          const asked = proofPorts.map(async (port) => {
            const text = await fetchRaw(port, domain, path);
            return text.startsWith(token!) ? text : Promise.reject(new Error(text));
          });
          return await Promise.any(asked);
        },
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http.shutdown();
  }
}

/** `fetch` would look the domain up. */
async function fetchRaw(port: number, host: string, path: string): Promise<string> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await socket.write(new TextEncoder().encode(request));
  const text = await new Response(socket.readable).text();
  if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(text.slice(0, 60));
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}

interface Place {
  readonly port: number;
  readonly tlsPort: number;
  readonly adminPort: number;
  readonly originPort: number;
  readonly directory: string;
  readonly storage: string;
  readonly workers: number;
}

function configText({ port, tlsPort, adminPort, originPort, directory, storage, workers }: Place): string {
  const acme = `email "ops@example.org"; server-url "${directory}"; storage "${storage}"`;
  return `system { worker-threads ${workers} }
listeners {
  listener "http" { address "127.0.0.1:${port}" }
  listener "https" {
    address "127.0.0.1:${tlsPort}"
    protocol "https"
    tls {
      acme { domains "example.org" "www.example.org"; ${acme} }
      sni { acme { domains "other.example"; key-type "rsa-2048"; ${acme} } }
    }
  }
}
routes { route "all" { matches { path-prefix "/" }; upstream "origin" } }
upstreams { upstream "origin" { target "127.0.0.1:${originPort}" } }
observability { metrics { address "127.0.0.1:${adminPort}" }; logging { level "info" } }
`;
}

/** Whether a handshake by this name shows what the root vouches for, and a request over it is answered. */
async function isServed(port: number, serverName: string, root: string): Promise<boolean> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    using tls = await Deno.startTls(socket, { hostname: serverName, caCerts: [root] });
    await tls.handshake();
    const request = `GET /x HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`;
    await tls.write(new TextEncoder().encode(request));
    return (await new Response(tls.readable).text()).startsWith("HTTP/1.1 200");
  } catch (cause) {
    if (cause instanceof Deno.errors.InvalidData) return false;
    throw cause;
  }
}

interface Status {
  readonly certificates: readonly {
    readonly name: string;
    readonly issuer: string;
    readonly standIn: boolean;
  }[];
}

async function statusOf(adminPort: number): Promise<Status["certificates"]> {
  return (await (await fetch(`http://127.0.0.1:${adminPort}/acme`)).json() as Status).certificates;
}

for (const workers of [1, 2]) {
  Deno.test(`acme: ${workers} worker(s): proofs over HTTP, certificates in handshakes, renewal, restart`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-acme-" });
    try {
      await using origin = new RawOrigin();
      const [port, tlsPort, adminPort] = [freePort(), freePort(), freePort()];
      await using authority = await LoopbackAuthority.start(port);
      const { root } = authority.acme.authority;
      const place = { port, tlsPort, adminPort, originPort: origin.port, workers };
      const text = configText({ ...place, directory: authority.url, storage: `${folder}/acme` });
      await Deno.writeTextFile(`${folder}/sentinel.kdl`, text);
      const args = ["run", "-c", `${folder}/sentinel.kdl`];
      {
        await using process = new SentinelProcess({ args });
        await process.said(/A certificate was issued/, 2);
        for (const name of ["example.org", "www.example.org", "other.example"]) {
          equal(
            await eventually(10_000, () => isServed(tlsPort, name, root)),
            true,
            `${name}\n${process.output}`,
          );
        }
        match(process.output, /stands in until the first real one/);
        equal(authority.acme.issued.length, 2);
        deepEqual((await statusOf(adminPort)).map(({ name, issuer, standIn }) => [name, issuer, standIn]), [
          ["example.org", "Test Root", false],
          ["other.example", "Test Root", false],
        ]);
        equal((await Deno.stat(`${folder}/acme/domains/example.org/bundle.pem`)).mode! & 0o777, 0o600);
        const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
        match(metrics, /^sentinel_acme_certificates_issued_total\{certificate="example\.org"\} 1$/m);
        match(metrics, /^sentinel_acme_stand_in\{certificate="other\.example"\} 0$/m);
        match(
          metrics,
          /^sentinel_acme_certificate_expiry_timestamp_seconds\{certificate="example\.org"\} \d+/m,
        );
        const renewed = await run(["acme", "renew", "www.example.org", "-c", `${folder}/sentinel.kdl`]);
        equal(renewed.code, 0, renewed.err);
        match(renewed.out, /^example\.org: issued$/m);
        equal(authority.acme.issued.length, 3);
        const status = await run(["acme", "status", "-c", `${folder}/sentinel.kdl`]);
        equal(status.code, 0, status.err);
        match(status.out, /^example\.org +2 +Test Root +20\d\d-\d\d-\d\d \(89 days\)/m);
        // What is no proof goes the usual way.
        const usual = await fetch(`http://127.0.0.1:${port}/.well-known/acme-challenge/none`);
        equal(usual.status, 200);
        await usual.body?.cancel();
      }
      await using again = new SentinelProcess({ args });
      await again.said(/serving|listening/i);
      equal(await isServed(tlsPort, "example.org", root), true, again.output);
      equal(authority.acme.issued.length, 3, "nothing is ordered that is there");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

async function run(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  await using process = new SentinelProcess({ args });
  const code = await process.ended();
  return { code, out: process.stdout, err: process.stderr };
}

/** Serial number of the certificate that is shown for a name; empty while it is not from the root. */
async function serialOf(port: number, serverName: string, root: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, servername: serverName, ca: [root] });
  try {
    return await new Promise<string>((resolve) => {
      socket.once("secureConnect", () => resolve(socket.getPeerCertificate().serialNumber));
      socket.once("error", () => resolve(""));
    });
  } finally {
    socket.destroy();
  }
}

Deno.test("acme: two processes on one folder: one orders, both serve, a renewal by one is used by both", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-acme-" });
  try {
    await using origin = new RawOrigin();
    const places = [1, 2].map((workers) => ({
      port: freePort(),
      tlsPort: freePort(),
      adminPort: freePort(),
      originPort: origin.port,
      workers,
    }));
    await using authority = await LoopbackAuthority.start(...places.map(({ port }) => port));
    const { root } = authority.acme.authority;
    await using stack = new AsyncDisposableStack();
    const processes = await Promise.all(places.map(async (place, i) => {
      const text = configText({ ...place, directory: authority.url, storage: `${folder}/acme` });
      await Deno.writeTextFile(`${folder}/${i}.kdl`, text);
      return stack.use(new SentinelProcess({ args: ["run", "-c", `${folder}/${i}.kdl`] }));
    }));
    const output = () => processes.map((each) => each.output).join("\n");
    const serials = () => Promise.all(places.map(({ tlsPort }) => serialOf(tlsPort, "example.org", root)));
    const agree = (than: string) =>
      eventually(30_000, async () => {
        const [one, other] = await serials();
        return one !== "" && one === other && one !== than;
      });
    await Promise.all(processes.map((each) => each.said(/serving/)));
    equal(await agree(""), true, output());
    for (const { tlsPort } of places) {
      equal(await eventually(30_000, () => isServed(tlsPort, "other.example", root)), true, output());
    }
    equal(authority.acme.issued.length, 2, "each certificate is ordered once, whoever does it");
    equal(authority.acme.accounts.length, 1, "and they share an account");
    const [before] = await serials();

    const renewed = await run(["acme", "renew", "example.org", "-c", `${folder}/1.kdl`]);
    equal(renewed.code, 0, renewed.out + renewed.err);
    equal(await agree(before!), true, output());
    equal(authority.acme.issued.length, 3);
    match(processes[0]!.output, /Certificates replaced/);
    for (const { adminPort } of places) {
      const isKnown = async () => (await statusOf(adminPort)).every(({ standIn }) => !standIn);
      equal(await eventually(10_000, isKnown), true, "and both know what they serve");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("acme: without an instance, status reads the folder and renew orders by itself", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-acme-" });
  try {
    const [port, tlsPort, adminPort] = [freePort(), freePort(), freePort()];
    await using authority = await LoopbackAuthority.start(port);
    const place = { port, tlsPort, adminPort, originPort: 9, workers: 1 };
    const text = configText({ ...place, directory: authority.url, storage: `${folder}/acme` });
    await Deno.writeTextFile(`${folder}/sentinel.kdl`, text);
    const config = ["-c", `${folder}/sentinel.kdl`];
    const checked = await run(["validate", "--skip-network", ...config]);
    match(checked.out, /^ok: acme storage .*\/acme can be written$/m);
    const before = await run(["acme", "status", ...config]);
    equal(before.code, 1);
    match(before.err, /example\.org was never ordered/);
    const renewed = await run(["acme", "renew", "other.example", ...config]);
    equal(renewed.code, 0, renewed.err);
    match(renewed.out, /^other\.example: issued$/m);
    const after = await run(["acme", "status", ...config]);
    match(after.out, /^other\.example +1 +Test Root/m);
    equal((await run(["acme", "renew", "nobody.example", ...config])).code, 1);
    equal((await run(["acme", "renew", "not a name", ...config])).code, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("acme: a storage folder that cannot be used keeps the process from starting, and says why", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-acme-" });
  try {
    await Deno.writeTextFile(`${folder}/file`, "");
    const [port, tlsPort, adminPort] = [freePort(), freePort(), freePort()];
    const directory = "http://127.0.0.1:9/directory";
    const place = { port, tlsPort, adminPort, originPort: 9, workers: 1 };
    await Deno.writeTextFile(
      `${folder}/sentinel.kdl`,
      configText({ ...place, directory, storage: `${folder}/file/acme` }),
    );
    const checked = await run(["validate", "--skip-network", "-c", `${folder}/sentinel.kdl`]);
    equal(checked.code, 1);
    match(checked.err, /error: acme storage .*\/file\/acme/);
    const { code, err } = await run(["run", "-c", `${folder}/sentinel.kdl`]);
    equal(code, 1);
    match(err, /Cannot keep certificates: .*\/file\/acme/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("acme: an authority that is down does not keep listeners from serving with the stand-in", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-acme-" });
  try {
    await using origin = new RawOrigin();
    const [port, tlsPort, adminPort] = [freePort(), freePort(), freePort()];
    const directory = `http://127.0.0.1:${freePort()}/directory`;
    const place = { port, tlsPort, adminPort, originPort: origin.port, workers: 1 };
    await Deno.writeTextFile(
      `${folder}/sentinel.kdl`,
      configText({ ...place, directory, storage: `${folder}/acme` }),
    );
    await using process = new SentinelProcess({ args: ["run", "-c", `${folder}/sentinel.kdl`] });
    await process.said(/A certificate could not be had/, 2);
    const standIn = await Deno.readTextFile(`${folder}/acme/domains/example.org/bundle.pem`);
    equal(
      await isServed(tlsPort, "example.org", standIn.slice(0, standIn.indexOf("-----BEGIN PRIVATE"))),
      true,
    );
    const status = await run(["acme", "status", "-c", `${folder}/sentinel.kdl`]);
    equal(status.code, 1);
    match(status.out, /^example\.org .*\(stands in\) .*network \(1 in a row\)$/m);
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    match(metrics, /^sentinel_acme_failures_total\{certificate="example\.org",reason="network"\} 1$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
