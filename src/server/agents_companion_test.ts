import assert from "node:assert/strict";
import type { AgentCatalogue } from "./agent_catalogue.ts";
import { AgentsCompanion } from "./agents_companion.ts";
import type { NextConfig } from "./thread.ts";

Deno.test("agents companion: the catalogue is told of agents that are new, and not of the same ones again", async () => {
  let serves = 0;
  const companion = new AgentsCompanion({ log: () => {}, changed: () => {} });
  companion.attach({ serve: () => serves++ } as unknown as AgentCatalogue);
  const nextWith = (agents: NextConfig["agents"]) => ({ agents }) as NextConfig;
  const [first, second] = [{ specs: [], dropped: [], attached: [] }, {
    specs: [],
    dropped: [],
    attached: [],
  }];
  for (const [agents, want] of [[first, 1], [first, 1], [second, 2], [first, 3]] as const) {
    companion.commit(nextWith(agents));
    assert.equal(serves, want);
  }
  await companion.close();
});
