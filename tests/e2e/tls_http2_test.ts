/** HTTP/2 frame by frame on real sockets, over TLS and by prior knowledge: states, rules, limits, floods. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { residentBytes } from "../bench/process_cost.ts";
import { FRAME, H2_ERROR, PREFACE, SETTING } from "../../src/http2/frames.ts";
import { octets } from "../support/fake_socket.ts";
import { FrameClient } from "../support/frame_client.ts";
import { BAD_STREAM, FATAL, FINE, rapidResets } from "../support/http2_faults.ts";
import { frame, get, join, post, settings, u32 } from "../support/http2_frames.ts";
import { anyFrame } from "../support/http2_mutations.ts";
import { namedOrigin, OptionStage, type Place } from "../support/option_stage.ts";
import { Authority, type Pair } from "../support/pki.ts";
import fc from "../support/seeded_check.ts";
import { eventually, hasCommand } from "../support/servers.ts";

/** Malformed frames: connections, and frames on each. */
const MANGLED_CONNECTIONS = 500;
const MANGLED_FRAMES = 20;
const PARALLEL = 10;
/** What the process may grow by from the first half of them to the second. */
const GROWTH_BYTES_MAX = 40 * 1024 * 1024;
const ignore = !hasCommand("openssl") && Deno.env.get("CI") === undefined;
const STREAMS = 5;
const BIG_BYTES = 300_000;
const WINDOW_BYTES = 65_535;
const WAYS = ["https", "h2c"] as const;

function config(place: Place, { cert, key }: Pair, originPort: number): string {
  const streams = (id: string, count: number) =>
    `listener "${id}-${count}" { max-concurrent-streams ${count}; keepalive-timeout-secs 60;
    address "127.0.0.1:${place.port(`${id}-${count}`)}";`;
  const tls = `protocol "https"; tls { cert-file "${cert}"; key-file "${key}"; }; }`;
  return `system { worker-threads 1; }
limits { max-connections-per-client 100000; }
listeners {
  ${streams("https", 100)} ${tls}
  ${streams("https", STREAMS)} ${tls}
  ${streams("h2c", 100)} protocol "h2c"; }
  ${streams("h2c", STREAMS)} protocol "h2c"; }
}
routes { route "all" { matches { path-prefix "/"; }; upstream "origin"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${originPort}"; }; }
observability { metrics { address "127.0.0.1:${place.port("admin")}"; }
  logging { level "warn"; access-log { enabled #false; }; error-log { enabled #false; }; }; }
`;
}

/** What a case is given: connections to one of the listeners, and what it counts. */
interface Given {
  readonly way: (typeof WAYS)[number];
  connect(streams?: number, hello?: Uint8Array): Promise<FrameClient>;
  /** What a counter of this listener says; 0 when it does not stand there. */
  count(name: string, labels?: string, streams?: number): Promise<number>;
  /** Requests refused, by why. */
  blocked(reason: string): Promise<number>;
}

const ping = (n: number) => frame(FRAME.ping, 0, 0, [...u32(n), ...u32(0)]);

/** Whether the connection still answers. */
async function serves(client: FrameClient, streamId: number): Promise<void> {
  await client.send(client.peer.headers(streamId, get("/ok"), { isLast: true }));
  equal(await client.status(streamId), "200");
}

