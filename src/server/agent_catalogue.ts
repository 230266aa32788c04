import { AgentLoadError } from "../agents/guest.ts";
import type { AgentOptions } from "../agents/options.ts";
import type { AgentSpec } from "../agents/runtime/agent_spec.ts";
import type { CompiledComponent } from "../agents/wasm/compile_component.ts";
import type { ComponentLimits } from "../agents/wasm/component_limits.ts";
import { readAgentFile } from "../config/agent_file.ts";
import type { Config } from "../config/document.ts";
import { renderIssues } from "../config/render.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { Log } from "../core/ports.ts";
import type { AgentAsset, AgentComponent, AgentPlan } from "../engine/agent_plan.ts";
import type { DroppedAgent } from "./agents_dir.ts";
import { AgentStore, type LoadedAgent, readAgentBytes, sha256Of } from "./agent_store.ts";
import { agentCompiler, askedCapabilities, componentLimits } from "./agent_store_compiler.ts";
import type { AgentFacts, AgentProblem } from "./agent_view.ts";

/** Size of one file that an agent may read; all of it is in memory, in every thread. */
const ASSET_BYTES_MAX = 64 * 1024 * 1024;

/** An agent's own description, and whether it can be configured as it is. */
export interface AgentTrial {
  (spec: AgentSpec<AgentComponent>): Promise<{ readonly version: string; readonly summary: string }>;
}

/** What agents are looked for with. */
export interface AgentCatalogueInit {
  readonly log: Log;
  /** Starts one instance and asks it who it is. Rejects when it cannot be started. */
  readonly trial: AgentTrial;
  /** What lies in the agents folder of a configuration. */
  readonly dropped: (config: Config) => Promise<{
    readonly agents: readonly DroppedAgent[];
    readonly problems: readonly { readonly message: string }[];
  }>;
}

/** What became of the agents of a configuration. */
export interface AgentsLoaded {
  readonly plan: AgentPlan;
  /** Why the configuration cannot be served; about agents that it names. */
  readonly problems: readonly string[];
}

/** What one load found. */
interface Loading {
  readonly facts: AgentFacts[];
  readonly problems: AgentProblem[];
  readonly agents: LoadedAgent<CompiledComponent>[];
}

interface Candidate {
  readonly options: AgentOptions;
  readonly origin: AgentFacts["origin"];
}

/**
 * Finds the agents of a configuration: those that it names, which must all be right, and those that lie in the
 * agents folder, where a bad file is reported and changes nothing.
 */
export class AgentCatalogue {
  readonly #init: AgentCatalogueInit;
  readonly #store: AgentStore<CompiledComponent, ComponentLimits>;
  #loaded: Loading = { facts: [], problems: [], agents: [] };
  #facts: readonly AgentFacts[] = [];
  #problems: readonly AgentProblem[] = [];
  #reported = "";

  constructor(init: AgentCatalogueInit) {
    this.#init = init;
    this.#store = new AgentStore(agentCompiler);
  }

  /** The agents that are served. */
  get facts(): readonly AgentFacts[] {
    return this.#facts;
  }

  /** Files that are no agents, and why. */
  get problems(): readonly AgentProblem[] {
    return this.#problems;
  }

