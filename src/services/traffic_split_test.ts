import { deepEqual, equal, ok } from "node:assert/strict";
import type { RequestContext } from "../core/context.ts";
import { HeaderList } from "../core/headers.ts";
import type { Random } from "../core/ports.ts";
import { seededRandom } from "../../tests/support/simulated_dataplane.ts";
import { request } from "../../tests/support/proxy_rig.ts";
import { createTrafficSplit, type SplitReason } from "./traffic_split.ts";
import type { TrafficSplitOptions } from "./traffic_split_options.ts";

type Branches = TrafficSplitOptions["upstreams"];

const REQUESTS = 10_000;

function options(upstreams: Branches, over: Partial<TrafficSplitOptions> = {}): TrafficSplitOptions {
  return { upstreams, by: "request", whenUnavailable: "others", ...over } as TrafficSplitOptions;
}

/** A split whose branches answer their names. */
function rig(given: TrafficSplitOptions, random: Random = seededRandom(1)) {
  const down = new Set<string>();
  const chosen: [branch: number, reason: SplitReason][] = [];
  const branches = given.upstreams.map(({ id }) => ({
    id,
    isAvailable: () => !down.has(id),
    service: {
      serve: (context: RequestContext) => {
        const response = { status: 200, reason: id, headers: new HeaderList(), body: null };
        // Both ways an answer can come.
        return context.head.method === "GET" ? response : Promise.resolve(response);
      },
    },
  }));
  const meter = { chosen: (branch: number, reason: SplitReason) => void chosen.push([branch, reason]) };
  const service = createTrafficSplit({ options: given, branches, random, meter });
  const ask = async (
    init: { headers?: Record<string, string>; ip?: string; id?: string; method?: string; tls?: boolean } = {},
  ) => {
    const context = request({
      method: init.method ?? "GET",
      headers: Object.entries(init.headers ?? {}),
      downstream: { scheme: init.tls === true ? "https" : "http" },
    });
    context.clientIp = init.ip ?? "192.0.2.1";
    context.requestId = init.id ?? "id";
    const response = await service.serve(context);
    equal(context.logFields?.["split"], response.reason, "the log names the branch");
    return { branch: response.reason, cookies: response.headers.getAll("set-cookie") };
  };
  return { down, chosen, ask };
}

const RULES = options([
  { id: "stable", weight: 1 },
  {
    id: "canary",
    weight: 0,
    header: { name: "X-Canary", value: "true" },
    cookie: { name: "canary", value: "1" },
  },
  {
    id: "any",
    weight: 0,
    header: { name: "X-Any", value: undefined },
    cookie: { name: "any", value: undefined },
  },
]);

const CASES: readonly { name: string; headers: Record<string, string>; want: string; reason: SplitReason }[] =
  [
    { name: "nothing", headers: {}, want: "stable", reason: "weight" },
    { name: "a header's value", headers: { "x-canary": "true" }, want: "canary", reason: "header" },
    { name: "another value", headers: { "X-Canary": "false" }, want: "stable", reason: "weight" },
    { name: "a header by presence", headers: { "X-Any": "" }, want: "any", reason: "header" },
    { name: "a cookie's value", headers: { Cookie: "a=b; canary=1" }, want: "canary", reason: "cookie" },
    { name: "another cookie value", headers: { Cookie: "canary=0" }, want: "stable", reason: "weight" },
    { name: "a cookie by presence", headers: { Cookie: "any=" }, want: "any", reason: "cookie" },
    {
      name: "two branches: the first",
      headers: { "X-Any": "1", Cookie: "canary=1" },
      want: "canary",
      reason: "cookie",
    },
  ];

for (const { name, headers, want, reason } of CASES) {
  Deno.test(`traffic split: ${name}`, async () => {
    const { ask, chosen } = rig(RULES);
    equal((await ask({ headers })).branch, want);
    deepEqual(chosen.map((each) => each[1]), [reason]);
  });
}

for (const by of ["request", "request-id", "client-ip", "header:x-user", "cookie:user"] as const) {
  Deno.test(`traffic split: by ${by} the weights hold within 2 % of ${REQUESTS}`, async () => {
    for (const seed of [1, 2, 3]) {
      const weights = { a: 60, b: 30, none: 0, c: 10 };
      const { ask } = rig(
        options(Object.entries(weights).map(([id, weight]) => ({ id, weight })), { by }),
        seededRandom(seed),
      );
      const counts: Record<string, number> = { a: 0, b: 0, none: 0, c: 0 };
      for (let i = 0; i < REQUESTS; i++) {
        const user = `user-${seed}-${i}`;
        const { branch } = await ask({
          id: `${seed}-${i}`,
          ip: `10.${seed}.${i >> 8}.${i & 255}`,
          headers: { "X-User": user, Cookie: `user=${user}` },
        });
        counts[branch]!++;
      }
      equal(counts["none"], 0);
      for (const [id, weight] of Object.entries(weights)) {
        // Points of all requests, as the issue has it: four standard deviations of the middle share.
        const off = Math.abs(counts[id]! / REQUESTS - weight / 100);
        ok(off < 0.02, `seed ${seed}: ${id} got ${counts[id]}`);
      }
    }
  });
}

