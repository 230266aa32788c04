/**
 * What WebSockets cost: `deno run -A tests/bench/websocket.ts [--quick]`. Resident memory per idle socket, and CPU
 * of the proxy per 64-byte message that is echoed, plain, with a bound, with inspection, and by nginx in the same run.
 */

import { freePort, hasCommand, ROOT, Server, shippedFlags } from "../support/servers.ts";
import { acceptHead, frameBytes } from "../support/websocket_peer.ts";
import { octetsOf } from "../support/websocket_bytes.ts";
import { cpuMicros, residentBytes } from "./process_cost.ts";
import { median } from "./results.ts";

const isQuick = Deno.args.includes("--quick");
const ROUNDS = isQuick ? 1 : 3;
const SECONDS = isQuick ? 2 : 5;
const IDLE_SOCKETS = 2000;
const FIRST_SOCKETS = 1000;
const ECHO_SOCKETS = 32;
const PAYLOAD_BYTES = 64;
const WARM_REQUESTS = 40_000;
/** Time for collectors and allocators to come to rest. */
const REST_MS = 3000;

const QUESTION = frameBytes({ opcode: 1, payload: "x".repeat(PAYLOAD_BYTES) }, { client: true });
const ANSWER = frameBytes({ opcode: 1, payload: "x".repeat(PAYLOAD_BYTES) }, { client: false });

async function readHead(socket: Deno.Conn, buffer: Uint8Array): Promise<string> {
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const count = await socket.read(buffer);
    if (count === null) throw new Error(`closed within a head: ${head}`);
    head += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return head;
}

/** Answers as many frames as have come with as many of its own; what is in them does not matter. */
async function serveEcho(socket: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  await socket.write(octetsOf(await acceptHead(await readHead(socket, buffer))));
  let owed = 0;
  for (let count = await socket.read(buffer); count !== null; count = await socket.read(buffer)) {
    owed += count;
    for (; owed >= QUESTION.length; owed -= QUESTION.length) await socket.write(ANSWER);
  }
}

function startOrigin(): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const socket of listener) {
      socket.setNoDelay(true);
      void serveEcho(socket).catch(() => {});
    }
  })().catch(() => {});
  return listener;
}

