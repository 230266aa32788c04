/** The `waf` block, and `waf-enabled` of routes. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { MemoryFiles } from "../../tests/support/memory_files.ts";
import { loadConfig, parseConfig } from "./load.ts";
import { resolveConfig } from "./resolve.ts";

const CRS = {
  "conf/crs/crs-setup.conf": `SecComponentSignature "OWASP_CRS/4.29.0-dev"`,
  "conf/crs/rules/2.conf": "# tx.blocking_paranoia_level, tx.inbound_anomaly_score_threshold, RESPONSE_BODY",
  "conf/crs/rules/1.conf": "",
  "conf/crs/plugins/a-before.conf": "",
  "conf/crs/plugins/a-after.conf": "",
  "conf/crs/plugins/a-config.conf": "",
  "conf/crs/own.conf": "",
  "conf/example/crs-setup.conf.example": "",
  "conf/example/rules/1.conf": "",
};

function configText(top: string, route = "waf-enabled #true"): string {
  return `${top}
system {}
listeners { listener "http" { address "127.0.0.1:1" } }
filters { filter "other" { type "headers"; set { X-A "1" } } }
routes { route "all" { matches { path-prefix "/" }; filters "other"; builtin-handler "health"; ${route} } }
`;
}

async function load(top: string, route?: string, more: Readonly<Record<string, string>> = {}) {
  const files = new MemoryFiles({ "conf/main.kdl": configText(top, route), ...CRS, ...more });
  const { config, issues } = await loadConfig("conf/main.kdl", files);
  const agent = config?.agents.find(({ id }) => id === "waf");
  return {
    config,
    agent,
    guest: agent === undefined ? undefined : JSON.parse(agent.config) as Record<string, unknown>,
    problems: issues.map(({ severity, message, hint, span }) =>
      `${span?.line} ${severity}: ${message} (${hint})`
    ),
  };
}

Deno.test("waf block: an agent of the bundled component, in front of the filters of routes that want it", async () => {
  const { config, agent, guest, problems } = await load(`waf { }`);
  deepEqual(problems, []);
  equal(agent?.wasm, "bundled:waf");
  deepEqual(guest, {
    engine: "on",
    "inspect-request-body": true,
    "inspect-response-body": false,
    "request-body-limit": 1_048_576,
    "request-body-limit-action": "process-partial",
    "response-body-limit": 1_048_576,
  });
  const { routes, filters } = resolveConfig(config!);
  deepEqual(routes[0]!.filters, [":waf", "other"]);
  deepEqual(filters.at(-1), { id: ":waf", type: "agent", options: { agent: "waf", phase: "both" } });
  const without = await load(`waf { }`, "");
  match(
    without.problems[0]!,
    /^1 warning: the firewall looks at no route \(add to routes: waf-enabled #true\)/,
  );
  deepEqual(resolveConfig(without.config!).routes[0]!.filters, ["other"]);
});

Deno.test("waf block: every option becomes one of the agent's", async () => {
  const { agent, guest, problems } = await load(`waf {
  mode "detect"
  audit-log #true
  ruleset {
    crs-version "4.29"
    custom-rules-dir "crs"
    paranoia-level 2
    anomaly-threshold 7
    exclusion "942100" 942110 { scope "path=/search" }
    exclusion { rule-ids "920000-920999"; tags "attack-xss" }
    exclusion { rule-ids 1; scope "host=a.example" }
  }
  body-inspection {
    inspect-request-body #true
    inspect-response-body #true
    max-inspection-bytes "2mb"
    content-types "application/json" "text/"
    decompress #true
    max-decompression-ratio 10
  }
}`);
  deepEqual(problems, []);
  const { rules, exclusions, ...rest } = guest!;
  deepEqual(rules, [
    "crs/crs-setup.conf",
    "crs/plugins/a-config.conf",
    "crs/plugins/a-before.conf",
    "crs/own.conf",
    "crs/rules/1.conf",
    "crs/rules/2.conf",
    "crs/plugins/a-after.conf",
  ]);
  deepEqual(exclusions, [
    { ids: ["942100", "942110"], path: "/search" },
    { ids: ["920000-920999"], tags: ["attack-xss"] },
    { ids: ["1"], host: "a.example" },
  ]);
  deepEqual(rest, {
    engine: "detection-only",
    "paranoia-level": 2,
    "inbound-threshold": 7,
    "inspect-request-body": true,
    "inspect-response-body": true,
    "content-types": ["application/json", "text/"],
    "request-body-limit": 2_097_152,
    "request-body-limit-action": "process-partial",
    "response-body-limit": 2_097_152,
  });
  deepEqual([agent?.maxRequestBodyBytes, agent?.maxResponseBodyBytes], [2_097_153, 2_097_153]);
  equal(agent?.failureMode, "open", "it only detects");
  deepEqual([agent?.decodeBodies, agent?.maxDecompressionRatio], [true, 10]);
});

Deno.test("waf block: an agent of type waf takes its place", async () => {
  const { config, problems } = await load(`agents { agent "own" type="waf" }`);
  deepEqual(problems, []);
  const { routes, filters } = resolveConfig(config!);
  deepEqual(routes[0]!.filters, [":waf", "other"]);
  deepEqual(filters.at(-1)?.options, { agent: "own", phase: "both" });
  const both = await load(`waf { mode "detection" }\nagents { agent "own" type="waf" }`);
  match(both.problems.join(), /1 error: "mode" has no effect, because agent "own" is the firewall/);
  const two = await load(`agents { agent "a" type="waf"; agent "b" type="waf" }`);
  match(two.problems.join(), /there are several agents of type waf \(call one of them "waf"\)/);
  const chosen = await load(`agents { agent "a" type="waf"; agent "waf" type="waf" }`);
  deepEqual(chosen.problems, []);
  deepEqual(resolveConfig(chosen.config!).filters.at(-1)?.options, { agent: "waf", phase: "both" });
});

Deno.test("waf block: a route that names the agent itself is not looked at twice", async () => {
  const { config, problems } = await load(
    `agents { agent "own" type="waf" }
filters { filter "mine" { type "agent"; agent "own" } }
routes { route "two" { matches { path "/two" }; filters "mine"; builtin-handler "health"; waf-enabled #true } }`,
  );
  deepEqual(problems, []);
  const { routes } = resolveConfig(config!);
  deepEqual(routes.map(({ filters }) => filters), [["mine"], [":waf", "other"]]);
});

Deno.test("waf block: what cannot be carried out is refused where it stands", async () => {
  for (
    const [top, want] of [
      [
        `agents { agent "waf" { wasm "a.wasm" } }\nwaf { }`,
        /error: agent "waf" has the name of the firewall/,
      ],
      [
        `waf { ruleset { crs-version "4" } }`,
        /1 error: the Core Rule Set does not come with the proxy \(install Debian's modsecurity-crs, or download/,
      ],
      [
        `waf { ruleset { crs-version "3.3.4"; custom-rules-dir "crs" } }`,
        /1 error: the rules are of version 4\.29\.0-dev, where 3\.3\.4 is asked for/,
      ],
      [
        `waf { ruleset { crs-version "4"; custom-rules-dir "crs/rules" } }`,
        /1 error: no rule file says that it is of the Core Rule Set/,
      ],
      [
        `waf { ruleset { custom-rules-dir "none" } }`,
        /1 error: no rule file lies in none\/ \(paths start .*: conf\/\)/,
      ],
      [
        `waf { ruleset { custom-rules-dir "example" } }`,
        /1 error: example\/crs-setup\.conf is missing \(copy crs-setup\.conf\.example/,
      ],
      [`waf { ruleset { exclusion { scope "global" } } }`, /1 error: the exclusion names no rules/],
      [`waf { ruleset { exclusion "1" { scope "paths=/a" } } }`, /1 error: "scope" expects "global", "path=/],
      [
        `waf { ruleset { exclusion "abc" } }`,
        /1 error: "exclusion" expects an id|1 error: "rule-ids" expects an id/,
      ],
      [`waf { ruleset { paranoia-level 5 } }`, /1 error: "paranoia-level"/],
      [`waf { mode "on" }`, /1 error: "mode" expects one of/],
      [`waf { engine "coraza" }`, /1 warning: engine "coraza": its rules are run by the proxy's own engine/],
      [`waf { engine "mod_security" }`, /1 warning: engine "modsecurity"/],
      [`waf { engine "other" }`, /1 error: "engine" expects one of/],
      [`waf { mode "off" }`, /warning: route "all" has waf-enabled, but the firewall is off/],
      ["", /error: route "all" has waf-enabled, but there is no firewall \(add at the top level: waf/],
    ] as const
  ) {
    const { config, problems } = await load(top);
    ok(problems.some((problem) => want.test(problem)), `${top}: ${problems.join("; ")}`);
    equal(config === undefined, problems.some((problem) => problem.includes(" error: ")), top);
  }
});

const DEBIAN = {
  "/usr/share/modsecurity-crs/owasp-crs.load":
    "Include /etc/crs/setup.conf\nInclude /usr/share/modsecurity-crs/rules/*.conf\n",
  "/usr/share/modsecurity-crs/rules/1.conf": `SecComponentSignature "OWASP_CRS/3.3.4"\n# tx.paranoia_level`,
  "/etc/crs/setup.conf": "",
};

Deno.test("waf block: a version without a folder means the Core Rule Set of Debian's package", async () => {
  const { agent, guest, problems } = await load(
    `waf { ruleset { crs-version "3.3"; paranoia-level 2 } }`,
    undefined,
    DEBIAN,
  );
  deepEqual(problems, []);
  deepEqual(guest?.rules, ["/usr/share/modsecurity-crs/owasp-crs.load"]);
  deepEqual(agent?.assets.map(([name]) => name).toSorted(), Object.keys(DEBIAN).toSorted());
  const other = await load(`waf { ruleset { crs-version "4" } }`, undefined, DEBIAN);
  match(other.problems.join(), /1 error: the rules are of version 3\.3\.4, where 4 is asked for/);
  const named = await load(
    `waf { ruleset { custom-rules-dir "/usr/share/modsecurity-crs" } }`,
    undefined,
    DEBIAN,
  );
  deepEqual(
    named.guest?.rules,
    ["/usr/share/modsecurity-crs/owasp-crs.load"],
    "the file that loads the others, and no other",
  );
});

Deno.test("waf block: audit-log off keeps matches out of the audit log", async () => {
  const logged = async (top: string) => {
    const { config, problems } = await load(
      `${top}\nobservability { logging { audit-log { file "a.log" } } }`,
    );
    deepEqual(problems, []);
    const { logWafEvents, logBlocked } = config!.observability.logging.auditLog!;
    return [logWafEvents, logBlocked];
  };
  deepEqual(await logged("waf { }"), [true, true]);
  deepEqual(await logged("waf { audit-log #false }"), [false, true]);
  deepEqual((await load("waf { audit-log #false }")).problems, [], "where there is no log");
});

Deno.test("waf block: options that have no effect with the others, or with these rules, are told", async () => {
  const own = { "conf/own/1.conf": 'SecRule ARGS "@rx a" "id:1,phase:2,deny"' };
  const warned = async (waf: string) => {
    const { problems } = await load(waf, undefined, own);
    return problems.map((problem) => /^\d+ warning: "([\w-]+)" has no effect/.exec(problem)?.[1]);
  };
  deepEqual(
    await warned(`waf { ruleset { custom-rules-dir "own"; paranoia-level 2; anomaly-threshold 5 } }`),
    ["paranoia-level", "anomaly-threshold"],
  );
  deepEqual(await warned(`waf { ruleset { paranoia-level 2; anomaly-threshold 5 } }`), []);
  deepEqual(await warned(`waf { body-inspection { inspect-response-body #true } }`), [
    "inspect-response-body",
  ]);
  deepEqual(
    await warned(
      `waf { ruleset { custom-rules-dir "own" }; body-inspection { inspect-response-body #true } }`,
    ),
    ["inspect-response-body"],
  );
  deepEqual(
    await warned(
      `waf { body-inspection { inspect-request-body #false; content-types "text/xml"; decompress #false; max-inspection-bytes 5000; max-decompression-ratio 5 } }`,
    ),
    ["content-types", "decompress", "max-inspection-bytes", "max-decompression-ratio"],
  );
  deepEqual(
    await warned(`waf { body-inspection { content-types "text/xml"; max-decompression-ratio 5 } }`),
    [],
  );
});

Deno.test("waf block: a text has no folder of rules beside it, and needs none", () => {
  deepEqual(parseConfig(configText("waf { }")).issues, []);
  const { issues } = parseConfig(configText(`waf { ruleset { custom-rules-dir "crs" } }`));
  match(issues[0]!.message, /a folder of rules works only where the configuration is a file/);
  const version = parseConfig(configText(`waf { ruleset { crs-version "4" } }`)).issues;
  match(version[0]!.message, /a folder of rules works only where the configuration is a file/);
});
