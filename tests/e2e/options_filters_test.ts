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
import { headerOf, type RawResponse } from "../support/raw_client.ts";
import type { RawOrigin } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

const FILTERS: readonly { id: string; lines: string; upstream?: string }[] = [
  {
    id: "request",
    lines:
      'type "headers"; rename { X-Old "X-New"; }; set { X-Set "s"; }; add { X-Add "a"; }; remove "X-Gone";',
  },
  {
    id: "response",
    lines:
      'type "headers"; phase "response"; rename { X-Origin "X-From"; }; set { X-Set "s"; }; add { X-Add "a"; }; remove "Server";',
  },
  { id: "both", lines: 'type "headers"; phase "both"; set { X-Both "b"; };' },
  {
    id: "redirect",
    lines:
      'type "redirect"; status-code 308; scheme "https"; hostname "new.test"; port 8443; replace-prefix-match "/moved";',
  },
  { id: "redirect-default", lines: 'type "redirect"; replace-full-path "/login";' },
  { id: "rewrite", lines: 'type "url-rewrite"; hostname "inner.test:81"; replace-prefix-match "/inner";' },
  { id: "rewrite-full", lines: 'type "url-rewrite"; replace-full-path "/one";' },
  {
    id: "cors",
    lines:
      `type "cors"; allowed-origins "https://app.test" "https://*.apps.test"; allowed-methods "GET" "PUT"; allowed-headers "X-One" "X-Two"; exposed-headers "X-Origin"; allow-credentials #true; max-age-secs 60;`,
  },
  { id: "cors-default", lines: 'type "cors";' },
  { id: "timeout", lines: 'type "timeout"; request-timeout-secs 0.3;' },
  { id: "timeout-read", lines: 'type "timeout"; upstream-timeout "300ms";' },
  { id: "timeout-connect", lines: 'type "timeout"; connect-timeout-secs 0.3;', upstream: "silent" },
  {
    id: "log",
    lines: 'type "log"; level "warn"; fields "method" "path" "query" "status" "user-agent" "client-ip";',
  },
  { id: "log-request", lines: 'type "log"; log-response #false;' },
  { id: "log-response", lines: 'type "log"; log-request #false;' },
  { id: "log-quiet", lines: 'type "log"; level "debug";' },
  { id: "limit", lines: 'type "rate-limit"; max-rps 1; burst 2; key "path";' },
  { id: "limit-both", lines: 'type "rate-limit"; max-rps 1; burst 1; key "client-ip-and-path";' },
  { id: "limit-delay", lines: 'type "rate-limit"; max-rps 5; burst 1; on-limit "delay"; max-delay-ms 350;' },
  { id: "limit-delayed", lines: 'type "rate-limit"; max-rps 2; burst 1; on-limit "delay"; max-delayed 1;' },
  { id: "limit-log", lines: 'type "rate-limit"; max-rps 1; burst 1; on-limit "log-only";' },
  { id: "limit-v6", lines: 'type "rate-limit"; max-rps 1; burst 1; ipv6-prefix-bits 48;' },
  { id: "limit-v6-default", lines: 'type "rate-limit"; max-rps 1; burst 1;' },
];

function config(place: { port(name: string): number }, originPort: number): string {
  const routes = FILTERS.map(({ id, upstream = "origin" }) =>
    `route "${id}" { matches { path-prefix "/${id}"; }; upstream "${upstream}"; filters "${id}"; }`
  );
  return `system { worker-threads 1; trusted-proxies "127.0.0.0/8"; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; }; }
routes {
  ${routes.join("\n  ")}
  route "order" { matches { path-prefix "/order"; }; upstream "origin"; filters "request" "both"; }
}
upstreams {
  upstream "origin" { target "127.0.0.1:${originPort}"; }
  upstream "silent" { target "127.0.0.1:${originPort}"; tls { sni "silent.test"; }; }
}
filters {
  ${FILTERS.map(({ id, lines }) => `filter "${id}" { ${lines} }`).join("\n  ")}
}
observability { metrics { enabled #false; }; logging { level "info"; error-log { enabled #false; }; }; }
`;
}

interface Stage {
  readonly port: number;
  readonly origin: RawOrigin;
  readonly stage: OptionStage;
}

const from = (ip: string) => ({ headers: [`X-Forwarded-For: ${ip}`] });

async function timeout(port: number, path: string): Promise<void> {
  const startedMs = performance.now();
  equal((await ask(port, path)).status, 504);
  const afterMs = performance.now() - startedMs;
  ok(afterMs > 250 && afterMs < 3000, `${path} after ${afterMs} ms`);
}

