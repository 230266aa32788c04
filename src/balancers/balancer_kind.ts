import type { Balancer, Target } from "./balancer.ts";

/** One way to choose among targets: its names, and how to make one for an upstream. */
export interface BalancerKind<Type extends string = string> {
  /** The word in the configuration, kebab-case. */
  readonly type: Type;
  /** Other spellings that mean the same. */
  readonly aliases: readonly string[];
  /** One sentence for the reference page. */
  readonly summary: string;
  /** `targets` are the upstream's, weights above 0, in configured order. */
  create<T extends Target>(targets: readonly T[]): Balancer<T>;
}
