/** A thread of `shared_buckets_test.ts`: takes tokens as fast as it can and reports how many it got. */

import { SharedBuckets } from "../../src/counters/shared_buckets.ts";

interface Job {
  readonly memory: SharedArrayBuffer;
  readonly ratePerSecond: number;
  readonly burst: number;
  readonly maxKeys: number;
  readonly keys: readonly string[];
  readonly takes: number;
  /** Time of the first take, and how much later each next one pretends to be. */
  readonly startMs: number;
  readonly stepMs: number;
  readonly seed: number;
}

const port = self as unknown as {
  onmessage: ((event: { data: Job }) => void) | null;
  postMessage(message: unknown): void;
};

port.onmessage = ({ data: job }) => {
  let word = job.seed;
  const random = { u32: () => word = (Math.imul(word, 1664525) + 1013904223) >>> 0 };
  const buckets = new SharedBuckets(job.memory, { ...job, random });
  let allowed = 0;
  for (let i = 0; i < job.takes; i++) {
    const key = job.keys[i % job.keys.length]!;
    if (buckets.take(key, job.startMs + i * job.stepMs).allowed) allowed++;
  }
  port.postMessage(allowed);
};
