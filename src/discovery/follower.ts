import { type Answer, DiscoveryError, type DiscoveryPorts, type Finder } from "./discovery.ts";
import type { DiscoveredTarget } from "./discovery.ts";
import type { CommonOptions } from "./options.ts";
import { sameTargets, targetList } from "./target_list.ts";

/** Least time between an answer and the next question, however often a source has news. */
export const PAUSE_MIN_MS = 50;
/** Pause after the first failure in a row; doubles up to the largest. */
export const BACKOFF_MIN_MS = 1_000;
export const BACKOFF_MAX_MS = 60_000;
/** Timers take no more, and a source that is never asked again is as good as dead. */
const PAUSE_MAX_MS = 3_600_000;
/** Pauses vary by this share each way, so that instances do not ask in step. */
const JITTER = 0.1;
/** Reasons are shown to people; a server's message may be of any length. */
const ERROR_LENGTH_MAX = 300;

/** What became of one question. */
export type RefreshOutcome = "success" | "empty" | "failure";

/** What a follower needs beside its source. */
export interface FollowerInit {
  /** Qualified id of the upstream. */
  readonly upstreamId: string;
  readonly type: string;
  /** What is looked up, in words. */
  readonly subject: string;
  readonly options: CommonOptions;
  readonly finder: Finder;
  readonly ports: Pick<DiscoveryPorts, "clock" | "timers" | "random" | "log">;
  /** What is served until the first answer: the last one about the same subject. */
  readonly seed: readonly DiscoveredTarget[] | undefined;
  /** Called whenever the targets changed. */
  readonly changed: () => void;
  readonly refreshed: (outcome: RefreshOutcome) => void;
}

/** State of one source, for people and metrics. */
export interface DiscoveryState {
  readonly upstreamId: string;
  readonly type: string;
  readonly subject: string;
  /** Undefined until there was an answer: configured targets are served so long. */
  readonly targets: number | undefined;
  /** Since the last good answer; undefined before the first. */
  readonly ageMs: number | undefined;
  readonly failuresInARow: number;
  readonly lastError: string | undefined;
  /** The last answer had no targets, and older ones are kept. */
  readonly keepsOld: boolean;
  /** Entries of the last answer that were left out. */
  readonly rejected: number;
}

/**
 * Asks one source again and again and holds its last good answer. Failures change nothing but the pause
 * before the next question; the log tells of the first in a row and of the recovery.
 */
export class Follower {
  readonly #init: FollowerInit;
  readonly #abort = new AbortController();
  /** Settled by the first good answer. */
  readonly #answered = Promise.withResolvers<void>();
  /** Settled by the first failure, or an answer without targets. */
  readonly #failed = Promise.withResolvers<void>();
  #targets: readonly DiscoveredTarget[] | undefined;
  #lastGoodMs: number | undefined;
  #failures = 0;
  #lastError: string | undefined;
  #keepsOld = false;
  #rejected = 0;
  #wake: (() => void) | null = null;

  constructor(init: FollowerInit) {
    this.#init = init;
    this.#targets = init.seed;
  }

  get upstreamId(): string {
    return this.#init.upstreamId;
  }

  get subject(): string {
    return this.#init.subject;
  }

  /** The last good answer; undefined before the first one. */
  get targets(): readonly DiscoveredTarget[] | undefined {
    return this.#targets;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#abort.abort();
    this.#wake?.();
    this.#answered.resolve();
    this.#init.finder.close();
  }

