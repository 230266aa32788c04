import type { DiscoveredTarget, DiscoveryKind, DiscoveryPorts } from "./discovery.ts";
import { type DiscoveryState, Follower, type RefreshOutcome } from "./follower.ts";
import type { CommonOptions } from "./options.ts";
import { DISCOVERIES } from "./registry.ts";

/** An upstream whose targets are to be found. */
export interface WantedDiscovery {
  /** Qualified. */
  readonly upstreamId: string;
  /** One of the registry's. */
  readonly type: string;
  /** As that type reads them. */
  readonly options: CommonOptions;
  /** Whether targets are configured beside it, to be served until the first answer. */
  readonly hasOthers: boolean;
}

/** What followers need beside their sources. */
export interface FollowersInit {
  readonly ports: DiscoveryPorts;
  /** Called whenever the targets of some upstream changed. */
  readonly changed: () => void;
  readonly refreshed: (upstreamId: string, type: string, outcome: RefreshOutcome) => void;
}

/**
 * The sources of all upstreams, by identity: one whose options stay goes on over a reload, with its
 * answer. What a reload that fails had started is ended with it.
 */
export class Followers {
  readonly #init: FollowersInit;
  #served = new Map<string, Follower>();
  #prepared = new Map<string, Follower>();

  constructor(init: FollowersInit) {
    this.#init = init;
  }

  /** Starts what is missing and waits, within each one's bound, for the first answers. */
  async prepare(wanted: readonly WantedDiscovery[]): Promise<void> {
    this.abandon();
    const waits: Promise<void>[] = [];
    for (const one of wanted) {
      const key = JSON.stringify([one.upstreamId, one.type, one.options]);
      const running = this.#served.get(key);
      const follower = running ?? this.#start(one);
      this.#prepared.set(key, follower);
      if (running === undefined) waits.push(follower.settled(one));
    }
    await Promise.all(waits);
  }

  /** What was found for an upstream under the configuration that is prepared, or else served. */
  targets(upstreamId: string): readonly DiscoveredTarget[] | undefined {
    const follower = this.#find(this.#prepared, upstreamId) ?? this.#find(this.#served, upstreamId);
    return follower?.targets;
  }

  /** What was prepared is served; what it does not need any more ends. */
  commit(): void {
    const kept = new Set(this.#prepared.values());
    for (const follower of this.#served.values()) if (!kept.has(follower)) follower.stop();
    this.#served = this.#prepared;
    this.#prepared = new Map();
  }

  /** Ends what was started for a configuration that is not going to be served. */
  abandon(): void {
    const kept = new Set(this.#served.values());
    for (const follower of this.#prepared.values()) if (!kept.has(follower)) follower.stop();
    this.#prepared = new Map();
  }

  states(): DiscoveryState[] {
    return Array.from(this.#served.values(), (follower) => follower.state());
  }

  stop(): void {
    this.abandon();
    for (const follower of this.#served.values()) follower.stop();
    this.#served = new Map();
  }

  #start({ upstreamId, type, options }: WantedDiscovery): Follower {
    const { ports, changed, refreshed } = this.#init;
    const kind = findDiscovery(type);
    const subject = kind.subject(options);
    const last = this.#find(this.#served, upstreamId);
    const follower = new Follower({
      upstreamId,
      type,
      subject,
      options,
      ports,
      finder: kind.create(options, ports),
      seed: last?.subject === subject ? last.targets : undefined,
      changed,
      refreshed: (outcome) => refreshed(upstreamId, type, outcome),
    });
    follower.start();
    return follower;
  }

  #find(among: ReadonlyMap<string, Follower>, upstreamId: string): Follower | undefined {
    for (const follower of among.values()) if (follower.upstreamId === upstreamId) return follower;
    return undefined;
  }
}

/** The kind of a name that the configuration accepted. Its options are what it read, whatever their type. */
export function findDiscovery(type: string): DiscoveryKind {
  const kind = DISCOVERIES.find((one) => one.type === type);
  if (kind === undefined) throw new Error(`Unchecked configuration: discovery "${type}" is unknown`);
  return kind;
}
