import { deepEqual, equal, ok } from "node:assert/strict";
import { ask, bodyOf, namedOrigin, OptionStage, receivedHeader } from "../support/option_stage.ts";
import { RawClient } from "../support/raw_client.ts";
import { okResponse, type RawOrigin } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

/** Accepts and says nothing, or stands for a target that can be switched to being ill. */
interface Stage {
  readonly port: number;
  readonly stage: OptionStage;
  readonly a: RawOrigin;
  readonly b: RawOrigin;
  readonly ill: Set<RawOrigin>;
}

interface Ports {
  readonly a: number;
  readonly b: number;
  readonly path: string;
}

function config(place: { folder: string; port(name: string): number }, { a, b, path }: Ports): string {
  const upstream = (id: string, lines: string) => `upstream "${id}" { ${lines} }`;
  const route = (id: string) =>
    `route "${id}" { matches { path-prefix "/${id}" "/hang/${id}"; }; upstream "${id}"; }`;
  const one = `target "127.0.0.1:${a}"`;
  const both = (one: string, other: string) =>
    `target "127.0.0.1:${a}" ${one}; target "127.0.0.1:${b}" ${other};`;
  const ids = [
    "robin",
    "weighted",
    "zero",
    "path",
    "pool",
    "no-idle",
    "idle",
    "life",
    "read",
    "request",
    "connect",
    "write",
  ];
  const checked = ["http", "tcp", "host"];
  return `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; }; }
routes {
  ${[...ids, ...checked, "default-type"].map(route).join("\n  ")}
  route "state" { matches { path "/state"; }; builtin-handler "upstreams"; }
}
upstreams {
  ${upstream("robin", both("weight=3", "weight=1"))}
  ${upstream("weighted", both("weight=3", "weight=1") + ' load-balancing "weighted";')}
  ${upstream("zero", both("weight=0", "weight=2") + " load-balancing { type weighted; };")}
  ${upstream("path", `target "unix:${path}"`)}
  ${upstream("pool", `${one}; connection-pool { max-connections 2; };`)}
  ${upstream("no-idle", `${one}; connection-pool { max-idle 0; };`)}
  ${upstream("idle", `${one}; connection-pool { idle-timeout "400ms"; };`)}
  ${upstream("life", `${one}; connection-pool { max-lifetime "500ms"; };`)}
  ${upstream("read", `${one}; timeouts { read-secs 0.3; };`)}
  ${upstream("request", `${one}; timeouts { request-secs 0.3; };`)}
  ${upstream("connect", `${one}; tls { sni "silent.test"; }; timeouts { connect-secs 0.3; };`)}
  ${upstream("write", `target "127.0.0.1:${place.port("deaf")}"; timeouts { write-secs 0.3; };`)}
  ${
    upstream(
      "http",
      `${both("", "")} health-check {
      type "http" { path "/check"; expected-status 204 "210-219"; host "check.test"; }
      interval-secs 0.1; timeout-secs 0.5; healthy-threshold 1; unhealthy-threshold 2; };`,
    )
  }
  ${upstream("host", `${one}; health-check { type "http"; path "/plain-check"; interval-secs 0.1; };`)}
  ${
    upstream(
      "tcp",
      `target "127.0.0.1:${
        place.port("late")
      }"; health-check { type "tcp"; interval-secs 0.1; unhealthy-threshold 1; healthy-threshold 2; };`,
    )
  }
  ${upstream("default-type", `${one}; health-check { interval-secs 0.1; };`)}
}
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`;
}

/** Names of the origins that answered so many requests, in order. */
async function answers(port: number, path: string, times: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < times; i++) names.push(bodyOf(await ask(port, path)));
  return names;
}

const share = (names: readonly string[], name: string) => names.filter((each) => each === name).length;

async function statusOf(port: number, upstream: string): Promise<string[]> {
  const { upstreams } = JSON.parse(bodyOf(await ask(port, "/state")));
  const found = upstreams.find(({ id }: { id: string }) => id === upstream);
  return found.targets.map(({ status }: { status: string }) => status);
}

/** Connections that an origin got while the action ran, the ones of health checks left out. */
async function connectionsFor(origin: RawOrigin, path: string, action: () => Promise<void>): Promise<number> {
  const before = origin.received.map((text) => text.split(path).length);
  await action();
  return origin.received.filter((text, i) => text.split(path).length > (before[i] ?? 1)).length;
}

async function timed(port: number, path: string): Promise<number> {
  const startedMs = performance.now();
  equal((await ask(port, path)).status, 504);
  return performance.now() - startedMs;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const CASES: readonly { name: string; run(given: Stage): Promise<void> }[] = [
  {
    name: "round robin takes no notice of weights",
    async run({ port }) {
      equal(share(await answers(port, "/robin", 8), "a"), 4);
    },
  },
  {
    name: "weighted",
    async run({ port }) {
      equal(share(await answers(port, "/weighted", 16), "a"), 12);
    },
  },
  {
    name: "a weight of 0 gets nothing",
    async run({ port }) {
      equal(share(await answers(port, "/zero", 6), "b"), 6);
    },
  },
  {
    name: "a target on a Unix socket",
    async run({ port }) {
      equal(bodyOf(await ask(port, "/path")), "from the path");
    },
  },
  {
    name: "connection-pool max-connections",
    async run({ port, a }) {
      const clients: RawClient[] = [];
      const under = () => a.requests.filter(({ target }) => target === "/hang/pool").length;
      for (let i = 0; i < 3; i++) {
        const client = await RawClient.connect(port);
        clients.push(client);
        await client.send("GET /hang/pool HTTP/1.1\r\nHost: h\r\n\r\n");
        if (i < 2) ok(await eventually(3000, () => under() === i + 1));
      }
      equal(await eventually(400, () => under() > 2), false, "the third waits for a connection");
      clients[0]!.close();
      ok(await eventually(3000, () => under() === 3), "and gets the place that is free");
      for (const client of clients) client.close();
    },
  },
  {
    name: "connection-pool max-idle 0 keeps nothing",
    async run({ port, a }) {
      equal(await connectionsFor(a, "/no-idle", async () => void await answers(port, "/no-idle", 4)), 4);
    },
  },
  {
    name: "connections are reused until idle-timeout",
    async run({ port, a }) {
      equal(await connectionsFor(a, "/idle", async () => void await answers(port, "/idle", 4)), 1);
      await pause(1600);
      const later = await connectionsFor(a, "/idle", async () => void await answers(port, "/idle", 1));
      equal(later, 1);
      const used = a.received.filter((text) => text.includes("GET /idle "));
      equal(used.length, 2, "the idle one was not used again");
    },
  },
  {
    name: "connections are used for max-lifetime at most",
    async run({ port, a }) {
      const startedMs = performance.now();
      while (performance.now() - startedMs < 2000) {
        await answers(port, "/life", 1);
        await pause(100);
      }
      const used = a.received.filter((text) => text.includes("GET /life ")).length;
      ok(used >= 2 && used <= 6, `${used} connections in two seconds`);
    },
  },
  {
    name: "read-secs, request-secs and connect-secs",
    async run({ port }) {
      for (const path of ["/hang/read", "/hang/request", "/connect"]) {
        const afterMs = await timed(port, path);
        ok(afterMs > 250 && afterMs < 3000, `${path} after ${afterMs} ms`);
      }
    },
  },
  {
    name: "write-secs, towards a target that takes no byte",
    async run({ port, stage }) {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: stage.port("deaf") });
      const accepted = listener.accept();
      const client = await RawClient.connect(port);
      const length = 9 * 1024 * 1024;
      const sending = client.send(
        `POST /write HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(length)}`,
      );
      const startedMs = performance.now();
      equal((await client.response({ timeoutMs: 6000 }))?.status, 504);
      ok(performance.now() - startedMs < 5000);
      client.close();
      await sending;
      (await accepted).close();
    },
  },
  {
    name: "an http check asks as told, ejects and restores targets",
    async run({ port, a, b, ill }) {
      ok(await eventually(5000, async () => (await statusOf(port, "http")).join() === "healthy,healthy"));
      const check = a.requests.find(({ target }) => target === "/check");
      equal(receivedHeader(check, "host"), "check.test");
      equal(share(await answers(port, "/http", 4), "a"), 2);
      ill.add(a);
      ok(await eventually(5000, async () => (await statusOf(port, "http")).join() === "unhealthy,healthy"));
      deepEqual(await answers(port, "/http", 4), ["b", "b", "b", "b"]);
      ill.add(b);
      ok(await eventually(5000, async () => (await statusOf(port, "http")).join() === "unhealthy,unhealthy"));
      equal((await ask(port, "/http")).status, 503);
      ill.clear();
      ok(await eventually(5000, async () => (await statusOf(port, "http")).join() === "healthy,healthy"));
      equal(share(await answers(port, "/http", 4), "a"), 2);
    },
  },
  {
    name: "an http check without host names the target",
    async run({ a }) {
      ok(await eventually(5000, () => a.requests.some(({ target }) => target === "/plain-check")));
      const check = a.requests.find(({ target }) => target === "/plain-check");
      equal(receivedHeader(check, "host"), `127.0.0.1:${a.port}`);
    },
  },
  {
    name: "a tcp check ejects a target nobody listens on and restores it",
    async run({ port, stage }) {
      ok(await eventually(5000, async () => (await statusOf(port, "tcp")).join() === "unhealthy"));
      equal((await ask(port, "/tcp")).status, 503);
      using listener = Deno.listen({ hostname: "127.0.0.1", port: stage.port("late") });
      const serving = (async () => {
        for await (const socket of listener) {
          const count = await socket.read(new Uint8Array(4096)).catch(() => null);
          if (count !== null) {
            await socket.write(new TextEncoder().encode(okResponse("late", ["Connection: close"])));
          }
          socket.close();
        }
      })();
      ok(await eventually(5000, async () => (await statusOf(port, "tcp")).join() === "healthy"));
      equal(bodyOf(await ask(port, "/tcp")), "late");
      listener.close();
      await serving;
    },
  },
  {
    name: "a check without type only connects",
    async run({ port }) {
      ok(await eventually(5000, async () => (await statusOf(port, "default-type")).join() === "healthy"));
    },
  },
];

Deno.test("options of upstreams take their documented effect", async (t) => {
  const ill = new Set<RawOrigin>();
  const check = (of: () => RawOrigin) => ({
    "/check": (connection: { send(data: string): Promise<void> }) => {
      // Of the statuses that count, one stands in a list and one in a range; 200 does not count here.
      const status = ill.has(of()) ? 200 : of() === a ? 204 : 215;
      return connection.send(
        `HTTP/1.1 ${status} Checked\r\n${status === 204 ? "" : "Content-Length: 0\r\n"}\r\n`,
      );
    },
  });
  await using a: RawOrigin = namedOrigin("a", check(() => a));
  await using b: RawOrigin = namedOrigin("b", check(() => b));
  const folder = await Deno.makeTempDir();
  const path = `${folder}/target.sock`;
  using listener = Deno.listen({ transport: "unix", path });
  const serving = (async () => {
    const socket = await listener.accept();
    await socket.read(new Uint8Array(4096));
    await socket.write(new TextEncoder().encode(okResponse("from the path", ["Connection: close"])));
    socket.close();
  })();
  await using stage = await OptionStage.start((place) => config(place, { a: a.port, b: b.port, path }));
  for (const { name, run } of CASES) {
    await t.step(name, () => run({ port: stage.port("main"), stage, a, b, ill }));
  }
  await serving;
  await Deno.remove(folder, { recursive: true });
});
