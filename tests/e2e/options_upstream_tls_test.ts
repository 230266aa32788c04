import { equal, ok } from "node:assert/strict";
import * as nodeTls from "node:tls";
import { ask, bodyOf, OptionStage } from "../support/option_stage.ts";
import { okResponse } from "../support/raw_origin.ts";
import { eventually, ROOT } from "../support/servers.ts";

const CERTS = `${ROOT}tests/support/certs`;
const pem = (name: string) => Deno.readTextFileSync(`${CERTS}/${name}`);

/** A TLS origin that answers the name it was asked for; it may insist on a client certificate. */
async function tlsOrigin(
  options: { requestCert: boolean },
): Promise<{ port: number; close(): Promise<unknown> }> {
  const certificate = { cert: pem("server.pem"), key: pem("server.key"), ca: pem("ca.pem") };
  const server = nodeTls.createServer(
    { ...certificate, ...options, rejectUnauthorized: options.requestCert },
    (socket) => {
      socket.on("error", () => {});
      socket.on("data", () => socket.end(okResponse(`asked for ${nameOf(socket)}`, ["Connection: close"])));
    },
  );
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { port, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** The name that the client asked for; the declarations of types leave it out. */
const nameOf = (socket: nodeTls.TLSSocket) =>
  (socket as unknown as { readonly servername: unknown }).servername;

const CASES: readonly { name: string; tls: string; at: "open" | "strict"; want: number }[] = [
  { name: "sni-and-ca", tls: 'sni "server.test"; ca-cert "CERTS/ca.pem"', at: "open", want: 200 },
  {
    name: "other-spellings",
    tls: 'server-name "server.test"; ca-file "CERTS/ca.pem"',
    at: "open",
    want: 200,
  },
  { name: "another-ca", tls: 'sni "server.test"; ca-cert "CERTS/other_ca.pem"', at: "open", want: 502 },
  { name: "system-ca", tls: 'sni "server.test"', at: "open", want: 502 },
  { name: "another-name", tls: 'sni "other.test"; ca-cert "CERTS/ca.pem"', at: "open", want: 502 },
  { name: "name-of-target", tls: 'ca-cert "CERTS/ca.pem"', at: "open", want: 502 },
  {
    name: "client-certificate",
    tls:
      'sni "server.test"; ca-cert "CERTS/ca.pem"; client-cert "CERTS/client.pem"; client-key "CERTS/client.key"',
    at: "strict",
    want: 200,
  },
  {
    name: "no-client-certificate",
    tls: 'sni "server.test"; ca-cert "CERTS/ca.pem"',
    at: "strict",
    want: 502,
  },
];

Deno.test("options of tls towards upstreams", async (t) => {
  const open = await tlsOrigin({ requestCert: false });
  const strict = await tlsOrigin({ requestCert: true });
  const target = (at: "open" | "strict") => `target "127.0.0.1:${at === "open" ? open.port : strict.port}"`;
  const upstreams = CASES.map(({ name, tls, at }) =>
    `upstream "${name}" { ${target(at)}; tls { ${tls.replaceAll("CERTS", CERTS)}; }; }`
  );
  const check = 'health-check { type "http"; path "/"; interval-secs 0.1; healthy-threshold 1; };';
  const checked = `upstream "checked" { ${
    target("open")
  }; tls { sni "server.test"; ca-cert "${CERTS}/ca.pem"; }; ${check} }`;
  {
    await using stage = await OptionStage.start(({ port }) =>
      `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${port("main")}"; }; }
routes {
  ${
        CASES.map(({ name }) => `route "${name}" { matches { path "/${name}"; }; upstream "${name}"; }`).join(
          "\n  ",
        )
      }
  route "state" { matches { path "/state"; }; builtin-handler "upstreams"; }
}
upstreams {
  ${[...upstreams, checked].join("\n  ")}
}
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`
    );
    const port = stage.port("main");
    for (const { name, want } of CASES) {
      await t.step(name, async () => {
        const response = await ask(port, `/${name}`);
        equal(response.status, want);
        if (want === 200) equal(bodyOf(response), "asked for server.test");
      });
    }
    await t.step("health checks speak TLS too", async () => {
      const healthy = async () =>
        /"id": "checked"[\s\S]*"status": "healthy"/.test(bodyOf(await ask(port, "/state")));
      ok(await eventually(5000, healthy));
    });
  }
  await Promise.all([open.close(), strict.close()]);
});
