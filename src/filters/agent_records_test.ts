import { deepEqual, equal } from "node:assert/strict";
import { block, outcome } from "../../tests/support/fake_agent.ts";
import { requestContext } from "../../tests/support/filter_fixture.ts";
import { allLogFields } from "../core/context.ts";
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

Deno.test("agent records: fields for the access log stand behind those of filters; of two of one agent the first is kept", () => {
  const record = (id: string, tags: readonly string[]) => {
    const given = outcome({});
    const made = new AgentRecord({ id, isShadow: false });
    made.decided({ ...given, audit: { ...given.audit, tags } }, 1);
    return made;
  };
  const context = requestContext();
  equal(allLogFields(context), undefined);
  context.logFields = { rate_limit: "per-user" };
  context.agentNotes = [
    record("a", ["first"]),
    record("b", ["b"]),
    record("quiet", []),
    record("a", ["second"]),
  ];
  deepEqual(allLogFields(context), { rate_limit: "per-user", agent_a_tags: "first", agent_b_tags: "b" });
  deepEqual(context.logFields, { rate_limit: "per-user" }, "nothing is left behind");
});