  /**
   * Resolves with the first answer, or once it has been waited for long enough. A source that fails is
   * not waited for where there is something else to serve.
   */
  async settled({ hasOthers }: { readonly hasOthers: boolean }): Promise<void> {
    const waitMs = this.#init.options.initialWaitSecs * 1000;
    if (waitMs === 0 || this.#lastGoodMs !== undefined) return;
    const { promise: overdue, resolve } = Promise.withResolvers<void>();
    const cancel = this.#init.ports.timers.after(waitMs, resolve);
    const ends = [this.#answered.promise, overdue];
    if (hasOthers || this.#targets !== undefined) ends.push(this.#failed.promise);
    await Promise.race(ends);
    cancel();
  }

  state(): DiscoveryState {
    const { upstreamId, type, subject, ports } = this.#init;
    return {
      upstreamId,
      type,
      subject,
      targets: this.#targets?.length,
      ageMs: this.#lastGoodMs === undefined ? undefined : ports.clock.nowMs() - this.#lastGoodMs,
      failuresInARow: this.#failures,
      lastError: this.#lastError,
      keepsOld: this.#keepsOld,
      rejected: this.#rejected,
    };
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) await this.#pause(await this.#ask());
  }

  /** Asks once; resolves with how long to wait. */
  async #ask(): Promise<number> {
    const { signal } = this.#abort;
    try {
      const answer = await this.#init.finder.next(signal);
      if (signal.aborted) return 0;
      this.#take(answer);
      return Math.max(PAUSE_MIN_MS, this.#jittered(answer.againAfterMs));
    } catch (cause) {
      if (signal.aborted) return 0;
      return this.#fail(cause);
    }
  }

  #take(answer: Answer): void {
    const { options, changed, refreshed } = this.#init;
    const list = targetList(answer, options.maxTargets);
    this.#rejected = list.rejected;
    const isEmpty = !list.targets.some(({ weight }) => weight > 0);
    if (isEmpty && options.onEmpty === "keep") {
      this.#keep(list.firstRejected);
      refreshed("empty");
      return;
    }
    if (this.#failures > 0 || this.#keepsOld) this.#tell("info", "Discovery works again");
    this.#failures = 0;
    this.#lastError = undefined;
    this.#keepsOld = false;
    this.#lastGoodMs = this.#init.ports.clock.nowMs();
    this.#answered.resolve();
    refreshed(isEmpty ? "empty" : "success");
    const before = this.#targets;
    if (before !== undefined && sameTargets(before, list.targets)) return;
    this.#targets = list.targets;
    this.#tellChange(before ?? [], list.targets);
    changed();
  }

  /** An answer came, but nothing can be served by it. */
  #keep(reason: string | undefined): void {
    if (!this.#keepsOld) {
      this.#tell("warn", "Discovery found no targets; the last ones stay", {
        targets: this.#targets?.length ?? 0,
        ...(reason === undefined ? {} : { reason: shortened(reason) }),
      });
    }
    this.#failures = 0;
    this.#lastError = undefined;
    this.#keepsOld = true;
    this.#failed.resolve();
  }

  /** Counts a failure; how long to wait after it. */
  #fail(cause: unknown): number {
    this.#lastError = shortened(cause instanceof Error ? cause.message : String(cause));
    if (this.#failures++ === 0) {
      this.#tell("warn", "Discovery failed; the last targets stay", {
        error: this.#lastError,
        targets: this.#targets?.length ?? 0,
      });
    }
    this.#failed.resolve();
    this.#init.refreshed("failure");
    const own = cause instanceof DiscoveryError ? cause.againAfterMs : undefined;
    const growing = Math.min(BACKOFF_MIN_MS * 2 ** Math.min(this.#failures - 1, 10), BACKOFF_MAX_MS);
    return Math.max(PAUSE_MIN_MS, this.#jittered(own ?? growing));
  }

  #jittered(ms: number): number {
    const fraction = this.#init.ports.random.u32() / 2 ** 32;
    return ms * (1 - JITTER + 2 * JITTER * fraction);
  }

  #pause(ms: number): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#init.ports.timers.after(Math.min(ms, PAUSE_MAX_MS), resolve);
    this.#wake = () => {
      cancel();
      resolve();
    };
    return promise;
  }

  #tellChange(before: readonly DiscoveredTarget[], after: readonly DiscoveredTarget[]): void {
    const old = new Set(before.map(({ address }) => address));
    const added = after.filter(({ address }) => !old.has(address)).length;
    const removed = before.length - (after.length - added);
    this.#tell("info", "Discovered targets changed", { targets: after.length, added, removed });
  }

  #tell(level: "info" | "warn", message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const { upstreamId, type, subject, ports } = this.#init;
    ports.log(level, message, { upstream: upstreamId, discovery: type, subject, ...fields });
  }
}

function shortened(text: string): string {
  return text.length > ERROR_LENGTH_MAX ? `${text.slice(0, ERROR_LENGTH_MAX)}…` : text;
}
