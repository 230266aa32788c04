import { AgentLoadError } from "../agents/guest.ts";
import { ProxyError } from "../core/errors.ts";
import { runSession } from "./agent_session.ts";
import { visible } from "./agent_table.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import {
  describeFindings,
  type Findings,
  findingsAsJson,
  findingsOf,
  refusalAsJson,
} from "./waf_findings.ts";
import { type GivenMessages, requestOf, responseOf, UsageError } from "./waf_given.ts";
import type { AnsweredResponse, SentRequest } from "./waf_request.ts";
import { gatherRules, ruleProblems, wafMachine } from "./waf_rules.ts";
import type { GatheredRules } from "./waf_rules.ts";

/** Exit status when the request would be blocked. */
export const EXIT_BLOCKED = 3;

/** A request for the firewall, as it was typed. */
export interface WafExplainOptions extends GivenMessages {
  /** Files, patterns and folders; the rules that come with the firewall when left out. */
  readonly rules?: readonly string[];
  readonly paranoiaLevel?: string;
  readonly client: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Shows one request to the firewall, and prints which rules it matches and what becomes of it. Nothing is sent anywhere. */
export async function wafExplainVerb(options: WafExplainOptions, terminal: Terminal): Promise<number> {
  try {
    return await explain(options, terminal);
  } catch (cause) {
    if (cause instanceof UsageError) {
      terminal.err(`error: ${cause.message}`);
      return EXIT.usage;
    }
    if (cause instanceof ProxyError) {
      const { status, message } = cause;
      terminal.out(
        options.json
          ? refusalAsJson(status, message)
          : visible(`verdict   refused with ${status} before any rule is asked: ${message}`),
      );
      return EXIT_BLOCKED;
    }
    if (!(cause instanceof AgentLoadError)) throw cause;
    terminal.err(`sentinel: ${visible(cause.message)}`);
    return EXIT.failed;
  }
}

async function explain(options: WafExplainOptions, terminal: Terminal): Promise<number> {
  const level = levelOf(options.paranoiaLevel);
  const request = await requestOf(options);
  const response = await responseOf(options, request.method);
  const gathered = await gatherRules(options.rules ?? [], {
    trace: options.all ?? false,
    // Whoever asks has typed the request.
    redact: [],
    ...level !== undefined && { "paranoia-level": level },
  });
  const findings = await judged(gathered, { request, response, client: options.client, terminal });
  if (findings === undefined) return EXIT.failed;
  terminal.out(options.json ? findingsAsJson(request, findings) : describeFindings(request, findings));
  if (findings.failure !== undefined) return EXIT.failed;
  return findings.isBlocked ? EXIT_BLOCKED : EXIT.ok;
}

interface Asked {
  readonly request: SentRequest;
  readonly response: AnsweredResponse;
  readonly client: string;
  readonly terminal: Terminal;
}

/** What the rules find; undefined when they cannot be loaded, which has been said. */
async function judged(
  gathered: GatheredRules,
  { request, response, client, terminal }: Asked,
): Promise<Findings | undefined> {
  using machine = await wafMachine(gathered.options, (level, message) => {
    terminal.err(visible(`${level} ${message}`));
  });
  let refusal: AgentLoadError | undefined;
  if (gathered.problems.length === 0) {
    try {
      await machine.start();
    } catch (cause) {
      if (!(cause instanceof AgentLoadError)) throw cause;
      refusal = cause;
    }
    if (refusal === undefined) {
      const input = { ...request, clientIp: client, response };
      return findingsOf(await runSession(machine.live, input, machine.clock), input);
    }
  }
  // Asked once more, it says each problem by itself.
  const problems = await ruleProblems(gathered, machine);
  if (problems.length === 0 && refusal !== undefined) throw refusal;
  for (const line of problems) terminal.err(visible(line));
  return undefined;
}

function levelOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-4]$/.test(text)) return Number(text);
  throw new UsageError(`--paranoia-level expects a number from 1 to 4, found "${text}"`);
}
