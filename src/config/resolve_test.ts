import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { parseConfig } from "./load.ts";
import { resolveConfig } from "./resolve.ts";

const TEXT = `
system {}
listeners {
    listener "public" { address "127.0.0.1:1"; default-route "home" }
    listener "shop" { address "127.0.0.1:2"; namespace "shop"; default-route "reviews:list" }
}
limits { max-body-size "4MB"; max-requests-per-second-per-route 100 }
upstreams { upstream "db" { target "127.0.0.1:10" } }
filters { filter "stamp" { type "headers"; set { X-A "1" } } }
routes {
    route "home" { matches { path "/" }; upstream "db"; filters "stamp" }
    route "shared" { matches { path "/s" }; upstream "catalog" }
    route "api" { matches { path "/a" }; upstream "shop:reviews:db"; service-type "api"; policies { max-body-size 10 } }
    route "alive" { matches { path "/h" }; builtin-handler "health" }
}
namespace "shop" {
    limits { max-body-size "2MB"; max-connections-per-route 7 }
    listeners { listener "inner" { address "127.0.0.1:3" } }
    upstreams {
        upstream "db" { target "127.0.0.1:11" }
        upstream "catalog" { target "127.0.0.1:12" }
    }
    filters { filter "stamp" { type "headers"; set { X-A "2" } } }
    exports { upstreams "catalog" }
    routes {
        route "home" { matches { path "/" }; upstream "db"; filters "stamp" }
    }
    service "reviews" {
        limits { max-body-size "1MB" }
        listener "own" { address "127.0.0.1:4" }
        upstreams { upstream "db" { target "127.0.0.1:13" } }
        routes {
            route "list" { matches { path "/" }; upstream "db"; filters "stamp" }
            route "more" { matches { path "/m" }; upstream "catalog" }
        }
    }
}
namespace "other" {
    routes { route "c" { matches { path "/" }; upstream "catalog" } }
}
`;

function resolved() {
  const { config, issues } = parseConfig(TEXT);
  ok(config !== undefined, JSON.stringify(issues));
  return resolveConfig(config);
}

Deno.test("ids and references are qualified, the nearest scope first", () => {
  const routes = resolved().routes.map(({ id, upstream, filters }) => ({ id, upstream, filters }));
  equal(routes, [
    { id: "home", upstream: "db", filters: ["stamp"] },
    { id: "shared", upstream: "shop:catalog", filters: [] },
    { id: "api", upstream: "shop:reviews:db", filters: [] },
    { id: "alive", upstream: undefined, filters: [] },
    { id: "shop:home", upstream: "shop:db", filters: ["shop:stamp"] },
    { id: "shop:reviews:list", upstream: "shop:reviews:db", filters: ["shop:stamp"] },
    { id: "shop:reviews:more", upstream: "shop:catalog", filters: [] },
    { id: "other:c", upstream: "shop:catalog", filters: [] },
  ]);
});

Deno.test("every reference exists", () => {
  const { routes, upstreams, filters } = resolved();
  const known = new Set([...upstreams, ...filters].map(({ id }) => id));
  for (const route of routes) {
    for (const id of [route.upstream, ...route.filters]) ok(id === undefined || known.has(id), `${id}`);
  }
});

Deno.test("listeners carry their scope and a qualified default route", () => {
  const listeners = resolved().listeners.map(({ id, namespace, service, defaultRoute }) => {
    return { id, namespace, service, defaultRoute };
  });
  equal(listeners, [
    { id: "public", namespace: undefined, service: undefined, defaultRoute: "home" },
    { id: "shop", namespace: "shop", service: undefined, defaultRoute: "shop:reviews:list" },
    { id: "inner", namespace: "shop", service: undefined, defaultRoute: undefined },
    { id: "own", namespace: "shop", service: "reviews", defaultRoute: undefined },
  ]);
});

Deno.test("limits are inherited from the scopes around", () => {
  const limits = Object.fromEntries(resolved().routes.map(({ id, limits }) => [id, limits]));
  const MB = 1024 * 1024;
  const common = { maxRequestsPerSecond: 100, maxBodyBufferBytes: MB };
  equal(limits["home"], { ...common, maxBodySizeBytes: 4 * MB, maxInFlight: undefined });
  equal(limits["api"], { ...common, maxBodySizeBytes: 10, maxBodyBufferBytes: 10, maxInFlight: undefined });
  equal(limits["shop:home"], { ...common, maxBodySizeBytes: 2 * MB, maxInFlight: 7 });
  equal(limits["shop:reviews:list"], { ...common, maxBodySizeBytes: MB, maxInFlight: 7 });
});

Deno.test("the service type follows from what answers", () => {
  const types = resolved().routes.slice(0, 4).map(({ serviceType }) => serviceType);
  equal(types, ["web", "web", "api", "builtin"]);
});
