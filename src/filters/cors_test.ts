import assert from "node:assert/strict";
import {
  filterDeps,
  optionsOf,
  plainResponse,
  readFilter,
  requestContext,
} from "../../tests/support/filter_fixture.ts";
import { cors } from "./cors.ts";
import { allowedOrigins } from "./cors_origins.ts";
import type { Answer } from "./filter.ts";

type Pairs = readonly (readonly [string, string])[];

const create = (body: string) => cors.create(optionsOf(cors, body), filterDeps());
const named = `allowed-origins "https://app.example.com" "https://*.example.org"`;

function preflight(body: string, headers: Pairs): Answer | undefined {
  return create(body).onRequest!(requestContext({ method: "OPTIONS", headers })) as Answer | undefined;
}

function responseHeaders(body: string, request: Pairs, response: Pairs = []): Pairs {
  const filter = create(body);
  const context = requestContext({ headers: request });
  assert.equal(filter.onRequest!(context), undefined);
  const answer = plainResponse(response);
  filter.onResponse!(context, answer);
  return [...answer.headers];
}

Deno.test("preflights", async (t) => {
  const asks = (origin: string): Pairs => [
    ["Origin", origin],
    ["Access-Control-Request-Method", "PATCH"],
    ["Access-Control-Request-Headers", "x-a,  x-b"],
  ];
  await t.step("with the defaults", () => {
    const answer = preflight("", asks("https://x.test"))!;
    assert.equal(answer.response.status, 204);
    assert.equal(answer.reason, "cors_preflight");
    assert.deepEqual([...answer.response.headers], [
      ["Access-Control-Allow-Origin", "*"],
      ["Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS, HEAD, PATCH"],
      ["Access-Control-Allow-Headers", "x-a, x-b"],
      ["Access-Control-Max-Age", "86400"],
      ["Vary", "Access-Control-Request-Headers"],
    ]);
  });
  await t.step("with everything named", () => {
    const body = `${named}
      allowed-methods "GET" "PUT"
      allowed-headers "X-A" "X-B"
      allow-credentials #true
      max-age-secs 60`;
    assert.deepEqual([...preflight(body, asks("https://a.b.example.org"))!.response.headers], [
      ["Access-Control-Allow-Origin", "https://a.b.example.org"],
      ["Access-Control-Allow-Credentials", "true"],
      ["Access-Control-Allow-Methods", "GET, PUT"],
      ["Access-Control-Allow-Headers", "X-A, X-B"],
      ["Access-Control-Max-Age", "60"],
      ["Vary", "Origin"],
    ]);
  });
  await t.step("whatever is asked for", () => {
    const { headers } =
      preflight(`allowed-methods "*"\nallowed-headers "*"`, asks("https://x.test"))!.response;
    assert.equal(headers.get("access-control-allow-methods"), "PATCH");
    assert.equal(headers.get("access-control-allow-headers"), "x-a, x-b");
    assert.equal(headers.get("vary"), "Access-Control-Request-Method, Access-Control-Request-Headers");
  });
  await t.step("names that are none are not echoed", () => {
    const { headers } = preflight("", [
      ["Origin", "https://x.test"],
      ["Access-Control-Request-Method", "GET"],
      ["Access-Control-Request-Headers", "x-a, <b>"],
    ])!.response;
    assert.equal(headers.get("access-control-allow-headers"), undefined);
  });
  await t.step("an origin that is not allowed goes on", () => {
    assert.equal(preflight(named, asks("https://evil.test")), undefined);
  });
  await t.step("OPTIONS that is no preflight goes on", () => {
    assert.equal(preflight("", [["Origin", "https://x.test"]]), undefined);
    assert.equal(preflight("", [["Access-Control-Request-Method", "GET"]]), undefined);
  });
});

