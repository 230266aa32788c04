import { resolve } from "node:path";
import type { Config } from "../config/document.ts";
import type { Log } from "../core/ports.ts";
import type { AgentPlan } from "../engine/agent_plan.ts";
import type { AgentCatalogue } from "./agent_catalogue.ts";
import { AgentsDir, type AgentsListing } from "./agents_dir.ts";
import type { Companion } from "./supervisor.ts";
import type { NextConfig } from "./thread.ts";

/** Nothing lies in a folder that nobody looks at. */
const NOTHING: Pick<AgentsListing, "agents" | "problems"> = { agents: [], problems: [] };

/** Follows the agents folder of the configuration that is served. */
export class AgentsCompanion implements Companion {
  readonly #log: Log;
  readonly #changed: () => void;
  #catalogue: AgentCatalogue | undefined;
  #folder: string | undefined;
  #dir: AgentsDir | undefined;
  #served: AgentPlan | undefined;
  #isClosed = false;

  /** `changed` is called when something in the folder is no longer as it was. */
  constructor(init: { readonly log: Log; readonly changed: () => void }) {
    this.#log = init.log;
    this.#changed = init.changed;
  }

  /** The catalogue is told when what it loaded is served. */
  attach(catalogue: AgentCatalogue): void {
    this.#catalogue = catalogue;
  }

  /** What lies in the folder of a configuration now. */
  async listing({ agentsDir }: Config): Promise<Pick<AgentsListing, "agents" | "problems">> {
    const folder = agentsDir.enabled ? resolve(Deno.cwd(), agentsDir.path) : undefined;
    if (this.#isClosed) return NOTHING;
    if (folder === this.#folder && this.#dir !== undefined) return await this.#dir.refresh();
    await this.#dir?.close();
    this.#folder = folder;
    this.#dir = undefined;
    if (folder === undefined) return NOTHING;
    this.#dir = await AgentsDir.open({ folder, log: this.#log, changed: () => this.#changed() });
    return this.#dir.listing;
  }

  prepare(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  commit({ agents }: NextConfig): void {
    // Other targets come with the agents that are served already; what was loaded since is not.
    if (agents === this.#served) return;
    this.#served = agents;
    this.#catalogue?.serve();
  }

  abandon(): void {}

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#dir?.close();
  }
}
