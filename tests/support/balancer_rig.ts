import type { Balancer } from "../../src/balancers/balancer.ts";
import type { BalancerKind } from "../../src/balancers/balancer_kind.ts";
import { findBalancer } from "../../src/balancers/find_balancer.ts";
import type { RequestContext } from "../../src/core/context.ts";
import { allocateShared } from "../../src/core/shared_memory.ts";
import { LiveTarget } from "../../src/upstream/live_target.ts";
import type { TargetPool } from "../../src/upstream/pool.ts";
import { openRecords, recordNeeds } from "../../src/upstream/target_record.ts";
import { FakeTime } from "./fake_socket.ts";
import { optionsOf } from "./filter_fixture.ts";
import { request } from "./proxy_rig.ts";

/** A target of a rig. */
export interface RigTarget {
  readonly address?: string;
  readonly weight?: number;
  readonly zone?: string;
  readonly priority?: number;
}

export interface RigInit {
  readonly targets: readonly RigTarget[];
  /** KDL in the balancer's block. */
  readonly options?: string;
  readonly seed?: number;
  readonly instance?: string;
  /** Threads that share the targets' memory; each gets a balancer of its own. */
  readonly threads?: number;
}

/** Numbers that look random and are the same for the same seed (xorshift32, Marsaglia 2003). */
export function seededRandom(seed: number): { u32(): number } {
  let state = seed >>> 0 || 1;
  return {
    u32() {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>>= 0;
    },
  };
}

/** One thread's balancer over its targets. */
export interface RigThread {
  readonly targets: readonly LiveTarget[];
  readonly balancer: Balancer<LiveTarget>;
}

/** Balancers over targets with real counts in shared memory, as several threads would have them. */
export class BalancerRig {
  readonly time = new FakeTime();
  readonly kind: BalancerKind;
  readonly threads: readonly RigThread[];
  #usable: readonly LiveTarget[] | undefined;

  constructor(type: string, init: RigInit) {
    this.kind = findBalancer(type)!;
    const config = {
      id: "api",
      targets: init.targets.map(({ address }, i) => ({ address: address ?? defaultAddress(i) })),
    };
    const count = init.threads ?? 1;
    const shared = allocateShared(recordNeeds(config, count), {});
    const options = optionsOf(this.kind as never, init.options ?? "");
    this.threads = Array.from({ length: count }, (_, worker) => {
      const records = openRecords(config, shared, worker);
      const targets = init.targets.map((target, index) =>
        new LiveTarget({
          address: config.targets[index]!.address,
          weight: target.weight ?? 1,
          zone: target.zone,
          priority: target.priority ?? 0,
          requestsMax: Infinity,
          isDrained: false,
          index,
          pool: undefined as unknown as TargetPool,
          host: "h",
          record: records.targets[index]!,
        })
      );
      const balancer = this.kind.create(options, {
        targets,
        upstreamId: config.id,
        clock: this.time,
        random: seededRandom((init.seed ?? 20261125) + worker * 7919),
        instance: init.instance ?? "machine",
        changes: records.changes,
      });
      for (const target of targets) {
        if (balancer.observer !== undefined) target.observe(balancer.observer);
        if (balancer.watchesLoad) target.tellChanges(records.changes);
      }
      return { targets, balancer };
    });
  }

  get targets(): readonly LiveTarget[] {
    return this.threads[0]!.targets;
  }

  get balancer(): Balancer<LiveTarget> {
    return this.threads[0]!.balancer;
  }

  /** Targets of weights above 0: the same array each time. */
  get usable(): readonly LiveTarget[] {
    return this.#usable ??= this.targets.filter(({ weight }) => weight > 0);
  }

  /** Picks among all of the first thread's targets. */
  pick(context: RequestContext = request(), excluded: readonly LiveTarget[] | null = null): LiveTarget {
    return this.balancer.pick(this.usable, context, excluded)!;
  }

  /** How often each target is picked, by requests that are over at once, ten in a second. */
  tally(picks: number, contextOf: (i: number) => RequestContext = constantly(request())): number[] {
    const counts = this.targets.map(() => 0);
    for (let i = 0; i < picks; i++) {
      this.time.now += 100;
      const context = contextOf(i);
      const target = this.pick(context);
      counts[target.index]!++;
      answer(target, context, 1);
    }
    return counts;
  }
}

/** A whole request that took a while. */
export function answer(target: LiveTarget, context: RequestContext, latencyMs: number, status = 200): void {
  target.begin(context);
  target.answered(context, status, latencyMs);
  target.ended(context, "complete");
}

/** The address of the i-th target that has none of its own. */
export function defaultAddress(i: number): string {
  return `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:80`;
}

function constantly<T>(value: T): () => T {
  return () => value;
}

/** Requests of many clients and paths, one after the other. */
export function manyClients(i: number): RequestContext {
  const downstream = { peerIp: `198.${51 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}` };
  return request({ target: `/item/${i}`, downstream });
}
