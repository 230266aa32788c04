import { deepEqual, equal, notEqual } from "node:assert/strict";
import { agentOptions } from "../../tests/support/fake_agent.ts";
import { agentKvNeed } from "./agent_factory.ts";

function need(maxEntries: number, maxBytes: number) {
  const options = agentOptions(`grant "kv"`);
  return agentKvNeed({ ...options, kv: { ...options.kv, maxEntries, maxBytes } })!;
}

Deno.test("agent factory: shared values of another layout have another memory, though it be as large", () => {
  const [one, other] = [need(1002, 104_928), need(1025, 100_000)];
  equal(one.bytes, other.bytes, "or else the test shows nothing");
  notEqual(one.key, other.key);
  deepEqual(need(1002, 104_928), one, "a reload keeps it");
  equal(agentKvNeed(agentOptions()), undefined);
});
