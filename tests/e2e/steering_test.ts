/** Traffic split and fallback upstreams in a whole process, with origins that come and go. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  ask,
  bodyOf,
  headersOf,
  namedOrigin,
  OptionStage,
  type Place,
  type Wish,
} from "../support/option_stage.ts";
import { headerOf } from "../support/raw_client.ts";
import { RawOrigin } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

const WAIT_MS = 8000;

interface Ports {
  readonly stable: number;
  readonly canary: number;
  readonly spare: number;
}

function config(place: Place, ports: Ports): string {
  const check = 'health-check { type "tcp"; interval-secs 0.1; unhealthy-threshold 1; healthy-threshold 1; }';
  const route = (id: string, inner: string) => `route "${id}" { matches { path-prefix "/${id}" }; ${inner} }`;
  return `system { worker-threads 2; graceful-shutdown-timeout-secs 1; }
    listeners { listener "http" { address "127.0.0.1:${place.port("http")}"; } }
    routes {
      ${
    route(
      "split",
      `traffic-split {
        upstream "stable" weight=80; upstream "canary" weight=20 header="X-Canary" cookie="tester=1";
        by "client-ip"; sticky-cookie "version" { path "/split" }; }`,
    )
  }
      ${
    route(
      "strict",
      'traffic-split { upstream "canary"; upstream "stable" weight=0; when-unavailable "fail"; }',
    )
  }
      ${
    route(
      "fallback",
      'upstream "canary"; fallback { fallback-upstream "stable" { skip-if-unhealthy #true; }; fallback-upstream "spare"; triggers { on-error-codes 500; }; }',
    )
  }
    }
    upstreams {
      upstream "stable" { target "127.0.0.1:${ports.stable}"; ${check} }
      upstream "canary" { target "127.0.0.1:${ports.canary}"; ${check} }
      upstream "spare" { target "127.0.0.1:${ports.spare}" }
    }
    observability {
      metrics { address "127.0.0.1:${place.port("admin")}" }
      logging { access-log { file "${place.folder}/access.log"; format "json"; } }
    }`;
}

/** An origin that may end before its test does. */
class Mortal implements AsyncDisposable {
  readonly origin: RawOrigin;
  #ended: Promise<void> | undefined;

  constructor(origin: RawOrigin) {
    this.origin = origin;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ended ??= this.origin[Symbol.asyncDispose]();
  }
}

