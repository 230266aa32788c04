import { equal, match, ok } from "node:assert/strict";
import { Http2Server } from "../support/http2_server.ts";
import { ask, bodyOf, OptionStage } from "../support/option_stage.ts";
import { exchange, textOf } from "../support/raw_client.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { eventually, freePort, ROOT, Sentinel, Server, shippedFlags } from "../support/servers.ts";

const CERTS = `${ROOT}tests/support/certs`;
const TRUST = `sni "server.test"; ca-cert "${CERTS}/ca.pem";`;
const CLIENT = `client-cert "${CERTS}/client.pem"; client-key "${CERTS}/client.key";`;

interface Case {
  readonly name: string;
  readonly at: "h2" | "http1" | "both" | "strict" | "plain" | "path";
  readonly lines: string;
  readonly want: string;
}

const CASES: readonly Case[] = [
  { name: "the-target-chooses-2", at: "both", lines: `tls { ${TRUST} };`, want: "spoken: 2.0" },
  { name: "the-target-has-only-2", at: "h2", lines: `tls { ${TRUST} };`, want: "spoken: 2.0" },
  { name: "the-target-has-only-1", at: "http1", lines: `tls { ${TRUST} };`, want: "spoken: 1.1" },
  {
    name: "we-have-only-1",
    at: "both",
    lines: `http-version { max-version 1; }; tls { ${TRUST} };`,
    want: "spoken: 1.1",
  },
  {
    name: "we-insist-on-2",
    at: "both",
    lines: `http-version { min-version 2; }; tls { ${TRUST} };`,
    want: "spoken: 2.0",
  },
  {
    name: "we-insist-in-vain",
    at: "http1",
    lines: `http-version { min-version 2; }; tls { ${TRUST} };`,
    want: "502",
  },
  { name: "client-certificate", at: "strict", lines: `tls { ${TRUST} ${CLIENT} };`, want: "spoken: 2.0" },
  { name: "no-client-certificate", at: "strict", lines: `tls { ${TRUST} };`, want: "50[23]" },
  { name: "unverified", at: "both", lines: "tls { insecure-skip-verify #true; };", want: "spoken: 2.0" },
  { name: "unverified-otherwise", at: "http1", lines: "tls { verify #false; };", want: "spoken: 1.1" },
  { name: "verified", at: "both", lines: "tls { verify #true; insecure-skip-verify #false; };", want: "502" },
  { name: "prior-knowledge", at: "plain", lines: "http-version { min-version 2; };", want: "spoken: 2.0" },
  {
    name: "prior-knowledge-on-a-path",
    at: "path",
    lines: "http-version { min-version 2; };",
    want: "spoken: 2.0",
  },
];

