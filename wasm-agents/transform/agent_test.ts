import { deepEqual, equal, rejects } from "node:assert/strict";
import { bodyText, editTexts, expectAllowed, expectPlainAllow } from "../testing/expect.ts";
import { type ConfigRefused, loadAgent } from "../testing/load_agent.ts";
import { request, type RequestParts, response } from "../testing/messages.ts";

const FILE = new URL("../dist/transform.wasm", import.meta.url);
const JSON_TYPE = { "content-type": "application/json" };

function load(...rule: unknown[]) {
  return loadAgent(FILE, { config: { rule } });
}

Deno.test("transform: which requests a rule is for", async () => {
  const cases: { match: unknown; target: string; parts?: RequestParts; want: boolean }[] = [
    { match: {}, target: "/", want: true },
    { match: { path: "/api/" }, target: "/api/x", want: true },
    { match: { path: "/api/" }, target: "/api", want: false },
    { match: { path: { args: ["/api"], type: "exact" } }, target: "/api?q", want: true },
    { match: { path: { args: ["/api"], type: "exact" } }, target: "/api/", want: false },
    { match: { path: "/a/*/c" }, target: "/a/b/b/c", want: true },
    { match: { path: "/a/*/c" }, target: "/a/c", want: false },
    { match: { path: "*.php" }, target: "/x.php", want: true },
    { match: { path: "*.php" }, target: "/x.php5", want: false },
    { match: { path: "/a*a" }, target: "/a", want: false },
    { match: { methods: ["get", "HEAD"] }, target: "/", want: true },
    { match: { methods: "POST" }, target: "/", want: false },
    { match: { header: "x-a" }, target: "/", parts: { headers: { "X-A": "" } }, want: true },
    { match: { header: "x-a" }, target: "/", want: false },
    {
      match: { header: { args: ["x-a"], equals: "1" } },
      target: "/",
      parts: { headers: { "x-a": "1" } },
      want: true,
    },
    {
      match: { header: { args: ["x-a"], equals: "1" } },
      target: "/",
      parts: { headers: { "x-a": "11" } },
      want: false,
    },
    {
      match: { header: { args: ["x-a"], contains: "b" } },
      target: "/",
      parts: { headers: { "x-a": "abc" } },
      want: true,
    },
    {
      match: { header: { args: ["x-a"], glob: "a*" } },
      target: "/",
      parts: { headers: { "x-a": "abc" } },
      want: true,
    },
    {
      match: { header: { args: ["x-a"], glob: "b*" } },
      target: "/",
      parts: { headers: { "x-a": "abc" } },
      want: false,
    },
    { match: { header: { args: ["x-a"], absent: true } }, target: "/", want: true },
    {
      match: { header: { args: ["x-a"], absent: true } },
      target: "/",
      parts: { headers: { "x-a": "" } },
      want: false,
    },
    { match: { query: { args: ["v"], equals: "a b" } }, target: "/?u=1&v=a+b", want: true },
    { match: { query: { args: ["v"], equals: "a b" } }, target: "/?v=a%20b", want: true },
    { match: { query: { args: ["v"], equals: "a b" } }, target: "/?vv=a+b", want: false },
    { match: { query: "v" }, target: "/?v", want: true },
    {
      match: { query: [{ args: ["v"], present: true }, { args: ["w"], absent: true }] },
      target: "/?v&w",
      want: false,
    },
  ];
  for (const { match, target, parts, want } of cases) {
    const agent = await load({ match, request: { headers: { set: { "x-hit": "1" } } } });
    const outcome = await agent.onRequest(request(target, parts));
    const name = JSON.stringify({ match, target, parts });
    equal(outcome.requestHeaders.length, want ? 1 : 0, name);
  }
});