Deno.test("responses", async (t) => {
  await t.step("to an allowed origin", () => {
    assert.deepEqual(
      responseHeaders(
        `${named}\nexposed-headers "X-Total" "X-Page"`,
        [["Origin", "https://app.example.com"]],
        [["Vary", "Accept"], ["access-control-allow-origin", "https://upstream.test"]],
      ),
      [
        ["Vary", "Accept"],
        ["Access-Control-Allow-Origin", "https://app.example.com"],
        ["Vary", "Origin"],
        ["Access-Control-Expose-Headers", "X-Total, X-Page"],
      ],
    );
  });
  await t.step("to another origin, whatever the upstream says", () => {
    const upstream: Pairs = [["Access-Control-Allow-Origin", "*"], [
      "Access-Control-Allow-Credentials",
      "true",
    ]];
    assert.deepEqual(responseHeaders(named, [["Origin", "https://evil.test"]], upstream), [[
      "Vary",
      "Origin",
    ]]);
  });
  await t.step("without an origin", () => {
    assert.deepEqual(responseHeaders(named, [], [["Vary", "origin"]]), [["Vary", "origin"]]);
    assert.deepEqual(responseHeaders(named, []), [["Vary", "Origin"]]);
    assert.deepEqual(responseHeaders("", []), []);
  });
  await t.step("to any origin", () => {
    assert.deepEqual(
      responseHeaders("", [["Origin", "https://x.test"]], [["Access-Control-Allow-Credentials", "true"]]),
      [["Access-Control-Allow-Origin", "*"]],
    );
  });
  await t.step("the origin counts as it came in", () => {
    const filter = create(named);
    const context = requestContext({ headers: [["Origin", "https://evil.test"]] });
    filter.onRequest!(context);
    context.head.headers.set("Origin", "https://app.example.com");
    const response = plainResponse();
    filter.onResponse!(context, response);
    assert.equal(response.headers.get("access-control-allow-origin"), undefined);
  });
});

Deno.test("which origins are allowed", () => {
  const cases = [
    {
      list: ["https://a.test"],
      yes: ["https://a.test"],
      no: ["http://a.test", "https://a.test:444", "null"],
    },
    { list: ["https://A.test:443/"], yes: ["https://a.test"], no: ["https://a.test:443"] },
    { list: ["http://a.test:8080"], yes: ["http://a.test:8080"], no: ["http://a.test"] },
    {
      list: ["https://*.a.test"],
      yes: ["https://x.a.test", "https://x.y.a.test"],
      no: [
        "https://a.test",
        "https://.a.test",
        "https://xa.test",
        "https://x.a.test.evil",
        "https://u@x.a.test",
        "https://evil/x.a.test",
      ],
    },
    { list: ["https://*.a.test:81"], yes: ["https://x.a.test:81"], no: ["https://x.a.test"] },
    { list: ["null"], yes: ["null"], no: ["https://a.test"] },
    { list: ["*"], yes: ["null", "https://a.test"], no: [] },
  ];
  for (const { list, yes, no } of cases) {
    const origins = allowedOrigins(list);
    for (const origin of yes) assert.ok(origins.allows(origin), `${list} allows ${origin}`);
    for (const origin of no) assert.ok(!origins.allows(origin), `${list} does not allow ${origin}`);
  }
});

Deno.test("what a cors filter refuses", async (t) => {
  const cases = [
    { body: "allow-credentials #true", want: /lets every site act.*name the origins/ },
    { body: `allowed-origins "*" "https://a.test"\nallow-credentials #true`, want: /lets every site act/ },
    { body: `allowed-origins "a.test"`, want: /must hold origins such as/ },
    { body: `allowed-origins "https://a.test/path"`, want: /must hold origins such as/ },
    { body: `allowed-origins "https://a.*.test"`, want: /must hold origins such as/ },
    { body: `allowed-methods "GET, POST"`, want: /no valid name/ },
    { body: `allowed-headers "a b"`, want: /no valid name/ },
    { body: "max-age-secs -1", want: /from 0 to/ },
  ];
  for (const { body, want } of cases) {
    await t.step(body, () => assert.match(readFilter(cors, body).problems.join("\n"), want));
  }
});
