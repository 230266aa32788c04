/** What every matcher owes the route table; loops over the registry, so a new row is under test at once. */

import assert from "node:assert/strict";
import { HeaderList } from "../../src/core/headers.ts";
import { conditionsOf } from "../../src/routing/conditions.ts";
import type { MatchInput } from "../../src/routing/matchers/matcher.ts";
import { MATCHERS } from "../../src/routing/matchers/registry.ts";
import type { RouteMatches } from "../../src/routing/route.ts";
import { buildRouteTable } from "../../src/routing/table.ts";

const NOTHING: RouteMatches = {
  path: [],
  pathPrefix: [],
  pathRegex: [],
  host: [],
  header: [],
  method: [],
  queryParam: [],
};

interface Example {
  readonly values: Partial<RouteMatches>;
  readonly yes: readonly Partial<Request>[];
  readonly no: readonly Partial<Request>[];
}

interface Request {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Values with requests that have to pass and to fail. A new row needs one. */
const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  path: [
    {
      values: { path: ["/a", "/b/"] },
      yes: [{ path: "/a" }, { path: "/b/" }],
      no: [{ path: "/A" }, { path: "/b" }],
    },
    {
      values: { path: ["/café", "/x/../y"] },
      yes: [{ path: "/caf%C3%A9" }, { path: "/y" }],
      no: [{ path: "/café" }],
    },
  ],
  pathPrefix: [
    { values: { pathPrefix: ["/"] }, yes: [{ path: "/" }, { path: "/a" }], no: [{ path: "*" }] },
    {
      values: { pathPrefix: ["/api", "/v/"] },
      yes: [{ path: "/api" }, { path: "/api/" }, { path: "/api/x" }, { path: "/v/" }, { path: "/v/x" }],
      no: [{ path: "/apix" }, { path: "/ap" }, { path: "/v" }, { path: "/" }],
    },
  ],
  pathRegex: [
    {
      values: { pathRegex: ["\\.png$", "^/x/[0-9]+"] },
      yes: [{ path: "/a.png" }, { path: "/x/1y" }],
      no: [{ path: "/a.pngx" }, { path: "/y/x/1" }],
    },
  ],
  host: [
    {
      values: { host: ["A.Example", "b.example:80"] },
      yes: [{ host: "a.example" }, { host: "b.example" }, { host: "a.example." }],
      no: [{ host: "c.example" }, { host: "" }, { host: "x.a.example" }],
    },
    {
      values: { host: ["*.example"] },
      yes: [{ host: "a.example" }, { host: "a.b.example" }],
      no: [{ host: "example" }, { host: "aexample" }, { host: ".example" }],
    },
    {
      values: { host: ["[2001:DB8::1]"] },
      yes: [{ host: "[2001:db8::1]" }, { host: "[2001:db8:0::1]" }],
      no: [{ host: "[2001:db8::2]" }],
    },
    {
      values: { host: ["api-*.example"] },
      yes: [{ host: "api-1.example" }],
      no: [{ host: "api-.example" }, { host: "api-1.x.example" }, { host: "xapi-1.example" }],
    },
    {
      values: { host: ["^(a|b)[0-9]+\\.example$"] },
      yes: [{ host: "a1.example" }],
      no: [{ host: "c1.example" }, { host: "a1.example.evil" }],
    },
    { values: { host: ["*"] }, yes: [{ host: "a" }, { host: "" }], no: [] },
  ],
  method: [{
    values: { method: ["GET", "post"] },
    yes: [{ method: "GET" }, { method: "POST" }],
    no: [{ method: "HEAD" }, { method: "get" }],
  }],
  header: [
    {
      values: { header: [{ name: "X-A" }] },
      yes: [{ headers: { "x-a": "" } }],
      no: [{ headers: { "x-b": "1" } }],
    },
    {
      values: {
        header: [{ name: "X-A", value: "1" }, { name: "x-a", value: "2" }, { name: "X-B", value: "é" }],
      },
      yes: [{ headers: { "X-A": "2", "x-b": "\u00c3\u00a9" } }],
      no: [{ headers: { "X-A": "2" } }, { headers: { "X-A": "3", "X-B": "\u00c3\u00a9" } }, {
        headers: { "X-A": "1", "X-B": "e" },
      }],
    },
  ],
  queryParam: [
    {
      values: { queryParam: [{ name: "a" }] },
      yes: [{ query: "a" }, { query: "b=1&a=" }, { query: "%61=1" }],
      no: [{ query: "" }, { query: "b=a" }, { query: "A=1" }, { query: "aa" }],
    },
    {
      values: {
        queryParam: [{ name: "q", value: "x y" }, { name: "q", value: "é" }, { name: "r", value: "a=b" }],
      },
      yes: [{ query: "q=x+y&r=a=b" }, { query: "q=0&q=x%20y&r=a%3db" }, { query: "&&q=%C3%A9&r=a=b&" }],
      no: [{ query: "q=x+y" }, { query: "q=x-y&r=a=b" }, { query: "q=x%2By&r=a=b" }, {
        query: "q=%C3%&r=a=b",
      }],
    },
  ],
};

function inputOf(request: Partial<Request>): MatchInput {
  const { method = "GET", host = "h.test", path = "/p", query = "", headers = {} } = request;
  return { head: { method, host, headers: HeaderList.from(Object.entries(headers)) }, path, query };
}

for (const [key, matcher] of Object.entries(MATCHERS)) {
  Deno.test(`matcher "${matcher.type}"`, async (t) => {
    await t.step("stands under its own key and says what it does", () => {
      assert.equal(matcher.key, key);
      assert.equal(matcher.type.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase()), key);
      assert.match(matcher.summary, /^[A-Z].*\.$/);
    });
    assert.ok((EXAMPLES[key] ?? []).length > 0, "add one to EXAMPLES");
    for (const { values, yes, no } of EXAMPLES[key] ?? []) {
      await t.step(JSON.stringify(values), () => {
        const matches = { ...NOTHING, ...values };
        const conditions = conditionsOf(matches);
        const table = buildRouteTable([{ id: "r", priority: 50, matches }], { cacheSize: 2 });
        for (const [requests, want] of [[yes, true], [no, false]] as const) {
          for (const request of requests) {
            const input = inputOf(request);
            const about = JSON.stringify(request);
            assert.equal(
              conditions.every((condition) => condition.test(input)),
              want,
              `the conditions on ${about}`,
            );
            assert.equal(table.match(input) !== undefined, want, `the table on ${about}`);
            for (const condition of conditions) {
              assert.ok(condition.specificity >= 0);
              assert.ok(condition.wanted.length > 0 && condition.found(input).length > 0);
            }
          }
        }
      });
    }
  });
}
