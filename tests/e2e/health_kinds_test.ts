import { deepEqual, equal, match, ok } from "node:assert/strict";
import { GrpcHealthServer } from "../support/health_servers.ts";
import { ServingSentinel } from "../support/process.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

interface TargetView {
  readonly status: string;
  readonly check?: {
    readonly checks: number;
    readonly lastError: string | null;
    readonly lastRemark: string | null;
  };
}

const CHECK = "interval-secs 0.1; timeout-secs 2; healthy-threshold 1; unhealthy-threshold 1;";

/** Serves upstreams with checks; looks at them through the admin listener. */
async function start(upstreams: string) {
  const sentinel = await ServingSentinel.start(({ port, adminPort }) =>
    `system { worker-threads 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "a"; }; }
upstreams { ${upstreams} }
observability { metrics { address "127.0.0.1:${adminPort}"; }; logging { level "info"; format "text"; }; }
`
  );
  const look = async (id: string): Promise<TargetView> => {
    const { upstreams } = await (await sentinel.admin("/upstreams")).json();
    return upstreams.find((upstream: { id: string }) => upstream.id === id).targets[0];
  };
  const becomes = (id: string, status: string) => {
    return eventually(5000, async () => (await look(id)).status === status);
  };
  return { sentinel, look, becomes, [Symbol.asyncDispose]: () => sentinel[Symbol.asyncDispose]() };
}

Deno.test("health: a grpc server says how its services are, over HTTP/2 of another maker", async () => {
  await using server = await GrpcHealthServer.start();
  await using stage = await start(
    `upstream "a" { target "127.0.0.1:${server.port}"; health-check { type "grpc" { service "shop.Cart"; }; ${CHECK} }; }`,
  );
  ok(await stage.becomes("a", "healthy"));
  deepEqual(server.requests[0], "\n\tshop.Cart");
  equal(server.paths[0], "/grpc.health.v1.Health/Check");
  for (const [status, grpcStatus, error] of [[2, 0, "NOT_SERVING"], [1, 5, "grpc-status 5"]] as const) {
    Object.assign(server, { status, grpcStatus });
    ok(await stage.becomes("a", "unhealthy"));
    equal((await stage.look("a")).check?.lastError, error);
    Object.assign(server, { status: 1, grpcStatus: 0 });
    ok(await stage.becomes("a", "healthy"));
    equal((await stage.look("a")).check?.lastError, null);
  }
  const metrics = await (await stage.sentinel.admin("/metrics")).text();
  match(
    metrics,
    new RegExp(
      `sentinel_health_checks_total\\{upstream="a",target="127.0.0.1:${server.port}",result="bad"\\} [1-9]`,
    ),
  );
});

Deno.test("health: bodies, methods and headers of http checks; models and queues of inference checks", async () => {
  let depth = 0;
  let models = "llama-3-8b";
  let body = "all systems are go";
  await using origin = new RawOrigin({
    script: (connection, request) => {
      if (request.target === "/v1/models") {
        return connection.send(okResponse(`{"data":[{"id":"${models}"}]}`, [`X-Queue: ${depth}`]));
      }
      return connection.send(okResponse(body));
    },
  });
  await using stage = await start(`
    upstream "a" { target "127.0.0.1:${origin.port}"; health-check { type "http" {
      path "/up"; method "POST"; expected-body "are go"; headers { X-Token "s3cret"; }; }; ${CHECK} }; }
    upstream "m" { target "127.0.0.1:${origin.port}"; health-check { type "inference" {
      expected-models "llama-3"; readiness { queue-depth { header "X-Queue"; degraded-threshold 5; unhealthy-threshold 9; }; }; };
      ${CHECK} }; }
  `);
  ok(await stage.becomes("a", "healthy"));
  ok(await stage.becomes("m", "healthy"));
  const asked = origin.requests.find(({ target }) => target === "/up")!;
  equal(asked.method, "POST");
  ok(asked.headers.some(([name, value]) => name === "X-Token" && value === "s3cret"));
  body = "all systems are off";
  ok(await stage.becomes("a", "unhealthy"));
  equal((await stage.look("a")).check?.lastError, 'the body does not hold "are go"');
  depth = 6;
  ok(await eventually(5000, async () => (await stage.look("m")).check?.lastRemark === "6 requests wait"));
  equal((await stage.look("m")).status, "healthy");
  depth = 9;
  ok(await stage.becomes("m", "unhealthy"));
  depth = 0;
  ok(await stage.becomes("m", "healthy"));
  models = "mistral";
  ok(await stage.becomes("m", "unhealthy"));
  equal((await stage.look("m")).check?.lastError, 'model "llama-3" is not available');
});
