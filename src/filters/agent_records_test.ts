import { equal } from "node:assert/strict";
import { block, outcome } from "../../tests/support/fake_agent.ts";
import { AgentRecord } from "./agent_records.ts";

Deno.test("agent records: a firewall in shadow mode has refused nothing, whatever it says", () => {
  for (const [isShadow, want] of [[false, "block"], [true, "detected"]] as const) {
    const record = new AgentRecord({ id: "waf", isShadow });
    const given = outcome({ decision: block(403) });
    const custom = [
      { name: "waf.matches", value: '[{"id":1}]' },
      { name: "waf.verdict", value: "block" },
    ];
    record.decided({ ...given, audit: { ...given.audit, custom } }, 1);
    equal(record.findings?.verdict, want);
    equal(record.verdict, "block", "what it would do");
  }
});
