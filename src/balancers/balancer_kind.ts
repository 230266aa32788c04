import type { Clock, Random } from "../core/ports.ts";
import type { Schema } from "../core/schema.ts";
import type { Balancer, Target } from "./balancer.ts";

/** Which targets' counts changed, in whatever thread. */
export interface LoadChanges {
  /** Calls `changed` with the index of every target whose counts may differ from when it was last called. */
  drain(changed: (index: number) => void): void;
}

/** What a balancer is made with. */
export interface BalancerDeps<T extends Target = Target> {
  /** All targets of the upstream, each at its index, those of weight 0 included. */
  readonly targets: readonly T[];
  readonly upstreamId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Name of this machine, the same in all threads and after a restart. */
  readonly instance: string;
  readonly changes: LoadChanges;
}

/** One way to choose among targets: its names, its options, and how to make one for an upstream. */
export interface BalancerKind<Type extends string = string, Options = unknown> {
  /** The word in the configuration, kebab-case. */
  readonly type: Type;
  /** Other spellings that mean the same. */
  readonly aliases: readonly string[];
  /** One sentence for the reference page. */
  readonly summary: string;
  readonly options: Schema<Options>;
  /** What decides in the long run: weights, nothing (all get the same), or something about the request or load. */
  readonly shares: "by-weight" | "equal" | "by-key" | "by-load";
  create<T extends Target>(options: Options, deps: BalancerDeps<T>): Balancer<T>;
}
