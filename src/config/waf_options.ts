/** The options of the firewall's agent that a `waf` block stands for. */

import type { ConfigNode, ConfigValue, Plain } from "../core/config_node.ts";
import type { Span } from "../core/issue.ts";
import type { WafConfig } from "./waf.ts";

const MIB = 1024 * 1024;
const CONTENT_TYPES_NAME = "waf-content-types";
/** Of the rule that content-types becomes: above all ranges that anybody has. */
const CONTENT_TYPES_ID = 9_999_999;
/** What requests may take of an agent's memory for each byte that is looked at. */
const MEMORY_FACTOR = 8;
const MEMORY_BYTES = 96 * MIB;

/** The agent's block, with the names of its rule files. */
export function wafAgentNode(
  { id, span, rules }: { readonly id: string; readonly span: Span; readonly rules: readonly ConfigValue[] },
  { bodyInspection }: WafConfig,
): ConfigNode {
  const { contentTypes, maxInspectionBytes } = bodyInspection;
  const node = (name: string, values: readonly Plain[], children: readonly ConfigNode[] = []): ConfigNode => {
    const args = values.map((value) => ({ value, span }));
    return { name, nameSpan: span, span, args, props: [], children, syntax: "kdl" };
  };
  const isNarrow = contentTypes.length > 0;
  const named = isNarrow ? [{ value: CONTENT_TYPES_NAME, span }, ...rules] : rules;
  return node("agent", [id], [
    node("type", ["waf"]),
    node("memory", [MEMORY_BYTES + MEMORY_FACTOR * Math.max(0, maxInspectionBytes - MIB)]),
    node("decode-bodies", [bodyInspection.decompress]),
    node("max-decompression-ratio", [bodyInspection.maxDecompressionRatio]),
    ...isNarrow ? [node("assets", [], [node(CONTENT_TYPES_NAME, [contentTypeRule(contentTypes)])])] : [],
    node("config", [], named.length === 0 ? [] : [{ ...node("rules", []), args: named }]),
  ]);
}

/** Options of the agent, as it reads them. */
export function wafGuestConfig({ mode, ruleset, bodyInspection }: WafConfig): Record<string, unknown> {
  const { inspectRequestBody, inspectResponseBody, maxInspectionBytes } = bodyInspection;
  const { paranoiaLevel, anomalyThreshold, exclusions = [] } = ruleset ?? {};
  return {
    engine: mode === "detection" ? "detection-only" : "on",
    ...(paranoiaLevel !== undefined && { "paranoia-level": paranoiaLevel }),
    ...(anomalyThreshold !== undefined && { "inbound-threshold": anomalyThreshold }),
    "inspect-request-body": inspectRequestBody,
    "inspect-response-body": inspectResponseBody,
    "request-body-limit": maxInspectionBytes,
    "request-body-limit-action": "process-partial",
    "response-body-limit": maxInspectionBytes,
    ...(exclusions.length > 0 && {
      exclusions: exclusions.map(({ ruleIds, tags, scope }) => {
        const [kind, value] = scope.split(/=(.*)/s);
        return {
          ...(ruleIds.length > 0 && { ids: ruleIds }),
          ...(tags.length > 0 && { tags }),
          ...(kind !== "global" && { [kind!]: value }),
        };
      }),
    }),
  };
}

/** A file with a rule that leaves bodies of other types alone; a request without a type is looked at. */
function contentTypeRule(types: readonly string[]): string {
  const listed = types.map((type) => type.replace(/[.+*^$]/g, "\\$&")).join("|");
  const rule = `SecRule REQUEST_HEADERS:Content-Type "!@rx (?i)^\\s*(?:${listed})" ` +
    `"id:${CONTENT_TYPES_ID},phase:1,pass,nolog,ctl:requestBodyAccess=Off"\n`;
  return `data:text/plain,${encodeURIComponent(rule)}`;
}