Deno.test("http2 upstream: what is spoken, over TLS, without, and on a path", async (t) => {
  const folder = await Deno.makeTempDir();
  await using h2 = await Http2Server.tls({ protocols: "h2" });
  await using http1 = await Http2Server.tls({ protocols: "http1" });
  await using both = await Http2Server.tls({ protocols: "both" });
  await using strict = await Http2Server.tls({ protocols: "both", requestCert: true });
  await using plain = await Http2Server.plain();
  await using _path = await Http2Server.plain(`${folder}/h2.sock`);
  const servers = { h2, http1, both, strict, plain };
  const target = (at: Case["at"]) =>
    at === "path" ? `unix:${folder}/h2.sock` : `127.0.0.1:${servers[at].port}`;
  const upstreams = CASES.map(({ name, at, lines }) =>
    `upstream "${name}" { target "${target(at)}"; ${lines} }`
  );
  const routes = CASES.map(({ name }) =>
    `route "${name}" { matches { path-prefix "/${name}"; }; upstream "${name}"; }`
  );
  {
    await using stage = await OptionStage.start(({ port }) =>
      `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${port("main")}"; }; }
routes {
  ${routes.join("\n  ")}
  route "trailers" { matches { path "/trailers"; }; upstream "prior-knowledge"; }
}
upstreams {
  ${upstreams.join("\n  ")}
}
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`
    );
    const port = stage.port("main");
    for (const { name, want } of CASES) {
      await t.step(name, async () => {
        // Twice: what was learned with the first connection must hold for the next request.
        for (let i = 0; i < 2; i++) {
          const response = await ask(port, `/${name}`);
          const found = response.status === 200 ? bodyOf(response) : String(response.status);
          match(found, new RegExp(`^${want}$`));
        }
      });
    }
    await t.step("one connection serves all requests", async () => {
      const before = plain.connections;
      await Promise.all(Array.from({ length: 50 }, () => ask(port, "/prior-knowledge")));
      equal(plain.connections, before);
    });
    await t.step("a client of HTTP/1.1 gets trailers if it takes them", async () => {
      for (const [te, want] of [["TE: trailers\r\n", true], ["", false]] as const) {
        const socket = await Deno.connect({ hostname: "127.0.0.1", port });
        const head = `GET /trailers HTTP/1.1\r\nHost: a\r\n${te}Connection: close\r\n\r\n`;
        await socket.write(new TextEncoder().encode(head));
        const text = await new Response(socket.readable).text();
        match(text, /with trailers/);
        equal(/\r\n0\r\nx-end: reached\r\n\r\n$/.test(text), want, text);
      }
    });
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("http2 upstream: the authorities of the system serve as well", async () => {
  await using both = await Http2Server.tls({ protocols: "both" });
  const port = freePort();
  const folder = await Deno.makeTempDir();
  const kdl = `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "o"; }; }
upstreams { upstream "o" { target "127.0.0.1:${both.port}"; tls { sni "server.test"; }; }; }
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`;
  await Deno.writeTextFile(`${folder}/sentinel.kdl`, kdl);
  const flags = [...shippedFlags(), `--cert=${CERTS}/ca.pem`];
  {
    await using _server = await Server.start({
      command: Deno.execPath(),
      args: ["run", ...flags, `${ROOT}src/main.ts`, "run", "--config", `${folder}/sentinel.kdl`],
      cwd: ROOT,
      ready: port,
    });
    equal(bodyOf(await ask(port, "/")), "spoken: 2.0");
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("http2 upstream: trailers of an HTTP/1.1 origin pass too", async () => {
  await using origin = new RawOrigin({
    script: (connection) =>
      connection.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-End: reached\r\nSet-Cookie: no\r\n\r\n",
      ),
  });
  await using stage = await OptionStage.start(({ port }) =>
    `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${port("main")}"; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "o"; }; }
upstreams { upstream "o" { target "127.0.0.1:${origin.port}"; }; }
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`
  );
  const { connect } = await import("node:http2");
  const session = connect(`http://127.0.0.1:${stage.port("main")}`);
  const trailers = await new Promise<Record<string, unknown>>((resolve, reject) => {
    const stream = session.request({ ":path": "/" });
    stream.on("trailers", (fields) => resolve({ ...fields }));
    stream.on("error", reject);
    stream.resume();
  });
  session.close();
  equal(trailers["x-end"], "reached");
  equal(trailers["set-cookie"], undefined);
});

Deno.test("http2 upstream: not verifying is warned of at the start and at every reload", async () => {
  const port = freePort();
  const kdl = `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "o"; }; }
upstreams { upstream "o" { target "127.0.0.1:1"; tls { insecure-skip-verify #true; }; }; }
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`;
  await using sentinel = await Sentinel.start({ kdl, ready: port });
  const warnings = () => sentinel.server.output.split("takes any certificate").length - 1;
  ok(await eventually(3000, () => warnings() === 1), sentinel.server.output);
  sentinel.server.signal("SIGHUP");
  ok(await eventually(5000, () => warnings() === 2), sentinel.server.output);
});

Deno.test("http2 listener: what may be spoken there", async (t) => {
  await using origin = new RawOrigin({ script: (connection) => connection.send(okResponse("fine")) });
  await using stage = await OptionStage.start(({ port }) =>
    `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners {
  listener "http" { address "127.0.0.1:${port("http")}"; protocol "http"; max-concurrent-streams 3; }
  listener "http1" { address "127.0.0.1:${port("http1")}"; protocol "http1"; }
  listener "h2c" { address "127.0.0.1:${port("h2c")}"; protocol "h2c"; }
}
routes { route "all" { matches { path-prefix "/"; }; upstream "o"; }; }
upstreams { upstream "o" { target "127.0.0.1:${origin.port}"; }; }
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`
  );
  const http2 = await import("node:http2");
  const overHttp2 = (name: string) =>
    new Promise<string>((resolve) => {
      const session = http2.connect(`http://127.0.0.1:${stage.port(name)}`);
      session.on("error", () => resolve("error"));
      session.on("remoteSettings", ({ maxConcurrentStreams }) => {
        const stream = session.request({ ":path": "/" });
        stream.on("response", (head) => {
          resolve(`${head[":status"]} of ${maxConcurrentStreams}`);
          session.close();
        });
        stream.on("error", () => resolve("error"));
        stream.resume();
      });
    });
  const overHttp1 = async (name: string) => {
    const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const { responses } = await exchange(stage.port(name), get, { timeoutMs: 3000 });
    return `${responses[0]?.status} ${textOf(responses[0]!.body).slice(0, 4)}`;
  };
  await t.step("http: both", async () => {
    equal(await overHttp2("http"), "200 of 3");
    equal(await overHttp1("http"), "200 fine");
  });
  await t.step("http1: HTTP/1.1 alone", async () => {
    equal(await overHttp2("http1"), "error");
    equal(await overHttp1("http1"), "200 fine");
  });
  await t.step("h2c: HTTP/2 alone", async () => {
    equal(await overHttp2("h2c"), "200 of 100");
    match(await overHttp1("h2c"), /^505/);
  });
});
