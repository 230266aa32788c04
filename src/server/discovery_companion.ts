import type { Config } from "../config/document.ts";
import { discoveringUpstreams, withTargets } from "../config/with_targets.ts";
import type { DiscoveryPorts } from "../discovery/discovery.ts";
import type { DiscoveryState, RefreshOutcome } from "../discovery/follower.ts";
import { Followers } from "../discovery/followers.ts";
import type { UpstreamStates } from "../engine/dataplane.ts";
import type { Companion } from "./supervisor.ts";

/** Found targets are handed to the threads at most this often. */
const UPDATE_INTERVAL_MS = 1_000;
/** Changes that come together go together. */
const UPDATE_DELAY_MS = 50;
/** Pause after the threads could not take them. */
const UPDATE_RETRY_MS = 5_000;

/** What the companion needs. */
export interface DiscoveryCompanionInit {
  readonly ports: DiscoveryPorts;
  readonly metrics: {
    countRefresh(upstreamId: string, type: string, outcome: RefreshOutcome): void;
    countUpdate(result: "applied" | "failed"): void;
  };
  /** Serves the targets as they are now; resolves with what is wrong. */
  retarget(): Promise<readonly string[]>;
}

/** An upstream as the admin listener shows it. */
export interface UpstreamView extends UpstreamStates {
  /** Absent when its targets are configured. */
  readonly discovery?: DiscoveryView;
}

/** How an upstream's source of targets is doing. */
export interface DiscoveryView {
  readonly type: string;
  readonly subject: string;
  /** Targets of the last good answer; null before the first. */
  readonly targets: number | null;
  readonly ageSecs: number | null;
  readonly failuresInARow: number;
  readonly lastError: string | null;
  /** The last answer was empty, and older targets are kept. */
  readonly keepsOld: boolean;
  readonly rejected: number;
}

/**
 * Finds targets once per process. What is found takes the place of configured targets before a
 * configuration goes to the threads; a change sends the served one to them again.
 */
export class DiscoveryCompanion implements Companion {
  readonly #init: DiscoveryCompanionInit;
  readonly #followers: Followers;
  /** Something was found that is not served yet. */
  #isStale = false;
  /** As `#isStale`, when what is being prepared took the targets along. */
  #wasStale = false;
  #isUpdating = false;
  #cancel: (() => void) | null = null;
  #updatedMs = -Infinity;
  #isClosed = false;
  #hasFailed = false;

  constructor(init: DiscoveryCompanionInit) {
    this.#init = init;
    const { ports, metrics } = init;
    this.#followers = new Followers({
      ports,
      changed: () => this.#changed(),
      refreshed: (upstreamId, type, outcome) => metrics.countRefresh(upstreamId, type, outcome),
    });
  }

  /** The configuration with the targets found for it. Sources that are new are given time for a first answer. */
  async discover(config: Config): Promise<Config> {
    const upstreams = discoveringUpstreams(config);
    await this.#followers.prepare(upstreams.map(({ id, upstream: { discovery, targets } }) => ({
      upstreamId: id,
      type: discovery.type,
      options: discovery.options,
      hasOthers: targets.length > 0,
    })));
    this.#wasStale = this.#isStale;
    this.#isStale = false;
    if (upstreams.length === 0) return config;
    return withTargets(config, (id) => this.#followers.targets(id));
  }

  prepare(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  commit(): void {
    this.#wasStale = false;
    this.#followers.commit();
  }

  abandon(): void {
    this.#followers.abandon();
    // The targets it had taken along are still to be served under the old configuration.
    if (this.#wasStale) this.#changed();
    this.#wasStale = false;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    this.#followers.stop();
    return Promise.resolve();
  }

  states(): DiscoveryState[] {
    return this.#followers.states();
  }

  /** Adds to each upstream how its source is doing. */
  describe(upstreams: readonly UpstreamStates[]): UpstreamView[] {
    const states = new Map(this.states().map((state) => [state.upstreamId, state]));
    return upstreams.map((upstream) => {
      const state = states.get(upstream.id);
      return state === undefined ? upstream : { ...upstream, discovery: viewOf(state) };
    });
  }

  #changed(): void {
    this.#isStale = true;
    if (this.#isUpdating || this.#cancel !== null) return;
    const { clock } = this.#init.ports;
    this.#schedule(Math.max(UPDATE_DELAY_MS, this.#updatedMs + UPDATE_INTERVAL_MS - clock.nowMs()));
  }

  #schedule(ms: number): void {
    if (this.#isClosed) return;
    this.#cancel = this.#init.ports.timers.after(ms, () => {
      this.#cancel = null;
      void this.#update();
    });
  }

  async #update(): Promise<void> {
    // A reload may have taken the targets along.
    if (!this.#isStale) return;
    const { ports: { clock, log }, metrics } = this.#init;
    this.#isUpdating = true;
    let problems: readonly string[];
    try {
      problems = await this.#init.retarget();
    } catch (cause) {
      problems = [cause instanceof Error ? cause.message : String(cause)];
    }
    this.#isUpdating = false;
    this.#updatedMs = clock.nowMs();
    metrics.countUpdate(problems.length === 0 ? "applied" : "failed");
    if (problems.length === 0) {
      this.#hasFailed = false;
      if (this.#isStale) this.#schedule(UPDATE_INTERVAL_MS);
      return;
    }
    if (!this.#hasFailed) {
      log("error", "Discovered targets could not be served", { reasons: problems.join("\n") });
    }
    this.#hasFailed = true;
    this.#isStale = true;
    this.#schedule(UPDATE_RETRY_MS);
  }
}

function viewOf(state: DiscoveryState): DiscoveryView {
  return {
    type: state.type,
    subject: state.subject,
    targets: state.targets ?? null,
    ageSecs: state.ageMs === undefined ? null : Math.round(state.ageMs / 100) / 10,
    failuresInARow: state.failuresInARow,
    lastError: state.lastError ?? null,
    keepsOld: state.keepsOld,
    rejected: state.rejected,
  };
}