const CASES: readonly { name: string; run(given: Given): Promise<void> }[] = [
  {
    name: "settings come first, both ways are acknowledged, PING comes back as it was",
    async run({ connect }) {
      using client = await connect(STREAMS);
      ok(await client.frame(({ type, flags }) => type === FRAME.settings && flags === 1));
      const first = client.seen[0]!;
      equal(first.type, FRAME.settings);
      const announced = new DataView(first.payload.buffer);
      const values = new Map(Array.from({ length: first.payload.length / 6 }, (_, i) => {
        return [announced.getUint16(6 * i), announced.getUint32(6 * i + 2)];
      }));
      equal(values.get(SETTING.maxConcurrentStreams), STREAMS);
      ok((values.get(SETTING.maxHeaderListSize) ?? 0) > 0);
      await client.send(ping(0x01020304));
      const answer = await client.frame(({ type }) => type === FRAME.ping);
      deepEqual([answer?.flags, ...(answer?.payload ?? [])], [1, 1, 2, 3, 4, 0, 0, 0, 0]);
    },
  },
  {
    name: "whoever does not begin with the preface is not served",
    async run({ connect, way }) {
      for (
        const hello of [octets("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), octets(`${PREFACE.slice(0, -2)}XX`)]
      ) {
        using client = await connect(100, hello);
        ok(await client.closed(), way);
        ok(client.seen.every(({ type }) => type !== FRAME.headers));
      }
    },
  },
  {
    name: "as many streams as announced; the next ones are refused, counted, and can be repeated",
    async run({ connect, count }) {
      const before = await count("sentinel_http2_refused_streams_total", "", STREAMS);
      using client = await connect(STREAMS);
      for (let i = 0; i < STREAMS + 3; i++) {
        await client.send(client.peer.headers(2 * i + 1, get("/hang"), { isLast: true }));
      }
      ok(
        await client.frame(({ type, streamId }) => type === FRAME.rstStream && streamId === 2 * STREAMS + 5),
      );
      const refused = client.seen.filter(({ type }) => type === FRAME.rstStream);
      deepEqual(refused.map(({ streamId, code }) => [streamId, code]), [
        [2 * STREAMS + 1, H2_ERROR.refusedStream],
        [2 * STREAMS + 3, H2_ERROR.refusedStream],
        [2 * STREAMS + 5, H2_ERROR.refusedStream],
      ]);
      equal(await count("sentinel_http2_refused_streams_total", "", STREAMS), before + 3);
      // The room of a stream that is given up is free once its request has been dealt with.
      await client.send(frame(FRAME.rstStream, 0, 1, u32(H2_ERROR.cancel)));
      for (let id = 101;; id += 2) {
        await client.send(client.peer.headers(id, get("/ok"), { isLast: true }));
        if (await client.status(id) === "200") break;
        ok(id < 1000, "there never was room again");
      }
    },
  },
  {
    name: "rapid resets end the connection and are counted, whatever they cost us",
    async run({ connect, count }) {
      const flooded = async () =>
        await count("sentinel_http2_floods_total", ',kind="reset"') +
        await count("sentinel_http2_floods_total", ',kind="closed"');
      const before = await flooded();
      using client = await connect();
      await client.send(rapidResets(5000));
      ok(await client.closed());
      equal(client.seen.find(({ type }) => type === FRAME.goaway)?.code, H2_ERROR.enhanceYourCalm);
      equal(await flooded(), before + 1);
    },
  },
  {
    name: "a header list above its limit is answered 431 and counted, and others go on",
    async run({ connect, blocked }) {
      const before = await blocked("header_size_exceeded");
      using client = await connect();
      const many = Array.from({ length: 300 }, (_, i) => [`x-${i}`, "1"] as const);
      await client.send(client.peer.headers(1, get("/", many), { isLast: true }));
      equal(await client.status(1), "431");
      await serves(client, 3);
      equal(await blocked("header_size_exceeded"), before + 1);
    },
  },
  {
    name: "a body comes within the windows of its stream and of the connection, and no byte more",
    async run({ connect }) {
      const hello = join(octets(PREFACE), settings([SETTING.initialWindowSize, 1000]));
      using client = await connect(100, hello);
      const received = (id: number) =>
        client.seen.filter(({ type, streamId }) => type === FRAME.data && streamId === id)
          .reduce((sum, { payload }) => sum + payload.length, 0);
      await client.send(client.peer.headers(1, get("/big"), { isLast: true }), ping(1));
      ok(await client.frame(({ type, streamId }) => type === FRAME.data && streamId === 1));
      // What an acknowledged PING was behind has been sent.
      await serves(client, 3);
      equal(received(1), 1000);
      await client.send(frame(FRAME.windowUpdate, 0, 1, u32(500)));
      await serves(client, 5);
      equal(received(1), 1500);
      // A larger initial window moves open streams too; then the connection's window is the bound.
      await client.send(settings([SETTING.initialWindowSize, 200_000]));
      ok(await client.frame(() => received(1) + received(3) + received(5) === WINDOW_BYTES));
      await client.send(ping(2));
      ok(await client.frame(({ type, payload }) => type === FRAME.ping && payload[3] === 2));
      equal(received(1) + received(3) + received(5), WINDOW_BYTES);
      await client.send(frame(FRAME.windowUpdate, 0, 0, u32(1_000_000)));
      await client.send(frame(FRAME.windowUpdate, 0, 1, u32(1_000_000)));
      ok(
        await client.frame(({ type, flags, streamId }) =>
          type === FRAME.data && streamId === 1 && flags === 1
        ),
      );
      equal(received(1), BIG_BYTES);
    },
  },
  {
    name: "a client that says GOAWAY still gets its answers",
    async run({ connect }) {
      using client = await connect();
      await client.send(
        client.peer.headers(1, get("/ok"), { isLast: true }),
        frame(FRAME.goaway, 0, 0, [...u32(0), ...u32(0)]),
      );
      equal(await client.status(1), "200");
    },
  },
];

async function faults(t: Deno.TestContext, given: Given): Promise<void> {
  const { way, connect, count } = given;
  const kind = (flood: string) => `,kind="${flood}"`;
  for (const { name, sent, want, flood } of FATAL) {
    await t.step(`${way}: the connection ends: ${name}`, async () => {
      const before = flood === undefined ? 0 : await count("sentinel_http2_floods_total", kind(flood));
      using client = await connect();
      await client.send(sent);
      ok(await client.closed(), "the connection stays");
      equal(client.seen.find(({ type }) => type === FRAME.goaway)?.code, want);
      if (flood !== undefined) equal(await count("sentinel_http2_floods_total", kind(flood)), before + 1);
    });
  }
  for (const { name, fields = post("/hang"), sent, want } of BAD_STREAM) {
    await t.step(`${way}: the stream ends, and no other: ${name}`, async () => {
      using client = await connect();
      await client.send(client.peer.headers(1, fields, { isLast: false }), sent);
      const reset = await client.frame(({ type, streamId }) => type === FRAME.rstStream && streamId === 1);
      equal(reset?.code, want);
      await serves(client, 3);
    });
  }
  for (const { name, sent } of FINE) {
    await t.step(`${way}: the connection goes on: ${name}`, async () => {
      using client = await connect();
      await client.send(sent);
      // Another peer, as what was sent by none had tables of its own.
      using other = await connect();
      await serves(other, 1);
      await client.send(ping(77));
      ok(await client.frame(({ type, payload }) => type === FRAME.ping && payload[3] === 77));
      equal(client.seen.find(({ type }) => type === FRAME.goaway), undefined);
    });
  }
}

/** Frames at random, as many on each connection as it bears: no crash, no leak, and all others are served. */
async function mangled({ connect }: Given, pid: number): Promise<void> {
  const list = fc.array(anyFrame, { minLength: MANGLED_FRAMES, maxLength: MANGLED_FRAMES });
  const inputs = fc.sample(list, MANGLED_CONNECTIONS);
  const sizes: number[] = [];
  for (let at = 0; at < inputs.length; at += PARALLEL) {
    await Promise.all(
      inputs.slice(at, at + PARALLEL).map(async (frames) => {
        using client = await connect();
        await client.send(join(...frames));
        // Either it answers the PING, or it has ended the connection for one of the frames.
        await client.send(ping(78));
        await client.frame(({ type, flags }) => type === FRAME.ping && flags === 1);
        ok(client.seen.length > 0);
      }),
    );
    if (at % (MANGLED_CONNECTIONS / 10) === 0) sizes.push(residentBytes(pid));
  }
  using client = await connect();
  await serves(client, 1);
  const half = sizes.length / 2;
  const growth = Math.min(...sizes.slice(half)) - Math.max(...sizes.slice(0, half));
  ok(growth < GROWTH_BYTES_MAX, `grew by ${growth} bytes: ${sizes.join(" ")}`);
}

Deno.test({
  name: "HTTP/2 on real sockets: states, rules, limits and floods",
  ignore,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-tls-h2-" });
    try {
      const root = await Authority.root(folder, "root");
      const ca = await Deno.readTextFile(root.pair.cert);
      const pair = await root.issue("site", { names: ["DNS:www.example"] });
      await using origin = namedOrigin("origin", {
        "/big": (connection) =>
          connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG_BYTES}\r\n\r\n${"x".repeat(BIG_BYTES)}`),
        "/ok": (connection) => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        "/": (connection) => connection.gone,
      });
      await using stage = await OptionStage.start((place) => config(place, pair, origin.port));
      const metrics = async () =>
        await (await fetch(`http://127.0.0.1:${stage.port("admin")}/metrics`)).text();
      /** Value of the first series that begins so; 0 when there is none. */
      const metric = async (series: string) => {
        const line = (await metrics()).split("\n").find((each) => each.startsWith(series));
        return Number(line?.split(" ").at(-1) ?? 0);
      };
      for (const way of WAYS) {
        const given: Given = {
          way,
          connect: (streams = 100, hello) =>
            FrameClient.connect(stage.port(`${way}-${streams}`), way === "https" ? ca : undefined, hello),
          count: (name, labels = "", streams = 100) =>
            metric(`${name}{listener="${way}-${streams}"${labels}}`),
          blocked: (reason) => metric(`sentinel_blocked_requests_total{reason="${reason}"`),
        };
        for (const { name, run } of CASES) await t.step(`${way}: ${name}`, () => run(given));
        await faults(t, given);
        await t.step(
          `${way}: ${MANGLED_CONNECTIONS * MANGLED_FRAMES} frames at random`,
          () => mangled(given, stage.process.pid),
        );
      }
      const isEmpty = async () => /^sentinel_http2_connections 0$/m.test(await metrics());
      ok(await eventually(5000, isEmpty), "connections were left behind");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
