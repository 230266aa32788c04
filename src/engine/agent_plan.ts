import type { AgentSpec } from "../agents/runtime/agent_spec.ts";
import type { CompiledComponent } from "../agents/wasm/compile_component.ts";
import type { InstanceImage } from "../agents/wasm/instance_image.ts";

/** A file that an agent may read. */
export interface AgentAsset {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Changes whenever the content does. */
  readonly version: string;
}

/** What a thread needs of an agent besides its options: code that was compiled once for all of them, and its files. */
export interface AgentComponent {
  readonly compiled: CompiledComponent;
  readonly assets: readonly AgentAsset[];
  /** State of the one instance that was configured, with `share-configured`. */
  readonly image?: InstanceImage | undefined;
}

/** The agents of one configuration, as they cross to the threads. */
export interface AgentPlan {
  readonly specs: readonly AgentSpec<AgentComponent>[];
  /** Ids of those that lie in the agents folder. */
  readonly dropped: readonly string[];
  /** Ids of those that the requests of every route go through, in order. */
  readonly attached: readonly string[];
}

/** A configuration without agents. */
export const NO_AGENTS: AgentPlan = Object.freeze({ specs: [], dropped: [], attached: [] });
