/** Agents that are shown headers as the client sent them, and origins that are not: on real sockets. */

import { deepEqual, equal, match } from "node:assert/strict";
import { FrameClient } from "../support/frame_client.ts";
import { get } from "../support/http2_frames.ts";
import { ServingSentinel } from "../support/process.ts";
import { RawClient } from "../support/raw_client.ts";
import { RawOrigin } from "../support/raw_origin.ts";
import { ROOT } from "../support/servers.ts";

const TIMEOUT_MS = 10_000;

/**
 * Routes by path: `/echo` past an agent that tells the origin which `x-echo` it saw, `/edited` past the same behind a
 * filter that changes it, `/plain` past one that sees what is sent on, `/waf` past rules, and all others past nothing.
 */
async function start(origin: RawOrigin): Promise<ServingSentinel> {
  return await ServingSentinel.start(({ port, adminPort, folder }) => {
    Deno.writeTextFileSync(
      `${folder}/rules.conf`,
      `SecRuleEngine On
SecRule REQUEST_HEADERS:Connection "@contains x-hop" "id:1,phase:1,deny,status:401,chain"
SecRule REQUEST_HEADERS:X-Hop "@streq secret" "chain"
SecRule REQUEST_HEADERS:X-Forwarded-For "@streq 10.9.8.7" "chain"
SecRule REMOTE_ADDR "@streq 127.0.0.1" "t:none"
SecRule REQUEST_HEADERS:Transfer-Encoding "@streq chunked" "id:2,phase:1,deny,status:402"
SecRule REQUEST_HEADERS:Upgrade "@streq h9" "id:3,phase:1,deny,status:403"
SecRule REQUEST_HEADERS:TE "@streq trailers" "id:4,phase:1,deny,status:404"
`,
    );
    const filters = ["echo", "plain", "waf"].map((id) => `filter "${id}" { type "agent"; agent "${id}"; }`);
    const chains = { echo: `"echo"`, edited: `"edit" "echo"`, plain: `"plain"`, waf: `"waf"`, none: "" };
    const routes = Object.entries(chains).map(([path, names]) => {
      const rest = names === "" ? "" : `filters ${names};`;
      return `route "${path}" { matches { path-prefix "/${path}"; }; upstream "origin"; ${rest} }`;
    });
    return `system { worker-threads 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; protocol "http"; }; }
agents-dir enabled=#false
agents {
  agent "echo" { wasm "${ROOT}wasm-agents/dist/echo.wasm"; headers "received"; grant "metrics" "log"; }
  agent "plain" { wasm "${ROOT}wasm-agents/dist/echo.wasm"; grant "metrics" "log"; }
  agent "waf" type="waf" { config { rules "rules.conf"; }; }
}
filters {
  filter "edit" { type "headers"; set { "X-Echo" "edited"; }; }
  ${filters.join("\n  ")}
}
routes {
  ${routes.join("\n  ")}
}
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
observability { metrics { address "127.0.0.1:${adminPort}"; }; logging { level "info"; format "text"; }; }
`;
  });
}

/** Sends a request of these lines; the status of its answer. */
async function status(port: number, first: string, lines: readonly string[], body = ""): Promise<number> {
  const client = await RawClient.connect(port);
  try {
    await client.send(`${first} HTTP/1.1\r\nHost: a.test\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
    return (await client.response({ timeoutMs: TIMEOUT_MS }))!.status;
  } finally {
    client.close();
  }
}

const HOP = ["Connection: close, X-Echo", "X-Echo: secret", "X-Forwarded-For: 10.9.8.7", "TE: trailers"];

Deno.test("received headers: agents, and no origin, see those of the connection and of hops before it", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await start(origin);
  const { port } = sentinel;
  /** What the origin got of the names that matter, in order. */
  const got = () =>
    origin.requests.at(-1)!.headers.filter(([name]) =>
      /^(?:connection|transfer-encoding|te|x-echo.*|x-forwarded-for|x-real-ip|forwarded)$/i.test(name)
    ).map(([name, value]) => `${name}: ${value}`);
  const own = ["TE: trailers", "Connection: TE", "X-Forwarded-For: 127.0.0.1"];

  equal(await status(port, "GET /none", HOP), 200);
  deepEqual(got(), own);
  equal(await status(port, "GET /plain", HOP), 200);
  deepEqual(got(), ["x-echo: hello", "x-echo-seen: nobody", ...own]);
  equal(await status(port, "GET /echo", HOP), 200);
  deepEqual(got(), ["x-echo: hello", "x-echo-seen: secret", ...own]);
  equal(await status(port, "GET /edited", HOP), 200);
  deepEqual(got(), ["x-echo: hello", "x-echo-seen: secret", ...own], "nor what a filter made of them");
  equal(await status(port, "GET /echo", ["X-Echo: visible"]), 200);
  deepEqual(got(), ["x-echo: hello", "x-echo-seen: visible", "X-Forwarded-For: 127.0.0.1"], "edits hold");
});

Deno.test("received headers: the firewall judges them", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await start(origin);
  const { port } = sentinel;
  const rows: readonly [path: string, lines: readonly string[], body: string, want: number][] = [
    ["/waf", ["X-Hop: secret", "X-Forwarded-For: 10.9.8.7"], "", 200],
    ["/waf", ["Connection: keep-alive, x-hop", "X-Hop: secret", "X-Forwarded-For: 10.9.8.7"], "", 401],
    ["/none", ["Connection: keep-alive, x-hop", "X-Hop: secret", "X-Forwarded-For: 10.9.8.7"], "", 200],
    ["/waf", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n", 402],
    ["/waf", ["Content-Length: 3"], "abc", 200],
    ["/waf", ["upgrade: h9"], "", 403],
    ["/waf", ["te: trailers"], "", 404],
  ];
  for (const [path, lines, body, want] of rows) {
    equal(await status(port, `POST ${path}`, lines, body), want, lines.join(", "));
  }
  equal(origin.requests.length, rows.filter(([, , , want]) => want === 200).length);
});

Deno.test("received headers: those of an HTTP/2 request", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await start(origin);
  using client = await FrameClient.connect(sentinel.port);
  const ask = async (id: number, path: string, more: readonly (readonly [string, string])[]) => {
    await client.send(client.peer.headers(id, get(path, more), { isLast: true }));
    return await client.status(id);
  };
  equal(await ask(1, "/waf", [["te", "trailers"]]), "404");
  equal(await ask(3, "/none", [["te", "trailers"], ["x-forwarded-for", "10.9.8.7"]]), "200");
  equal(await ask(5, "/edited", [["x-echo", "sent"], ["x-forwarded-for", "10.9.8.7"]]), "200");
  equal(origin.requests.length, 2);
  for (const { head } of origin.requests) match(head, /^x-forwarded-for: 127\.0\.0\.1$/im);
  match(origin.requests[1]!.head, /^x-echo-seen: sent$/m);
});
