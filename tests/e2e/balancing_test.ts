/** Load balancing with two worker threads on real sockets: what must hold over threads, reloads and restarts. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ask, bodyOf, headersOf, namedOrigin } from "../support/option_stage.ts";
import { ServingSentinel } from "../support/process.ts";
import { RawClient } from "../support/raw_client.ts";
import type { RawOrigin } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

const NAMES = ["a", "b", "c"] as const;

/** Lines of an upstream, given its targets' lines by the names of origins. */
interface Upstreams {
  readonly [id: string]: (target: (name: typeof NAMES[number], options?: string) => string) => string;
}

function config(
  place: { readonly port: number; readonly adminPort: number },
  { origins, upstreams, mark = "1" }: { origins: readonly RawOrigin[]; upstreams: Upstreams; mark?: string },
): string {
  const target = (name: typeof NAMES[number], options = "") =>
    `target "127.0.0.1:${origins[NAMES.indexOf(name)]!.port}" ${options};`;
  const ids = Object.keys(upstreams);
  const route = (id: string) =>
    `route "${id}" { matches { path-prefix "/${id}" "/hang/${id}" "/broken/${id}"; }; upstream "${id}"
    policies { response-headers { set { X-Mark "${mark}"; }; }; }; }`;
  return `system { worker-threads 2; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port}"; }; }
routes {\n${ids.map(route).join("\n")}\n}
upstreams {\n${ids.map((id) => `upstream "${id}" { ${upstreams[id]!(target)} }`).join("\n")}\n}
observability { metrics { address "127.0.0.1:${place.adminPort}"; }; logging { level "info"; error-log { enabled #false; }; }; }
`;
}

interface Target {
  readonly address: string;
  readonly inFlight: number;
  readonly draining: boolean;
  readonly ramp: number;
}

async function targetsOf(sentinel: ServingSentinel, id: string): Promise<Target[]> {
  const { upstreams } = await (await sentinel.admin("/upstreams")).json();
  return upstreams.find((upstream: { id: string }) => upstream.id === id).targets;
}

async function inFlight(sentinel: ServingSentinel, id: string): Promise<number[]> {
  return (await targetsOf(sentinel, id)).map((target) => target.inFlight);
}

async function reload(sentinel: ServingSentinel, text: string): Promise<void> {
  await Deno.writeTextFile(sentinel.configPath, text);
  const answer = await sentinel.admin("/-/reload", { method: "POST" });
  equal(answer.status, 200, await answer.text());
}

function threeOrigins() {
  const origins = NAMES.map((name) => namedOrigin(name));
  return {
    origins,
    [Symbol.asyncDispose]: () => Promise.all(origins.map((o) => o[Symbol.asyncDispose]())).then(() => {}),
  };
}