async function seen({ port, origin }: Stage, target: string, wish: Wish = {}) {
  const before = origin.requests.length;
  const response = await ask(port, target, wish);
  return { response, request: origin.requests[before] };
}

function preflight(origin: string, more: readonly string[] = []): Wish {
  return { method: "OPTIONS", headers: [`Origin: ${origin}`, "Access-Control-Request-Method: PUT", ...more] };
}

const allowed = (response: RawResponse) => headerOf(response, "access-control-allow-origin");

const CASES: readonly { name: string; run(given: Stage): Promise<void> }[] = [
  {
    name: "headers: request",
    async run(given) {
      const wish = { headers: ["X-Old: 1", "X-Set: client", "X-Add: client", "X-Gone: 1"] };
      const { response, request } = await seen(given, "/request", wish);
      equal(receivedHeader(request, "x-new"), "1");
      equal(receivedHeader(request, "x-set"), "s");
      deepEqual(request?.headers.filter(([name]) => name === "X-Add").map(([, value]) => value), [
        "client",
        "a",
      ]);
      equal(receivedHeader(request, "x-old") ?? receivedHeader(request, "x-gone"), undefined);
      equal(headerOf(response, "x-set"), undefined);
    },
  },
  {
    name: "headers: response and both",
    async run(given) {
      const { response, request } = await seen(given, "/response");
      deepEqual(headersOf(response, "x-from"), ["yes", "twice"]);
      equal(headerOf(response, "x-set"), "s");
      equal(headerOf(response, "x-add"), "a");
      equal(headerOf(response, "server"), undefined);
      equal(receivedHeader(request, "x-set"), undefined);
      const both = await seen(given, "/both");
      equal(headerOf(both.response, "x-both"), "b");
      equal(receivedHeader(both.request, "x-both"), "b");
      const order = await seen(given, "/order");
      equal(receivedHeader(order.request, "x-set"), "s");
      equal(receivedHeader(order.request, "x-both"), "b");
    },
  },
  {
    name: "redirect",
    async run({ port }) {
      const response = await ask(port, "/redirect/a?b=c");
      equal(response.status, 308);
      equal(headerOf(response, "location"), "https://new.test:8443/moved/a?b=c");
      const other = await ask(port, "/redirect-default/a?b=c", { host: "old.test:8080" });
      equal(other.status, 302);
      equal(headerOf(other, "location"), "http://old.test:8080/login?b=c");
    },
  },
  {
    name: "url-rewrite",
    async run(given) {
      const { request } = await seen(given, "/rewrite/a?b=c");
      equal(request?.target, "/inner/a?b=c");
      equal(receivedHeader(request, "host"), "inner.test:81");
      equal((await seen(given, "/rewrite-full/a?b=c")).request?.target, "/one?b=c");
    },
  },
  {
    name: "cors: preflights",
    async run(given) {
      const { response, request } = await seen(given, "/cors", preflight("https://app.test"));
      equal(request, undefined, "the origin is not asked");
      equal(response.status, 204);
      equal(allowed(response), "https://app.test");
      equal(headerOf(response, "access-control-allow-methods"), "GET, PUT");
      equal(headerOf(response, "access-control-allow-headers"), "X-One, X-Two");
      equal(headerOf(response, "access-control-allow-credentials"), "true");
      equal(headerOf(response, "access-control-max-age"), "60");
      equal(allowed(await ask(given.port, "/cors", preflight("https://x.apps.test"))), "https://x.apps.test");
      equal(allowed(await ask(given.port, "/cors", preflight("https://evil.test"))), undefined);
      const any = await ask(
        given.port,
        "/cors-default",
        preflight("https://any.test", ["Access-Control-Request-Headers: x-a"]),
      );
      equal(allowed(any), "*");
      equal(headerOf(any, "access-control-allow-headers"), "x-a");
      equal(headerOf(any, "access-control-max-age"), "86400");
    },
  },
  {
    name: "cors: requests",
    async run({ port }) {
      const response = await ask(port, "/cors", { headers: ["Origin: https://app.test"] });
      equal(allowed(response), "https://app.test");
      equal(headerOf(response, "access-control-expose-headers"), "X-Origin");
      equal(headerOf(response, "access-control-allow-credentials"), "true");
      match(headerOf(response, "vary") ?? "", /Origin/);
      const other = await ask(port, "/cors", { headers: ["Origin: https://evil.test"] });
      equal(other.status, 200);
      equal(allowed(other), undefined);
    },
  },
  { name: "timeout: request-timeout-secs", run: ({ port }) => timeout(port, "/timeout/hang") },
  { name: "timeout: upstream-timeout-secs", run: ({ port }) => timeout(port, "/timeout-read/hang") },
  { name: "timeout: connect-timeout-secs", run: ({ port }) => timeout(port, "/timeout-connect") },
  {
    name: "log: level, fields and phases",
    async run({ port, stage }) {
      await ask(port, "/log/a?token=secret&b=c", { headers: ["User-Agent: tester"] });
      for (const path of ["/log-request", "/log-response", "/log-quiet"]) await ask(port, path);
      const lines = () =>
        stage.process.output.split("\n").filter((line) => line.startsWith("{")).map((line) =>
          JSON.parse(line)
        );
      const of = (id: string) => lines().filter((line) => line.filter === id);
      ok(await eventually(3000, () => of("log-response").length > 0), stage.process.output);
      const [request, response] = of("log");
      equal(request.level, "warn");
      equal(request.method, "GET");
      equal(request.path, "/log/a");
      equal(request.query, "token=[redacted]&b=c");
      equal(request.user_agent, "tester");
      equal(request.client_ip, "127.0.0.1");
      equal(request.status, undefined);
      equal(response.status, 200);
      equal(response.route_id ?? response.host, undefined, "fields that were not asked for");
      equal(of("log-request").length, 1);
      equal(of("log-response").length, 1);
      equal(of("log-response")[0].status, 200);
      equal(of("log-response")[0].route_id, "log-response");
      equal(of("log-quiet").length, 0, "below the level of the application log");
    },
  },
  {
    name: "rate-limit: burst and the keys path, client-ip-and-path",
    async run({ port }) {
      equal((await ask(port, "/limit/a", from("198.51.100.1"))).status, 200);
      equal((await ask(port, "/limit/a", from("198.51.100.2"))).status, 200);
      const refused = await ask(port, "/limit/a", from("198.51.100.3"));
      equal(refused.status, 429);
      equal(bodyOf(refused), "Rate limit exceeded");
      equal((await ask(port, "/limit/b", from("198.51.100.3"))).status, 200);
      equal((await ask(port, "/limit-both/a", from("198.51.100.4"))).status, 200);
      equal((await ask(port, "/limit-both/a", from("198.51.100.4"))).status, 429);
      equal((await ask(port, "/limit-both/b", from("198.51.100.4"))).status, 200);
      equal((await ask(port, "/limit-both/a", from("198.51.100.5"))).status, 200);
    },
  },
  {
    name: "rate-limit: delay within max-delay-ms and max-delayed",
    async run({ port }) {
      const startedMs = performance.now();
      const all = await Promise.all([1, 2, 3].map(() => ask(port, "/limit-delay")));
      deepEqual(all.map(({ status }) => status).sort(), [200, 200, 429]);
      const afterMs = performance.now() - startedMs;
      ok(afterMs > 150 && afterMs < 2000, `after ${afterMs} ms`);
      const many = await Promise.all([1, 2, 3].map(() => ask(port, "/limit-delayed")));
      deepEqual(many.map(({ status }) => status).sort(), [200, 200, 429], "one waits, the next is refused");
    },
  },
  {
    name: "rate-limit: log-only",
    async run({ port, stage }) {
      for (let i = 0; i < 3; i++) equal((await ask(port, "/limit-log")).status, 200);
      ok(await eventually(3000, () => /"Rate limit exceeded".*"limit-log"/.test(stage.process.output)));
    },
  },
  {
    name: "rate-limit: ipv6-prefix-bits",
    async run({ port }) {
      equal((await ask(port, "/limit-v6", from("2001:db8:1:1::1"))).status, 200);
      equal((await ask(port, "/limit-v6", from("2001:db8:1:2::1"))).status, 429, "the same 48 bits");
      equal((await ask(port, "/limit-v6", from("2001:db8:2:1::1"))).status, 200);
      equal((await ask(port, "/limit-v6-default", from("2001:db8:1:1::1"))).status, 200);
      equal((await ask(port, "/limit-v6-default", from("2001:db8:1:1::2"))).status, 429, "the same 64 bits");
      equal((await ask(port, "/limit-v6-default", from("2001:db8:1:2::1"))).status, 200);
    },
  },
];

Deno.test("options of filters take their documented effect", async (t) => {
  const hang = { "/timeout": async (connection: { readonly gone: Promise<void> }) => await connection.gone };
  await using origin = namedOrigin("origin", hang);
  await using stage = await OptionStage.start((place) => config(place, origin.port));
  for (const { name, run } of CASES) {
    await t.step(name, () => run({ port: stage.port("main"), origin, stage }));
  }
});
