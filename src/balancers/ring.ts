import { hashText, rehash } from "./hash.ts";
import type { Target } from "./balancer.ts";

/** Points of one ring: 2 MB. With more targets each gets fewer. */
export const RING_POINTS_MAX = 262_144;

/** A point's hash and the target's rank share one number, so that sorting needs no comparisons of our own. */
const RANKS_MAX = 2 ** 20;

/**
 * Points of targets on a circle of 2^32 (Karger et al., "Consistent Hashing and Random Trees", 1997). They
 * follow from addresses and weights alone, so every thread and instance has the same ring, and a target that
 * leaves gives up its own arcs and no others.
 */
export class Ring {
  readonly #hashes: Uint32Array;
  /** Index of each point's target. */
  readonly #owners: Uint32Array;
  /** First point of each of the equal parts that the circle is cut into, to search there only. */
  readonly #starts: Uint32Array;
  readonly #shift: number;

  /** `points`: for each target of weight 1, within `RING_POINTS_MAX` for all together. */
  constructor(targets: readonly Target[], points: number) {
    const ranked = targets.filter(({ weight }) => weight > 0).sort((a, b) => compare(a.address, b.address));
    const counts = pointCounts(ranked, points);
    const keys = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
    let at = 0;
    for (const [rank, { address }] of ranked.entries()) {
      const seed = hashText(address);
      for (let n = 0; n < counts[rank]!; n++) keys[at++] = rehash(seed, n) * RANKS_MAX + rank;
    }
    keys.sort();
    this.#hashes = new Uint32Array(keys.length);
    this.#owners = new Uint32Array(keys.length);
    for (let i = 0; i < keys.length; i++) {
      this.#hashes[i] = Math.floor(keys[i]! / RANKS_MAX);
      this.#owners[i] = ranked[keys[i]! % RANKS_MAX]!.index;
    }
    const bits = Math.max(1, Math.ceil(Math.log2(keys.length + 1)));
    this.#shift = 32 - bits;
    this.#starts = new Uint32Array(2 ** bits + 1);
    let point = 0;
    for (let part = 0; part <= 2 ** bits; part++) {
      while (point < keys.length && this.#hashes[point]! >>> this.#shift < part) point++;
      this.#starts[part] = point;
    }
  }

  get size(): number {
    return this.#hashes.length;
  }

  /** The first point at or after a hash, clockwise. */
  pointAt(hash: number): number {
    const hashes = this.#hashes;
    let point = this.#starts[hash >>> this.#shift]!;
    while (point < hashes.length && hashes[point]! < hash) point++;
    return point === hashes.length ? 0 : point;
  }

  /** Index of the target that a point belongs to. */
  owner(point: number): number {
    return this.#owners[point]!;
  }

  next(point: number): number {
    return point + 1 === this.#owners.length ? 0 : point + 1;
  }
}

/** Points of each target: by weight in units of the greatest common divisor, all made fewer when they are too many. */
function pointCounts(targets: readonly Target[], points: number): number[] {
  const unit = targets.reduce((divisor, { weight }) => gcd(divisor, weight), 0) || 1;
  const wanted = targets.map(({ weight }) => points * weight / unit);
  const total = wanted.reduce((sum, count) => sum + count, 0);
  const scale = Math.min(1, RING_POINTS_MAX / total);
  return wanted.map((count) => Math.max(1, Math.floor(count * scale)));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
