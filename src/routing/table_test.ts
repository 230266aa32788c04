import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { HeaderList } from "../core/headers.ts";
import type { MatchInput } from "./matchers/matcher.ts";
import type { RouteMatches } from "./route.ts";
import { buildScopedTables } from "./scopes.ts";
import { buildRouteTable, type Routable } from "./table.ts";

const NOTHING: RouteMatches = {
  path: [],
  pathPrefix: [],
  pathRegex: [],
  host: [],
  header: [],
  method: [],
  queryParam: [],
};

function route(id: string, matches: Partial<RouteMatches>, priority = 50): Routable {
  return { id, priority, matches: { ...NOTHING, ...matches } };
}

function request(text: string, headers: Record<string, string> = {}): MatchInput {
  const [method, rest] = text.split(" ") as [string, string];
  const [, host, target] = /^([^/]*)(.*)$/.exec(rest)!;
  const [path, query = ""] = target!.split("?");
  return {
    head: { method, host: host!, headers: HeaderList.from(Object.entries(headers)) },
    path: path!,
    query,
  };
}

const ROUTES: readonly Routable[] = [
  route("low", {}, 10),
  route("api", { pathPrefix: ["/api"] }),
  route("api-v1", { pathPrefix: ["/api/v1", "/v1/"] }),
  route("exact", { path: ["/api/v1/ping", "/ping"] }),
  route("images", { pathRegex: ["\\.(png|jpg)$", "\\.svg$"] }),
  route("host", { host: ["a.example", "B.Example:8080"], pathPrefix: ["/"] }),
  route("wild", { host: ["*.example"], pathPrefix: ["/"] }),
  route("host-regex", { host: ["^api[0-9]+\\.test$", "[::1]"] }),
  route("writes", { method: ["POST", "put"], path: ["/write"] }),
  route("tier", { header: [{ name: "X-Tier", value: "gold" }, { name: "x-tier", value: "silver" }] }, 100),
  route("query", { path: ["/q"], queryParam: [{ name: "a b", value: "1" }] }),
  route("critical", { path: ["/critical"] }, 1000),
  route("anchored", { pathRegex: ["^/assets/.*\\.js$"] }),
];

const CASES: readonly { input: string; headers?: Record<string, string>; want: string }[] = [
  { input: "GET x/", want: "low" },
  { input: "GET x/api", want: "api" },
  { input: "GET x/api/", want: "api" },
  { input: "GET x/apix", want: "low" },
  { input: "GET x/api/v1", want: "api-v1" },
  { input: "GET x/api/v1/y", want: "api-v1" },
  { input: "GET x/api/v12", want: "api" },
  { input: "GET x/v1", want: "low" },
  { input: "GET x/v1/", want: "api-v1" },
  { input: "GET x/ping", want: "exact" },
  { input: "GET x/api/v1/ping", want: "exact" },
  { input: "GET x/api/a.png", want: "images" },
  { input: "GET x/a.svg", want: "images" },
  { input: "GET x/a.svgx", want: "low" },
  { input: "GET a.example/z", want: "host" },
  { input: "GET b.example/z", want: "host" },
  { input: "GET c.example/z", want: "wild" },
  { input: "GET d.c.example/z", want: "wild" },
  { input: "GET example/z", want: "low" },
  { input: "GET .example/z", want: "low" },
  { input: "GET a.example./z", want: "host" },
  { input: "GET api12.test/z", want: "host-regex" },
  { input: "GET xapi12.test/z", want: "low" },
  { input: "GET [0:0::1]/z", want: "host-regex" },
  { input: "POST x/write", want: "writes" },
  { input: "PUT x/write", want: "writes" },
  { input: "GET x/write", want: "low" },
  { input: "GET x/ping", headers: { "X-TIER": "silver" }, want: "tier" },
  { input: "GET x/ping", headers: { "X-Tier": "bronze" }, want: "exact" },
  { input: "GET x/critical", headers: { "X-Tier": "gold" }, want: "critical" },
  { input: "GET x/q?z=1&a+b=1", want: "query" },
  { input: "GET x/q?a%20b=2", want: "low" },
  { input: "GET x/assets/a.js", want: "anchored" },
  { input: "GET x/b/assets/a.js", want: "low" },
  { input: "OPTIONS x*", want: "low" },
];

Deno.test("which route a request takes", async (t) => {
  const table = buildRouteTable(ROUTES, { cacheSize: 4 });
  for (const { input, headers, want } of CASES) {
    await t.step(`${input} ${JSON.stringify(headers ?? {})}`, () => {
      assert.equal(table.match(request(input, headers))?.id, want);
      assert.equal(table.match(request(input, headers))?.id, want, "a second time");
    });
  }
});

