/** The `waf` block: the firewall of all routes that switch it on. */

import { childNodes, type ConfigNode, type ConfigValue } from "../core/config_node.ts";
import { repeated } from "../core/named_blocks.ts";
import { block, bytes, flag, integer, oneOf, text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";

const MIB = 1024 * 1024;
/** Paranoia levels of the Core Rule Set. */
const LEVEL_MAX = 4;
/** A media type or the beginning of one, without parameters. */
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]*$/i;

const exclusion = block({
  summary: "Rules that do not hold, for all requests or for some.",
  normalise: withIds,
  fields: {
    ruleIds: texts({
      summary: "Ids of rules, or ranges of them; may stand behind the name of the block as well.",
      aliases: ["ids", "rule-id", "id"],
      check: (id) =>
        /^\d{1,10}(?:-\d{1,10})?$/.test(id) ? undefined : `expects an id such as "942100", found "${id}"`,
      example: "942100",
    }),
    tags: texts({ summary: "Tags of rules, as expressions.", aliases: ["tag"], example: "attack-sqli" }),
    scope: text({
      summary:
        `Which requests: "global", "path=/a" for a path and all below it ("path=/a*" for all that begin so), or "host=a.example".`,
      default: "global",
      check: (scope) =>
        /^(?:global|path=\/.*|host=[^\s/]+)$/s.test(scope)
          ? undefined
          : `expects "global", "path=/…" or "host=…", found "${scope}"`,
    }),
  },
  check({ ruleIds, tags }, report) {
    if (ruleIds.length + tags.length === 0) {
      report("ruleIds", "the exclusion names no rules", 'add: rule-ids "942100"');
    }
  },
});

const ruleset = block({
  summary: "Rules in ModSecurity's language. Without a folder, the rules that come with the firewall.",
  fields: {
    crsVersion: text({
      summary:
        "Version that the Core Rule Set in the folder must have, or the beginning of one; without a folder it is that of Debian's package modsecurity-crs.",
      example: "4.29",
      check: (version) =>
        /^\d+(?:\.[\w-]+)*$/.test(version) ? undefined : `expects a version, found "${version}"`,
    }),
    customRulesDir: text({
      summary:
        "Folder of rules, from the folder of this file: `crs-setup.conf`, other `.conf` files, those of `rules/`, " +
        "with plugins around them; or `.load` files alone, which include what is needed, where there are any.",
      example: "crs",
    }),
    paranoiaLevel: integer({
      summary: "Level of rules that block; left out, as the rules say, which is 1 in most sets.",
      min: 1,
      max: LEVEL_MAX,
    }),
    anomalyThreshold: integer({
      summary: "Score from which a request is blocked; left out, as the rules say, which is 5 in most sets.",
      min: 1,
      max: 100_000,
    }),
    exclusions: repeated({
      summary: "Rules that do not hold.",
      name: "exclusion",
      aliases: ["exclusions"],
      block: exclusion,
    }),
  },
});

const bodyInspection = block({
  summary: "What is looked at of bodies.",
  always: true,
  fields: {
    inspectRequestBody: flag({ summary: "Bodies of requests.", default: true }),
    inspectResponseBody: flag({ summary: "Bodies of responses.", default: false }),
    maxInspectionBytes: bytes({
      summary: "Bytes of a body that are looked at; what is longer goes on after them.",
      min: 1024,
      max: 16 * MIB,
      default: MIB,
    }),
    contentTypes: texts({
      summary: "Media types of the requests whose bodies are looked at, or their beginnings; left out, all.",
      aliases: ["content-type"],
      example: "application/json",
      check: (type) => MEDIA_TYPE.test(type) ? undefined : `expects a media type, found "${type}"`,
    }),
    decompress: flag({ summary: "Whether compressed bodies are looked at decompressed.", default: true }),
    maxDecompressionRatio: integer({
      summary: "Bytes that a byte of a body longer than 64 KiB may become.",
      min: 1,
      max: 100_000,
      default: 100,
    }),
  },
});

/** Options of the firewall. */
export const waf = block({
  summary: "The web application firewall, an agent of type waf, which routes switch on with `waf-enabled`.",
  fields: {
    engine: oneOf({
      summary: "There is one, which runs the rules of those that the other names mean.",
      values: { sentinel: [], modsecurity: ["mod_security", "mod-security"], coraza: [] },
      default: "sentinel",
    }),
    mode: oneOf({
      summary: "Block requests, or only tell what matched.",
      values: { off: [], detection: ["detect", "detection-only"], prevention: ["prevent", "block"] },
      default: "prevention",
    }),
    auditLog: flag({ summary: "Whether matches go to the audit log, where there is one.", default: true }),
    ruleset,
    bodyInspection,
  },
});

/** Options of the firewall. */
export type WafConfig = NonNullable<Infer<typeof waf>>;

/** Ids behind the block's name are as good as inside, and numbers as good as texts. */
function withIds(node: ConfigNode): ConfigNode {
  const spelled = (values: readonly ConfigValue[]) =>
    values.map(({ value, span }) => ({ value: typeof value === "number" ? String(value) : value, span }));
  const children = childNodes(node).map((child) => {
    return ["rule-ids", "rule_ids", "ids", "id", "rule-id", "rule_id"].includes(child.name)
      ? { ...child, args: spelled(child.args) }
      : child;
  });
  const { nameSpan, span, syntax } = node;
  const own: ConfigNode = {
    name: "rule-ids",
    nameSpan,
    span,
    args: spelled(node.args),
    props: [],
    children: [],
    syntax,
  };
  const all = node.args.length === 0 ? children : [own, ...children];
  return { ...node, args: [], props: [], items: undefined, children: all };
}