Deno.test("transform: path and query", async () => {
  const cases: { path?: string; edit: unknown; target: string; want: string }[] = [
    { edit: { rewrite: "/new" }, target: "/old?a=1", want: "/new?a=1" },
    { edit: { rewrite: "/new", "preserve-query": false }, target: "/old?a=1", want: "/new" },
    { edit: { rewrite: "/new?b=2" }, target: "/old?a=1", want: "/new?b=2&a=1" },
    { edit: { rewrite: "/new?b=2", "preserve-query": false }, target: "/old?a=1", want: "/new?b=2" },
    { path: "/api/", edit: { rewrite: "/v2/$1" }, target: "/api/users/7", want: "/v2/users/7" },
    { path: "/u/*/p/*", edit: { rewrite: "/p/$2/u/$1$3" }, target: "/u/a/p/b/c", want: "/p/b/c/u/a$3" },
    { path: "/u/*", edit: { rewrite: "/u?id=$1" }, target: "/u/7", want: "/u?id=7" },
    { edit: { query: { remove: "a" } }, target: "/p?a=1&b=2&a=3", want: "/p?b=2" },
    { edit: { query: { remove: ["a", "b"] } }, target: "/p?a=1&b=2", want: "/p" },
    { edit: { query: { set: { a: "9" } } }, target: "/p?b=1&a=1&a=2", want: "/p?b=1&a=9" },
    { edit: { query: { set: { a: "x y&z" } } }, target: "/p", want: "/p?a=x%20y%26z" },
    { edit: { query: { add: { a: ["1", "ü"] } } }, target: "/p?a=0", want: "/p?a=0&a=1&a=%C3%BC" },
    {
      edit: { query: { remove: "b", set: { a: "2" }, add: { c: "3" } } },
      target: "/p?a=1&b=x&d=%41",
      want: "/p?a=2&d=%41&c=3",
    },
    { edit: { query: { remove: "a b" } }, target: "/p?a%20b=1&a+b=2&c", want: "/p?c" },
  ];
  for (const { path, edit, target, want } of cases) {
    const agent = await load({ match: path === undefined ? {} : { path }, request: edit });
    const outcome = await agent.onRequest(request(target));
    expectAllowed(outcome);
    equal(outcome.target, want, JSON.stringify({ path, edit, target }));
  }
});

Deno.test("transform: headers of both sides, method and the rule's name", async () => {
  const agent = await load({
    args: ["tidy"],
    request: {
      method: "PUT",
      headers: { remove: ["x-a", "x-b"], set: { x_c: "1" }, add: { "x-d": ["2", "3"] } },
    },
    response: { headers: { remove: "server", set: { "x-e": "ä" } } },
  });
  const outcome = await agent.onRequest(request("/", { method: "POST" }));
  equal(outcome.method, "PUT");
  equal(outcome.target, undefined);
  deepEqual(outcome.audit.ruleIds, ["tidy"]);
  deepEqual(editTexts(outcome.requestHeaders), [
    "remove x-a",
    "remove x-b",
    "set x_c: 1",
    "add x-d: 2",
    "add x-d: 3",
  ]);
  deepEqual(editTexts(outcome.responseHeaders), ["remove server", "set x-e: ä"]);
});

Deno.test("transform: the first rule by priority is used, and no other", async () => {
  const named = (name: string, more: object) => ({ args: [name], request: { method: "PUT" }, ...more });
  const agent = await load(
    named("off", { priority: 99, enabled: false }),
    named("low", { priority: 10 }),
    named("usual", {}),
    named("high", { priority: 60, match: { path: "/h" } }),
    named("later", {}),
  );
  deepEqual((await agent.onRequest(request("/h"))).audit.ruleIds, ["high"]);
  deepEqual((await agent.onRequest(request("/"))).audit.ruleIds, ["usual"]);
  expectPlainAllow(await (await load({ match: { path: "/no" }, request: {} })).onRequest(request("/")));
});

