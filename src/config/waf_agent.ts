/** What becomes of the `waf` block: an agent of type waf, and a filter on the routes that switch it on. */

import { agent as agentBlock, type AgentOptions } from "../agents/options.ts";
import type { AgentFiles } from "../agents/types/agent_type.ts";
import { type ConfigNode, type ConfigValue, kebabName } from "../core/config_node.ts";
import type { Reading } from "../core/reading.ts";
import type { RouteConfig } from "../routing/route.ts";
import type { Unchecked } from "./checks.ts";
import type { Config, FilterConfig } from "./document.ts";
import { eachScope } from "./scopes.ts";
import type { WafConfig } from "./waf.ts";
import { wafAgentNode, wafGuestConfig } from "./waf_options.ts";

const AGENT_ID = "waf";
/** No block can have this id. */
const FILTER_ID = ":waf";
/** As Debian's package of the Core Rule Set has it: one file that includes all others, some of them from other folders. */
const LOADING = "*.load";
/** Rule files of a folder, in the order in which they are read. */
const LAYOUT = [
  "crs-setup.conf",
  "plugins/*-config.conf",
  "plugins/*-before.conf",
  "*.conf",
  "rules/*.conf",
  "plugins/*-after.conf",
];

/** Where Debian's package of the Core Rule Set is. */
const PACKAGE = "/usr/share/modsecurity-crs";

/** Options that rules must ask for to have an effect. */
const LEVEL = /\b(?:blocking_|detection_|executing_)?paranoia_level\b/i;
const THRESHOLD = /\binbound_anomaly_score_threshold\b/i;
const RESPONSE_BODY = /\bRESPONSE_BODY\b/i;
const WORDS = [LEVEL, THRESHOLD, RESPONSE_BODY];

/** Id of the agent that routes with `waf-enabled` are looked at by; undefined when there is none, or no single one. */
export function wafAgentId({ agents, waf }: Pick<Config, "agents" | "waf">): string | undefined {
  if (waf?.mode === "off") return undefined;
  const ids = agents.flatMap(({ id, type }) => type === "waf" ? [id] : []);
  return ids.length === 1 ? ids[0] : ids.find((id) => id === AGENT_ID);
}

/** The filter that stands before all others on routes with `waf-enabled`. */
export function wafFilter(config: Pick<Config, "agents" | "waf">): FilterConfig | undefined {
  const agent = wafAgentId(config);
  return agent === undefined
    ? undefined
    : { id: FILTER_ID, type: "agent", options: { agent, phase: "both" } };
}

/** The filters of a route with the firewall's in front, unless the route names the agent itself. */
export function withWafFilter(
  filters: readonly string[],
  { firewall, known }: { readonly firewall: FilterConfig; readonly known: readonly FilterConfig[] },
): readonly string[] {
  const agentOf = (id: string) => {
    const filter = known.find((each) => each.id === id);
    return filter?.type === "agent" ? filter.options.agent : undefined;
  };
  const wanted = firewall.type === "agent" ? firewall.options.agent : undefined;
  return filters.some((id) => agentOf(id) === wanted) ? filters : [firewall.id, ...filters];
}

/** Makes the agent of a document's `waf` block, and says what is wrong with the block. */
export class WafBlock {
  readonly #document: Unchecked;
  readonly #reading: Reading;
  readonly #waf: WafConfig | undefined;
  /** Versions of the Core Rule Set that rule files say they are of. */
  readonly #versions = new Set<string>();
  /** What options are about, and rule files mention. */
  readonly #mentioned = new Set<RegExp>();
  /** The rules are those of a folder. */
  #hasFolder = false;
  #isOwn = false;

  constructor(document: Unchecked, reading: Reading) {
    this.#document = document;
    this.#reading = reading;
    this.#waf = document.waf;
  }

  /** Adds the agent, if the block asks for it; `files` are undefined where the configuration is a text. */
  async addAgent(files: AgentFiles): Promise<void> {
    const node = this.#wanted();
    if (node === undefined) return;
    const rules = await this.#rules(files);
    if (rules !== undefined) this.#add(node, rules);
  }

  /** The same where the configuration is a text, which has no files beside it. */
  addAgentOfText(): void {
    const node = this.#wanted();
    if (node === undefined) return;
    const ruleset = this.#waf?.ruleset;
    for (const key of ["customRulesDir", "crsVersion"] as const) {
      if (ruleset?.[key] === undefined) continue;
      this.#error([ruleset, key], "a folder of rules works only where the configuration is a file");
      return;
    }
    this.#add(node, []);
  }

