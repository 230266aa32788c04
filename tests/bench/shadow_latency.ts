/**
 * What shadow traffic does to real answers: `deno task bench:shadow [--quick] [--rate N]`. One Sentinel
 * with two routes, the same but that one copies every request; a client asks both in turns, a block each, at a
 * fixed mean rate whatever the answers do. The goal: quantiles of the copied route within 3 % of the plain one's. Needs nginx
 * as the origin, and a quiet machine.
 */

import { freePort, ROOT, Server, shippedFlags } from "../support/servers.ts";
import { startOrigin } from "./contenders.ts";
import { cpuMicros } from "./process_cost.ts";

const CONNECTIONS = 16;
const WARM_UP_BLOCKS = 2;
const GOAL = 1.03;

interface Plan {
  readonly blocks: number;
  readonly blockMs: number;
  readonly requestsPerSecond: number;
}

/** A keep-alive connection that has one request at a time. */
class Lane {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(16_384);
  #bytesPerAnswer = 0;

  constructor(socket: Deno.TcpConn) {
    socket.setNoDelay(true);
    this.#socket = socket;
  }

  /** Milliseconds until all of the answer was there. */
  async ask(request: Uint8Array): Promise<number> {
    const startMs = performance.now();
    await this.#socket.write(request);
    let got = 0;
    while (true) {
      const count = await this.#socket.read(this.#buffer.subarray(got));
      if (count === null) throw new Error("the proxy closed the connection");
      got += count;
      // Answers of one route are equally long: the first one says how long.
      if (this.#bytesPerAnswer === 0) {
        const text = new TextDecoder().decode(this.#buffer.subarray(0, got));
        if (!text.startsWith("HTTP/1.1 200")) throw new Error(text.slice(0, 300));
        const head = text.indexOf("\r\n\r\n");
        if (head < 0) continue;
        this.#bytesPerAnswer = head + 4 + Number(/content-length: (\d+)/i.exec(text)![1]);
      }
      if (got >= this.#bytesPerAnswer) return performance.now() - startMs;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** Asks by chance at a fixed mean rate, since even gaps would fall in step with the proxy; latencies in milliseconds, of requests that found no free connection too. */
async function block(port: number, host: string, plan: Plan): Promise<number[]> {
  const request = new TextEncoder().encode(`GET /100b HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const free: Lane[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    free.push(new Lane(await Deno.connect({ hostname: "127.0.0.1", port })));
  }
  const latencies: number[] = [];
  const running = new Set<Promise<void>>();
  const startMs = performance.now();
  const count = plan.requestsPerSecond * plan.blockMs / 1000;
  let dueMs = startMs;
  for (let sent = 0; sent < count;) {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const lane = free.pop();
    if (lane === undefined) {
      await Promise.race(running);
      continue;
    }
    sent++;
    const lateMs = Math.max(0, performance.now() - dueMs - 2);
    dueMs += -Math.log(1 - Math.random()) * 1000 / plan.requestsPerSecond;
    const asked = lane.ask(request).then((ms) => {
      latencies.push(ms + lateMs);
      free.push(lane);
      running.delete(asked);
    });
    running.add(asked);
  }
  await Promise.all(running);
  for (const lane of free) lane.close();
  return latencies;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function config(port: number, origin: number): string {
  const route = (id: string, more: string) =>
    `route "${id}" { matches { host "${id}.test"; path-prefix "/" }; upstream "origin"; ${more} }`;
  return `system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:${port}" } }
routes {
  ${route("plain", "")}
  ${route("shadowed", 'shadow { upstream "copy"; compare "metrics"; max-concurrent 1000 }')}
}
upstreams {
  upstream "origin" { target "127.0.0.1:${origin}" }
  upstream "copy" { target "127.0.0.1:${origin}" }
}
observability { metrics { enabled #false } }`;
}

async function main(args: readonly string[]): Promise<void> {
  const quick = args.includes("--quick");
  const rate = args.includes("--rate") ? Number(args[args.indexOf("--rate") + 1]) : 300;
  const plan: Plan = { blocks: quick ? 12 : 30, blockMs: quick ? 800 : 2000, requestsPerSecond: rate };
  const folder = await Deno.makeTempDir({ prefix: "bench-shadow-" });
  await Deno.chmod(folder, 0o755);
  try {
    await using origin = await startOrigin(folder);
    const port = freePort();
    await Deno.writeTextFile(`${folder}/sentinel.kdl`, config(port, origin.port));
    await using sentinel = await Server.start({
      command: Deno.execPath(),
      args: ["run", ...shippedFlags(), "src/main.ts", "run", "--config", `${folder}/sentinel.kdl`],
      cwd: ROOT,
      ready: port,
    });
    const all: Record<string, number[]> = { plain: [], shadowed: [] };
    const cpu: Record<string, number> = { plain: 0, shadowed: 0 };
    const medians: Record<string, number[]> = { plain: [], shadowed: [] };
    for (let i = 0; i < WARM_UP_BLOCKS + plan.blocks; i++) {
      // Which one is first changes, so that what drifts meets both.
      for (const id of i % 2 === 0 ? ["plain", "shadowed"] : ["shadowed", "plain"]) {
        const before = cpuMicros(sentinel.pid);
        const latencies = await block(port, `${id}.test`, plan);
        if (i < WARM_UP_BLOCKS) continue;
        all[id]!.push(...latencies);
        medians[id]!.push(quantile(latencies.toSorted((a, b) => a - b), 0.5));
        cpu[id]! += cpuMicros(sentinel.pid) - before;
      }
    }
    report(all, cpu, plan);
    // Blocks side by side say more than all of them together where the machine's mood changes.
    const ratios = medians["plain"]!.map((plain, i) => medians["shadowed"]![i]! / plain).sort((a, b) =>
      a - b
    );
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(3));
    console.log(
      `p50 of a block against the one beside it: ${middle} in the middle, half within ${low} to ${high}`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function report(all: Record<string, number[]>, cpu: Record<string, number>, plan: Plan): void {
  for (const latencies of Object.values(all)) latencies.sort((a, b) => a - b);
  const [plain, shadowed] = [all["plain"]!, all["shadowed"]!];
  console.log(`${plain.length} + ${shadowed.length} requests at ${plan.requestsPerSecond} per second`);
  for (const share of [0.5, 0.9, 0.99]) {
    const [a, b] = [quantile(plain, share), quantile(shadowed, share)];
    const verdict = b <= a * GOAL ? "within 3 %" : "ABOVE 3 %";
    console.log(
      `p${share * 100}: ${a.toFixed(3)} ms plain, ${b.toFixed(3)} ms copied: ${
        (b / a).toFixed(3)
      }  ${verdict}`,
    );
  }
  for (const [id, micros] of Object.entries(cpu)) {
    console.log(`CPU per ${id} request: ${(micros / all[id]!.length).toFixed(1)} µs`);
  }
}

if (import.meta.main) await main(Deno.args);
