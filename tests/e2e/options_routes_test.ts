import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  ask,
  bodyOf,
  headersOf,
  namedOrigin,
  OptionStage,
  receivedHeader,
  type Wish,
} from "../support/option_stage.ts";
import { exchange, headerOf, RawClient } from "../support/raw_client.ts";
import { eventually } from "../support/servers.ts";

/** A route that answers its own name in a header. */
const route = (id: string, matches: string, more = "") =>
  `route "${id}" { ${more}
    matches { ${matches} }
    upstream "origin"
    policies { response-headers { set { X-Route "${id}"; }; }; }
  }`;

const ROUTES = [
  route("exact", 'path "/exact" "/other-exact";'),
  route("prefix", 'path-prefix "/prefix" "/second";'),
  route("regex", 'path-regex "[.]png$" "^/v[0-9]+/";'),
  route("host", 'host "one.test" "two.test"; path-prefix "/h";'),
  route("wildcard", 'host "*.wild.test"; path-prefix "/h";'),
  route("host-regex", 'host "^api-[0-9]+[.]test$"; path-prefix "/h";'),
  route("header", 'path-prefix "/m"; header "X-Mode" "blue";'),
  route("header-there", 'path-prefix "/m"; header "X-There";'),
  route("method", 'path-prefix "/m"; method "DELETE" "patch";'),
  route("query", 'path-prefix "/m"; query-param "v" "2";'),
  route("query-there", 'path-prefix "/m"; query-param "debug";'),
  route("m", 'path-prefix "/m";', 'priority "low"'),
  route("p-critical", 'path-prefix "/p/a";', 'priority "critical"'),
  route("p-high", 'path-prefix "/p/a"; method "GET"; host "x.test";', 'priority "high"'),
  route("p-number", 'path-prefix "/p/b";', "priority 101"),
  route("p-high-b", 'path "/p/b/c";', 'priority "high"'),
  route("p-normal", 'path-prefix "/p/c";', 'priority "normal"'),
  route("p-low", 'path "/p/c/d";', 'priority "low"'),
].join("\n");

const MATCHES: readonly { target: string; wish?: Wish; want: string | 404 }[] = [
  { target: "/exact", want: "exact" },
  { target: "/other-exact?q=1", want: "exact" },
  { target: "/exact/", want: 404 },
  { target: "/prefix", want: "prefix" },
  { target: "/prefix/deep", want: "prefix" },
  { target: "/second/x", want: "prefix" },
  { target: "/prefixed", want: 404 },
  { target: "/a/b.png", want: "regex" },
  { target: "/v12/x", want: "regex" },
  { target: "/a.png/x", want: 404 },
  { target: "/h", wish: { host: "one.test" }, want: "host" },
  { target: "/h", wish: { host: "TWO.test:8080" }, want: "host" },
  { target: "/h", wish: { host: "three.test" }, want: 404 },
  { target: "/h", wish: { host: "a.wild.test" }, want: "wildcard" },
  { target: "/h", wish: { host: "a.b.wild.test" }, want: "wildcard" },
  { target: "/h", wish: { host: "wild.test" }, want: 404 },
  { target: "/h", wish: { host: "api-12.test" }, want: "host-regex" },
  { target: "/h", wish: { host: "api-x.test" }, want: 404 },
  { target: "/m", want: "m" },
  { target: "/m", wish: { headers: ["x-mode: blue"] }, want: "header" },
  { target: "/m", wish: { headers: ["x-mode: red"] }, want: "m" },
  { target: "/m", wish: { headers: ["X-There: whatever"] }, want: "header-there" },
  { target: "/m", wish: { method: "DELETE" }, want: "method" },
  { target: "/m", wish: { method: "PATCH" }, want: "method" },
  { target: "/m?v=2", want: "query" },
  { target: "/m?a=b&v=2", want: "query" },
  { target: "/m?v=3", want: "m" },
  { target: "/m?debug", want: "query-there" },
  { target: "/p/a", wish: { host: "x.test" }, want: "p-critical" },
  { target: "/p/b/c", want: "p-number" },
  { target: "/p/c/d", want: "p-normal" },
];

Deno.test("options of routes: which one takes a request", async (t) => {
  await using origin = namedOrigin("origin");
  await using stage = await OptionStage.start((place) =>
    `system { worker-threads 1; route-cache-size 2; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; }; }
routes {
${ROUTES}
}
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`
  );
  // Twice, so that remembered decisions are asked as well.
  for (const round of ["first", "again"]) {
    for (const { target, wish, want } of MATCHES) {
      const about = `${wish?.method ?? "GET"} ${wish?.host ?? ""}${target} ${wish?.headers ?? ""} ${round}`;
      await t.step(about, async () => {
        const response = await ask(stage.port("main"), target, wish);
        equal(response.status === 404 ? 404 : headerOf(response, "x-route"), want);
      });
    }
  }
});

