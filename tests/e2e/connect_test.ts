import { equal, match, ok } from "node:assert/strict";
import { ServingSentinel } from "../support/process.ts";
import { exchange, headerOf, RawClient, textOf } from "../support/raw_client.ts";
import { eventually, freePort, socketCount } from "../support/servers.ts";

const WAIT_MS = 8000;
const CYCLES = 300;
const decoder = new TextDecoder();

/** What stands behind the proxy: it echoes, and says how much there was once the other side is done. */
class Echo implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  open = 0;
  accepted = 0;

  constructor() {
    void this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      this.open++;
      this.accepted++;
      this.#answer(connection).catch(() => {}).finally(() => this.open--);
    }
  }

  async #answer(connection: Deno.TcpConn): Promise<void> {
    using _ = connection;
    const buffer = new Uint8Array(65_536);
    let total = 0;
    for (let count; (count = await connection.read(buffer)) !== null; total += count) {
      for (let sent = 0; sent < count;) sent += await connection.write(buffer.subarray(sent, count));
    }
    await connection.write(new TextEncoder().encode(`|${total}`));
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

interface Sketch {
  readonly connect: string;
  /** Further options of the route. */
  readonly route?: string;
  readonly more?: string;
  readonly system?: string;
}

function start({ connect, route = "", more = "", system = "" }: Sketch): Promise<ServingSentinel> {
  return ServingSentinel.start(({ port, adminPort, folder }) => `
system { worker-threads 1
${system}
}
listeners { listener "http" { address "127.0.0.1:${port}"; }; }
${more}
routes {
  route "tunnels" { matches { method "CONNECT"; header "x-plain" "no"; }; connect { ${connect}; }
${route}
}
  route "rest" { priority "low"; matches { path-prefix "/"; }; builtin-handler "health"; }
}
observability {
  metrics { address "127.0.0.1:${adminPort}"; };
  logging { access-log { enabled #true; file "${folder}/access.log"; format "json"; buffer-size 1; }; };
}
`);
}

function connectHead(target: string, more = ""): string {
  return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nX-Plain: no\r\n${more}\r\n`;
}

async function logged(sentinel: ServingSentinel, fits: RegExp): Promise<Record<string, unknown>> {
  let found: string | undefined;
  const isThere = await eventually(WAIT_MS, async () => {
    const text = await Deno.readTextFile(`${sentinel.folder}/access.log`).catch(() => "");
    return (found = text.split("\n").find((line) => fits.test(line))) !== undefined;
  });
  ok(isThere, `the access log has no line like ${fits}`);
  return JSON.parse(found!);
}

async function metricBecomes(sentinel: ServingSentinel, line: string): Promise<void> {
  let text = "";
  const isSo = await eventually(WAIT_MS, async () => {
    text = await (await sentinel.admin("/metrics")).text();
    return text.split("\n").includes(line);
  });
  ok(isSo, `metrics lack "${line}":\n${text.split("\n").filter((each) => /tunnel/.test(each)).join("\n")}`);
}

/** A tunnel with `sent` in it, once its 200 has come. */
async function tunnel(sentinel: ServingSentinel, target: string, sent = ""): Promise<RawClient> {
  const client = await RawClient.connect(sentinel.port);
  await client.send(connectHead(target) + sent);
  const answer = await client.response({ timeoutMs: WAIT_MS, headOnly: true });
  equal(answer?.status, 200);
  for (const name of ["content-length", "transfer-encoding", "connection"]) {
    equal(headerOf(answer!, name), undefined, name);
  }
  return client;
}

async function receives(client: RawClient, want: string): Promise<void> {
  equal(textOf(await client.receivedAtLeast(want.length, WAIT_MS)), want);
}

Deno.test("curl reaches a real server through a tunnel, and only a listed one", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => new Response(`${request.method} ${new URL(request.url).pathname} ${"x".repeat(200_000)}`),
  );
  const { port } = server.addr;
  await using sentinel = await start({ connect: `targets "127.0.0.1:${port}"` });
  const curl = async (url: string) => {
    const args = ["-sS", "--max-time", "10", "--proxytunnel", "--proxy-header", "X-Plain: no"];
    const { code, stdout, stderr } = await new Deno.Command("curl", {
      args: [...args, "-x", `http://127.0.0.1:${sentinel.port}`, "--noproxy", "", url],
    }).output();
    return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
  };
  const through = await curl(`http://127.0.0.1:${port}/a`);
  equal(through.error, "");
  equal(through.out.length, "GET /a ".length + 200_000);
  const line = await logged(sentinel, /"tunnel_protocol":"connect"/);
  equal(line["status"], 200);
  equal(line["method"], "CONNECT");
  const refused = await curl(`http://127.0.0.1:${sentinel.adminPort}/metrics`);
  ok(refused.code !== 0);
  match(refused.error, /403/);
  await metricBecomes(sentinel, 'sentinel_tunnels_total{route="tunnels"} 1');
  await metricBecomes(sentinel, 'sentinel_tunnels_open{route="tunnels"} 0');
});

