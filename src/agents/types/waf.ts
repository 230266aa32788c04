import { canonicalName, childNodes, type ConfigNode, type ConfigValue } from "../../core/config_node.ts";
import { listValues, type Reading } from "../../core/reading.ts";
import type { AgentOptions } from "../options.ts";
import type { AgentType, TypeSite } from "./agent_type.ts";
import { RuleFiles } from "./rule_files.ts";
import type { RuleSettings } from "./rule_lines.ts";

const MIB = 1024 * 1024;

/** The component that comes with the proxy. */
const BUNDLED = "bundled:waf";

/** Longest bodies that it reads where neither options nor rules say more, as its own default has it. */
const REQUEST_BYTES = MIB;
const RESPONSE_BYTES = MIB / 2;
/** Rules ask for more than anybody should hold of a body. */
const BODY_BYTES_MAX = 64 * MIB;

/**
 * A web application firewall. Its `rules` are patterns of files in ModSecurity's language, from the folder of the
 * configuration file; what they find, include and read from become assets under their paths from there, and `rules` the
 * names of those that were found, in order. It is shown one byte more of a body than it reads, and decides itself about what
 * is longer.
 */
export const waf: AgentType = {
  name: "waf",
  summary:
    "the web application firewall that comes with the proxy, whose failure-mode is closed unless it only detects",
  defaults: [
    ["wasm", BUNDLED],
    ["max-instances", 1],
    ["share-configured", true],
    ["fuel", 1_000_000_000],
    ["configure-fuel", 20_000_000_000],
    ["memory", 96 * MIB],
    ["headers", "received"],
    ["bodies-on-demand", true],
    ["decode-bodies", true],
    ["oversized-bodies", "inspect-start"],
    ["grant", "assets", "clock", "conn-info", "kv", "log", "metrics"],
  ],
  prepare,
  prepareText,
};

async function prepare(options: AgentOptions, site: TypeSite): Promise<AgentOptions> {
  const config = JSON.parse(options.config) as Record<string, unknown>;
  const { files, rules } = await findRules(options, site);
  const assets = new Map(options.assets);
  for (const [name, path] of files.found) {
    // From anywhere, as the process may go to another folder.
    if (!assets.has(name)) assets.set(name, site.files.locate(path));
  }
  const included = files.included;
  const prepared = {
    ...config,
    ...(rules.length > 0 && { rules }),
    ...(included.length > 0 && { files: included }),
  };
  const named = { ...options, assets: [...assets], config: JSON.stringify(prepared) };
  return completed(named, { reading: site.reading, given: options, settings: files.settings });
}

function prepareText(options: AgentOptions, reading: Reading): AgentOptions {
  const named = ruleValues(options, reading)[0];
  if (named !== undefined) {
    const hint = "without any, the rules that come along are used";
    reading.error(named.span, '"rules" works only where the configuration is a file', hint);
  }
  return completed(options, { reading, given: options, settings: {} });
}

/** What follows from the agent's own configuration, unless the operator says otherwise. */
function completed(
  options: AgentOptions,
  { reading, given, settings }: {
    readonly reading: Reading;
    /** The options as they were read. */
    readonly given: AgentOptions;
    readonly settings: RuleSettings;
  },
): AgentOptions {
  const config = JSON.parse(options.config) as Readonly<Record<string, unknown>>;
  const isGiven = (key: string) => reading.origins.get(given)?.fields.has(key) === true;
  const bytes = (name: string, ofRules: number) => {
    const wanted = config[name];
    return Math.min(BODY_BYTES_MAX, typeof wanted === "number" && wanted >= 0 ? wanted : ofRules);
  };
  const { engine } = config;
  const onlyDetects = typeof engine === "string" ? engine === "detection-only" : settings.onlyDetects;
  const requestBytes = bytes("request-body-limit", settings.requestBytes ?? REQUEST_BYTES);
  const responseBytes = bytes("response-body-limit", settings.responseBytes ?? RESPONSE_BYTES);
  return {
    ...options,
    ...(!isGiven("failureMode") && { failureMode: onlyDetects === true ? "open" : "closed" }),
    ...(!isGiven("maxRequestBodyBytes") && { maxRequestBodyBytes: requestBytes + 1 }),
    ...(!isGiven("maxResponseBodyBytes") && { maxResponseBodyBytes: responseBytes + 1 }),
  };
}

interface Rules {
  readonly files: RuleFiles;
  readonly rules: readonly string[];
}

async function findRules(options: AgentOptions, site: TypeSite): Promise<Rules> {
  const { reading } = site;
  const values = ruleValues(options, reading);
  const from = site.from ?? values[0]?.span.file ?? "";
  const files = new RuleFiles(site, site.files, from);
  const named = new Map(options.assets);
  const rules: string[] = [];
  for (const { value, span } of values) {
    if (typeof value !== "string" || value === "") {
      reading.error(
        span,
        '"rules" expects names or patterns of files',
        'rules "crs/crs-setup.conf" "crs/rules/*.conf"',
      );
      continue;
    }
    const path = named.get(value);
    rules.push(
      ...path === undefined
        ? await files.take(value, span)
        : await files.takeNamed({ name: value, path }, span),
    );
  }
  reportTwice(rules, { values, reading });
  return { files, rules };
}

/** A file that is read twice would define every rule again. */
function reportTwice(
  rules: readonly string[],
  { values, reading }: Pick<TypeSite, "reading"> & { readonly values: readonly ConfigValue[] },
): void {
  const twice = rules.find((name, at) => rules.indexOf(name) < at);
  if (twice === undefined) return;
  reading.error(values[0]?.span, `rules name the file "${twice}" twice`, "make the patterns narrower");
}

/** The values of `rules` with their places. */
function ruleValues(options: AgentOptions, reading: Reading): readonly ConfigValue[] {
  const config = reading.origins.get(options)?.fields.get("config")?.[0];
  if (config === undefined) return [];
  const nodes = childNodes(config).filter(({ name }) => canonicalName(name) === "rules");
  return nodes.flatMap(listed);
}

/** A list in any of its spellings, `rules { - "a" }` included. */
function listed(node: ConfigNode): readonly ConfigValue[] {
  const isDashed = node.children.length > 0 && node.children.every(({ name }) => name === "-");
  return isDashed ? node.children.flatMap(({ args }) => args) : listValues([node]);
}
