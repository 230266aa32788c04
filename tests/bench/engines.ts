/**
 * `deno task bench:engines`: why the listener is an HTTP/1.1 loop of our own. A constant answer by a raw
 * socket loop (the floor), by `Deno.serve`, by Sentinel's listener (its health handler, logs off) and by nginx.
 */

import { freePort, ROOT, Server, shippedFlags } from "../support/servers.ts";
import { PROXY_CORE, saturate } from "./load.ts";
import { cpuMicros } from "./process_cost.ts";
import { median } from "./results.ts";

const ROUNDS = 3;
const SECONDS = 3;

const RAW_LOOP = `
const answer = new TextEncoder().encode("HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok");
const serve = async (socket) => {
  const buffer = new Uint8Array(4096);
  socket.setNoDelay(true);
  while (await socket.read(buffer) !== null) await socket.write(answer);
};
for await (const socket of Deno.listen({ hostname: "127.0.0.1", port: PORT })) serve(socket).catch(() => {});
`;

const DENO_SERVE = `
const body = new TextEncoder().encode("ok");
Deno.serve({ hostname: "127.0.0.1", port: PORT, onListen() {} }, () => new Response(body));
`;

function denoScript(script: string): (folder: string, port: number) => string[] {
  return (folder, port) => {
    const path = `${folder}/${port}.js`;
    Deno.writeTextFileSync(path, script.replace("PORT", String(port)));
    return [Deno.execPath(), "run", "--no-config", "--allow-net", path];
  };
}

const ENGINES: Readonly<Record<string, (folder: string, port: number) => string[]>> = {
  "raw loop": denoScript(RAW_LOOP),
  "Deno.serve": denoScript(DENO_SERVE),
  sentinel(folder, port) {
    const path = `${folder}/engines.kdl`;
    Deno.writeTextFileSync(
      path,
      `system { worker-threads 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; protocol "http"; }; }
routes { route "all" { priority "low"; matches { path-prefix "/"; }; builtin-handler "health"; }; }
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`,
    );
    return [Deno.execPath(), "run", ...shippedFlags(), `${ROOT}src/main.ts`, "run", "--config", path];
  },
  nginx(folder, port) {
    const path = `${folder}/nginx.conf`;
    Deno.writeTextFileSync(
      path,
      `worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log crit;
events {}
http { access_log off; keepalive_requests 100000000;
  server { listen 127.0.0.1:${port}; location / { return 200 "ok"; } } }
`,
    );
    return ["nginx", "-e", `${folder}/error.log`, "-c", path, "-g", "daemon off;"];
  },
};

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bench-engines-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const lanes: { name: string; port: number; pid: number; cpu: number[] }[] = [];
  for (const [name, words] of Object.entries(ENGINES)) {
    const port = freePort();
    const args = ["-c", String(PROXY_CORE), ...words(folder, port)];
    const server = stack.use(await Server.start({ command: "taskset", args, cwd: ROOT, ready: port }));
    lanes.push({ name, port, pid: server.pid, cpu: [] });
  }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { port, pid, cpu } of lanes) {
      const before = cpuMicros(pid);
      const load = { url: `http://127.0.0.1:${port}/`, connections: 32, seconds: SECONDS, pinned: true };
      const { requests } = await saturate(load);
      // The first round warms up.
      if (round > 0) cpu.push((cpuMicros(pid) - before) / requests);
    }
  }
  for (const { name, cpu } of lanes) {
    console.log(`${name.padEnd(12)} ${median(cpu).toFixed(1)} µs CPU/request`);
  }
}

if (import.meta.main) await main();