Deno.test("what is no tunnel is refused with a code, and its bytes are no requests", async () => {
  using echo = new Echo();
  const closed = freePort();
  await using sentinel = await start({
    connect: `targets "127.0.0.1:${echo.port}" "127.0.0.1:${closed}" "nowhere.invalid:443"`,
  });
  const smuggled = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
  const cases = [
    {
      name: "no such target",
      send: connectHead("example.com:443"),
      want: 403,
      code: "connect_target_refused",
    },
    { name: "port of another", send: connectHead("127.0.0.1:1"), want: 403, code: "connect_target_refused" },
    { name: "closed", send: connectHead(`127.0.0.1:${closed}`), want: 502, code: "connect_target_failed" },
    {
      name: "no such name",
      send: connectHead("nowhere.invalid:443"),
      want: 502,
      code: "connect_target_failed",
    },
    {
      name: "a route without connect",
      send: connectHead(`127.0.0.1:${echo.port}`).replace("X-Plain: no", "X-Plain: yes"),
      want: 405,
      code: "method_not_allowed",
    },
    { name: "no port", send: connectHead("127.0.0.1"), want: 400, code: "bad_request" },
    { name: "a path", send: connectHead("/a"), want: 400, code: "bad_request" },
    { name: "a URL", send: connectHead(`http://127.0.0.1:${echo.port}`), want: 400, code: "bad_request" },
    { name: "user", send: connectHead(`u@127.0.0.1:${echo.port}`), want: 400, code: "bad_request" },
    {
      name: "content",
      send: connectHead(`127.0.0.1:${echo.port}`, "Content-Length: 3\r\n"),
      want: 400,
      code: "bad_request",
    },
  ];
  for (const { name, send, want, code } of cases) {
    const { responses, end } = await exchange(sentinel.port, send + smuggled, { timeoutMs: WAIT_MS });
    equal(responses.length, 1, name);
    equal(responses[0]!.status, want, name);
    if (want === 405) equal(headerOf(responses[0]!, "allow"), "");
    equal(end, "closed", name);
    await logged(sentinel, new RegExp(`"${code}"`));
  }
  equal(echo.accepted, 0);
});

Deno.test("bytes right behind the request are passed on, and one side may end before the other", async () => {
  using echo = new Echo();
  await using sentinel = await start({ connect: `targets "127.0.0.1:${echo.port}"` });
  const early = "early".repeat(2000);
  const client = await tunnel(sentinel, `127.0.0.1:${echo.port}`, early);
  await receives(client, early);
  await client.send("more");
  await client.finishSending();
  await receives(client, `${early}more|${early.length + 4}`);
  ok(await client.closedWithin(WAIT_MS));
  client.close();
  await metricBecomes(sentinel, 'sentinel_tunnels_open{route="tunnels"} 0');
  await metricBecomes(
    sentinel,
    `sentinel_tunnel_bytes_total{route="tunnels",direction="c2s"} ${early.length + 4}`,
  );
});

Deno.test("tunnels of a route are bounded, and silent ones end", async () => {
  using echo = new Echo();
  const target = `127.0.0.1:${echo.port}`;
  await using sentinel = await start({
    connect: `targets "${target}"; max-connections 1; idle-timeout "500ms"`,
  });
  const first = await tunnel(sentinel, target);
  const second = await exchange(sentinel.port, connectHead(target), { timeoutMs: WAIT_MS });
  equal(second.responses[0]?.status, 503);
  ok(await first.closedWithin(WAIT_MS), "a silent tunnel ends");
  first.close();
  equal((await logged(sentinel, /"tunnel_end"/))["tunnel_end"], "tunnel_idle");
  const third = await tunnel(sentinel, target);
  third.close();
});

Deno.test("filters see CONNECT like any other request", async () => {
  using echo = new Echo();
  const target = `127.0.0.1:${echo.port}`;
  await using sentinel = await start({
    connect: `targets "${target}"`,
    route: `filters "few" "elsewhere"`,
    more: `filters {
      filter "few" { type "rate-limit"; max-rps 1; burst 1; };
      filter "elsewhere" { type "url-rewrite"; hostname "example.com"; };
    }`,
  });
  const client = await tunnel(sentinel, target, "a");
  await receives(client, "a");
  const second = await exchange(sentinel.port, connectHead(target), { timeoutMs: WAIT_MS });
  equal(second.responses[0]?.status, 429);
  client.close();
});

Deno.test("tunnels live on while the proxy is about to end, until the limit", async () => {
  using echo = new Echo();
  const target = `127.0.0.1:${echo.port}`;
  await using sentinel = await start({
    connect: `targets "${target}"`,
    system: `graceful-shutdown-timeout-secs 2`,
  });
  const client = await tunnel(sentinel, target);
  sentinel.process.signal("SIGTERM");
  await sentinel.process.said(/finishing requests in flight/);
  await client.send("still there");
  await receives(client, "still there");
  ok(await client.closedWithin(WAIT_MS));
  equal(await sentinel.process.ended(), 0);
  client.close();
});

Deno.test("tunnels leave no sockets behind, however they end", async () => {
  using echo = new Echo();
  const target = `127.0.0.1:${echo.port}`;
  await using sentinel = await start({ connect: `targets "${target}"; max-connections 50` });
  (await tunnel(sentinel, target, "warm")).close();
  await metricBecomes(sentinel, 'sentinel_tunnels_open{route="tunnels"} 0');
  const before = socketCount(sentinel.process.pid);
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    // Every third client leaves before it has an answer, every third in the middle of something.
    if (cycle % 3 === 0) {
      const client = await RawClient.connect(sentinel.port);
      await client.send(connectHead(target));
      client.close();
      continue;
    }
    const client = await tunnel(sentinel, target, "x".repeat(1000));
    if (cycle % 3 === 1) {
      await client.finishSending();
      await receives(client, `${"x".repeat(1000)}|1000`);
    }
    client.close();
  }
  await metricBecomes(sentinel, 'sentinel_tunnels_open{route="tunnels"} 0');
  await metricBecomes(sentinel, "sentinel_active_requests 0");
  ok(await eventually(WAIT_MS, () => echo.open === 0), `${echo.open} connections are open`);
  ok(
    await eventually(WAIT_MS, () => socketCount(sentinel.process.pid) <= before + 2),
    `${socketCount(sentinel.process.pid)} sockets, ${before} before`,
  );
});
