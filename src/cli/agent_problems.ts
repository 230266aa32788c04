import type { Config } from "../config/document.ts";
import { loadAgentsOnce } from "../server/agent_loading.ts";
import { createClock, createRandom, createTimers } from "../server/platform.ts";

/** What is wrong with the agents that a configuration names: each is read, compiled, started and configured once. */
export async function agentProblems(config: Config): Promise<readonly string[]> {
  const ports = { clock: createClock(), random: createRandom(), timers: createTimers(), log: () => {} };
  const { problems } = await loadAgentsOnce(config, ports);
  return problems;
}