function policies(place: { port(name: string): number }, originPort: number): string {
  const own = (id: string, more: string, upstream = "origin") =>
    `route "${id}" { matches { path-prefix "/${id}" "/hang/${id}" "/broken/${id}"; }; upstream "${upstream}"; ${more} }`;
  return `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; }; }
routes {
  ${own("timeout", 'policies { timeout-secs "300ms"; };')}
  ${
    own(
      "edits",
      `policies {
    request-headers { rename { X-Old "X-New"; }; set { X-Set "set"; Host "inner.test"; }; add { X-Add "more"; }; remove "X-Gone" "X-Also"; }
    response-headers { rename { X-Origin "X-From"; }; set { X-Set "answer"; }; add { X-Add "a"; }; remove "Server"; }
  };`,
    )
  }
  ${own("streamed", "")}
  ${own("whole", "policies { buffer-requests #true; buffer-responses #true; };")}
  ${own("web", "", "nobody")}
  ${own("api", 'service-type "api";', "nobody")}
  ${own("text", 'error-pages { default-format "text"; };', "nobody")}
  ${
    own(
      "pages",
      `error-pages {
    page "503" { format "html"; template "<b>{{status}} {{title}} {{message}} {{request_id}} {{timestamp}}</b>"; message "Back <soon>"; headers { X-Page "own"; Retry-After "7"; }; }
    page "4xx" { format "xml"; message "Yours"; }
  }; policies { max-body-size 1; };`,
      "nobody",
    )
  }
  ${own("limited", 'policies { rate-limit { requests-per-second 1; burst 1; key "route"; }; };')}
  route "status" { matches { path "/b/status"; }; builtin-handler "status"; }
  route "health" { matches { path "/b/health"; }; builtin-handler "health"; }
  route "metrics" { matches { path "/b/metrics"; }; builtin-handler "metrics"; }
  route "not-found" { matches { path "/b/not-found"; }; builtin-handler "not-found"; }
  route "config" { matches { path "/b/config"; }; builtin-handler "config"; }
  route "upstreams" { matches { path "/b/upstreams"; }; builtin-handler "upstreams"; }
}
upstreams {
  upstream "origin" { target "127.0.0.1:${originPort}"; }
  upstream "nobody" { target "127.0.0.1:${place.port("nobody")}"; }
}
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`;
}

interface Stage {
  readonly port: number;
  readonly origin: ReturnType<typeof namedOrigin>;
}

const PAGES: readonly { target: string; accept?: string; type: RegExp }[] = [
  { target: "/web", type: /^text\/html/ },
  { target: "/web", accept: "application/json", type: /^application\/json/ },
  { target: "/web", accept: "text/plain", type: /^text\/plain/ },
  { target: "/web", accept: "text/xml", type: /^application\/xml/ },
  { target: "/web", accept: "application/json;q=0.1, text/plain;q=0.9", type: /^text\/plain/ },
  { target: "/api", type: /^application\/json/ },
  { target: "/api", accept: "*/*", type: /^application\/json/ },
  { target: "/api", accept: "text/html", type: /^text\/html/ },
  { target: "/text", type: /^text\/plain/ },
  { target: "/text", accept: "application/xml", type: /^application\/xml/ },
  { target: "/pages", accept: "application/json", type: /^text\/html/ },
];

const BUILTINS: readonly { id: string; status: number; fields: readonly string[] }[] = [
  {
    id: "status",
    status: 200,
    fields: ["status", "version", "uptime", "uptime_secs", "instance_id", "timestamp"],
  },
  { id: "health", status: 200, fields: ["status", "timestamp"] },
  { id: "not-found", status: 404, fields: ["error", "status", "message", "request_id", "timestamp"] },
  { id: "config", status: 200, fields: ["timestamp", "request_id", "config"] },
  { id: "upstreams", status: 200, fields: ["timestamp", "request_id", "summary", "upstreams"] },
];

