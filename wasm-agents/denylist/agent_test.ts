import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { expectBlocked, expectPlainAllow } from "../testing/expect.ts";
import { FakeHost } from "../testing/fake_host.ts";
import { type ConfigRefused, loadAgent } from "../testing/load_agent.ts";
import { request, type RequestParts } from "../testing/messages.ts";

const FILE = new URL("../dist/denylist.wasm", import.meta.url);
const GRANTS = ["conn-info", "clock"] as const;

function load(config: unknown, host?: FakeHost) {
  return loadAgent(FILE, { config, grants: GRANTS, ...(host && { host }) });
}

Deno.test("denylist: without lists it allows everything, for next to nothing", async () => {
  const agent = await load({});
  expectPlainAllow(await agent.onRequest(request("/")));
  ok(agent.fuelUsed < 1000, `fuel ${agent.fuelUsed}`);
  equal(agent.host.calls.size, 0);
});

Deno.test("denylist: addresses and CIDR blocks", async () => {
  const cases: { entry: string; blocked: string[]; passed: string[] }[] = [
    {
      entry: "192.0.2.7",
      blocked: ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"],
      passed: ["192.0.2.8"],
    },
    { entry: "10.1.0.0/16", blocked: ["10.1.0.0", "10.1.255.255"], passed: ["10.0.255.255", "10.2.0.0"] },
    { entry: "10.1.2.3/16", blocked: ["10.1.9.9"], passed: ["10.2.0.0"] },
    { entry: "203.0.113.128/25", blocked: ["203.0.113.128", "203.0.113.255"], passed: ["203.0.113.127"] },
    { entry: "0.0.0.0/0", blocked: ["0.0.0.0", "255.255.255.255"], passed: ["::1", "2001:db8::1"] },
    { entry: "1.2.3.4/32", blocked: ["1.2.3.4"], passed: ["1.2.3.5"] },
    {
      entry: "2001:db8::/32",
      blocked: ["2001:db8::", "2001:db8:ffff::1"],
      passed: ["2001:db9::", "2001:db7::"],
    },
    { entry: "2001:db8::1", blocked: ["2001:DB8:0:0:0:0:0:1", "2001:db8::0.0.0.1"], passed: ["2001:db8::2"] },
    { entry: "fe80::1%eth0", blocked: ["fe80::1", "fe80::1%lo"], passed: ["fe80::2"] },
    { entry: "::/0", blocked: ["::1", "ffff::"], passed: ["1.2.3.4", "::ffff:1.2.3.4"] },
    { entry: "2001:db8:0:1::/65", blocked: ["2001:db8:0:1:7fff::"], passed: ["2001:db8:0:1:8000::"] },
    { entry: "1:2:3:4:5:6:7::", blocked: ["1:2:3:4:5:6:7:0"], passed: ["1:2:3:4:5:6:7:1"] },
    { entry: "::ffff:10.0.0.0/104", blocked: ["10.9.9.9"], passed: ["11.0.0.0"] },
    { entry: "::5:0", blocked: ["0:0:0:0:0:0:5:0"], passed: ["::5"] },
  ];
  for (const { entry, blocked, passed } of cases) {
    const agent = await load({ "block-ips": entry });
    for (const clientAddress of blocked) {
      expectBlocked(await agent.onRequest(request("/", { clientAddress })), {
        status: 403,
        body: "Forbidden",
        ruleIds: ["block-ips[0]"],
        reasonCodes: ["IP_DENIED"],
      });
    }
    for (const clientAddress of [...passed, "", "nonsense"]) {
      expectPlainAllow(await agent.onRequest(request("/", { clientAddress })));
    }
  }
});

