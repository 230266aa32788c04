import type { Target } from "./balancer.ts";
import type { BalancerDeps } from "./balancer_kind.ts";

/** Up to so many targets are simply all looked at: cheaper than noting and looking up what changed. */
const LOOKED_AT_MAX = 24;

/**
 * One thread's view of the counts that all threads keep in shared memory, exact when it is asked and brought up
 * to date only where something changed: reading a thousand shared counts would cost more than everything else
 * about a request. Besides what is known to have changed it looks at one more target each time, in turn, so that
 * what a request of an earlier configuration changed is seen too.
 */
export class LoadView<T extends Target> {
  readonly #targets: readonly T[];
  readonly #deps: BalancerDeps<T>;
  readonly #counts: Int32Array;
  readonly #changed: (index: number) => void;
  readonly #refresh: (index: number) => void;
  #total = 0;
  #next = 0;
  #isFirst = true;
  readonly #isSmall: boolean;

  /** `changed` is called with the index of every target that was looked at again. */
  constructor(deps: BalancerDeps<T>, changed: (index: number) => void) {
    this.#targets = deps.targets;
    this.#deps = deps;
    this.#counts = new Int32Array(deps.targets.length);
    this.#changed = changed;
    this.#refresh = (index) => this.#look(index);
    this.#isSmall = !needsChanges(deps);
  }

  /** Brings the view up to date. */
  update(): void {
    const { length } = this.#targets;
    if (this.#isSmall) {
      for (let i = 0; i < length; i++) this.#look(i);
      return;
    }
    if (this.#isFirst) {
      // At the first request, not when the configuration is built: that may be long before.
      this.#isFirst = false;
      this.#deps.changes.drain(() => {});
      for (let i = 0; i < length; i++) this.#look(i);
      return;
    }
    this.#deps.changes.drain(this.#refresh);
    if (this.#next >= length) this.#next = 0;
    if (length > 0) this.#look(this.#next++);
  }

  /** Requests in flight on a target, as of the last update. */
  inFlight(index: number): number {
    return this.#counts[index]!;
  }

  /** Requests in flight on all targets, as of the last update. */
  get total(): number {
    return this.#total;
  }

  #look(index: number): void {
    const count = this.#targets[index]!.record.inFlight;
    this.#total += count - this.#counts[index]!;
    this.#counts[index] = count;
    this.#changed(index);
  }
}

/** Whether a view over these targets has to be told what changes: `Balancer.watchesLoad`. */
export function needsChanges({ targets }: BalancerDeps): boolean {
  return targets.length > LOOKED_AT_MAX;
}
