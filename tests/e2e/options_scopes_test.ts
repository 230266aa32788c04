import { equal, match } from "node:assert/strict";
import { ask, bodyOf, namedOrigin, OptionStage, type Wish } from "../support/option_stage.ts";
import { headerOf } from "../support/raw_client.ts";

const quiet = 'metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; };';

interface Origins {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

function config(place: { port(name: string): number }, { a, b, c }: Origins): string {
  const address = (name: string) => `address "127.0.0.1:${place.port(name)}"`;
  const mark = (text: string) => `type "headers"; phase "response"; set { X-Filter "${text}"; };`;
  const limited = "policies { max-body-size 5; };";
  return `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners {
  listener "global" { ${address("global")}; }
  listener "shop" { ${address("shop")}; namespace "shop"; default-route "rest"; }
}
routes {
  route "site" { matches { path-prefix "/site"; }; upstream "main"; filters "mark"; }
  route "exported" { matches { path-prefix "/exported"; }; upstream "users"; filters "shop-mark"; }
  route "qualified" { matches { path-prefix "/qualified"; }; upstream "shop:cart:store"; filters "shop:mark"; }
}
upstreams { upstream "main" { target "127.0.0.1:${a}"; }; }
filters { filter "mark" { ${mark("global")} }; }
limits { max-body-size 20; }
namespace "shop" {
  limits { max-body-size 10; }
  listeners { listener "own" { ${address("own")}; }; }
  routes {
    route "site" { matches { path-prefix "/site"; }; upstream "main"; filters "mark"; }
    route "users" { matches { path-prefix "/users"; }; upstream "users"; }
    route "small" { matches { path-prefix "/small"; }; upstream "users"; ${limited} }
    route "rest" { matches { path "/never-asked-for"; }; upstream "users"; filters "shop-mark"; }
  }
  upstreams { upstream "users" { target "127.0.0.1:${b}"; }; }
  filters { filter "mark" { ${mark("shop")} }; filter "shop-mark" { ${mark("exported")} }; }
  service "cart" {
    limits { max-body-size 15; max-requests-per-second-per-route 1; }
    listener { id "cart"; ${address("cart")}; }
    routes {
      route "site" { matches { path-prefix "/site"; }; upstream "store"; filters "mark"; }
      route "users" { matches { path-prefix "/users"; }; upstream "users"; filters "own"; }
      route "main" { matches { path-prefix "/main"; }; upstream "main"; }
    }
    upstreams { upstream "store" { target "127.0.0.1:${c}"; }; }
    filters { filter "own" { ${mark("cart")} }; }
  }
  exports { upstreams "users"; filters "shop-mark"; }
}
namespace "other" {
  listeners { listener "other" { ${address("other")}; }; }
  routes { route "borrowed" { matches { path-prefix "/"; }; upstream "users"; filters "shop-mark"; }; }
}
observability { ${quiet} }
`;
}

const post = (length: number): Wish => ({ method: "POST", body: "x".repeat(length) });

const CASES: readonly {
  name: string;
  at: string;
  target: string;
  wish?: Wish;
  want: string | number;
  filter?: string;
}[] = [
  { name: "a global route", at: "global", target: "/site", want: "a", filter: "global" },
  { name: "global listeners serve no namespace", at: "global", target: "/users", want: 404 },
  { name: "an export by its bare id", at: "global", target: "/exported", want: "b", filter: "exported" },
  { name: "any scope by its full name", at: "global", target: "/qualified", want: "c", filter: "shop" },
  { name: "nearest filter, global upstream", at: "shop", target: "/site", want: "a", filter: "shop" },
  { name: "a namespace's upstream", at: "shop", target: "/users", want: "b" },
  { name: "default-route of a namespace", at: "shop", target: "/unknown", want: "b", filter: "exported" },
  { name: "a namespace's own listener", at: "own", target: "/users", want: "b" },
  { name: "which has no default route", at: "own", target: "/unknown", want: 404 },
  { name: "a service's listener and upstream", at: "cart", target: "/site", want: "c", filter: "shop" },
  { name: "a service reaches its namespace", at: "cart", target: "/users", want: "b", filter: "cart" },
  { name: "a service reaches the global scope", at: "cart", target: "/main", want: "a" },
  { name: "a service's rate per route", at: "cart", target: "/main", want: 429 },
  { name: "a service's listener serves the service alone", at: "cart", target: "/exported", want: 404 },
  { name: "another namespace uses exports", at: "other", target: "/x", want: "b", filter: "exported" },
  { name: "global body limit", at: "global", target: "/site", wish: post(20), want: "a" },
  { name: "beyond the global body limit", at: "global", target: "/site", wish: post(21), want: 413 },
  { name: "body limit of a namespace", at: "shop", target: "/users", wish: post(10), want: "b" },
  { name: "beyond the body limit of a namespace", at: "shop", target: "/users", wish: post(11), want: 413 },
  { name: "body limit of a route in a namespace", at: "shop", target: "/small", wish: post(6), want: 413 },
  { name: "beyond the body limit of a service", at: "cart", target: "/site", wish: post(16), want: 413 },
  {
    name: "another namespace inherits the global body limit",
    at: "other",
    target: "/",
    wish: post(20),
    want: "b",
  },
];

Deno.test("options of namespaces, services and exports", async (t) => {
  await using a = namedOrigin("a");
  await using b = namedOrigin("b");
  await using c = namedOrigin("c");
  await using stage = await OptionStage.start((place) => config(place, { a: a.port, b: b.port, c: c.port }));
  for (const { name, at, target, wish, want, filter } of CASES) {
    await t.step(name, async () => {
      const response = await ask(stage.port(at), target, wish);
      equal(response.status, typeof want === "number" ? want : 200);
      if (typeof want === "string") equal(bodyOf(response), want);
      if (filter !== undefined) equal(headerOf(response, "x-filter"), filter);
    });
  }
});

const SHAPES: readonly { name: string; text(ports: { main: number; origin: number }): string }[] = [
  {
    name: "sentinel.json",
    text: ({ main, origin }) =>
      JSON.stringify({
        system: { "worker-threads": 1, graceful_shutdown_timeout_secs: 1 },
        listeners: [{ id: "main", address: `127.0.0.1:${main}`, keepalive_max_requests: 1 }],
        routes: [{
          id: "all",
          priority: "high",
          matches: [{ path_prefix: "/a" }, { method: ["GET", "POST"] }, {
            header: { name: "X-Mode", value: "on" },
          }],
          upstream: "origin",
          filters: ["mark"],
          policies: {
            max_body_size: "1KB",
            response_headers: { set: { "X-Policy": "yes" }, remove: ["Server"] },
            rate_limit: { requests_per_second: 1, burst: 3, key: { header: "X-Key" } },
          },
          error_pages: { pages: { "413": { format: "text", template: "{{status}}!" } } },
        }],
        upstreams: {
          origin: { targets: [{ address: `127.0.0.1:${origin}`, weight: 1 }], load_balancing: "round_robin" },
        },
        filters: { mark: { type: "headers", phase: "response", set: { "X-Filter": "json" } } },
        observability: {
          metrics: { enabled: false },
          logging: { level: "warn", error_log: { enabled: false } },
        },
      }),
  },
  {
    name: "sentinel.toml",
    text: ({ main, origin }) => `
[system]
worker_threads = 1
graceful-shutdown-timeout-secs = 1
[[listeners]]
id = "main"
address = "127.0.0.1:${main}"
keepalive_max_requests = 1
[[routes]]
id = "all"
priority = "high"
upstream = "origin"
filters = ["mark"]
[routes.matches]
path_prefix = "/a"
method = ["GET", "POST"]
header = { name = "X-Mode", value = "on" }
[routes.policies]
max_body_size = "1KB"
[routes.policies.response_headers]
set = { X-Policy = "yes" }
remove = ["Server"]
[routes.policies.rate_limit]
requests_per_second = 1
burst = 3
key = "header:X-Key"
[routes.error_pages.pages.413]
format = "text"
template = "{{status}}!"
[upstreams.origin]
targets = [{ address = "127.0.0.1:${origin}", weight = 1 }]
load_balancing = "round_robin"
[filters.mark]
type = "headers"
phase = "response"
set = { X-Filter = "toml" }
[observability]
metrics = { enabled = false }
logging = { level = "warn", error_log = { enabled = false } }
`,
  },
];

Deno.test("options in JSON and TOML do the same", async (t) => {
  await using origin = namedOrigin("origin");
  for (const { name, text } of SHAPES) {
    await t.step(name, async () => {
      const make = ({ port }: { port(name: string): number }) =>
        text({ main: port("main"), origin: origin.port });
      await using stage = await OptionStage.start(make, name);
      const port = stage.port("main");
      const headers = (key: string) => ["X-Mode: on", `X-Key: ${key}`];
      const response = await ask(port, "/a/b", { headers: headers("1") });
      equal(bodyOf(response), "origin");
      equal(headerOf(response, "x-policy"), "yes");
      equal(headerOf(response, "x-filter"), /json/.test(name) ? "json" : "toml");
      equal(headerOf(response, "server"), undefined);
      equal((await ask(port, "/a/b")).status, 404, "the header is a condition");
      equal((await ask(port, "/a/b", { method: "PUT", headers: headers("1") })).status, 404);
      const large = await ask(port, "/a", { method: "POST", headers: headers("1"), body: "x".repeat(1025) });
      equal(large.status, 413);
      equal(bodyOf(large), "413!");
      for (let i = 0; i < 3; i++) equal((await ask(port, "/a", { headers: headers("2") })).status, 200);
      equal((await ask(port, "/a", { headers: headers("2") })).status, 429);
      equal((await ask(port, "/a", { headers: headers("3") })).status, 200);
    });
  }
});

Deno.test("include takes files in by globs, relative to the file that includes", async () => {
  await using a = namedOrigin("a");
  await using b = namedOrigin("b");
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/parts/deep`, { recursive: true });
    const route = (id: string, upstream: string) =>
      `routes { route "${id}" { matches { path-prefix "/${id}"; }; upstream "${upstream}"; }; }\n`;
    await Deno.writeTextFile(`${folder}/parts/a.kdl`, `${route("a", "a")}include "deep/*.kdl"`);
    await Deno.writeTextFile(`${folder}/parts/b.kdl`, route("b", "b"));
    await Deno.writeTextFile(`${folder}/parts/c.txt`, "this is no configuration {");
    const upstreams =
      `upstreams { upstream "a" { target "127.0.0.1:${a.port}"; }; upstream "b" { target "127.0.0.1:${b.port}"; }; }`;
    await Deno.writeTextFile(`${folder}/parts/deep/upstreams.kdl`, upstreams);
    await using stage = await OptionStage.start(({ port }) =>
      `include "${folder}/parts/*.kdl"
system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${port("main")}"; }; }
routes { route "own" { priority "low"; matches { path-prefix "/"; }; builtin-handler "not-found"; }; }
observability { ${quiet} }
`
    );
    equal(bodyOf(await ask(stage.port("main"), "/a")), "a");
    equal(bodyOf(await ask(stage.port("main"), "/b")), "b");
    match(bodyOf(await ask(stage.port("main"), "/c")), /"Not Found"/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
