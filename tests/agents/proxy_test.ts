/** Agents in a running proxy: fixtures decide about real requests, and an attacked agent harms nobody else. */

import assert from "node:assert/strict";
import { ServingSentinel } from "../support/process.ts";
import { attack, fixture } from "./corpus.ts";

/** An origin that tells what it was sent: path and mark. */
function startOrigin() {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    await request.body?.cancel();
    return new Response(`${new URL(request.url).pathname} ${request.headers.get("x-waf") ?? "unmarked"}`);
  });
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A configuration of agents with a route each; `agents` and `filters` are KDL. */
interface Setup {
  readonly port: number;
  readonly adminPort: number;
  readonly originPort: number;
  readonly agents: string;
  readonly filters: string;
  readonly routes: string;
}

function configuration({ port, adminPort, originPort, agents, filters, routes }: Setup): string {
  return `
system { worker-threads 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; } }
observability { metrics { address "127.0.0.1:${adminPort}"; } }
upstreams { upstream "origin" { target "127.0.0.1:${originPort}"; } }
agents {
${agents}
}
filters {
${filters}
}
routes {
${routes}
}
`;
}

function route(id: string, filter: string): string {
  return `  route "${id}" { matches { host "${id}.test"; }; upstream "origin"; filters "${filter}"; }`;
}

/** Sends one request to a route by its host. */
class Client {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async get(host: string, path: string, headers: Record<string, string> = {}): Promise<string> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const head = `GET ${path} HTTP/1.1\r\nHost: ${host}.test\r\nConnection: close\r\n${lines}\r\n`;
    await connection.write(new TextEncoder().encode(head));
    const answer = await new Response(connection.readable).text();
    const status = answer.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length);
    return status === "200" ? `200 ${answer.split("\r\n\r\n")[1]}` : status;
  }
}

Deno.test("fixture agents in three languages guard a running proxy", async (t) => {
  const languages = ["c", "rust", "js"] as const;
  const files = new Map<string, Uint8Array>();
  for (const language of languages) files.set(language, await fixture(language));
  await using origin = startOrigin();
  await using sentinel = await ServingSentinel.start(({ port, adminPort, folder }) => {
    for (const [language, bytes] of files) Deno.writeFileSync(`${folder}/${language}.wasm`, bytes);
    return configuration({
      port,
      adminPort,
      originPort: origin.port,
      agents: languages.map((id) =>
        `  agent "${id}" { wasm "${folder}/${id}.wasm"; failure-mode "closed"; fuel-accounting "block"; config { prefix "/private"; }; }`
      ).join("\n"),
      filters: languages.map((id) => `  filter "${id}" { type "agent"; agent "${id}"; }`).join("\n"),
      routes: languages.map((id) => route(id, id)).join("\n"),
    });
  });
  const client = new Client(sentinel.port);
  for (const language of languages) {
    await t.step(language, async () => {
      assert.equal(await client.get(language, "/open"), "200 /open clean");
      assert.equal(await client.get(language, "/private/x"), "403");
      const authorization = { authorization: "Basic dTpw" };
      assert.equal(await client.get(language, "/private/x", authorization), "200 /private/x clean");
    });
  }
});

Deno.test("a proxy whose agent is attacked answers as its policy says, and everything else as ever", async () => {
  const harmful = await attack("zentinel", "harmful_if_asked");
  const guard = await fixture("c");
  await using origin = startOrigin();
  await using sentinel = await ServingSentinel.start(({ port, adminPort, folder }) => {
    Deno.writeFileSync(`${folder}/harmful.wasm`, harmful);
    Deno.writeFileSync(`${folder}/guard.wasm`, guard);
    return configuration({
      port,
      adminPort,
      originPort: origin.port,
      agents: `
  agent "harmful" {
    wasm "${folder}/harmful.wasm"
    circuit-breaker { failure-threshold 1000000; }
    quarantine { traps 10000; }
  }
  agent "guard" { wasm "${folder}/guard.wasm"; failure-mode "closed"; config { prefix "/private"; }; }`,
      filters: `
  filter "closed" { type "agent"; agent "harmful"; failure-mode "closed"; }
  filter "open" { type "agent"; agent "harmful"; failure-mode "open"; }
  filter "guard" { type "agent"; agent "guard"; }`,
      routes: ["closed", "open", "guard"].map((id) => route(id, id)).join("\n"),
    });
  });
  const client = new Client(sentinel.port);
  const kinds = ["loop", "trap", "result", "memory", "deep"];
  const attacks = async (): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      const path = `/${kinds[i % kinds.length]}/${i}`;
      assert.equal(await client.get("closed", path), "503");
      assert.equal(await client.get("open", path), `200 ${path} unmarked`);
      assert.equal(await client.get("closed", "/harmless"), "200 /harmless unmarked");
    }
  };
  const bystanders = async (): Promise<void> => {
    for (let i = 0; i < 80; i++) {
      assert.equal(await client.get("guard", `/open/${i}`), `200 /open/${i} clean`);
      assert.equal(await client.get("guard", `/private/${i}`), "403");
    }
  };
  await Promise.all([attacks(), bystanders(), attacks(), bystanders()]);

  const metrics = await (await sentinel.admin("/metrics")).text();
  const traps = (kind: string) => {
    const line = metrics.split("\n").find((each) => each.includes(`"harmful"`) && each.includes(`"${kind}"`));
    return Number(line?.split(" ").at(-1));
  };
  // Forty rounds twice, on two routes, a fifth of them of each kind.
  assert.equal(traps("unreachable"), 32);
  assert.equal(traps("malformed"), 32);
  assert.ok(traps("fuel") >= 32, `${traps("fuel")} times out of fuel`);
});

Deno.test("a proxy does not start with an agent that cannot be one, and says why", async () => {
  const bomb = await attack("zentinel", "compile_bomb");
  await assert.rejects(
    ServingSentinel.start(({ port, adminPort, folder }) => {
      Deno.writeFileSync(`${folder}/bomb.wasm`, bomb);
      return configuration({
        port,
        adminPort,
        originPort: 1,
        agents: `  agent "bomb" { wasm "${folder}/bomb.wasm"; }`,
        filters: `  filter "bomb" { type "agent"; agent "bomb"; }`,
        routes: route("bomb", "bomb"),
      });
    }),
    /bomb[^]*function[^]*bytes/,
  );
});
