import type { AgentDirectory } from "../../src/agents/runtime/live_agents.ts";
import type { AgentPorts } from "../../src/engine/agent_factory.ts";

/** A configuration without agents, as filters see it. */
export const EMPTY_DIRECTORY: AgentDirectory = { find: () => undefined, all: () => [] };

/** An outside world that nobody reaches. */
export const NO_AGENT_PORTS: AgentPorts = {
  verifier: { verify: () => ({ type: "error", value: "there is no verifier here" }) },
  transport: () =>
    Promise.resolve({ type: "error", value: { reason: "failed", message: "nobody is there" } }),
};
