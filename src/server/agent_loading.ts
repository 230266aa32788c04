import { resolve } from "node:path";
import type { Config } from "../config/document.ts";
import type { Clock, Log, Random, Timers } from "../core/ports.ts";
import type { AgentPorts } from "../engine/agent_factory.ts";
import { AgentCatalogue, type AgentsLoaded } from "./agent_catalogue.ts";
import { createAgentTrial } from "./agent_trial.ts";
import { AgentsDir } from "./agents_dir.ts";
import { DiskFiles } from "./config_files.ts";

/** What agents are loaded with, once. */
export interface AgentLoadingInit {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly log: Log;
  readonly agentPorts: AgentPorts;
}

/** Loads the agents of a configuration once, as the supervisor does at its start: for the verbs that serve nothing. */
export async function loadAgentsOnce(
  config: Config,
  init: AgentLoadingInit,
): Promise<AgentsLoaded & { readonly catalogue: AgentCatalogue }> {
  const { agentsDir } = config;
  const dir = agentsDir.enabled
    ? await AgentsDir.open({ folder: resolve(Deno.cwd(), agentsDir.path), log: init.log, changed: () => {} })
    : undefined;
  try {
    const dropped = () => Promise.resolve(dir?.listing ?? { agents: [], problems: [] });
    const files = new DiskFiles(Deno.cwd());
    const catalogue = new AgentCatalogue({ log: init.log, trial: createAgentTrial(init), dropped, files });
    const loaded = await catalogue.load(config);
    catalogue.serve();
    return { ...loaded, catalogue };
  } finally {
    await dir?.close();
  }
}
