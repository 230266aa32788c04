import type { AgentOptions } from "../agents/options.ts";
import type { Reading } from "../core/reading.ts";
import type { TypeSite } from "../agents/types/agent_type.ts";
import { agentType } from "../agents/types/type_defaults.ts";
import type { Unchecked } from "./checks.ts";
import { eachScope } from "./scopes.ts";

/** Completes every agent of a document by its type. Call it before anything is checked that needs all options. */
export async function prepareAgents(document: Unchecked, site: TypeSite): Promise<void> {
  for (const { block } of eachScope(document)) {
    const prepared = [];
    for (const agent of block.agents) prepared.push(await prepareAgent(agent as AgentOptions, site));
    // Nobody else has the document yet: it is frozen when it has been checked.
    (block as { agents: readonly unknown[] }).agents = prepared;
  }
}

/** Reports agents that name files: a configuration that is a text has none beside it. */
export function refuseAgentFiles(document: Unchecked, reading: Reading): void {
  for (const { block } of eachScope(document)) {
    for (const agent of block.agents) {
      const span = agentType(agent.type)?.filesAt(agent as AgentOptions, reading);
      if (span !== undefined) {
        reading.error(span, "an agent can name files only where the configuration is a file");
      }
    }
  }
}

/** An agent completed by its type; the same one where that brings nothing along, or where something was wrong. */
export async function prepareAgent(options: AgentOptions, site: TypeSite): Promise<AgentOptions> {
  const type = agentType(options.type);
  if (type === undefined || options.config === undefined) return options;
  const prepared = await type.prepare(options, site);
  const origin = site.reading.origins.get(options);
  if (origin !== undefined) site.reading.origins.set(prepared, origin);
  return prepared;
}