async function open(port: number): Promise<Deno.TcpConn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  socket.setNoDelay(true);
  await socket.write(octetsOf(
    "GET /chat HTTP/1.1\r\nHost: bench.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  ));
  const head = await readHead(socket, new Uint8Array(2048));
  if (!head.startsWith("HTTP/1.1 101")) throw new Error(head);
  return socket;
}

const AGENT = `
agents { agent "echo" { wasm "${ROOT}wasm-agents/dist/echo.wasm"; grant "metrics" "log"; events "websocket-frame"; }; }
filters { filter "look" { type "agent"; agent "echo"; }; }`;

type Starter = (folder: string, originPort: number) => Promise<{ server: Server; port: number }>;

function sentinel(route: string, more = ""): Starter {
  return async (folder, originPort) => {
    const port = freePort();
    const path = `${folder}/${port}.kdl`;
    await Deno.writeTextFile(
      path,
      `system { worker-threads 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${originPort}"; }; }
${more}
routes { route "plain" { matches { path "/plain"; }; service-type "builtin"; builtin-handler "health"; }
route "ws" { matches { path-prefix "/"; }; upstream "origin"; ${route}; }; }
limits { max-connections-per-client 10000; }
observability { metrics { enabled #false; }; logging { level "warn"; access-log { enabled #true; file "${folder}/access.log"; }; }; }
`,
    );
    const args = ["run", ...shippedFlags(), `${ROOT}src/main.ts`, "run", "--config", path];
    return { server: await Server.start({ command: Deno.execPath(), args, cwd: ROOT, ready: port }), port };
  };
}

const nginx: Starter = async (folder, originPort) => {
  const port = freePort();
  const path = `${folder}/nginx.conf`;
  await Deno.writeTextFile(
    path,
    `${
      Deno.uid() === 0 ? "user root;" : ""
    } worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log crit;
events { worker_connections 8192; }
http { keepalive_requests 1000000; access_log ${folder}/nginx-access.log combined buffer=64k flush=1s;
  server { listen 127.0.0.1:${port}; location = /plain { return 200 "ok"; } location / {
    proxy_pass http://127.0.0.1:${originPort}; proxy_http_version 1.1; proxy_read_timeout 1h;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; } } }
`,
  );
  const args = ["-e", `${folder}/error.log`, "-c", path, "-g", "daemon off;"];
  return { server: await Server.start({ command: "nginx", args, ready: port }), port };
};

const CONTENDERS: Readonly<Record<string, Starter>> = {
  "sentinel, nothing looked at": sentinel("websocket { observe-frames #false; }"),
  "sentinel": sentinel("websocket #true"),
  "sentinel, bounds": sentinel("websocket { max-message-size 65536; max-messages-per-second 1000000; }"),
  "sentinel, inspection": sentinel(`filters "look"; websocket #true; websocket-inspection #true`, AGENT),
  ...(hasCommand("nginx") ? { nginx } : {}),
};

/** Echoes on many sockets for a while; CPU of the proxy per message in microseconds. */
async function echoCost(pid: number, port: number): Promise<{ micros: number; perSecond: number }> {
  const sockets = await Promise.all(Array.from({ length: ECHO_SOCKETS }, () => open(port)));
  let messages = 0;
  let isOver = false;
  const talk = async (socket: Deno.TcpConn) => {
    const buffer = new Uint8Array(4096);
    while (!isOver) {
      await socket.write(QUESTION);
      for (let got = 0; got < ANSWER.length;) got += await socket.read(buffer) ?? Infinity;
      messages++;
    }
  };
  const talking = sockets.map(talk);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const [before, from, sinceMs] = [cpuMicros(pid), messages, performance.now()];
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const [after, to, nowMs] = [cpuMicros(pid), messages, performance.now()];
  isOver = true;
  await Promise.all(talking);
  for (const socket of sockets) socket.close();
  return { micros: (after - before) / (to - from), perSecond: (to - from) / (nowMs - sinceMs) * 1000 };
}

/** Plain requests, so that the proxy's memory is that of one in use: its heap has grown to its usual size. */
async function warmUp(port: number): Promise<void> {
  const talk = async () => {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port });
    const buffer = new Uint8Array(8192);
    const request = octetsOf("GET /plain HTTP/1.1\r\nHost: bench.test\r\n\r\n");
    for (let i = 0; i < WARM_REQUESTS / 16; i++) {
      await socket.write(request);
      await socket.read(buffer);
    }
    socket.close();
  };
  await Promise.all(Array.from({ length: 16 }, talk));
}

/** Opens many sockets that say nothing; resident bytes of the proxy for each. */
async function idleCost(pid: number, port: number): Promise<number> {
  const rest = () => new Promise((resolve) => setTimeout(resolve, REST_MS));
  const sockets: Deno.TcpConn[] = [];
  const more = async (count: number) => {
    for (let i = 0; i < count; i += 50) {
      sockets.push(...await Promise.all(Array.from({ length: 50 }, () => open(port))));
    }
  };
  // The first ones make the proxy compile what it needs and fill its pools, which no socket is to be blamed for.
  await warmUp(port);
  await more(FIRST_SOCKETS);
  await rest();
  const before = residentBytes(pid);
  await more(IDLE_SOCKETS);
  await rest();
  const after = residentBytes(pid);
  for (const socket of sockets) socket.close();
  return (after - before) / IDLE_SOCKETS;
}

const folder = await Deno.makeTempDir({ prefix: "sentinel-bench-" });
const origin = startOrigin();
const only = Deno.args.find((each) => !each.startsWith("--"));
try {
  for (const [name, start] of Object.entries(CONTENDERS)) {
    if (only !== undefined && name !== only) continue;
    const { server, port } = await start(folder, origin.addr.port);
    await using _server = server;
    const rounds: { micros: number; perSecond: number }[] = [];
    const idle = await idleCost(server.pid, port);
    for (let round = 0; round < ROUNDS; round++) rounds.push(await echoCost(server.pid, port));
    const micros = median(rounds.map((each) => each.micros));
    const perSecond = median(rounds.map((each) => each.perSecond));
    console.log(
      `${name.padEnd(28)} ${micros.toFixed(1).padStart(7)} µs/message  ${
        perSecond.toFixed(0).padStart(7)
      }/s  ${(idle / 1024).toFixed(1).padStart(6)} KB/idle socket`,
    );
  }
} finally {
  origin.close();
  await Deno.remove(folder, { recursive: true });
}
