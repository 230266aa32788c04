/** The options of the firewall's agent that a `waf` block stands for. */

import type { ConfigNode, ConfigValue, Plain } from "../core/config_node.ts";
import type { Span } from "../core/issue.ts";
import type { WafConfig } from "./waf.ts";

const MIB = 1024 * 1024;
/** What requests may take of an agent's memory for each byte that is looked at. */
const MEMORY_FACTOR = 8;
const MEMORY_BYTES = 96 * MIB;

/** The agent's block, with the names of its rule files. */
export function wafAgentNode(
  { id, span, rules }: { readonly id: string; readonly span: Span; readonly rules: readonly ConfigValue[] },
  { bodyInspection }: WafConfig,
): ConfigNode {
  const { maxInspectionBytes } = bodyInspection;
  const node = (name: string, values: readonly Plain[], children: readonly ConfigNode[] = []): ConfigNode => {
    const args = values.map((value) => ({ value, span }));
    return { name, nameSpan: span, span, args, props: [], children, syntax: "kdl" };
  };
  return node("agent", [id], [
    node("type", ["waf"]),
    node("memory", [MEMORY_BYTES + MEMORY_FACTOR * Math.max(0, maxInspectionBytes - MIB)]),
    node("decode-bodies", [bodyInspection.decompress]),
    node("max-decompression-ratio", [bodyInspection.maxDecompressionRatio]),
    node("config", [], rules.length === 0 ? [] : [{ ...node("rules", []), args: rules }]),
  ]);
}

/** Options of the agent, as it reads them. */
export function wafGuestConfig({ mode, ruleset, bodyInspection }: WafConfig): Record<string, unknown> {
  const { inspectRequestBody, inspectResponseBody, maxInspectionBytes, contentTypes } = bodyInspection;
  const { paranoiaLevel, anomalyThreshold, exclusions = [] } = ruleset ?? {};
  return {
    engine: mode === "detection" ? "detection-only" : "on",
    ...(paranoiaLevel !== undefined && { "paranoia-level": paranoiaLevel }),
    ...(anomalyThreshold !== undefined && { "inbound-threshold": anomalyThreshold }),
    "inspect-request-body": inspectRequestBody,
    "inspect-response-body": inspectResponseBody,
    ...(contentTypes.length > 0 && { "content-types": contentTypes }),
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
