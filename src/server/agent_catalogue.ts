import { AgentLoadError } from "../agents/guest.ts";
import type { AgentEvent, AgentOptions } from "../agents/options.ts";
import type { AgentFiles } from "../agents/types/agent_type.ts";
import { type AgentSpec, specIdentity } from "../agents/runtime/agent_spec.ts";
import type { CompiledComponent } from "../agents/wasm/compile_component.ts";
import type { InstanceImage } from "../agents/wasm/instance_image.ts";
import type { ComponentLimits } from "../agents/wasm/component_limits.ts";
import { readAgentFile } from "../config/agent_file.ts";
import type { Config, FilterConfig } from "../config/document.ts";
import { renderIssues } from "../config/render.ts";
import { resolveConfig, type ResolvedRoute } from "../config/resolve.ts";
import type { Log } from "../core/ports.ts";
import type { AgentAsset, AgentComponent, AgentPlan } from "../engine/agent_plan.ts";
import type { DroppedAgent } from "./agents_dir.ts";
import { type AgentLoad, AgentStore, type LoadedAgent, readAgentBytes, sha256Of } from "./agent_store.ts";
import { agentCompiler, askedCapabilities, componentLimits } from "./agent_store_compiler.ts";
import type { AgentFacts, AgentProblem } from "./agent_view.ts";

/** Size of one file that an agent may read; all of it is in memory, in every thread. */
const ASSET_BYTES_MAX = 64 * 1024 * 1024;

/** What a trial found out about an agent. */
export interface AgentTrialResult {
  readonly version: string;
  readonly summary: string;
  /** What it will be told of. */
  readonly events: ReadonlySet<AgentEvent>;
  /** State of the configured instance, where the agent shares it. */
  readonly image?: InstanceImage | undefined;
}

/** An agent's own description, and whether it can be configured as it is. */
export interface AgentTrial {
  (spec: AgentSpec<AgentComponent>): Promise<AgentTrialResult>;
}

/** What agents are looked for with. */
export interface AgentCatalogueInit {
  readonly log: Log;
  /** Files that options of dropped agents may name. */
  readonly files: AgentFiles;
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

/** An agent that can be started. */
interface Taken {
  readonly spec: AgentSpec<AgentComponent>;
  readonly facts: AgentFacts;
  readonly agent: LoadedAgent<CompiledComponent>;
  readonly events: ReadonlySet<AgentEvent>;
}

/** What one load found. */
interface Loading {
  readonly taken: readonly Taken[];
  readonly problems: readonly AgentProblem[];
}

interface Candidate {
  readonly id: string;
  readonly origin: AgentFacts["origin"];
  /** Undefined when what stands beside the file is wrong. */
  readonly options: AgentOptions | undefined;
}

/**
 * Finds the agents of a configuration: those that it names, which must all be right, and those that lie in the
 * agents folder, where a bad file is reported and changes nothing: what was served under its name stays.
 */
export class AgentCatalogue {
  readonly #init: AgentCatalogueInit;
  readonly #store: AgentStore<CompiledComponent, ComponentLimits>;
  #loaded: Loading = { taken: [], problems: [] };
  #served: ReadonlyMap<string, Taken> = new Map();
  #facts: readonly AgentFacts[] = [];
  #problems: readonly AgentProblem[] = [];
  #reported = "";
  /** Of the configuration that is being loaded. */
  #untold: readonly AgentEvent[] = [];

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