Deno.test("transform: operations on JSON bodies", async () => {
  const op = (name: string, more: object) => ({ args: [name], ...more });
  const cases: { json: unknown; body: string; want: string }[] = [
    { json: op("set", { path: "a", value: 1 }), body: "{}", want: '{"a":1}' },
    { json: op("set", { path: "$.a", value: null }), body: '{"a":2,"b":3}', want: '{"a":null,"b":3}' },
    {
      json: op("set", { path: "a.b.c", value: { d: [true] } }),
      body: "{}",
      want: '{"a":{"b":{"c":{"d":[true]}}}}',
    },
    { json: op("set", { path: "a.b", value: 1 }), body: '{"a":7}', want: '{"a":7}' },
    { json: op("set", { path: "a[1]", value: "x" }), body: '{"a":[1,2,3]}', want: '{"a":[1,"x",3]}' },
    { json: op("set", { path: "a[3]", value: 4 }), body: '{"a":[1,2,3]}', want: '{"a":[1,2,3,4]}' },
    { json: op("set", { path: "a[5]", value: 4 }), body: '{"a":[1]}', want: '{"a":[1]}' },
    { json: op("set", { path: "a", value: 0 }), body: '{"a":1,"b":2,"a":3}', want: '{"b":2,"a":0}' },
    { json: op("set", { path: '["x.y"]', value: 'ü"\n' }), body: "{}", want: '{"x.y":"ü\\"\\n"}' },
    { json: op("set", { path: "[0].a", value: 1 }), body: "[{}]", want: '[{"a":1}]' },
    { json: op("delete", { path: "a" }), body: '{"a":1,"b":2}', want: '{"b":2}' },
    { json: op("delete", { path: "a" }), body: '{"a":1,"\\u0061":2,"a":3}', want: "{}" },
    { json: op("delete", { path: "b.c" }), body: '{"b":{"c":1,"d":2}}', want: '{"b":{"d":2}}' },
    { json: op("delete", { path: "a[0]" }), body: '{"a":[1,2]}', want: '{"a":[2]}' },
    { json: op("delete", { path: "a[9]" }), body: '{"a":[1,2]}', want: '{"a":[1,2]}' },
    { json: op("delete", { path: "x.y.z" }), body: '{"a":1}', want: '{"a":1}' },
    { json: op("rename", { path: "a", to: "z" }), body: '{"a":1,"b":2}', want: '{"z":1,"b":2}' },
    { json: op("rename", { path: "a", to: "b" }), body: '{"a":1,"b":2}', want: '{"b":1}' },
    { json: op("rename", { path: "a", to: "a" }), body: '{"a":1}', want: '{"a":1}' },
    { json: op("rename", { path: "q", to: "z" }), body: '{"a":1}', want: '{"a":1}' },
    {
      json: op("copy", { path: "a", to: "b.c" }),
      body: '{"a":{"x":[1]}}',
      want: '{"a":{"x":[1]},"b":{"c":{"x":[1]}}}',
    },
    {
      json: op("copy", { path: "a", to: "a.self" }),
      body: '{"a":{"x":1}}',
      want: '{"a":{"x":1,"self":{"x":1}}}',
    },
    { json: op("move", { path: "a", to: "b" }), body: '{"a":1,"b":2,"c":3}', want: '{"b":1,"c":3}' },
    { json: op("move", { path: "a", to: "b.x" }), body: '{"a":1,"b":2}', want: '{"b":2,"a":1}' },
    { json: op("move", { path: "a", to: "a" }), body: '{"a":1}', want: '{"a":1}' },
    {
      json: [op("set", { path: "n", value: 1 }), op("move", { path: "n", to: "m" })],
      body: "{}",
      want: '{"m":1}',
    },
    {
      json: op("delete", { path: "gone" }),
      body: ' { "n" : [ 1.50e+3 , -0 , 12345678901234567890 ] , "s" : "\\u00fc\\/" , "gone" : { } } ',
      want: '{"n":[1.50e+3,-0,12345678901234567890],"s":"\\u00fc\\/"}',
    },
  ];
  for (const { json, body, want } of cases) {
    const agent = await load({ request: { json }, response: { json } });
    const post = request("/", { method: "POST", headers: JSON_TYPE });
    equal(bodyText(await agent.onRequestBody(post, body)), want, JSON.stringify({ json, body }));
    const exchange = { request: post, response: response(200, JSON_TYPE) };
    equal(bodyText(await agent.onResponseBody(exchange, body)), want);
    // What a rule puts in must not change by what was done to it in a request before.
    equal(bodyText(await agent.onRequestBody(post, body)), want);
  }
});

