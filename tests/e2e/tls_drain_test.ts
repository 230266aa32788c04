import { equal, match } from "node:assert/strict";
import { namedOrigin, OptionStage } from "../support/option_stage.ts";
import { within } from "../support/raw_client.ts";
import { ROOT } from "../support/servers.ts";

const CERTS = `${ROOT}tests/support/certs`;
const SILENT_MAX_MS = 6000;

/** Resolves with what was read until the end; a reset is an end too. */
async function readAll(connection: Deno.Conn): Promise<string> {
  let text = "";
  try {
    for await (const piece of connection.readable) text += new TextDecoder().decode(piece);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.ConnectionReset)) throw cause;
  }
  return text;
}

Deno.test("TLS: a drain waits for handshakes under way, and not for clients that say nothing", async () => {
  await using origin = namedOrigin("origin");
  await using stage = await OptionStage.start((place) =>
    `system { worker-threads 1; graceful-shutdown-timeout-secs 20; }
listeners { listener "https" { address "127.0.0.1:${place.port("https")}"; protocol "https"
  tls { cert-file "${CERTS}/server.pem"; key-file "${CERTS}/server.key"; handshake-timeout-secs 60; }; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "origin"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
observability { metrics { address "127.0.0.1:${place.port("admin")}"; }
  logging { level "info"; format "text"; access-log { enabled #false; }; }; }
`
  );
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port: stage.port("https") });
  const late = await connect();
  const silent = await connect();
  // Accepted for certain: a client that came later has been served.
  using first = await Deno.startTls(await connect(), {
    hostname: "server.test",
    caCerts: [await Deno.readTextFile(`${CERTS}/ca.pem`)],
  });
  await first.handshake();

  stage.process.signal("SIGTERM");
  await stage.process.said(/finishing requests in flight/);
  const secure = await Deno.startTls(late, {
    hostname: "server.test",
    caCerts: [await Deno.readTextFile(`${CERTS}/ca.pem`)],
  });
  await secure.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: server.test\r\n\r\n"));
  match(await readAll(secure), /^HTTP\/1\.1 200 [\s\S]*origin$/);
  equal(await within(SILENT_MAX_MS, readAll(silent), "still open"), "");
  equal(await stage.process.ended(), 0);
});