Deno.test("balancing: a sticky client keeps its target over reloads and restarts, and gets another one when it must", async () => {
  await using stage = threeOrigins();
  const { origins } = stage;
  const three: Upstreams = {
    sticky: (target) =>
      `${target("a")} ${target("b")} ${target("c")}
      load-balancing "sticky_session" { cookie-name "SRV"; cookie-secure #false; secret "only the test knows it"; }`,
  };
  const cookieOf = (line: string) => line.split(";")[0]!;
  let cookie: string;
  let name: string;
  {
    await using sentinel = await ServingSentinel.start((place) =>
      config(place, { origins, upstreams: three })
    );
    const visit = (cookie: string) => ask(sentinel.port, "/sticky", { headers: [`Cookie: ${cookie}`] });
    const first = await ask(sentinel.port, "/sticky");
    const [line] = headersOf(first, "Set-Cookie");
    match(line!, /^SRV=[\w-]+\.\w+; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    cookie = cookieOf(line!);
    name = bodyOf(first);
    for (let i = 0; i < 12; i++) {
      const again = await visit(cookie);
      deepEqual([bodyOf(again), headersOf(again, "Set-Cookie")], [name, []]);
    }
    await reload(sentinel, config(sentinel, { origins, upstreams: three, mark: "2" }));
    const after = await visit(cookie);
    deepEqual([bodyOf(after), headersOf(after, "X-Mark")], [name, ["2"]]);
  }
  await using sentinel = await ServingSentinel.start((place) => config(place, { origins, upstreams: three }));
  const visit = () => ask(sentinel.port, "/sticky", { headers: [`Cookie: x=y; ${cookie}`] });
  for (let i = 0; i < 6; i++) equal(bodyOf(await visit()), name);

  const others = Object.fromEntries(NAMES.map((each) => [each, each === name ? "drain=#true" : ""]));
  const without: Upstreams = {
    sticky: (target) =>
      `${NAMES.map((each) => target(each, others[each])).join(" ")}
      load-balancing "sticky" { cookie-name "SRV"; cookie-secure #false; secret "only the test knows it"; }`,
  };
  await reload(sentinel, config(sentinel, { origins, upstreams: without }));
  const moved = await visit();
  ok(bodyOf(moved) !== name);
  cookie = cookieOf(headersOf(moved, "Set-Cookie")[0]!);
  for (let i = 0; i < 6; i++) equal(bodyOf(await visit()), bodyOf(moved));
});

Deno.test("balancing: requests in flight are exact over two threads, whatever becomes of them", async () => {
  await using stage = threeOrigins();
  const { origins } = stage;
  const upstreams: Upstreams = {
    least: (target) => `${target("a")} ${target("b")} ${target("c")} load-balancing "least-connections"`,
  };
  await using sentinel = await ServingSentinel.start((place) => config(place, { origins, upstreams }));
  const clients: RawClient[] = [];
  for (let i = 1; i <= 12; i++) {
    const client = await RawClient.connect(sentinel.port);
    clients.push(client);
    await client.send("GET /hang/least HTTP/1.1\r\nHost: h\r\n\r\n");
    const counted = async () => (await inFlight(sentinel, "least")).reduce((sum, count) => sum + count) === i;
    ok(await eventually(5000, counted), `request ${i} is in flight`);
  }
  deepEqual(await inFlight(sentinel, "least"), [4, 4, 4], "each thread sees what the other has");

  // A reload keeps the counts, of requests that belong to the snapshot before too.
  await reload(sentinel, config(sentinel, { origins, upstreams, mark: "2" }));
  deepEqual(await inFlight(sentinel, "least"), [4, 4, 4]);
  const metrics = await (await sentinel.admin("/metrics")).text();
  match(
    metrics,
    new RegExp(
      `^sentinel_target_in_flight\\{upstream="least",target="127.0.0.1:${origins[0]!.port}"\\} 4$`,
      "m",
    ),
  );

  // Aborted by the client, broken off by the target, refused and whole, all at once.
  const storm = Array.from({ length: 60 }, async (_, i) => {
    if (i % 3 === 0) {
      const client = await RawClient.connect(sentinel.port);
      await client.send(`POST /hang/least HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf`);
      client.close();
    } else await ask(sentinel.port, i % 3 === 1 ? "/broken/least" : "/least").catch(() => undefined);
  });
  await Promise.all(storm);
  for (const client of clients) client.close();
  const atRest = async () => (await inFlight(sentinel, "least")).every((count) => count === 0);
  ok(await eventually(8000, atRest), `nothing is left in flight: ${await inFlight(sentinel, "least")}`);
});

Deno.test("balancing: an administrator drains a target, and a reload leaves it drained", async () => {
  await using stage = threeOrigins();
  const { origins } = stage;
  const upstreams: Upstreams = {
    robin: (target) => `${target("a")} ${target("b")} slow-start "2s"`,
  };
  await using sentinel = await ServingSentinel.start((place) => config(place, { origins, upstreams }));
  const order = async (action: string, name: typeof NAMES[number]) => {
    const address = encodeURIComponent(`127.0.0.1:${origins[NAMES.indexOf(name)]!.port}`);
    const answer = await sentinel.admin(`/-/upstreams/robin/targets/${address}/${action}`, {
      method: "POST",
    });
    await answer.body?.cancel();
    return answer.status;
  };
  const names = async (requests: number) => {
    const seen = new Set<string>();
    for (let i = 0; i < requests; i++) seen.add(bodyOf(await ask(sentinel.port, "/robin")));
    return [...seen].sort().join("");
  };
  equal(await names(8), "ab");
  equal(await order("drain", "a"), 200);
  equal(await names(8), "b", "both threads know at once");
  equal(await order("drain", "b"), 409, "somebody has to serve");
  await reload(sentinel, config(sentinel, { origins, upstreams, mark: "2" }));
  equal(await names(8), "b");
  deepEqual((await targetsOf(sentinel, "robin")).map(({ draining }) => draining), [true, false]);
  match(await (await sentinel.admin("/metrics")).text(), /^sentinel_target_draining\{[^}]*\} 1$/m);
  equal(await order("undrain", "a"), 200);
  // As long as the other one is as new, nobody has to be spared.
  const startsSlowly = async () => {
    await order("drain", "a");
    await order("undrain", "a");
    const [a] = await targetsOf(sentinel, "robin");
    return !a!.draining && a!.ramp < 1;
  };
  ok(await eventually(8000, startsSlowly));
  equal(await names(8), "ab");
  const rampedUp = async () => (await targetsOf(sentinel, "robin")).every(({ ramp }) => ramp === 1);
  ok(await eventually(6000, rampedUp));
});

Deno.test("balancing: a full target is passed over, and none left is 503; keys go where they went in every thread", async () => {
  await using stage = threeOrigins();
  const { origins } = stage;
  const upstreams: Upstreams = {
    full: (target) =>
      `${target("a", "max-requests=1")} ${target("b", "max-requests=2")} load-balancing "random"`,
    keyed: (target) =>
      `${target("a")} ${target("b")} ${target("c")} load-balancing "consistent_hash" hash-key="uri"`,
    zoned: (target) =>
      `${target("a", `zone="east"`)} ${
        target("b", `zone="west"`)
      } load-balancing "locality" { zone "west"; }`,
  };
  await using sentinel = await ServingSentinel.start((place) => config(place, { origins, upstreams }));
  const clients: RawClient[] = [];
  for (let i = 1; i <= 3; i++) {
    const client = await RawClient.connect(sentinel.port);
    clients.push(client);
    await client.send("GET /hang/full HTTP/1.1\r\nHost: h\r\n\r\n");
    const counted = async () => (await inFlight(sentinel, "full")).reduce((sum, count) => sum + count) === i;
    ok(await eventually(5000, counted));
  }
  deepEqual(await inFlight(sentinel, "full"), [1, 2]);
  for (let i = 0; i < 4; i++) equal((await ask(sentinel.port, "/full")).status, 503);
  deepEqual(await inFlight(sentinel, "full"), [1, 2], "who was refused is not counted");
  for (const client of clients) client.close();
  ok(await eventually(5000, async () => (await ask(sentinel.port, "/full")).status === 200));

  const used = new Set<string>();
  // Where keys go depends on ports, so a dozen of them may leave a target out.
  for (let key = 0; key < 12 || used.size < 3 && key < 200; key++) {
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) seen.add(bodyOf(await ask(sentinel.port, `/keyed/${key}`)));
    equal(seen.size, 1, `key ${key} goes to ${[...seen]}`);
    for (const name of seen) used.add(name);
  }
  equal(used.size, 3);
  for (let i = 0; i < 6; i++) equal(bodyOf(await ask(sentinel.port, "/zoned")), "b");
});