Deno.test("explanations name every route in order, with the values compared", () => {
  const table = buildRouteTable([
    route("other-host", { host: ["b.example"], method: ["POST"] }),
    route("winner", { path: ["/x"], queryParam: [{ name: "v", value: "2" }] }, 100),
    route("weaker", { pathPrefix: ["/"] }),
    route("last", {}, 10),
    route("tier", { header: [{ name: "X-Tier" }] }),
  ], { cacheSize: 0 });
  assert.deepEqual(table.explain(request("GET a.example/x?v=2")), [
    { id: "winner", outcome: "matched", reason: 'path "/x", query-param v "2"' },
    {
      id: "weaker",
      outcome: "outranked",
      reason: 'would match, but "winner" is tried first: priority 100 over 50',
    },
    {
      id: "other-host",
      outcome: "lost",
      reason: 'wants method "POST", found "GET"; wants host "b.example", found "a.example"',
    },
    { id: "tier", outcome: "lost", reason: "wants header X-Tier, found none" },
    {
      id: "last",
      outcome: "outranked",
      reason: 'would match, but "winner" is tried first: priority 100 over 10',
    },
  ]);
});

Deno.test("explanations keep secrets to themselves", () => {
  const table = buildRouteTable([
    route("key", { header: [{ name: "X-API-Key", value: "hunter2" }, { name: "X-Plain", value: "a" }] }),
    route("token", { queryParam: [{ name: "token", value: "hunter3" }] }),
  ], { cacheSize: 0 });
  const input = request("GET a/?token=hunter4", { "x-api-key": "hunter5" });
  assert.deepEqual(table.explain(input).map((each) => each.reason), [
    'wants header X-API-Key [redacted], found [redacted]; wants header X-Plain "a", found none',
    "wants query-param token [redacted], found [redacted]",
  ]);
});

Deno.test("the default route is taken when nothing matches", () => {
  const routes = [route("a", { path: ["/a"] }), route("b", { path: ["/b"] })];
  const table = buildRouteTable(routes, { cacheSize: 1, defaultRoute: "b" });
  assert.equal(table.match(request("GET x/a"))?.id, "a");
  assert.equal(table.match(request("GET x/c"))?.id, "b");
  assert.equal(table.explain(request("GET x/c"))[1]!.outcome, "default");
  assert.equal(buildRouteTable(routes, { cacheSize: 1 }).match(request("GET x/c")), undefined);
  assert.throws(() => buildRouteTable(routes, { cacheSize: 1, defaultRoute: "c" }), /default route/);
});

Deno.test("listeners see the routes of their namespace or service only", () => {
  const scoped = buildScopedTables([
    { ...route("global", { pathPrefix: ["/"] }), namespace: undefined },
    { ...route("shop", { pathPrefix: ["/shop"] }), namespace: "shop" },
    { ...route("cart", { pathPrefix: ["/"] }), namespace: "shop", service: "cart" },
  ], { cacheSize: 1 });
  assert.equal(scoped.tableFor({}).match(request("GET x/shop"))?.id, "global");
  assert.equal(scoped.tableFor({ namespace: "shop" }).match(request("GET x/shop"))?.id, "shop");
  assert.equal(scoped.tableFor({ namespace: "shop" }).match(request("GET x/"))?.id, "cart");
  const cart = scoped.tableFor({ namespace: "shop", service: "cart" });
  assert.equal(
    cart.match(request("GET x/shop"))?.id,
    "cart",
    "a service's listener serves the service alone",
  );
  assert.equal(scoped.tableFor({ namespace: "none" }).match(request("GET x/")), undefined);
  assert.equal(
    scoped.tableFor({}),
    scoped.tableFor({ namespace: undefined }),
    "equal listeners share a table",
  );
});