Deno.test("denylist: paths, user agents and headers", async () => {
  const agent = await load({
    status: 404,
    message: "Nothing here",
    block_paths: ["/.git/", "/wp-"],
    "block-exact-paths": ["/xmlrpc.php"],
    "block-user-agents": ["SQLmap", "curl/7*", "*masscan*", "x*y*z", "zz"],
    "block-headers": [
      { args: ["evil*", "worse"], header: "X-Client", id: "bad-client" },
      { args: ["*"], header: "x-forbidden" },
    ],
  });
  const agentOf = (value: string): RequestParts => ({ headers: { "User-Agent": value } });
  const cases: { target: string; parts?: RequestParts; rule?: string }[] = [
    { target: "/.git/config", rule: "block-paths[0]" },
    { target: "/.git/", rule: "block-paths[0]" },
    { target: "/.git" },
    { target: "/wp-admin?a=1", rule: "block-paths[1]" },
    { target: "/x/wp-admin" },
    { target: "/xmlrpc.php?x", rule: "block-exact-paths[0]" },
    { target: "/xmlrpc.php5" },
    { target: "/", parts: agentOf("Mozilla (sqlMAP/1.2)"), rule: "block-user-agents[0]" },
    { target: "/", parts: agentOf("sqlma") },
    { target: "/", parts: agentOf("curl/7.88"), rule: "block-user-agents[1]" },
    { target: "/", parts: agentOf("x curl/7.88") },
    { target: "/", parts: agentOf("my masscan 1"), rule: "block-user-agents[2]" },
    { target: "/", parts: agentOf("x-y-z"), rule: "block-user-agents[3]" },
    { target: "/", parts: agentOf("x-z-y") },
    { target: "/", parts: agentOf("jaZZ"), rule: "block-user-agents[4]" },
    { target: "/", parts: agentOf("") },
    { target: "/", parts: { headers: { "x-client": "Evil one" } }, rule: "bad-client" },
    { target: "/", parts: { headers: { "x-client": "not evil" } } },
    { target: "/", parts: { headers: { "x-client": "even Worse" } }, rule: "bad-client" },
    { target: "/", parts: { headers: { "x-forbidden": "" } }, rule: "block-headers[2]" },
  ];
  for (const { target, parts, rule } of cases) {
    const outcome = await agent.onRequest(request(target, parts));
    if (rule === undefined) expectPlainAllow(outcome);
    else expectBlocked(outcome, { status: 404, body: "Nothing here", ruleIds: [rule] });
  }
});

Deno.test("denylist: why, for logs and for other agents", async () => {
  const agent = await load({ "block-user-agents": "bot" });
  const outcome = await agent.onRequest(request("/", { headers: { "user-agent": "a bot" } }));
  deepEqual(outcome.audit.reasonCodes, ["USER_AGENT_DENIED"]);
  deepEqual(outcome.audit.tags, ["denylist"]);
  deepEqual(outcome.metadata, [{ name: "deny_reason", value: "user-agent" }]);
});

Deno.test("denylist: entries end, and make way for others that hold", async () => {
  const host = new FakeHost({ wallMs: Date.UTC(2026, 5, 1) });
  const agent = await load({
    "block-ips": [
      { args: ["192.0.2.1", "192.0.2.2"], expires: "2026-06-01T02:00:00.500+02:00", id: "short" },
      { args: ["192.0.2.2"], expires: Date.UTC(2026, 5, 2), id: "long" },
      "192.0.2.3",
    ],
  }, host);
  const rulesAt = async () => {
    const rules: string[] = [];
    for (const last of [1, 2, 3]) {
      const outcome = await agent.onRequest(request("/", { clientAddress: `192.0.2.${last}` }));
      rules.push(outcome.audit.ruleIds.join() || outcome.decision.type);
    }
    return rules;
  };
  deepEqual(await rulesAt(), ["short", "short", "block-ips[3]"]);
  host.wallMs += 499;
  deepEqual(await rulesAt(), ["short", "short", "block-ips[3]"]);
  host.wallMs += 1;
  deepEqual(await rulesAt(), ["allow", "long", "block-ips[3]"]);
  host.wallMs = Date.UTC(2026, 5, 2);
  deepEqual(await rulesAt(), ["allow", "allow", "block-ips[3]"]);
});

Deno.test("denylist: a dry run tells and does nothing", async () => {
  const agent = await load({ "dry-run": true, "block-ips": "192.0.2.1" });
  const outcome = await agent.onRequest(request("/"));
  deepEqual(outcome.decision, { type: "allow" });
  deepEqual(outcome.audit.ruleIds, ["block-ips[0]"]);
  deepEqual(outcome.audit.tags, ["dry-run", "denylist"]);
  deepEqual(outcome.metadata, [{ name: "would_deny_reason", value: "ip" }]);
});

