/** Agents of type waf: what the type brings along, and the files that their rules are. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { AgentConfig } from "./document.ts";
import { MemoryFiles } from "../../tests/support/memory_files.ts";
import { loadConfig, parseConfig } from "./load.ts";

const BASE = `system {}
listeners { listener "http" { address "127.0.0.1:1" } }
routes { route "all" { matches { path-prefix "/" }; builtin-handler "health" } }
`;

async function load(agents: string, files: Readonly<Record<string, string>> = {}) {
  const text = `${BASE}agents { ${agents} }`;
  const memory = new MemoryFiles({ "conf/main.kdl": text, ...files });
  const { config, issues, sources } = await loadConfig("conf/main.kdl", memory);
  const problems = issues.map(({ message, hint, span }) =>
    `${span?.line} ${message}${hint ? ` (${hint})` : ""}`
  );
  const agent = config?.agents[0] as AgentConfig | undefined;
  return {
    agent,
    problems,
    config: agent === undefined ? undefined : JSON.parse(agent.config),
    assets: new Map(agent?.assets),
    sources: [...sources.keys()],
  };
}

Deno.test("waf agent: the type brings defaults along, and what is given holds in their place", async () => {
  const { agent, problems, config } = await load(`agent "w" type="waf"`);
  deepEqual(problems, []);
  deepEqual(config, {});
  deepEqual(
    [agent?.wasm, agent?.maxInstances, agent?.shareConfigured, agent?.failureMode, agent?.memory],
    ["bundled:waf", 1, true, "closed", 96 * 1024 * 1024],
  );
  deepEqual(agent?.grant, ["assets", "clock", "conn-info", "kv", "log", "metrics"]);
  deepEqual([agent?.bodiesOnDemand, agent?.decodeBodies, agent?.oversizedBodies], [
    true,
    true,
    "inspect-start",
  ]);
  deepEqual([agent?.maxRequestBodyBytes, agent?.maxResponseBodyBytes], [1_048_577, 524_289]);
  const own = await load(`agent "w" type="waf" {
  wasm "own.wasm"; max-memory "64mb"; share-configured #false; grant "random"; failure-mode "open"
}`);
  deepEqual(own.problems, []);
  deepEqual(
    [own.agent?.wasm, own.agent?.memory, own.agent?.shareConfigured, own.agent?.failureMode],
    ["own.wasm", 64 * 1024 * 1024, false, "open"],
  );
  ok(own.agent?.grant.includes("random") && own.agent.grant.includes("assets"));
  const other = await load(`agent "w" type="auth" { wasm "own.wasm" }`);
  deepEqual([other.agent?.grant, other.agent?.maxInstances], [[], undefined]);
});

Deno.test("waf agent: one that only detects refuses nothing when it fails, either", async () => {
  const mode = async (body: string) => (await load(`agent "w" type="waf" {\n${body}\n}`)).agent?.failureMode;
  deepEqual(await mode(`config { engine "detection-only" }`), "open");
  deepEqual(await mode(`config { engine "on" }`), "closed");
  deepEqual(await mode(`failure-mode "closed"; config { engine "detection-only" }`), "closed");
});

Deno.test("waf agent: patterns become names in order, with all that the files include and read from", async () => {
  const { config, assets, problems, sources } = await load(
    `agent "w" type="waf" { config { engine "on"; rules "crs/setup.conf" "crs/rules/*.conf" } }`,
    {
      "conf/crs/setup.conf": `Include extra/*.conf\nIncludeOptional none/*.conf\nInclude /etc/shared.conf`,
      "conf/crs/extra/b.conf": `SecRule ARGS "@pmFromFile words.data" "id:1"`,
      "conf/crs/extra/a.conf": "",
      "conf/crs/extra/words.data": "w",
      "/etc/shared.conf": `SecRule REMOTE_ADDR "@ipMatchFromFile ips.data" "id:2"`,
      "/etc/ips.data": "10.0.0.1",
      "conf/crs/rules/2.conf": `SecRule ARGS "@pmf common.data" "id:3"`,
      "conf/crs/rules/1.conf": "",
      "conf/common.data": "w",
      "conf/crs/rules/ignored.data": "w",
    },
  );
  deepEqual(problems, []);
  deepEqual(config, {
    engine: "on",
    rules: ["crs/setup.conf", "crs/rules/1.conf", "crs/rules/2.conf"],
    files: ["/etc/shared.conf", "crs/extra/a.conf", "crs/extra/b.conf"],
  });
  deepEqual(Object.fromEntries(assets), {
    "crs/setup.conf": "/etc/proxy/conf/crs/setup.conf",
    "crs/extra/a.conf": "/etc/proxy/conf/crs/extra/a.conf",
    "crs/extra/b.conf": "/etc/proxy/conf/crs/extra/b.conf",
    "crs/extra/words.data": "/etc/proxy/conf/crs/extra/words.data",
    "/etc/shared.conf": "/etc/shared.conf",
    "/etc/ips.data": "/etc/ips.data",
    "crs/rules/1.conf": "/etc/proxy/conf/crs/rules/1.conf",
    "crs/rules/2.conf": "/etc/proxy/conf/crs/rules/2.conf",
    "common.data": "/etc/proxy/conf/common.data",
  });
  ok(sources.includes("conf/crs/rules/1.conf") && sources.includes("conf/common.data"), "they are watched");
});

Deno.test("waf agent: it is shown a byte more of bodies than it reads, unless the operator says otherwise", async () => {
  const bounds = async (options: string, more = "") => {
    const { agent } = await load(`agent "w" type="waf" {\n${more}\nconfig { rules "a.conf"; ${options} } }`, {
      "conf/a.conf": "SecRequestBodyLimit 1000\nSecRuleEngine DetectionOnly",
    });
    equal(agent?.failureMode, "open", "the rules only detect");
    return [agent?.maxRequestBodyBytes, agent?.maxResponseBodyBytes];
  };
  deepEqual(await bounds(""), [1001, 524_289]);
  deepEqual(await bounds("request-body-limit 500; response-body-limit 10"), [501, 11]);
  deepEqual(await bounds("", "max-request-body-bytes 100"), [100, 524_289]);
});

Deno.test("waf agent: rules in a list of any spelling, and by the name of an asset", async () => {
  for (
    const body of [
      `config { rules { - "a.conf"; - "b.conf" } }`,
      `config { rules "a.conf"; rules "b.conf" }`,
      `assets { a.conf "/x/a.conf"; b.conf "/x/b.conf" }; config { rules "a.conf" "b.conf" }`,
    ]
  ) {
    const { config, problems } = await load(`agent "w" type="waf" { ${body} }`, {
      "conf/a.conf": "",
      "conf/b.conf": "",
      "/x/a.conf": "",
      "/x/b.conf": "",
    });
    deepEqual([problems, config?.rules], [[], ["a.conf", "b.conf"]], body);
  }
});

Deno.test("waf agent: what is wrong with rules is told where they are named", async () => {
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`conf/many/${at}.conf`, ""]));
  const deep = Object.fromEntries(
    Array.from({ length: 18 }, (_, at) => [`conf/deep/${at}.conf`, `Include ${at + 1}.conf`]),
  );
  const files = {
    "conf/s.conf.example": "",
    "conf/cycle/a.conf": "Include b.conf",
    "conf/cycle/b.conf": "Include a.conf",
    "conf/lost.conf": `\nSecRule ARGS "@pmf gone.data" "id:1"\nInclude gone.conf`,
    "conf/large.conf": " ".repeat(33 * 1024 * 1024),
    "conf/twice.conf": "",
    ...many,
    ...deep,
  };
  for (
    const [rules, want] of [
      [`"none/*.conf"`, /^\d+ no file matches "none\/\*\.conf" \(paths start in the folder .*: conf\/\)$/],
      [`"s.conf"`, /no file matches "s\.conf" \(there is s\.conf\.example: copy it to s\.conf\)/],
      [`"cycle/a.conf"`, /rule files include each other: cycle\/a\.conf → cycle\/b\.conf → cycle\/a\.conf/],
      [`"lost.conf"`, /lost\.conf:2: there is no file "gone\.data"/],
      [`"lost.conf"`, /lost\.conf:3: no file matches "gone\.conf"/],
      [`"large.conf"`, /cannot read conf\/large\.conf: it is too large/],
      [`"many/*.conf"`, /more than 1000 rule and data files/],
      [`"deep/0.conf"`, /more than 16 deep/],
      [`"twice.conf" "twi*.conf"`, /rules name the file "twice\.conf" twice/],
      ["5", /"rules" expects names or patterns/],
    ] as const
  ) {
    const { agent, problems } = await load(`agent "w" type="waf" {\n config {\n rules ${rules}\n } }`, files);
    equal(agent, undefined, rules);
    ok(
      problems.some((problem) => want.test(problem) && problem.startsWith("6 ")),
      `${rules}: ${problems.join("; ")}`,
    );
  }
});

Deno.test("waf agent: a text has no files beside it", () => {
  const { config, issues } = parseConfig(
    `${BASE}agents { agent "w" type="waf" { config { rules "a.conf" } } }`,
  );
  equal(config, undefined);
  match(issues[0]!.message, /"rules" works only where the configuration is a file/);
  const without = parseConfig(`${BASE}agents { agent "w" type="waf" }`);
  deepEqual(without.issues, []);
  deepEqual(without.config?.agents[0]?.failureMode, "closed");
});
