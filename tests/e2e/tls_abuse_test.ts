import { equal, match, ok } from "node:assert/strict";
import fc from "../support/seeded_check.ts";
import { OptionStage } from "../support/option_stage.ts";
import { Authority } from "../support/pki.ts";
import { hasCommand } from "../support/servers.ts";
import { visit } from "../support/tls_client.ts";

const ignore = !hasCommand("openssl") && Deno.env.get("CI") === undefined;
const HELLOS = 10_000;
/** Connections at once. */
const PARALLEL = 16;
/** What the process may grow by from the first half of the hellos to the second. */
const GROWTH_BYTES_MAX = 40 * 1024 * 1024;

/** Everything a peer sends until it ends; how long that took. */
async function exchange(port: number, bytes: Uint8Array): Promise<{ answer: string; afterMs: number }> {
  const startedMs = performance.now();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let answer = "";
  try {
    await connection.write(bytes);
    const buffer = new Uint8Array(4096);
    while (true) {
      const count = await connection.read(buffer);
      if (count === null) break;
      answer += String.fromCharCode(...buffer.subarray(0, count));
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.ConnectionReset || cause instanceof Deno.errors.BrokenPipe)) {
      throw cause;
    }
  }
  return { answer, afterMs: performance.now() - startedMs };
}

/** A ClientHello as openssl sends it: what a client says before anybody answers. */
async function realHello(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `127.0.0.1:${listener.addr.port}`, "-servername", "www.example"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  using connection = await listener.accept();
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer);
  child.kill("SIGKILL");
  await child.status;
  return buffer.slice(0, count ?? 0);
}

/** A hello with a few bytes changed, cut or repeated; the client then waits for nothing more. */
function mutations(hello: Uint8Array): fc.Arbitrary<Uint8Array> {
  const changes = fc.array(
    fc.tuple(fc.nat(hello.length - 1), fc.nat(255)),
    { minLength: 1, maxLength: 12 },
  );
  return fc.oneof(
    changes.map((list) => {
      const bytes = hello.slice();
      for (const [at, value] of list) bytes[at] = value;
      return bytes;
    }),
    fc.nat(hello.length - 1).map((length) => hello.slice(0, Math.max(1, length))),
    fc.uint8Array({ minLength: 1, maxLength: 600 }),
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((body) =>
      Uint8Array.of(22, 3, 1, 0, body.length, ...body)
    ),
  );
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
}

Deno.test({
  name: "TLS: what is no handshake, and what never ends, is cut",
  ignore: ignore || Deno.build.os !== "linux",
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-tls-abuse-" });
    try {
      const root = await Authority.root(folder, "root");
      const pair = await root.issue("site", { names: ["DNS:www.example"] });
      const tls = `cert-file "${pair.cert}"; key-file "${pair.key}"`;
      await using stage = await OptionStage.start((place) =>
        `system { worker-threads 1; }
limits { max-connections-per-client 100000; }
listeners {
  listener "https" { address "127.0.0.1:${
          place.port("https")
        }"; protocol "https"; tls { ${tls}; handshake-timeout-secs 2; }; }
  listener "few" { address "127.0.0.1:${
          place.port("few")
        }"; protocol "https"; tls { ${tls}; handshake-timeout-secs 1; max-handshakes 2; }; }
}
routes { route "all" { matches { path-prefix "/"; }; service-type "builtin"; builtin-handler "health"; }; }
observability { metrics { address "127.0.0.1:${
          place.port("admin")
        }"; }; logging { level "warn"; access-log { enabled #false; }; }; }
`
      );
      const port = stage.port("https");
      const failures = async (reason: string, listener = "https") => {
        const text = await (await fetch(`http://127.0.0.1:${stage.port("admin")}/metrics`)).text();
        const pattern = new RegExp(
          `handshake_failures_total\\{listener="${listener}",reason="${reason}"\\} (\\d+)`,
        );
        return Number(pattern.exec(text)?.[1] ?? 0);
      };
      const hello = await realHello();

      await t.step("silence, half a hello, a hello and no more", async () => {
        for (const bytes of [new Uint8Array(0), hello.subarray(0, 40), hello]) {
          const before = await failures("timeout");
          const { afterMs } = await exchange(port, bytes);
          ok(afterMs > 1500 && afterMs < 8000, `cut after ${afterMs} ms`);
          equal(await failures("timeout"), before + 1);
        }
      });
      await t.step("a hello that comes byte by byte is still a hello", async () => {
        using connection = await Deno.connect({ hostname: "127.0.0.1", port });
        connection.setNoDelay(true);
        for (const octet of hello.subarray(0, 200)) await connection.write(Uint8Array.of(octet));
        await connection.write(hello.subarray(200));
        const buffer = new Uint8Array(100);
        ok((await connection.read(buffer) ?? 0) > 5);
        equal(buffer[0], 22, "a handshake record");
      });
      await t.step("plain HTTP is told so", async () => {
        const { answer } = await exchange(
          port,
          new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        );
        match(answer, /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*https:\/\//);
        equal(await failures("plain_http"), 1);
      });
      await t.step("more handshakes at once than allowed", async () => {
        const few = stage.port("few");
        const waiting = [exchange(few, hello), exchange(few, hello)];
        while (await failures("overloaded", "few") === 0) await exchange(few, new Uint8Array(0));
        await Promise.all(waiting);
        equal((await visit(few)).status, 200, "there is room again");
      });
      await t.step(`${HELLOS} malformed hellos`, async () => {
        const inputs = fc.sample(mutations(hello), HELLOS);
        const sizes: number[] = [];
        for (let at = 0; at < inputs.length; at += PARALLEL) {
          await Promise.all(inputs.slice(at, at + PARALLEL).map((bytes) => abandon(port, bytes)));
          if (at % (HELLOS / 10) < PARALLEL) sizes.push(await residentBytes(stage.process.pid));
        }
        equal((await visit(port)).status, 200, "it still serves");
        const half = sizes.length / 2;
        const growth = Math.min(...sizes.slice(half)) - Math.max(...sizes.slice(0, half));
        ok(growth < GROWTH_BYTES_MAX, `grew by ${growth} bytes: ${sizes.join(" ")}`);
        ok(await failures("malformed") > HELLOS / 20);
        ok(await failures("not_tls") > HELLOS / 20);
        equal(await failures("other"), 0);
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Sends and leaves at once, as scanners do; whatever the server says is read if it is there. */
async function abandon(port: number, bytes: Uint8Array): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await connection.write(bytes);
    await connection.closeWrite();
    const buffer = new Uint8Array(4096);
    while (await connection.read(buffer) !== null);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.ConnectionReset || cause instanceof Deno.errors.BrokenPipe)) {
      throw cause;
    }
  }
}