const POLICIES: readonly { name: string; run(stage: Stage): Promise<void> }[] = [
  {
    name: "timeout-secs",
    async run({ port }) {
      const startedMs = performance.now();
      equal((await ask(port, "/hang/timeout")).status, 504);
      const afterMs = performance.now() - startedMs;
      ok(afterMs > 250 && afterMs < 3000, `after ${afterMs} ms`);
    },
  },
  {
    name: "request-headers and response-headers",
    async run({ port, origin }) {
      const headers = ["X-Old: 1", "X-Set: client", "X-Add: client", "X-Gone: 1", "X-Also: 2"];
      const response = await ask(port, "/edits", { headers });
      const request = origin.requests.find(({ target }) => target === "/edits");
      equal(receivedHeader(request, "x-old"), undefined);
      equal(receivedHeader(request, "x-new"), "1");
      equal(receivedHeader(request, "x-set"), "set");
      equal(receivedHeader(request, "host"), "inner.test");
      deepEqual(request?.headers.filter(([name]) => name === "X-Add").map(([, value]) => value), [
        "client",
        "more",
      ]);
      equal(receivedHeader(request, "x-gone") ?? receivedHeader(request, "x-also"), undefined);
      deepEqual(headersOf(response, "x-from"), ["yes", "twice"]);
      equal(headerOf(response, "x-origin"), undefined);
      equal(headerOf(response, "x-set"), "answer");
      equal(headerOf(response, "x-add"), "a");
      equal(headerOf(response, "server"), undefined);
    },
  },
  {
    name: "buffer-requests holds the request back until it is whole",
    async run({ port, origin }) {
      for (const path of ["/streamed", "/whole"]) {
        const before = origin.received.length;
        const text = () => origin.received.slice(before).join("") + origin.receivedText;
        const client = await RawClient.connect(port);
        await client.send(`POST ${path}/part HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc`);
        const arrived = await eventually(
          path === "/whole" ? 500 : 3000,
          () => text().includes(`${path}/part`),
        );
        equal(arrived, path === "/streamed");
        await client.send("def");
        equal((await client.response({ timeoutMs: 3000 }))?.status, 200);
        client.close();
      }
    },
  },
  {
    name: "buffer-responses turns a broken answer into an error page",
    async run({ port }) {
      const half = await exchange(port, "GET /broken/streamed HTTP/1.1\r\nHost: h\r\n\r\n", {
        timeoutMs: 3000,
      });
      equal(half.responses[0]?.status, 200);
      equal(half.responses[0]?.complete, false);
      equal((await ask(port, "/broken/whole")).status, 502);
    },
  },
  {
    name: "error pages follow Accept, service-type and default-format",
    async run({ port }) {
      for (const { target, accept, type } of PAGES) {
        const response = await ask(port, target, {
          headers: accept === undefined ? [] : [`Accept: ${accept}`],
        });
        equal(response.status, 503);
        match(headerOf(response, "content-type") ?? "", type, `${target} for ${accept}`);
      }
    },
  },
  {
    name: "pages of one's own",
    async run({ port }) {
      const response = await ask(port, "/pages");
      const id = headerOf(response, "x-request-id");
      match(bodyOf(response), new RegExp(`^<b>503 Service Unavailable Back &lt;soon&gt; ${id} \\d+</b>$`));
      equal(headerOf(response, "x-page"), "own");
      deepEqual(headersOf(response, "retry-after"), ["7"]);
      const large = await ask(port, "/pages", { method: "POST", body: "too large" });
      equal(large.status, 413);
      match(bodyOf(large), /<message>Yours<\/message>/);
    },
  },
  {
    name: "rate-limit by route",
    async run({ port }) {
      equal((await ask(port, "/limited")).status, 200);
      equal((await ask(port, "/limited/other")).status, 429);
    },
  },
  {
    name: "builtin handlers",
    async run({ port }) {
      for (const { id, status, fields } of BUILTINS) {
        const response = await ask(port, `/b/${id}`, { method: id === "status" ? "GET" : "POST" });
        equal(response.status, status);
        equal(headerOf(response, "content-type"), "application/json; charset=utf-8");
        deepEqual(Object.keys(JSON.parse(bodyOf(response))), fields, id);
        ok(headerOf(response, "x-request-id"));
        const cache = headerOf(response, "cache-control");
        equal(cache, id === "not-found" ? undefined : "no-cache, no-store, must-revalidate");
      }
      const metrics = await ask(port, "/b/metrics");
      equal(headerOf(metrics, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
      match(bodyOf(metrics), /^# HELP sentinel_\w+ /m);
      const page = await ask(port, "/b/status", { headers: ["Accept: text/html"] });
      match(headerOf(page, "content-type") ?? "", /^text\/html/);
    },
  },
  {
    name: "the config and upstreams handlers in depth",
    async run({ port }) {
      const { config } = JSON.parse(bodyOf(await ask(port, "/b/config")));
      const parts = ["server", "listeners", "routes", "upstreams", "agents", "filters", "waf", "limits"];
      deepEqual(Object.keys(config), parts);
      const listener = [
        "id",
        "address",
        "protocol",
        "default_route",
        "request_timeout_secs",
        "keepalive_timeout_secs",
      ];
      deepEqual(Object.keys(config.listeners[0]), [...listener, "tls_enabled"]);
      const route = [
        "id",
        "priority",
        "matches",
        "upstream",
        "service_type",
        "builtin_handler",
        "filters",
        "waf_enabled",
      ];
      deepEqual(Object.keys(config.routes[0]), route);
      deepEqual(Object.keys(config.upstreams[0]), [
        "id",
        "targets",
        "load_balancing",
        "health_check",
        "tls_enabled",
      ]);
      const { summary, upstreams } = JSON.parse(bodyOf(await ask(port, "/b/upstreams")));
      deepEqual(summary, { total_upstreams: 2, total_targets: 2, healthy: 0, unhealthy: 0, unknown: 2 });
      deepEqual(Object.keys(upstreams[0]), ["id", "load_balancing", "targets"]);
      const target = ["address", "weight", "status", "failure_rate", "last_error"];
      deepEqual(Object.keys(upstreams[0].targets[0]), target);
    },
  },
];

Deno.test("options of routes: policies, error pages and builtin handlers", async (t) => {
  await using origin = namedOrigin("origin");
  await using stage = await OptionStage.start((place) => policies(place, origin.port));
  for (const { name, run } of POLICIES) {
    await t.step(name, () => run({ port: stage.port("main"), origin }));
  }
});
