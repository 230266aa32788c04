import { fraction, hashText } from "./hash.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { BalancerDeps } from "./balancer_kind.ts";
import { LoadView, needsChanges } from "./load_view.ts";
import { MinTree } from "./min_tree.ts";

/** What makes a target good. */
export interface Scoring<T extends Target> {
  /** The less the better, finite; looked at again when counts or the usable list change. */
  score(target: T, inFlight: number): number;
  /** Called before scores are looked at for a pick. */
  prepare?(): void;
  /** Share among targets of one score, above 0. */
  share(target: T): number;
}

/**
 * The target with the least score, kept in a tournament so that a pick costs little whatever the number of
 * targets. Among equals targets take turns by stride scheduling (Waldspurger and Weihl, 1995): each pick costs a
 * target the inverse of its share, and who has paid least is next.
 */
export class Scoreboard<T extends Target> implements Pick<Balancer<T>, "pick" | "watchesLoad"> {
  readonly watchesLoad: boolean;
  readonly #targets: readonly T[];
  readonly #scoring: Scoring<T>;
  readonly #prepare: (() => void) | undefined;
  readonly #view: LoadView<T>;
  readonly #tree: MinTree;
  /** What each target has paid so far. */
  readonly #paid: Float64Array;
  readonly #isUsable: Uint8Array;
  #usable: readonly T[] | undefined;
  /** The most that one picked had paid: who was away or busy begins there, instead of catching up. */
  #nowPaid = -1;

  constructor(deps: BalancerDeps<T>, scoring: Scoring<T>) {
    const { targets, random } = deps;
    this.watchesLoad = needsChanges(deps);
    this.#targets = targets;
    this.#scoring = scoring;
    this.#prepare = scoring.prepare?.bind(scoring);
    this.#tree = new MinTree(targets.length);
    this.#isUsable = new Uint8Array(targets.length);
    // Threads begin at different targets, else all of them would send their first requests to the same one.
    const seed = random.u32();
    this.#paid = Float64Array.from(targets, ({ address }) => fraction(hashText(address, seed)) - 1);
    this.#view = new LoadView(deps, (index) => this.#look(index));
  }

  pick(usable: readonly T[], _context: unknown, excluded: readonly T[] | null): T | undefined {
    if (this.#prepare !== undefined) this.#prepare();
    if (usable !== this.#usable) this.#adopt(usable);
    this.#view.update();
    return excluded === null ? this.#take(this.#tree.first) : this.#pickOther(excluded);
  }

  /** Looks again at a target's score. */
  #look(index: number): void {
    if (this.#isUsable[index] === 0) return;
    const target = this.#targets[index]!;
    const score = this.#scoring.score(target, this.#view.inFlight(index));
    if (this.#paid[index]! < this.#nowPaid) this.#paid[index] = this.#nowPaid;
    this.#tree.set(index, score, this.#paid[index]!);
  }

  #take(index: number): T | undefined {
    if (this.#tree.score(index) === Infinity) return undefined;
    const target = this.#targets[index]!;
    const paid = this.#paid[index]!;
    this.#nowPaid = Math.max(this.#nowPaid, paid);
    this.#paid[index] = paid + 1 / this.#scoring.share(target);
    this.#tree.set(index, this.#tree.score(index), this.#paid[index]!);
    return target;
  }

  #pickOther(excluded: readonly T[]): T | undefined {
    for (const { index } of excluded) this.#tree.set(index, Infinity, 0);
    const target = this.#take(this.#tree.first);
    for (const { index } of excluded) this.#look(index);
    return target;
  }

  #adopt(usable: readonly T[]): void {
    this.#usable = usable;
    this.#isUsable.fill(0);
    for (const { index } of usable) this.#isUsable[index] = 1;
    for (const { index } of this.#targets) {
      if (this.#isUsable[index] === 0) {
        this.#tree.set(index, Infinity, 0);
        continue;
      }
      this.#look(index);
    }
  }
}