  #reportNoCrs(ruleset: object): void {
    const hint =
      `install Debian's modsecurity-crs, or download it and name its folder: custom-rules-dir "crs"`;
    this.#error([ruleset, "crsVersion"], "the Core Rule Set does not come with the proxy", hint);
  }

  /** To be told of every rule file. */
  noteSource(text: string): void {
    const found = /^\s*SecComponentSignature\s+["']?OWASP_CRS\/([\w.-]+)/m.exec(text)?.[1];
    if (this.#isOwn && found !== undefined) this.#versions.add(found);
    for (const word of WORDS) if (word.test(text)) this.#mentioned.add(word);
  }

  /** Says what is known only when all rule files have been read. */
  finish(): void {
    const { ruleset } = this.#waf ?? {};
    const wanted = this.#isOwn ? ruleset?.crsVersion : undefined;
    if (ruleset !== undefined && wanted !== undefined) {
      const [version, ...others] = this.#versions;
      if (version === undefined) {
        this.#error(
          [ruleset, "crsVersion"],
          "no rule file says that it is of the Core Rule Set",
          "remove crs-version",
        );
      }
      for (const each of version === undefined ? [] : [version, ...others]) {
        if (isVersion(each, wanted)) continue;
        this.#error(
          [ruleset, "crsVersion"],
          `the rules are of version ${each}, where ${wanted} is asked for`,
        );
      }
    }
    if (this.#isOwn) this.#warnOfIdle();
    this.#checkRoutes();
  }

  /** Says which options have no effect with the others, or with rules such as these. */
  #warnOfIdle(): void {
    const { ruleset, bodyInspection } = this.#waf!;
    const idle = (owner: object, key: string, why: string) => {
      if (!this.#reading.origins.get(owner)?.fields.has(key)) return;
      this.#reading.warn(this.#reading.spanOf(owner, key), `"${kebabName(key)}" has no effect: ${why}`);
    };
    const { inspectRequestBody, inspectResponseBody, decompress } = bodyInspection;
    if (!inspectRequestBody) idle(bodyInspection, "contentTypes", "bodies of requests are not looked at");
    if (!inspectRequestBody && !inspectResponseBody) {
      for (const key of ["maxInspectionBytes", "decompress"]) {
        idle(bodyInspection, key, "no bodies are looked at");
      }
    }
    if (!decompress) idle(bodyInspection, "maxDecompressionRatio", "bodies are not decompressed");
    if (inspectResponseBody && !(this.#hasFolder && this.#mentioned.has(RESPONSE_BODY))) {
      idle(bodyInspection, "inspectResponseBody", "no rule looks at bodies of responses");
    }
    if (ruleset === undefined || !this.#hasFolder) return;
    if (!this.#mentioned.has(LEVEL)) {
      idle(ruleset, "paranoiaLevel", "no rule asks for tx.blocking_paranoia_level");
    }
    if (!this.#mentioned.has(THRESHOLD)) {
      idle(ruleset, "anomalyThreshold", "no rule asks for tx.inbound_anomaly_score_threshold");
    }
  }

  /** The block's node when it asks for an agent of its own. */
  #wanted(): ConfigNode | undefined {
    const waf = this.#waf;
    if (waf === undefined || waf.mode === "off") return undefined;
    const node = this.#reading.origins.get(waf)!.node;
    if (waf.engine !== "sentinel") {
      this.#reading.warn(
        this.#reading.spanOf(waf, "engine"),
        `engine "${waf.engine}": its rules are run by the proxy's own engine`,
        "there is no other one",
      );
    }
    const { agents } = this.#document;
    const explicit = agents.find(({ type }) => type === "waf");
    if (explicit !== undefined) {
      for (const key of this.#reading.origins.get(waf)!.fields.keys()) {
        const message = `"${kebabName(key)}" has no effect, because agent "${explicit.id}" is the firewall`;
        this.#error([waf, key], message, `say it in the config of the agent, or remove the agent`);
      }
      return undefined;
    }
    const namesake = agents.find(({ id }) => id === AGENT_ID);
    if (namesake === undefined) return node;
    const hint = `give it type="waf" if it is the firewall, or another name`;
    this.#reading.error(
      this.#reading.spanOf(namesake),
      `agent "${AGENT_ID}" has the name of the firewall`,
      hint,
    );
    return undefined;
  }

  /** Names of the rule files; undefined when something is wrong with them. */
  async #rules(files: AgentFiles): Promise<readonly ConfigValue[] | undefined> {
    const { ruleset } = this.#waf!;
    // Who asks for the Core Rule Set and says not where it is means that of the system.
    const folder = ruleset?.customRulesDir ?? (ruleset?.crsVersion === undefined ? undefined : PACKAGE);
    if (ruleset === undefined || folder === undefined) return [];
    const isNamed = ruleset.customRulesDir !== undefined;
    this.#hasFolder = true;
    const span = this.#reading.spanOf(ruleset, isNamed ? "customRulesDir" : "crsVersion")!;
    const below = `${folder.replace(/\/+$/, "")}/`;
    const base = span.file.slice(0, span.file.lastIndexOf("/") + 1);
    const found = new Set<string>();
    const glob = async (pattern: string) => {
      const paths = await files.glob(below + pattern, span.file).catch((cause) => {
        this.#reading.error(
          span,
          `cannot search ${folder}: ${cause instanceof Error ? cause.message : String(cause)}`,
        );
        return [];
      });
      return paths.map((path) => path.startsWith(base) ? path.slice(base.length) : path);
    };
    for (const name of (await glob(LOADING)).sort()) found.add(name);
    if (found.size > 0) return Array.from(found, (value) => ({ value, span }));
    if (!isNamed) {
      this.#reportNoCrs(ruleset);
      return undefined;
    }
    for (const pattern of LAYOUT) for (const name of (await glob(pattern)).sort()) found.add(name);
    const lacksSetup = !found.has(`${below}crs-setup.conf`) &&
      (await glob("crs-setup.conf.example")).length > 0;
    if (found.size > 0 && !lacksSetup) return Array.from(found, (value) => ({ value, span }));
    if (lacksSetup) {
      this.#reading.error(span, `${below}crs-setup.conf is missing`, `copy crs-setup.conf.example to it`);
    } else {
      this.#reading.error(
        span,
        `no rule file lies in ${below}`,
        `paths start in the folder of this file: ${base || "./"}`,
      );
    }
    return undefined;
  }

  #add(from: ConfigNode, rules: readonly ConfigValue[]): void {
    const waf = this.#waf!;
    const node = wafAgentNode({ id: AGENT_ID, span: from.nameSpan, rules }, waf);
    const read = agentBlock.read([node], {
      reading: this.#reading,
      parent: node,
      name: "agent",
    }) as AgentOptions;
    const agent = { ...read, config: JSON.stringify(wafGuestConfig(waf)) };
    this.#reading.origins.set(agent, this.#reading.origins.get(read)!);
    // Nobody else has the document yet: it is frozen when it has been checked.
    (this.#document as { agents: readonly unknown[] }).agents = [...this.#document.agents, agent];
    this.#isOwn = true;
    const auditLog = this.#document.observability?.logging.auditLog;
    if (!waf.auditLog && auditLog !== undefined) {
      (auditLog as { logWafEvents: boolean }).logWafEvents = false;
    }
  }

  #checkRoutes(): void {
    const enabled: RouteConfig[] = [];
    for (const { block } of eachScope(this.#document)) {
      for (const route of block.routes) if (route.wafEnabled) enabled.push(route);
    }
    const { agents, filters } = this.#document;
    const id = wafAgentId({ agents, waf: this.#waf });
    for (const route of enabled) {
      if (id === undefined) this.#reportAbsent(route);
    }
    const isUsed = enabled.length > 0 ||
      filters.some((filter) => filter.type === "agent" && filter.options?.agent === AGENT_ID);
    if (!this.#isOwn || isUsed) return;
    this.#reading.warn(
      this.#reading.spanOf(this.#waf!),
      "the firewall looks at no route",
      "add to routes: waf-enabled #true",
    );
  }

  #reportAbsent(route: RouteConfig): void {
    const span = this.#reading.spanOf(route, "wafEnabled");
    const named = `route "${route.id}" has waf-enabled`;
    if (this.#waf?.mode === "off") {
      this.#reading.warn(span, `${named}, but the firewall is off`, 'set: waf { mode "prevention" }');
    } else if (this.#document.agents.some(({ type }) => type === "waf")) {
      this.#reading.error(
        span,
        `${named}, but there are several agents of type waf`,
        `call one of them "${AGENT_ID}"`,
      );
    } else if (this.#waf === undefined) {
      this.#reading.error(
        span,
        `${named}, but there is no firewall`,
        'add at the top level: waf { mode "prevention" }',
      );
    }
  }

  #error([owner, key]: readonly [owner: object, key: string], message: string, hint?: string): void {
    this.#reading.error(this.#reading.spanOf(owner, key), message, hint);
  }
}

/** Whether a version is one that begins with the parts that are wanted. */
function isVersion(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`) || version.startsWith(`${wanted}-`);
}
