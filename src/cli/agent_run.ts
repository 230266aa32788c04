import { AgentLoadError } from "../agents/guest.ts";
import { CAPABILITIES } from "../agents/options.ts";
import type { AgentOptions, Capability } from "../agents/options.ts";
import { readAgentFile } from "../config/agent_file.ts";
import { renderIssues } from "../config/render.ts";
import type { AgentAsset } from "../engine/agent_plan.ts";
import { AgentStore, readAgentBytes, sha256Of } from "../server/agent_store.ts";
import { DiskFiles } from "../server/config_files.ts";
import { agentCompiler, componentLimits } from "../server/agent_store_compiler.ts";
import { AgentMachine } from "./agent_machine.ts";
import { describeRun, runAsJson } from "./agent_report.ts";
import { runSession } from "./agent_session.ts";
import type { SessionInput } from "./agent_session.ts";
import { visible } from "./agent_table.ts";
import { parseHeaderArgument, parseRequestArgument } from "./request_argument.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** Exit status when the agent decided against the request. */
export const EXIT_REFUSED = 3;

/** Largest asset, and largest file given with `@`. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** A request for an agent, as it was typed. */
export interface AgentRunOptions {
  readonly request: string;
  readonly header: readonly string[];
  /** Text, or `@file`. */
  readonly body?: string;
  readonly client: string;
  /** The agent's own configuration: JSON, or `@file`. */
  readonly config?: string;
  /** What the agent may use, with commas. */
  readonly grant?: string;
  /** A file such as may lie beside a dropped agent. */
  readonly options?: string;
  readonly fuel?: string;
  readonly responseStatus: string;
  readonly responseHeader: readonly string[];
  readonly responseBody?: string;
  readonly json?: boolean;
}

/** Something that was typed wrongly; the message says what. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Shows one made-up request to an agent, in the machine that it would run in, and prints what came of it. */
export async function agentRunVerb(
  path: string,
  options: AgentRunOptions,
  terminal: Terminal,
): Promise<number> {
  try {
    return await run(path, options, terminal);
  } catch (cause) {
    if (cause instanceof UsageError) {
      terminal.err(`error: ${cause.message}`);
      return EXIT.usage;
    }
    if (!(cause instanceof AgentLoadError)) throw cause;
    terminal.err(`sentinel: ${visible(cause.message)}`);
    return EXIT.failed;
  }
}

async function run(path: string, options: AgentRunOptions, terminal: Terminal): Promise<number> {
  const input = await sessionInput(options);
  const agentOptions = await agentOptionsOf(path, options);
  const store = new AgentStore(agentCompiler);
  const [load] = await store.load([{ id: agentOptions.id, path, limits: componentLimits(agentOptions) }]);
  if (load?.type !== "loaded") throw new AgentLoadError(load?.problem ?? "nothing was loaded");
  using machine = new AgentMachine({
    ...load.agent,
    options: agentOptions,
    assets: await readAssets(agentOptions),
    log: (level, message, fields = {}) => {
      terminal.err(visible(`${level} ${message} ${JSON.stringify(fields)}`));
    },
  });
  const { live, clock } = machine;
  const { id, version } = await machine.describe();
  await machine.start();
  const result = await runSession(live, input, clock);
  const state = live.state();
  const reported = {
    title: `${id} ${version} (${state.world})`,
    request: `${input.method} ${input.scheme}://${input.authority}${input.target} from ${input.clientIp}`,
    handles: state.events,
    result,
    memoryBytes: state.memoryBytes,
  };
  terminal.out(options.json ? runAsJson(reported) : describeRun(reported));
  if (result.verdict === "failed") return EXIT.failed;
  return result.verdict === "allow" ? EXIT.ok : EXIT_REFUSED;
}

async function agentOptionsOf(path: string, given: AgentRunOptions): Promise<AgentOptions> {
  const id = path.replace(/^.*\//, "").replace(/\.wasm$/, "") || "agent";
  const text = given.options === undefined ? undefined : await textOf(`@${given.options}`);
  const file = given.options === undefined ? undefined : { path: given.options, text: text! };
  const { options, issues } = await readAgentFile(
    { id, wasm: path, options: file },
    new DiskFiles(Deno.cwd()),
  );
  if (options === undefined) {
    throw new UsageError(
      renderIssues(issues, new Map([[given.options ?? path, text ?? ""]]), { color: false }),
    );
  }
  return {
    ...options,
    grant: given.grant === undefined ? options.grant : grants(given.grant),
    fuel: given.fuel === undefined ? options.fuel : fuelOf(given.fuel),
    config: given.config === undefined ? options.config : await configOf(given.config),
  };
}

function grants(text: string): readonly Capability[] {
  return text.split(",").map((word) => word.trim()).filter((word) => word !== "").map((word) => {
    const known = CAPABILITIES.find((name) => name === word);
    if (known === undefined) {
      throw new UsageError(`--grant: there is no "${word}"; there are ${CAPABILITIES.join(", ")}`);
    }
    return known;
  });
}

function fuelOf(text: string): number {
  const fuel = Number(text);
  if (Number.isInteger(fuel) && fuel >= 1 && fuel <= 2_000_000_000) return fuel;
  throw new UsageError(`--fuel expects a number from 1 to 2000000000, found "${text}"`);
}

async function configOf(text: string): Promise<string> {
  const json = await textOf(text);
  try {
    return JSON.stringify(JSON.parse(json));
  } catch (cause) {
    throw new UsageError(`--config is no JSON: ${messageOf(cause)}`);
  }
}

async function sessionInput(options: AgentRunOptions): Promise<SessionInput> {
  const request = parseRequestArgument(options.request);
  if (typeof request === "string") throw new UsageError(`--request ${request}`);
  const status = Number(options.responseStatus);
  if (!Number.isInteger(status) || status < 100 || status > 599) {
    throw new UsageError(`--response-status expects 100 to 599, found "${options.responseStatus}"`);
  }
  return {
    ...request,
    headers: headersOf("--header", options.header),
    body: await bytesOf(options.body),
    clientIp: options.client,
    response: {
      status,
      headers: headersOf("--response-header", options.responseHeader),
      body: await bytesOf(options.responseBody),
    },
  };
}

function headersOf(option: string, texts: readonly string[]) {
  return texts.map((text) => {
    const header = parseHeaderArgument(text);
    if (typeof header === "string") throw new UsageError(`${option} ${header}`);
    return header;
  });
}

async function bytesOf(text: string | undefined): Promise<Uint8Array | undefined> {
  if (text === undefined) return undefined;
  return text.startsWith("@") ? await readGiven(text.slice(1)) : new TextEncoder().encode(text);
}

async function textOf(text: string): Promise<string> {
  return text.startsWith("@") ? new TextDecoder().decode(await readGiven(text.slice(1))) : text;
}

async function readGiven(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readAgentBytes(path, FILE_BYTES_MAX);
  } catch (cause) {
    throw new UsageError(`cannot read ${path}: ${messageOf(cause)}`);
  }
}

async function readAssets(options: AgentOptions): Promise<readonly AgentAsset[]> {
  const assets: AgentAsset[] = [];
  for (const [name, path] of options.assets) {
    const bytes = await readGiven(path);
    assets.push({ name, bytes, version: await sha256Of(bytes) });
  }
  return assets;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
