import type { AgentsView, AgentView } from "../server/agent_view.ts";
import { listOf, shortBytes, shortCount, shortDigest, table, visible } from "./agent_table.ts";
import { readyUrl } from "./health.ts";
import { loadOrReport } from "./load.ts";
import type { GlobalOptions } from "./program.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** How long the running instance may take to answer. */
const TIMEOUT_MS = 3_000;

/** Whom to ask. */
export interface AgentListOptions extends GlobalOptions {
  /** URL of the admin listener; without it the configuration says where that is. */
  readonly admin?: string;
  readonly json?: boolean;
}

/** Asks a running instance which agents it has; fails when one of them is not live, or a file is no agent. */
export async function agentListVerb(options: AgentListOptions, terminal: Terminal): Promise<number> {
  const url = await agentsUrl(options, terminal);
  if (url === undefined) return EXIT.failed;
  let text: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    text = await response.text();
    if (!response.ok) {
      terminal.err(`sentinel: ${url} answers ${response.status}: ${text.trim().slice(0, 200)}`);
      return EXIT.failed;
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.cause ?? cause : cause;
    terminal.err(`sentinel: ${url} does not answer: ${reason instanceof Error ? reason.message : reason}`);
    return EXIT.failed;
  }
  const view = parseView(text);
  if (view === undefined) {
    terminal.err(`sentinel: ${url} does not answer as the admin listener of a sentinel does`);
    return EXIT.failed;
  }
  terminal.out(options.json ? JSON.stringify(view, null, 2) : describeAgents(view));
  for (const { message } of view.problems) terminal.err(`sentinel: ${visible(message)}`);
  const isWell = view.problems.length === 0 &&
    view.agents.every(({ condition }) => condition === "live" || condition === "draining");
  return isWell ? EXIT.ok : EXIT.failed;
}

/** The table that people see. */
export function describeAgents(view: AgentsView): string {
  if (view.agents.length === 0) return "no agents";
  const header = ["ID", "VERSION", "DIGEST", "WORLD", "EVENTS", "ASKED", "GRANTED", "LIMITS", "STATE"];
  const lines = [table(header, view.agents.map(rowOf))];
  for (const { id, lastFailure } of view.agents) {
    if (lastFailure === null) continue;
    lines.push(`${id}: last failure ${lastFailure.at}, ${lastFailure.kind}: ${visible(lastFailure.message)}`);
  }
  return lines.join("\n");
}

function rowOf(agent: AgentView): string[] {
  const { capabilities, limits } = agent;
  return [
    agent.id,
    visible(agent.version ?? "-"),
    shortDigest(agent.digest),
    agent.world,
    listOf(agent.events),
    capabilities.asked === null ? "-" : listOf(capabilities.asked),
    listOf(capabilities.granted),
    limits === null ? "-" : `fuel ${shortCount(limits.fuel)}, ${shortBytes(limits.memoryBytes)}, ` +
      `${limits.instancesPerWorker} ${limits.isolation}`,
    stateOf(agent),
  ];
}

function stateOf({ condition, mode, workers }: AgentView): string {
  const shadow = mode === "shadow" ? " (shadow)" : "";
  const isPartly = workers.impaired > 0 && workers.impaired < workers.total;
  return `${condition}${shadow}${isPartly ? ` in ${workers.impaired} of ${workers.total} workers` : ""}`;
}

async function agentsUrl(options: AgentListOptions, terminal: Terminal): Promise<string | undefined> {
  if (options.admin !== undefined) {
    // An address alone is what the configuration has.
    const base = /^https?:\/\//i.test(options.admin) ? options.admin : `http://${options.admin}`;
    if (URL.canParse("/agents", base)) return new URL("/agents", base).href;
    terminal.err(
      `sentinel: "${options.admin}" is no URL of an admin listener, such as http://127.0.0.1:9090`,
    );
    return undefined;
  }
  const loaded = await loadOrReport(options, terminal);
  if (loaded === undefined) return undefined;
  const { enabled, address } = loaded.config.observability.metrics;
  const url = enabled ? readyUrl(address) : undefined;
  if (url === undefined) {
    const why = enabled
      ? `cannot ask ${address} over HTTP`
      : "the admin listener is switched off (observability { metrics { enabled #false } })";
    terminal.err(`sentinel: ${why}`);
    return undefined;
  }
  return new URL("/agents", url).href;
}

/** Whatever answers there may be no sentinel at all, so the outlines are checked. */
function parseView(text: string): AgentsView | undefined {
  try {
    const view = JSON.parse(text) as Partial<AgentsView> | null;
    const isView = Array.isArray(view?.agents) && Array.isArray(view.problems) &&
      view.agents.every((agent) => typeof agent.id === "string" && typeof agent.capabilities === "object");
    return isView ? view as AgentsView : undefined;
  } catch {
    return undefined;
  }
}
