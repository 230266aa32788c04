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
    replaceAgents(block, prepared);
  }
}

/** The same for a configuration that is a text, which has no files beside it. */
export function prepareAgentsOfText(document: Unchecked, reading: Reading): void {
  for (const { block } of eachScope(document)) {
    const prepared = block.agents.map((agent) => {
      const options = agent as AgentOptions;
      const type = agentType(options.type);
      return type === undefined
        ? options
        : ofOrigin(type.prepareText(options, reading), { options, reading });
    });
    replaceAgents(block, prepared);
  }
}

/** An agent completed by its type; the same one where that brings nothing along. */
export async function prepareAgent(options: AgentOptions, site: TypeSite): Promise<AgentOptions> {
  const type = agentType(options.type);
  if (type === undefined) return options;
  return ofOrigin(await type.prepare(options, site), { options, reading: site.reading });
}

/** Nobody else has the document yet: it is frozen when it has been checked. */
function replaceAgents(block: object, agents: readonly AgentOptions[]): void {
  (block as { agents: readonly AgentOptions[] }).agents = agents;
}

function ofOrigin(
  prepared: AgentOptions,
  { options, reading }: { readonly options: AgentOptions; readonly reading: Reading },
): AgentOptions {
  const origin = reading.origins.get(options);
  if (origin !== undefined) reading.origins.set(prepared, origin);
  return prepared;
}
