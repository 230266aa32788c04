/**
 * `deno task bench:http2 [--quick]`: what HTTP/2 costs. A 1 KB GET through Sentinel to the same origin over
 * HTTP/1.1 and over HTTP/2, in turns in one run; then HTTP/2 clients at Sentinel's listener, at nginx and at
 * `node:http2` under Deno. CPU per request of the process under measurement; the rest is for orientation.
 */

import { freePort, ROOT, Server, shippedFlags } from "../support/servers.ts";
import { LOAD_CORE, PROXY_CORE, saturate } from "./load.ts";
import { cpuMicros } from "./process_cost.ts";
import { median } from "./results.ts";

const quick = Deno.args.includes("--quick");
const ROUNDS = quick ? 1 : 3;
const SECONDS = quick ? 2 : 4;
const CONNECTIONS = 32;
/** HTTP/2 clients: connections, and streams at once on each. */
const H2_CONNECTIONS = 8;
const H2_STREAMS = 4;

/** One thing to be measured: what it is, whose CPU counts, and how it is loaded. */
interface Contest {
  readonly name: string;
  readonly pid: number;
  /** Requests answered in the given seconds. */
  load(seconds: number): Promise<number>;
}

function pinned(core: number, words: readonly string[]): { command: string; args: string[] } {
  return { command: "taskset", args: ["-c", String(core), ...words] };
}

/** An nginx that answers 1 KB from memory: over HTTP/1.1 at one port, HTTP/2 without TLS at the other. */
function nginx(
  folder: string,
  ports: { readonly h1: number; readonly h2: number },
  core: number,
): Promise<Server> {
  const path = `${folder}/nginx-${ports.h1}.conf`;
  const answer = `location / { return 200 "${"x".repeat(1024)}"; }`;
  Deno.writeTextFileSync(
    path,
    `worker_processes 1; daemon off; pid ${path}.pid; error_log ${path}.log crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; default_type text/plain;
  server { listen 127.0.0.1:${ports.h1}; ${answer} }
  server { listen 127.0.0.1:${ports.h2} http2; ${answer} } }
`,
  );
  return Server.start({ ...pinned(core, ["nginx", "-c", path]), ready: ports.h2 });
}

function sentinel(folder: string, port: number, origin: { h1: number; h2: number }): Promise<Server> {
  const path = `${folder}/sentinel.kdl`;
  Deno.writeTextFileSync(
    path,
    `system { worker-threads 1; }
agents-dir enabled=#false
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
routes {
  route "h1" { matches { path-prefix "/h1/"; }; upstream "h1"; }
  route "h2" { matches { path-prefix "/h2/"; }; upstream "h2"; }
  route "here" { matches { path "/health"; }; builtin-handler "health"; }
}
upstreams {
  upstream "h1" { target "127.0.0.1:${origin.h1}"; connection-pool { max-idle 64; }; }
  upstream "h2" { target "127.0.0.1:${origin.h2}"; http-version { min-version 2; }; }
}
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`,
  );
  const words = [Deno.execPath(), "run", ...shippedFlags(), `${ROOT}src/main.ts`, "run", "--config", path];
  return Server.start({ ...pinned(PROXY_CORE, words), ready: port, cwd: ROOT });
}

const NODE_HTTP2 = `
import http2 from "node:http2";
const server = http2.createServer();
server.on("stream", (stream) => { stream.respond({ ":status": 200 }); stream.end("ok"); });
server.listen(Number(Deno.args[0]), "127.0.0.1");
`;

function nodeHttp2(folder: string, port: number): Promise<Server> {
  const path = `${folder}/node_http2.js`;
  Deno.writeTextFileSync(path, NODE_HTTP2);
  const words = [Deno.execPath(), "run", "--no-config", "--allow-net", path, String(port)];
  return Server.start({ ...pinned(PROXY_CORE, words), ready: port });
}

/** HTTP/1.1 clients. */
async function wrk(url: string, seconds: number): Promise<number> {
  const { requests, failures } = await saturate({ url, connections: CONNECTIONS, seconds, pinned: true });
  if (failures > 0) throw new Error(`${failures} failed at ${url}`);
  return requests;
}

/** HTTP/2 clients without TLS. */
async function h2load(url: string, seconds: number): Promise<number> {
  const { command, args } = pinned(LOAD_CORE, [
    "h2load",
    `-c${H2_CONNECTIONS}`,
    `-m${H2_STREAMS}`,
    "-t1",
    `-D${seconds}`,
    url,
  ]);
  const output = await new Deno.Command(command, { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(output.stdout);
  const found = /(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored/.exec(text);
  if (found === null) throw new Error(`Cannot read the report of h2load: ${text}`);
  if (Number(found[3]) + Number(found[4]) > 0) throw new Error(`requests failed at ${url}: ${found[0]}`);
  return Number(found[1]);
}

async function measure(contests: readonly Contest[]): Promise<Map<string, number>> {
  const micros = new Map<string, number[]>(contests.map(({ name }) => [name, []]));
  for (const { load } of contests) await load(1);
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, pid, load } of contests) {
      const before = cpuMicros(pid);
      const requests = await load(SECONDS);
      micros.get(name)!.push((cpuMicros(pid) - before) / requests);
    }
  }
  return new Map(Array.from(micros, ([name, all]) => [name, median(all)]));
}

function report(title: string, results: ReadonlyMap<string, number>, base: string): void {
  console.log(`\n${title}`);
  for (const [name, micros] of results) {
    const ratio = micros / results.get(base)!;
    console.log(`  ${name.padEnd(34)} ${micros.toFixed(1).padStart(7)} µs CPU   ${ratio.toFixed(2)} ×`);
  }
}

const folder = await Deno.makeTempDir({ prefix: "bench-http2-" });
try {
  await Deno.chmod(folder, 0o755);
  const origin = { h1: freePort(), h2: freePort() };
  const peer = { h1: freePort(), h2: freePort() };
  const port = freePort();
  const nodePort = freePort();
  await using _origin = await nginx(folder, origin, LOAD_CORE);
  await using proxy = await sentinel(folder, port, origin);
  await using other = await nginx(folder, peer, PROXY_CORE);
  await using node = await nodeHttp2(folder, nodePort);
  const at = `http://127.0.0.1:${port}`;
  report(
    "1 KB GET through Sentinel, HTTP/1.1 clients",
    await measure([
      { name: "HTTP/1.1 upstream", pid: proxy.pid, load: (s) => wrk(`${at}/h1/x`, s) },
      { name: "HTTP/2 upstream", pid: proxy.pid, load: (s) => wrk(`${at}/h2/x`, s) },
    ]),
    "HTTP/1.1 upstream",
  );
  report(
    "A constant answer to HTTP/2 clients",
    await measure([
      { name: "nginx", pid: other.pid, load: (s) => h2load(`http://127.0.0.1:${peer.h2}/`, s) },
      { name: "Sentinel, builtin health", pid: proxy.pid, load: (s) => h2load(`${at}/health`, s) },
      {
        name: "node:http2 under Deno",
        pid: node.pid,
        load: (s) => h2load(`http://127.0.0.1:${nodePort}/`, s),
      },
    ]),
    "nginx",
  );
} finally {
  await Deno.remove(folder, { recursive: true });
}
