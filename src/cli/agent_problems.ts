import type { Config } from "../config/document.ts";
import { AgentFetch } from "../server/agent_fetch.ts";
import { loadAgentsOnce } from "../server/agent_loading.ts";
import { createClock, createRandom, createTimers } from "../server/platform.ts";
import { NodeSignatureVerifier } from "../server/signature_verifier.ts";

/** What is wrong with the agents that a configuration names: each is read, compiled, started and configured once. */
export async function agentProblems(config: Config): Promise<readonly string[]> {
  const ports = { clock: createClock(), random: createRandom(), timers: createTimers(), log: () => {} };
  const transport = new AgentFetch();
  const agentPorts = { verifier: new NodeSignatureVerifier(), transport: transport.send };
  try {
    const { problems } = await loadAgentsOnce(config, { ...ports, agentPorts });
    return problems;
  } finally {
    transport.close();
  }
}