  /** Reads, compiles and tries the agents of a configuration. What has not changed is not compiled again. */
  async load(config: Config): Promise<AgentsLoaded> {
    const declared = resolveConfig(config).agents as readonly AgentOptions[];
    const { candidates, problems } = await this.#candidates(config, declared);
    const loads = await this.#store.load(candidates.map(({ options }) => ({
      id: options.id,
      path: options.wasm,
      sha256: options.sha256,
      limits: componentLimits(options),
    })));
    const serious: string[] = [];
    const next: Loading = { facts: [], problems, agents: [] };
    const specs: AgentSpec<AgentComponent>[] = [];
    for (const [index, load] of loads.entries()) {
      const candidate = candidates[index]!;
      const bad = (message: string) => {
        if (candidate.origin === "config") serious.push(message);
        else next.problems.push({ id: candidate.options.id, message });
      };
      if (load.type === "problem") bad(load.problem);
      const agent = load.type === "loaded" ? load.agent : load.served;
      if (agent === undefined || (load.type === "problem" && candidate.origin === "config")) continue;
      const taken = await this.#take(candidate, agent).catch((cause: unknown) => {
        bad(`Cannot start agent "${agent.id}" from ${agent.path}: ${messageOf(cause)}`);
        return undefined;
      });
      if (taken === undefined) continue;
      specs.push(taken.spec);
      next.facts.push(taken.facts);
      next.agents.push(agent);
    }
    this.#loaded = next;
    this.#report(next.problems);
    const dropped = next.facts.filter(({ origin }) => origin === "dropped").map(({ id }) => id);
    return {
      plan: { specs, dropped, attached: config.agentsDir.attach === "all" ? dropped : [] },
      problems: serious,
    };
  }

  /** What was loaded last is served now. */
  serve(): void {
    const { facts, problems, agents } = this.#loaded;
    this.#facts = facts;
    this.#problems = problems;
    this.#store.serve(agents);
  }

  async #candidates(
    config: Config,
    declared: readonly AgentOptions[],
  ): Promise<{ readonly candidates: Candidate[]; readonly problems: AgentProblem[] }> {
    const candidates: Candidate[] = declared.map((options) => ({ options, origin: "config" }));
    const listing = await this.#init.dropped(config);
    const problems: AgentProblem[] = listing.problems.map(({ message }) => ({ message }));
    for (const { id: name, wasm, options: sidecar } of listing.agents) {
      if (declared.some(({ id }) => id === name)) {
        problems.push({
          id: name,
          message: `${wasm} is not taken: the configuration has an agent "${name}"`,
        });
        continue;
      }
      const { options, issues } = readAgentFile({ id: name, wasm, options: sidecar });
      if (options !== undefined) candidates.push({ options, origin: "dropped" });
      else {
        const sources = new Map(sidecar === undefined ? [] : [[sidecar.path, sidecar.text]]);
        problems.push({ id: name, message: renderIssues(issues, sources, { color: false }).trim() });
      }
    }
    return { candidates, problems };
  }

  async #take(
    { options, origin }: Candidate,
    agent: LoadedAgent<CompiledComponent>,
  ): Promise<{ readonly spec: AgentSpec<AgentComponent>; readonly facts: AgentFacts }> {
    const { compiled, digest, bytes, path } = agent;
    const assets = await readAssets(options);
    const world = `${compiled.world.package}@${compiled.world.version}`;
    const spec: AgentSpec<AgentComponent> = {
      id: options.id,
      digest,
      world,
      component: { compiled, assets },
      options,
      revision: assets.map(({ name, version }) => `${name}=${version}`).join(","),
    };
    const { version, summary } = await this.#init.trial(spec);
    const facts: AgentFacts = {
      id: options.id,
      origin,
      path,
      bytes,
      digest,
      world,
      version,
      summary,
      asked: askedCapabilities(compiled),
      options,
    };
    const denied = facts.asked.filter((name) => !options.grant.some((granted) => granted === name));
    if (denied.length > 0 && !this.#facts.some((each) => each.id === facts.id && each.digest === digest)) {
      this.#init.log("warn", `Agent "${facts.id}" may call what it is not granted; such a call traps`, {
        missing: denied.join(", "),
      });
    }
    return { spec, facts };
  }

  /** Says what is wrong with the folder, once for as long as it is the same. */
  #report(problems: readonly AgentProblem[]): void {
    const text = JSON.stringify(problems);
    if (text === this.#reported) return;
    this.#reported = text;
    for (const { message } of problems) {
      this.#init.log("error", "A file of the agents folder is not taken", { reason: message });
    }
  }
}

async function readAssets({ assets }: AgentOptions): Promise<AgentAsset[]> {
  const read: AgentAsset[] = [];
  for (const [name, path] of assets) {
    try {
      const bytes = await readAgentBytes(path, ASSET_BYTES_MAX);
      read.push({ name, bytes, version: await sha256Of(bytes) });
    } catch (cause) {
      throw new AgentLoadError(`asset "${name}" from ${path}: ${messageOf(cause)}`, { cause });
    }
  }
  return read;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