Deno.test("denylist: problems of the configuration, with their places", async () => {
  const cases: { config: unknown; want: string[] }[] = [
    {
      config: {
        "block-ips": ["1.2.3", "1.2.3.4/33", "1.2.3.4/x", "01.2.3.4", "1::2::3", "::/129", "1.2.3.4.5"],
      },
      want: [
        'block-ips[0] "1.2.3" is neither an address nor a CIDR block',
        'block-ips[1] "1.2.3.4/33" has a prefix that is not from 0 to 32',
        'block-ips[2] "1.2.3.4/x" has a prefix that is not from 0 to 32',
        'block-ips[3] "01.2.3.4" is neither an address nor a CIDR block',
        'block-ips[4] "1::2::3" is neither an address nor a CIDR block',
        'block-ips[5] "::/129" has a prefix that is not from 0 to 128',
        'block-ips[6] "1.2.3.4.5" is neither an address nor a CIDR block',
      ],
    },
    {
      config: { "block-paths": ["admin", ""] },
      want: [
        "block-paths[1] is empty",
        'block-paths[0] "admin" does not begin with "/"',
      ].toReversed(),
    },
    {
      config: { "block-ips": [7, {}, { args: ["::1"], expires: "tomorrow", idd: "x" }] },
      want: [
        "block-ips[0] must be a text, or a block with values",
        "block-ips[1] has no values",
        'block-ips[2].expires must be a time such as "2027-03-01T12:00:00Z", or Unix milliseconds',
        'block-ips[2].idd is not known here; did you mean "id"?',
      ],
    },
    {
      config: { "block-headers": ["x", { args: ["y"] }] },
      want: [
        'block-headers[0] needs a "header" to look at',
        'block-headers[1] needs a "header" to look at',
      ],
    },
    {
      config: { status: 200, "block-ip": "::1" },
      want: [
        "status must be from 400 to 599",
        'block-ip is not known here; did you mean "block-ips"?',
      ],
    },
    {
      config: {
        "block-user-agents": Array.from({ length: 33 }, (_, index) => String.fromCharCode(97 + index % 26)),
      },
      want: [
        "block-user-agents has 33 patterns without three letters in a row; there may be 32",
      ],
    },
    { config: "[1]", want: ["The configuration must be a block"] },
    { config: "{", want: ["The configuration is no JSON: a name in quotes is expected at byte 1"] },
  ];
  for (const { config, want } of cases) {
    await rejects(load(config), (error: unknown) => {
      deepEqual((error as ConfigRefused).message.split("\n"), want);
      return true;
    });
  }
});

Deno.test("denylist: ten thousand entries are found, and cost a call little", async () => {
  const config = {
    "block-ips": Array.from(
      { length: 4000 },
      (_, at) => `${10 + at % 100}.${at >> 8}.${at & 255}.${at % 2 ? "7" : "0/24"}`,
    ),
    "block-paths": Array.from({ length: 2000 }, (_, at) => `/private/area-${at}/`),
    "block-exact-paths": Array.from({ length: 2000 }, (_, at) => `/file/${at}.php`),
    "block-user-agents": Array.from({ length: 2000 }, (_, at) => `badbot-${at}-`),
  };
  const agent = await loadAgent(FILE, { config, grants: GRANTS, configureFuel: 100_000_000 });
  ok(agent.memoryBytes <= 4 * 1024 * 1024, `${agent.memoryBytes} bytes of memory`);
  const usual = request("/some/usual/page.html", {
    clientAddress: "198.51.100.77",
    headers: {
      "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0",
    },
  });
  expectPlainAllow(await agent.onRequest(usual));
  ok(agent.fuelUsed < 40_000, `fuel ${agent.fuelUsed}`);
  for (let at = 0; at < 4000; at += 61) {
    const clientAddress = `${10 + at % 100}.${at >> 8}.${at & 255}.7`;
    const outcome = await agent.onRequest(request("/", { clientAddress }));
    expectBlocked(outcome, { status: 403, ruleIds: [`block-ips[${at}]`] });
  }
  for (let at = 0; at < 2000; at += 37) {
    const rules = [
      (await agent.onRequest(request(`/private/area-${at}/x`))).audit.ruleIds,
      (await agent.onRequest(request(`/file/${at}.php`))).audit.ruleIds,
      (await agent.onRequest(request("/", { headers: { "user-agent": `a BadBot-${at}-9` } }))).audit.ruleIds,
    ];
    deepEqual(rules, [[`block-paths[${at}]`], [`block-exact-paths[${at}]`], [`block-user-agents[${at}]`]]);
  }
  const before = agent.memoryBytes;
  for (let round = 0; round < 2000; round++) await agent.onRequest(usual);
  equal(agent.memoryBytes, before, "calls leave nothing behind");
});