  /** Reads, compiles and tries the agents of a configuration. What has not changed is neither compiled nor tried again. */
  async load(config: Config): Promise<AgentsLoaded> {
    const resolved = resolveConfig(config);
    const { candidates, problems } = await this.#candidates(
      config,
      resolved.agents as readonly AgentOptions[],
    );
    const loads = new Map<string, AgentLoad<CompiledComponent>>();
    const wanted = candidates.flatMap(({ options }) => options ?? []);
    const results = await this.#store.load(wanted.map((options) => ({
      id: options.id,
      path: options.wasm,
      sha256: options.sha256,
      limits: componentLimits(options),
    })));
    for (const [index, result] of results.entries()) loads.set(wanted[index]!.id, result);
    this.#untold = untoldEvents(resolved.routes);
    const serious: string[] = [];
    const taken: Taken[] = [];
    for (const candidate of candidates) {
      const { id, origin } = candidate;
      const bad = (message: string) => {
        if (origin === "config") serious.push(message);
        else problems.push({ id, message });
      };
      const one = await this.#take(candidate, loads.get(id), { bad, filters: resolved.filters });
      if (one !== undefined) taken.push(one);
    }
    this.#loaded = { taken, problems };
    this.#report(problems);
    const dropped = taken.flatMap(({ facts: { origin, id } }) => origin === "dropped" ? [id] : []);
    return {
      plan: {
        specs: taken.map(({ spec }) => spec),
        dropped,
        attached: config.agentsDir.attach === "all" ? dropped : [],
      },
      problems: serious,
    };
  }

  /** What was loaded last is served now. */
  serve(): void {
    const { taken, problems } = this.#loaded;
    this.#served = new Map(taken.map((one) => [one.facts.id, one]));
    this.#facts = taken.map(({ facts }) => facts);
    this.#problems = problems;
    this.#store.serve(taken.map(({ agent }) => agent));
  }

  async #candidates(
    config: Config,
    declared: readonly AgentOptions[],
  ): Promise<{ readonly candidates: Candidate[]; readonly problems: AgentProblem[] }> {
    const candidates: Candidate[] = declared.map((options) => ({
      id: options.id,
      options,
      origin: "config",
    }));
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
      const file = { id: name, wasm, options: sidecar };
      const { options, issues } = await readAgentFile(file, this.#init.files);
      candidates.push({ id: name, options, origin: "dropped" });
      if (options === undefined) {
        const sources = new Map(sidecar === undefined ? [] : [[sidecar.path, sidecar.text]]);
        problems.push({ id: name, message: renderIssues(issues, sources, { color: false }).trim() });
      }
    }
    return { candidates, problems };
  }

  /** The agent of a candidate, or the one that is served in its place; what is wrong goes to `bad`. */
  async #take(
    candidate: Candidate,
    load: AgentLoad<CompiledComponent> | undefined,
    { bad, filters }: { readonly bad: (message: string) => void; readonly filters: readonly FilterConfig[] },
  ): Promise<Taken | undefined> {
    const { id, origin, options } = candidate;
    const served = this.#served.get(id);
    const instead = origin === "dropped" && served?.facts.origin === "dropped" ? served : undefined;
    if (load?.type === "problem") bad(load.problem);
    if (options === undefined || load?.type !== "loaded") return instead;
    const { agent } = load;
    try {
      const one = await this.#try(origin, options, agent);
      if (origin === "dropped") checkFilters(one, filters);
      return one;
    } catch (cause) {
      bad(`Cannot start agent "${agent.id}" from ${agent.path}: ${messageOf(cause)}`);
      return instead;
    }
  }

  async #try(
    origin: AgentFacts["origin"],
    options: AgentOptions,
    agent: LoadedAgent<CompiledComponent>,
  ): Promise<Taken> {
    const { compiled, digest, bytes, path } = agent;
    const { id } = options;
    const assets = await readAssets(options);
    const world = `${compiled.world.package}@${compiled.world.version}`;
    const spec: AgentSpec<AgentComponent> = {
      id,
      digest,
      world,
      component: { compiled, assets },
      options,
      revision: assets.map(({ name, version }) => `${name}=${version}`).join(","),
    };
    const served = this.#served.get(id);
    if (served !== undefined && served.facts.origin === origin && served.agent.compiled === agent.compiled) {
      if (specIdentity(served.spec) === specIdentity(spec)) return served;
    }
    const { version, summary, events, image } = await this.#init.trial(spec);
    const asked = askedCapabilities(compiled);
    const facts: AgentFacts = { id, origin, path, bytes, digest, world, version, summary, asked, options };
    this.#warn({ spec, facts, agent, events });
    const shared = image === undefined ? spec : { ...spec, component: { compiled, assets, image } };
    return { spec: shared, facts, agent, events };
  }

  /** Says what works otherwise than somebody might expect. */
  #warn({ facts: { id, asked, options }, events }: Taken): void {
    const { log } = this.#init;
    const denied = asked.filter((name) => !options.grant.some((granted) => granted === name));
    if (denied.length > 0) {
      log("warn", `Agent "${id}" may call what it is not granted; such a call traps`, {
        missing: denied.join(", "),
      });
    }
    const untold = this.#untold.filter((event) => options.events.includes(event));
    const isDeaf = events.size > 0 && [...events].every((event) => this.#untold.includes(event));
    if (untold.length === 0 && !isDeaf) return;
    log("warn", `Agent "${id}" waits for events that nothing tells of`, {
      events: (untold.length > 0 ? untold : [...events]).join(", "),
    });
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

/** Events of the contract that never happen: those of guardrails, and of frames where no route inspects them. */
function untoldEvents(routes: readonly ResolvedRoute[]): readonly AgentEvent[] {
  const inspects = routes.some(({ websocket, websocketInspection }) =>
    websocket?.enabled === true && websocketInspection
  );
  return inspects ? ["guardrail"] : ["guardrail", "websocket-frame"];
}

/** A filter that asks for what the agent does not do would keep the whole configuration from being served. */
function checkFilters({ facts: { id }, events }: Taken, filters: readonly FilterConfig[]): void {
  for (const filter of filters) {
    if (filter.type !== "agent" || filter.options.agent !== id || filter.options.inspectBody !== true) {
      continue;
    }
    if (events.has("request-body") || events.has("response-body")) continue;
    throw new AgentLoadError(
      `filter "${filter.id}" has inspect-body, but it does not handle bodies: it handles ` +
        `${[...events].join(", ") || "nothing"}`,
    );
  }
}

async function readAssets({ assets }: AgentOptions): Promise<AgentAsset[]> {
  const read: AgentAsset[] = [];
  for (const [name, path] of assets) {
    try {
      const bytes = await readAgentBytes(path, ASSET_BYTES_MAX);
      read.push({ name, bytes: shared(bytes), version: await sha256Of(bytes) });
    } catch (cause) {
      throw new AgentLoadError(`asset "${name}" from ${path}: ${messageOf(cause)}`, { cause });
    }
  }
  return read;
}

/** The same bytes in memory that all threads share. */
function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
