import type { AgentNote } from "../core/context.ts";
import { jsonText } from "./log_text.ts";

/** Rule ids of one agent that are logged; the audit has them all. */
const RULE_IDS_MAX = 16;

/** What agents made of a request, as JSON: `[{"agent":"waf","verdict":"block","rules":["941100"],"fuel":2610}]`. */
export function agentsJson(notes: readonly AgentNote[]): string {
  let text = "[";
  for (const { agent, verdict, shadow, ruleIds, fuel } of notes) {
    text += (text === "[" ? "" : ",") + '{"agent":' + jsonText(agent) + ',"verdict":"' + verdict + '"';
    if (shadow) text += ',"shadow":true';
    if (ruleIds.length > 0) {
      text += ',"rules":[' + ruleIds.slice(0, RULE_IDS_MAX).map(jsonText).join(",") + "]";
    }
    text += ',"fuel":' + fuel + "}";
  }
  return text + "]";
}

/** The same in one word: `waf:block[941100]:2610,bot:allow:310`; what a shadow agent said is in parentheses. */
export function agentsText(notes: readonly AgentNote[]): string {
  return notes.map(({ agent, verdict, shadow, ruleIds, fuel }) => {
    const rules = ruleIds.length === 0 ? "" : `[${ruleIds.slice(0, RULE_IDS_MAX).join(",")}]`;
    return `${agent}:${shadow ? `(${verdict})` : verdict}${rules}:${fuel}`;
  }).join(",");
}
