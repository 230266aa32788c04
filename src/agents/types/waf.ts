import { canonicalName, childNodes, type ConfigNode, type ConfigValue } from "../../core/config_node.ts";
import { listValues, type Reading } from "../../core/reading.ts";
import type { AgentOptions } from "../options.ts";
import type { AgentType, TypeSite } from "./agent_type.ts";
import { RuleFiles } from "./rule_files.ts";

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
  summary: "the web application firewall that comes with the proxy",
  defaults: [
    ["wasm", BUNDLED],
    ["max-instances", 1],
    ["share-configured", true],
    ["failure-mode", "closed"],
    ["fuel", 1_000_000_000],
    ["configure-fuel", 20_000_000_000],
    ["memory", 96 * MIB],
    ["bodies-on-demand", true],
    ["decode-bodies", true],
    ["oversized-bodies", "inspect-start"],
    ["grant", "assets", "clock", "conn-info", "kv", "log", "metrics"],
  ],
  prepare,
  filesAt: (options, reading) => ruleValues(options, reading)[0]?.span,
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
  const isGiven = (key: string) => site.reading.origins.get(options)?.fields.has(key) === true;
  const { requestBytes, responseBytes } = readBytes(config, files);
  return {
    ...options,
    assets: [...assets],
    config: JSON.stringify(prepared),
    ...(!isGiven("maxRequestBodyBytes") && { maxRequestBodyBytes: requestBytes + 1 }),
    ...(!isGiven("maxResponseBodyBytes") && { maxResponseBodyBytes: responseBytes + 1 }),
  };
}

/** Bytes of bodies that it reads. */
function readBytes(
  config: Readonly<Record<string, unknown>>,
  { bodyLimits }: RuleFiles,
): { readonly requestBytes: number; readonly responseBytes: number } {
  const limit = (name: string, ofRules: number | undefined, otherwise: number) => {
    const given = config[name];
    return Math.min(BODY_BYTES_MAX, typeof given === "number" && given >= 0 ? given : ofRules ?? otherwise);
  };
  return {
    requestBytes: limit("request-body-limit", bodyLimits.request, REQUEST_BYTES),
    responseBytes: limit("response-body-limit", bodyLimits.response, RESPONSE_BYTES),
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
