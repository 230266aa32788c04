import { deepEqual, equal } from "node:assert/strict";
import { MATCHES_MAX, RuleFindings } from "./rule_findings.ts";

const fact = (name: string, value: string) => ({ name, value });
const match = (id: number, more: Record<string, unknown> = {}) => ({
  id,
  msg: `rule ${id}`,
  score: 5,
  ...more,
});

Deno.test("rule findings: what several calls found is one whole", () => {
  const findings = new RuleFindings();
  findings.add([
    fact("waf.matches", JSON.stringify([match(1, { var: "ARGS:a", value: "x" })])),
    fact("waf.verdict", "pass"),
    fact("waf.score.inbound", "5"),
  ]);
  findings.add([
    fact("waf.matches", JSON.stringify([match(1, { var: "ARGS:a", value: "x" }), match(2)])),
    fact("waf.verdict", "block"),
    fact("waf.rule", "949110"),
    fact("waf.score.inbound", "10"),
    fact("waf.score.outbound", "0"),
  ]);
  findings.add([fact("waf.verdict", "pass")]);
  deepEqual(findings.matches.map(({ id, variable, value, score }) => [id, variable, value, score]), [
    ["1", "ARGS:a", "x", 5],
    ["2", undefined, undefined, 5],
  ]);
  equal(findings.verdict, "block");
  equal(findings.decidingRule, "949110");
  equal(findings.inboundScore, 10);
  equal(findings.outboundScore, 0);
});

Deno.test("rule findings: bounded, and what makes no sense is passed over", () => {
  const findings = new RuleFindings();
  findings.add([
    fact("waf.matches", JSON.stringify(Array.from({ length: MATCHES_MAX + 3 }, (_, id) => match(id)))),
    fact("waf.matches", "{"),
    fact("waf.matches", "7"),
    fact("waf.matches", "[null, 1]"),
    fact("waf.matches-left-out", "4"),
    fact("waf.matches-left-out", "x"),
    fact("waf.verdict", "constructor"),
    fact("waf.score.inbound", ""),
    fact("waf.else", "1"),
  ]);
  equal(findings.matches.length, MATCHES_MAX);
  equal(findings.leftOut, 7);
  equal(findings.verdict, "pass");
  equal(findings.inboundScore, undefined);
});