/** What health checks say of an upstream's only target. */
async function statusOf(stage: OptionStage, upstream: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${stage.port("admin")}/upstreams`);
  const { upstreams } = await response.json() as {
    upstreams: { id: string; targets: { status: string }[] }[];
  };
  return upstreams.find(({ id }) => id === upstream)!.targets[0]!.status;
}

Deno.test("steering: branches, stickiness, failover and fallback with real origins", async (t) => {
  await using stable = new Mortal(namedOrigin("stable"));
  await using spare = namedOrigin("spare");
  await using canary = new Mortal(namedOrigin("canary", {
    "/fallback/500": (connection) => connection.send("HTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\nbad"),
  }));
  await using stage = await OptionStage.start((place) =>
    config(place, { stable: stable.origin.port, canary: canary.origin.port, spare: spare.port })
  );
  const get = (path: string, wish: Wish = {}) => ask(stage.port("http"), path, wish);
  ok(await eventually(WAIT_MS, async () => await statusOf(stage, "canary") === "healthy"));

  await t.step("a client has one branch, whatever the thread", async () => {
    const first = await get("/split");
    match(
      headersOf(first, "set-cookie").join(),
      /^version=[0-9a-f]{8}; Path=\/split; Max-Age=3600; HttpOnly; SameSite=Lax$/,
    );
    for (let i = 0; i < 10; i++) equal(bodyOf(await get("/split")), bodyOf(first));
  });

  await t.step("who asks for the canary by header or cookie gets it, and no cookie", async () => {
    for (const line of ["X-Canary: yes", "Cookie: a=b; tester=1"]) {
      const response = await get("/split", { headers: [line] });
      equal(bodyOf(response), "canary");
      deepEqual(headersOf(response, "set-cookie"), []);
    }
  });

  await t.step("a listed status goes on to the next upstream", async () => {
    const response = await get("/fallback/500", { method: "POST", body: "once" });
    equal(bodyOf(response), "stable");
    equal(headerOf(response, "x-fallback-reason"), "error_code_500");
    equal(headerOf(response, "x-original-upstream"), "canary");
    equal(new TextDecoder().decode(stable.origin.requests.at(-1)!.body), "once");
  });

  await canary[Symbol.asyncDispose]();
  ok(await eventually(WAIT_MS, async () => await statusOf(stage, "canary") === "unhealthy"));

  await t.step("without its upstream a branch goes to the others, or fails where so configured", async () => {
    equal(bodyOf(await get("/split", { headers: ["X-Canary: yes"] })), "stable");
    equal((await get("/strict")).status, 503);
  });

  await t.step("without its upstream a route goes on to the next", async () => {
    const response = await get("/fallback", { method: "POST", body: "body" });
    equal(bodyOf(response), "stable");
    equal(headerOf(response, "x-fallback-reason"), "health_check_failed");
  });

  await stable[Symbol.asyncDispose]();
  ok(await eventually(WAIT_MS, async () => await statusOf(stage, "stable") === "unhealthy"));

  await t.step("an upstream that is down is skipped where so configured", async () => {
    const response = await get("/fallback");
    equal(bodyOf(response), "spare");
    equal(headerOf(response, "x-fallback-upstream"), "spare");
  });

  await t.step("the access log says which branch, which upstream and how deep", async () => {
    let lines: Record<string, unknown>[] = [];
    ok(
      await eventually(WAIT_MS, async () => {
        const text = await Deno.readTextFile(`${stage.folder}/access.log`).catch(() => "");
        lines = text.trim().split("\n").filter((line) => line.startsWith("{")).map((line) =>
          JSON.parse(line)
        );
        // Threads write their lines each at its own time.
        return lines.some(({ upstream }) => upstream === "spare") &&
          lines.some(({ split, upstream }) => split === "canary" && upstream === "canary") &&
          lines.some(({ split, upstream, path }) =>
            path === "/split" && split === "stable" && upstream === "stable"
          );
      }),
    );
    const last = lines.find(({ upstream }) => upstream === "spare")!;
    deepEqual([last["fallback"], last["fallback_from"], last["fallback_reason"]], [
      1,
      "canary",
      "health_check_failed",
    ]);
  });

  await t.step("metrics count choices and ways", async () => {
    const text = await (await fetch(`http://127.0.0.1:${stage.port("admin")}/metrics`)).text();
    match(text, /traffic_split_requests_total\{route="split",upstream="canary",reason="header"\} 1/);
    match(text, /traffic_split_requests_total\{route="split",upstream="canary",reason="cookie"\} 1/);
    match(text, /traffic_split_requests_total\{route="split",upstream="stable",reason="unavailable"\} 1/);
    match(
      text,
      /fallback_attempts_total\{route="fallback",from_upstream="canary",to_upstream="stable",reason="error_code_500"\} 1/,
    );
    match(text, /fallback_success_total\{route="fallback",upstream="spare"\} 1/);
  });
});

Deno.test("steering: a reload moves weights; what is under way stays where it is", async () => {
  const held = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  await using blue = new RawOrigin({
    script: async (connection) => {
      arrived.resolve();
      await held.promise;
      await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nblue");
    },
  });
  await using green = namedOrigin("green");
  const text = (place: Pick<Place, "port">, weights: readonly [number, number]) =>
    `system { worker-threads 2; graceful-shutdown-timeout-secs 1; }
    listeners { listener "http" { address "127.0.0.1:${place.port("http")}"; } }
    routes { route "all" { matches { path-prefix "/" }; traffic-split {
      upstream "blue" weight=${weights[0]}; upstream "green" weight=${
      weights[1]
    }; sticky-cookie "color"; } } }
    upstreams {
      upstream "blue" { target "127.0.0.1:${blue.port}" }
      upstream "green" { target "127.0.0.1:${green.port}" }
    }
    observability { metrics { enabled #false }; logging { level "info"; format "text" } }`;
  await using stage = await OptionStage.start((place) => text(place, [1, 0]));
  const first = ask(stage.port("http"), "/");
  await arrived.promise;
  await Deno.writeTextFile(`${stage.folder}/sentinel.kdl`, text(stage, [0, 1]));
  stage.process.signal("SIGHUP");
  await stage.process.said(/Reload applied/);
  equal(bodyOf(await ask(stage.port("http"), "/")), "green");
  held.resolve();
  const late = await first;
  equal(bodyOf(late), "blue");
  const cookie = headersOf(late, "set-cookie")[0]!.split(";")[0]!;
  const moved = await ask(stage.port("http"), "/", { headers: [`Cookie: ${cookie}`] });
  equal(bodyOf(moved), "green", "weight 0 keeps nobody");
  match(headersOf(moved, "set-cookie")[0]!, /^color=/);
});