Deno.test("transform: what is no JSON, comes in parts or is too large passes unchanged, and is told", async () => {
  const rule = { request: { json: { args: ["set"], path: "a", value: 1 } } };
  const agent = await loadAgent(FILE, { config: { rule, "max-body-bytes": 200 } });
  const post = request("/", { method: "POST", headers: JSON_TYPE });
  const invalid = [
    "",
    "{",
    "{}x",
    "{a:1}",
    "[1,]",
    "[1 2]",
    "01",
    "1.",
    ".5",
    "+1",
    "1e",
    "tru",
    "nul",
    '"',
    '"\n"',
    '"\\x"',
    '"\\u12g4"',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "-",
    "NaN",
    "'a'",
    "\u00a01",
    "[".repeat(70) + "]".repeat(70),
  ];
  for (const body of invalid) {
    const outcome = await agent.onRequestBody(post, body);
    equal(bodyText(outcome), "keep", body);
    deepEqual(outcome.outcome.audit.reasonCodes, ["invalid-json"], body);
  }
  const large = await agent.onRequestBody(post, `{"b":"${"x".repeat(200)}"}`);
  equal(bodyText(large), "keep");
  deepEqual(large.outcome.audit.reasonCodes, ["body-too-large"]);
  const part = await agent.onRequestBody(post, "{}", { last: false });
  deepEqual(part.outcome.audit.reasonCodes, ["body-in-parts"]);
  expectPlainAllow((await agent.onRequestBody(post, "{}", { index: 1, last: true })).outcome);
  const text = request("/", { method: "POST", headers: { "content-type": "text/plain" } });
  for (const other of [text, request("/", { method: "POST" })]) {
    const outcome = await agent.onRequestBody(other, "{}");
    equal(bodyText(outcome), "keep");
    expectPlainAllow(outcome.outcome);
  }
});

Deno.test("transform: problems of the configuration, with their places", async () => {
  const json = (...operations: unknown[]) => ({ request: { json: operations } });
  const cases: { rule: unknown; want: string[] }[] = [
    { rule: {}, want: ['rule[0] does nothing: it has neither "request" nor "response"'] },
    {
      rule: { match: { path: "api" }, request: { rewrite: "v2" } },
      want: [
        'rule[0].match.path must begin with "/" or "*"',
        'rule[0].request.rewrite must begin with "/"',
      ],
    },
    {
      rule: { match: { path: { args: ["/a*"], type: "exact" } }, request: {} },
      want: [
        'rule[0].match.path has a "*", which only type "glob" can have',
      ],
    },
    {
      rule: { match: { path: { args: ["/a"], type: "regex" } }, request: {} },
      want: [
        'rule[0].match.path.type must be one of "exact", "prefix", "glob"',
      ],
    },
    {
      rule: { match: { header: { args: ["a"], equals: "1", absent: true } }, request: {} },
      want: [
        'rule[0].match.header can have but one of "equals", "contains", "glob", "present" and "absent"',
      ],
    },
    {
      rule: json("set", { args: ["wrap"], path: "a" }, { args: ["set"], path: "a" }, {
        args: ["rename"],
        path: "a[0]",
        to: "b",
      }),
      want: [
        'rule[0].request.json[0] must begin with one of "set", "delete", "rename", "copy", "move"',
        'rule[0].request.json[1] must begin with one of "set", "delete", "rename", "copy", "move"',
        "rule[0].request.json[2].value is missing",
        "rule[0].request.json[3].path must end with a name",
      ],
    },
    {
      rule: json({ args: ["delete"], path: "a..b" }, { args: ["delete"], path: "a[x]" }, {
        args: ["delete"],
        path: "",
      }),
      want: [
        "rule[0].request.json[0].path has a step without a name",
        'rule[0].request.json[1].path has a "[" that no number follows',
        "rule[0].request.json[2].path has no steps, or more than 32",
      ],
    },
    {
      rule: { request: { header: {} } },
      want: ['rule[0].request.header is not known here; did you mean "headers"?'],
    },
  ];
  for (const { rule, want } of cases) {
    await rejects(load(rule), (error: unknown) => {
      deepEqual((error as ConfigRefused).message.split("\n"), want);
      return true;
    });
  }
});
