import { explain } from "../engine/explain.ts";
import type { Explanation } from "../engine/explain.ts";
import { decompress } from "../server/decompress.ts";
import { AgentFetch } from "../server/agent_fetch.ts";
import { loadAgentsOnce } from "../server/agent_loading.ts";
import { NodeSignatureVerifier } from "../server/signature_verifier.ts";
import { createClock, createRandom, createTimers } from "../server/platform.ts";
import { loadOrReport } from "./load.ts";
import type { GlobalOptions } from "./program.ts";
import { parseHeaderArgument, parseRequestArgument } from "./request_argument.ts";
import type { RequestArgument } from "./request_argument.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** The request to explain, as it was typed. */
export interface ExplainOptions extends GlobalOptions {
  readonly request: string;
  readonly header: readonly string[];
  readonly client: string;
  readonly json?: boolean;
}

/** Says what the configuration does with a request and why; nothing is sent anywhere. */
export async function explainVerb(options: ExplainOptions, terminal: Terminal): Promise<number> {
  const request = parseRequestArgument(options.request);
  if (typeof request === "string") return usage(`--request ${request}`, terminal);
  const headers: (readonly [string, string])[] = [];
  for (const text of options.header) {
    const header = parseHeaderArgument(text);
    if (typeof header === "string") return usage(`--header ${header}`, terminal);
    headers.push(header);
  }
  const loaded = await loadOrReport(options, terminal);
  if (loaded === undefined) return EXIT.failed;
  let explanation: Explanation;
  const ports = {
    clock: createClock(),
    random: createRandom(),
    timers: createTimers(),
    log: () => {},
    decompress,
  };
  const transport = new AgentFetch();
  const agentPorts = { verifier: new NodeSignatureVerifier(), transport: transport.send };
  try {
    const agents = await loadAgentsOnce(loaded.config, { ...ports, agentPorts });
    if (agents.problems.length > 0) throw new Error(agents.problems.join("\n"));
    explanation = await explain(loaded.config, { ...request, headers, clientIp: options.client }, {
      ...ports,
      readText: (path) => Deno.readTextFile(path),
      agents: agents.plan,
      agentPorts,
    });
  } catch (cause) {
    terminal.err(`sentinel: ${cause instanceof Error ? cause.message : String(cause)}`);
    return EXIT.failed;
  } finally {
    transport.close();
  }
  terminal.out(options.json ? JSON.stringify(explanation, null, 2) : describe(request, explanation));
  return EXIT.ok;
}

function usage(message: string, terminal: Terminal): number {
  terminal.err(`error: ${message}`);
  return EXIT.usage;
}

/** An explanation for people: one line per decision. */
export function describe(request: RequestArgument, explanation: Explanation): string {
  const { listener, normalisedPath, routes, steps } = explanation;
  const lines = [
    `${request.method} ${request.scheme}://${request.authority}${request.target}`,
    `listener  ${listener.id} (${listener.address}): ${listener.reason}`,
  ];
  if (normalisedPath !== undefined) lines.push(`path      ${normalisedPath} is what routes are matched on`);
  if (routes.length > 0) lines.push("routes, in the order tried");
  const idWidth = Math.max(0, ...routes.map(({ id }) => id.length));
  for (const { id, outcome, reason } of routes) {
    const mark = outcome === "matched" || outcome === "default" ? ">" : " ";
    lines.push(`  ${mark} ${id.padEnd(idWidth)}  ${outcome.padEnd("outranked".length)}  ${reason}`.trimEnd());
  }
  for (const { step, subject, outcome, detail } of steps) {
    if (step === "route") continue;
    lines.push(`${step.padEnd(8)}  ${subject} ${outcome}${detail === undefined ? "" : ` (${detail})`}`);
  }
  lines.push(`result    ${resultOf(explanation)}`);
  return lines.join("\n");
}

function resultOf({ sent, upstream, target, status }: Explanation): string {
  if (sent === undefined) return `${status} from the proxy itself`;
  const place = target ?? "a target that is found when the proxy runs";
  return `sent to upstream "${upstream}" at ${place} as ${sent.method} ${sent.target}, Host ${sent.authority}`;
}
