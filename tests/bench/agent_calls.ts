/**
 * What a call into an agent costs, in this process and without a proxy: `deno run -A tests/bench/agent_calls.ts`.
 * A figure is the whole call, host and guest, of small agents that do next to nothing; fuel is refilled each time as
 * in production. The least of several rounds counts, because everything else on the machine only ever adds.
 */

import { AbiInstance } from "../../src/agents/abi/instance.ts";
import { bindSentinel } from "../../src/agents/contract/sentinel_exports.ts";
import { lowerSentinelImports } from "../../src/agents/contract/sentinel_imports.ts";
import { SentinelInstance } from "../../src/agents/contract/sentinel_instance.ts";
import type { Request } from "../../src/agents/contract/sentinel_types.ts";
import { bindZentinel } from "../../src/agents/contract/zentinel_exports.ts";
import type { RequestMetadata } from "../../src/agents/contract/zentinel_types.ts";
import { compileComponent } from "../../src/agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../src/agents/wasm/component_limits.ts";
import { CoreInstance } from "../../src/agents/wasm/core_instance.ts";

const BUDGET = { bytes: 262_144, listLength: 1024 };
const FUEL = 10_000_000;
const ROUNDS = 9;
const CALLS = 20_000;

const HEADERS = [
  ["host", "www.example.com"],
  [
    "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  ],
  [
    "accept",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  ],
  ["accept-language", "en-US,en;q=0.5"],
  ["accept-encoding", "gzip, deflate, br"],
  ["referer", "https://www.example.com/start"],
  ["cookie", "session=0123456789abcdef0123456789abcdef; theme=dark"],
  ["upgrade-insecure-requests", "1"],
  ["sec-fetch-dest", "document"],
  ["sec-fetch-mode", "navigate"],
  ["sec-fetch-site", "same-origin"],
  ["connection", "keep-alive"],
].map(([name, value]) => ({ name: name!, value: value! }));

const METADATA: RequestMetadata = {
  correlationId: "01890a5d-ac96-774b-bcce-b302099a8057",
  requestId: "01890a5d-ac96-774b-bcce-b302099a8057",
  clientIp: "203.0.113.9",
  clientPort: 40_123,
  serverName: "www.example.com",
  protocol: "HTTP/1.1",
  tlsVersion: "TLSv1.3",
  routeId: "default",
  upstreamId: "backend",
  timestampMs: 1_700_000_000_000n,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

const REQUEST: Request = {
  id: () => METADATA.requestId,
  method: () => "GET",
  target: () => "/shop/cart?item=1",
  path: () => "/shop/cart",
  query: () => "item=1",
  host: () => "www.example.com",
  header: (wanted) => HEADERS.find(({ name }) => name === wanted)?.value,
  headers: () => HEADERS,
  route: () => METADATA.routeId,
  upstream: () => METADATA.upstreamId,
  traceparent: () => METADATA.traceparent!,
  metadata: () => undefined,
};

async function compiled(path: string) {
  const file = new URL(`../../wasm-agents/${path}`, import.meta.url);
  return compileComponent(await Deno.readFile(file), DEFAULT_COMPONENT_LIMITS);
}

/** One `on-request-headers` of a component of the reference's world. */
async function zentinelCall(
  path: string,
  headers = HEADERS,
): Promise<() => unknown> {
  const core = CoreInstance.create(await compiled(path), {
    imports: new Map(),
    fuel: FUEL,
    promising: false,
  });
  const handler = bindZentinel(core, new AbiInstance(BUDGET)).handler!;
  return () => {
    core.refill(FUEL);
    return handler.onRequestHeaders(
      METADATA,
      "GET",
      "/shop/cart?item=1",
      headers,
    );
  };
}

/** One `on-request-headers` of a component of our world. */
async function sentinelCall(path: string): Promise<() => unknown> {
  const instance = new SentinelInstance(BUDGET);
  const imports = lowerSentinelImports({}, instance);
  const core = CoreInstance.create(await compiled(path), {
    imports,
    fuel: FUEL,
    promising: false,
  });
  const handler = bindSentinel(core, instance).requestHandler!;
  return () => {
    core.refill(FUEL);
    return handler.onRequestHeaders(REQUEST);
  };
}

/** Nanoseconds a call: the least and the middle of the rounds. */
function measure(
  call: () => unknown,
): { readonly least: number; readonly middle: number } {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    for (let count = 0; count < CALLS; count++) call();
    rounds.push((performance.now() - start) / CALLS * 1e6);
  }
  // The first one compiles.
  rounds.shift();
  rounds.sort((a, b) => a - b);
  return { least: rounds[0]!, middle: rounds[ROUNDS >> 1]! };
}

const LATIN1 = HEADERS.map((header, index) => index === 5 ? { name: "x-name", value: "caf\u00e9" } : header);

const BENCHES = [
  {
    name: "reference world, 12 headers, C",
    limit: 3000,
    call: zentinelCall("fixtures/guard_c.wasm"),
  },
  {
    name: "reference world, 12 headers, Rust",
    limit: undefined,
    call: zentinelCall("fixtures/guard_rust.wasm"),
  },
  {
    name: "reference world, one header beyond ASCII, C",
    limit: undefined,
    call: zentinelCall("fixtures/guard_c.wasm", LATIN1),
  },
  {
    name: "own world, two getters read",
    limit: 1000,
    call: sentinelCall("tests/oracle/two_getters.wasm"),
  },
];

for (const { name, limit, call } of BENCHES) {
  const { least, middle } = measure(await call);
  const goal = limit === undefined ? "" : `, goal ${limit} ns`;
  console.log(
    `${name}: ${least.toFixed(0)} ns (middle ${middle.toFixed(0)})${goal}`,
  );
}