/** All routes in order, each condition by the runtime's own means: slow and obvious. */
function naiveMatch(routes: readonly Routable[], input: MatchInput): string | undefined {
  const some = (values: readonly string[], test: (value: string) => boolean) => {
    return values.length === 0 || values.some(test);
  };
  const { path, head } = input;
  const score = ({ matches: m }: Routable) =>
    Math.max(
      m.path.length > 0 ? 10_000 : 0,
      m.pathRegex.length > 0 ? 5000 : 0,
      ...m.pathPrefix.map((prefix) => 1000 + prefix.length),
    ) + Math.max(
      0,
      ...m.host.map((each) => /^[a-z.]+$/.test(each) ? 70 : each.startsWith("*.") ? 50 : 60),
    ) +
    (m.method.length > 0 ? 10 : 0) +
    new Set(m.header.map((each) => each.name)).size * 30 +
    new Set(m.queryParam.map((each) => each.name)).size * 25;
  const ordered = [...routes].sort((a, b) => b.priority - a.priority || score(b) - score(a));
  return ordered.find(({ matches: m }) =>
    some(m.path, (value) => path === value) &&
    some(m.pathPrefix, (value) => value === "/" || path === value || `${path}/`.startsWith(`${value}/`)) &&
    some(m.pathRegex, (value) => new RegExp(value).test(path)) &&
    some(m.host, (value) => {
      if (/^[a-z.]+$/.test(value)) return head.host === value;
      if (value.startsWith("*.")) return head.host.endsWith(value.slice(1));
      return new RegExp(value).test(head.host);
    }) &&
    some(m.method, (value) => head.method === value) &&
    m.header.every(({ name }) =>
      m.header.some((each) => each.name === name && head.headers.get(name) === each.value)
    ) &&
    m.queryParam.every(({ name }) =>
      m.queryParam.some((each) =>
        each.name === name && new URLSearchParams(input.query).get(name) === each.value
      )
    )
  )?.id;
}

const named = (names: readonly string[]) =>
  fc.array(fc.record({ name: fc.constantFrom(...names), value: fc.constantFrom("1", "2") }), {
    maxLength: 2,
  });
const few = (values: readonly string[]) => fc.array(fc.constantFrom(...values), { maxLength: 2 });
const anyMatches: fc.Arbitrary<RouteMatches> = fc.record({
  path: few(["/", "/a", "/a/b", "/b"]),
  pathPrefix: few(["/", "/a", "/a/b", "/ab", "/b"]),
  pathRegex: few(["^/a", "^/a/b$", "b", "[ab]$", "^/(a|b)/"]),
  host: few(["x", "a.x", "b.a.x", "*.x", "*.a.x", "^a[.]", "[xy]$"]),
  header: named(["h", "i"]),
  method: few(["GET", "POST"]),
  queryParam: named(["p", "q"]),
});
const emptied = fc.subarray(Object.keys(NOTHING) as (keyof RouteMatches)[], { minLength: 3 });
const anyRoutes = fc.array(
  fc.tuple(anyMatches, emptied, fc.constantFrom(10, 50, 100)).map(([matches, empty, priority]) => {
    const kept = { ...matches };
    for (const key of empty) Object.assign(kept, { [key]: [] });
    return { matches: kept, priority };
  }),
  { minLength: 1, maxLength: 12 },
).map((list) => list.map((each, i) => ({ id: `r${i}`, ...each })));
const anyRequest = fc.record({
  method: fc.constantFrom("GET", "POST"),
  host: fc.constantFrom("x", "a.x", "b.a.x", "y"),
  path: fc.constantFrom("/", "/a", "/a/", "/a/b", "/ab", "/b", "/a/b/c", "/b/a"),
  query: fc.constantFrom("", "p=1", "p=2&q=1"),
  header: fc.constantFrom("", "1", "2"),
}).map(({ method, host, path, query, header }): MatchInput => ({
  head: { method, host, headers: HeaderList.from(header === "" ? [] : [["H", header], ["I", "1"]]) },
  path,
  query,
}));

Deno.test("the table agrees with trying every route in order", () => {
  fc.assert(
    fc.property(anyRoutes, fc.array(anyRequest, { minLength: 1, maxLength: 20 }), (routes, requests) => {
      const table = buildRouteTable(routes, { cacheSize: 3 });
      for (const input of [...requests, ...requests]) {
        const want = naiveMatch(routes, input);
        assert.equal(table.match(input)?.id, want);
        const explained = table.explain(input).find((each) => each.outcome === "matched");
        assert.equal(explained?.id, want, "the explanation");
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("outcomes that hang on headers are not remembered", () => {
  const table = buildRouteTable([
    route("gold", { pathRegex: ["^/x"], header: [{ name: "tier", value: "gold" }] }),
    route("rest", { pathRegex: ["x"] }),
  ], { cacheSize: 10 });
  assert.equal(table.match(request("GET a/x"))?.id, "rest");
  assert.equal(table.match(request("GET a/x", { tier: "gold" }))?.id, "gold");
  assert.equal(table.match(request("GET a/x"))?.id, "rest");
});