Deno.test("traffic split: what has the same key keeps its branch, also after others' weights moved a little", async () => {
  const before = rig(options([{ id: "a", weight: 90 }, { id: "b", weight: 10 }], { by: "client-ip" }));
  const after = rig(
    options([{ id: "a", weight: 80 }, { id: "b", weight: 20 }], { by: "client-ip" }),
    seededRandom(9),
  );
  let moved = 0;
  for (let i = 0; i < 2000; i++) {
    const ip = `10.0.${i >> 8}.${i & 255}`;
    const first = (await before.ask({ ip })).branch;
    equal((await before.ask({ ip })).branch, first);
    const then = (await after.ask({ ip })).branch;
    if (first === "b") equal(then, "b", "a canary that grows keeps its clients");
    if (first !== then) moved++;
  }
  ok(moved > 100 && moved < 300, `a tenth moves: ${moved}`);
});

Deno.test("traffic split: without the key requests are shared one by one", async () => {
  const { ask } = rig(options([{ id: "a", weight: 1 }, { id: "b", weight: 1 }], { by: "header:x-user" }));
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) seen.add((await ask()).branch);
  equal(seen.size, 2);
});

const STICKY = { stickyCookie: { name: "branch", ttlSecs: 60, path: "/shop", sameSite: "lax" } } as const;

Deno.test("traffic split: a sticky cookie is given once, keeps its branch, and names no upstream", async () => {
  const { ask, chosen } = rig(options([{ id: "blue", weight: 1 }, { id: "green", weight: 1 }], STICKY));
  for (const method of ["GET", "POST"]) {
    for (const tls of [false, true]) {
      const { branch, cookies } = await ask({ method, tls });
      equal(cookies.length, 1);
      const [pair, ...attributes] = cookies[0]!.split("; ");
      deepEqual(attributes, [
        "Path=/shop",
        "Max-Age=60",
        "HttpOnly",
        "SameSite=Lax",
        ...(tls ? ["Secure"] : []),
      ]);
      ok(!/blue|green/.test(cookies[0]!));
      for (let i = 0; i < 20; i++) {
        const again = await ask({ method, headers: { Cookie: pair! } });
        equal(again.branch, branch);
        deepEqual(again.cookies, []);
      }
    }
  }
  equal(chosen.filter(([, reason]) => reason === "sticky").length, 80);
});

Deno.test("traffic split: a sticky cookie for other sites is always a secure one", async () => {
  const stickyCookie = { ...STICKY.stickyCookie, sameSite: "none" } as const;
  const { ask } = rig(options([{ id: "blue", weight: 1 }], { stickyCookie }));
  for (const tls of [false, true]) ok((await ask({ tls })).cookies[0]!.endsWith("; SameSite=None; Secure"));
});

Deno.test("traffic split: a cookie of a branch that is gone, or has weight 0, is replaced", async () => {
  const two = options([{ id: "blue", weight: 1 }, { id: "green", weight: 1 }], STICKY);
  const { ask } = rig(two);
  let green = "";
  while (green === "") {
    const { branch, cookies } = await ask();
    if (branch === "green") green = cookies[0]!.split(";")[0]!;
  }
  for (
    const [upstreams, cookie] of [
      [[{ id: "blue", weight: 1 }, { id: "green", weight: 0 }], green],
      [[{ id: "blue", weight: 1 }], green],
      [[{ id: "blue", weight: 1 }], "branch=../../etc"],
      [[{ id: "blue", weight: 1 }], "branch="],
    ] as const
  ) {
    const { branch, cookies } = await rig(options(upstreams, STICKY)).ask({ headers: { Cookie: cookie } });
    equal(branch, "blue");
    equal(cookies.length, 1);
  }
});

Deno.test("traffic split: requests of a branch that is down go to the others by weight", async () => {
  const { ask, down, chosen } = rig(
    options([{ id: "a", weight: 6 }, { id: "b", weight: 3 }, { id: "c", weight: 1 }], STICKY),
  );
  down.add("a");
  const counts: Record<string, number> = { b: 0, c: 0 };
  for (let i = 0; i < 4000; i++) {
    const { branch, cookies } = await ask();
    counts[branch]!++;
    const isMakeshift = chosen.at(-1)![1] === "unavailable";
    equal(cookies.length, isMakeshift ? 0 : 1, "nobody is kept where he went for want of better");
  }
  ok(Math.abs(counts["b"]! / 4000 - 0.75) < 0.03, `${counts["b"]}`);
  // With all of them down the request fails where it belongs, with that upstream's error.
  for (const id of ["b", "c"]) down.add(id);
  equal(["a", "b", "c"].includes((await ask()).branch), true);
  equal(chosen.at(-1)![1], "weight");
});

Deno.test("traffic split: when-unavailable fail stays, and a branch of weight 0 takes nobody over", async () => {
  const fails = rig(options([{ id: "a", weight: 1 }, { id: "b", weight: 0 }], { whenUnavailable: "fail" }));
  fails.down.add("a");
  equal((await fails.ask()).branch, "a");
  const others = rig(options([{ id: "a", weight: 1 }, { id: "b", weight: 0 }]));
  others.down.add("a");
  equal((await others.ask()).branch, "a");
});
