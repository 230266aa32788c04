import type { RequestContext } from "../core/context.ts";
import { block, integer } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { Admission } from "./admission.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { hashText, rehash } from "./hash.ts";
import { hashKey, type RequestHash, requestHash } from "./hash_key.ts";

/** Places tried for one key before it is given to any usable target: with one in ten usable, one key in 800 gets there. */
const PROBES_MAX = 64;
const TABLE_SIZE_MAX = 5_000_011;
const STEP_SALT = 0x57e9;

const options = block({
  summary: "Options of maglev.",
  always: true,
  fields: {
    hashKey: hashKey({ summary: "What of a request decides its target." }),
    tableSize: integer({
      summary: "Places in the table: a prime, at least a hundred times as many as targets.",
      min: 2,
      max: TABLE_SIZE_MAX,
      default: 65_537,
    }),
  },
  check({ tableSize }, report) {
    if (!isPrime(tableSize)) {
      report(
        "tableSize",
        `"table-size" must be a prime, found ${tableSize}`,
        `the next one is ${nextPrime(tableSize)}`,
      );
    }
  },
});

type Options = Infer<typeof options>;

/**
 * A table in which targets take places in turn, each in an order of its own (Eisenbud et al., "Maglev: A Fast and
 * Reliable Software Network Load Balancer", 2016, §3.4): keys spread more evenly than from a ring. The table is
 * over all targets; a key whose target is not usable goes on in an order of its own, so that no other key moves.
 */
export const maglev: BalancerKind<"maglev", Options> = {
  type: "maglev",
  aliases: [],
  summary: "The same target for the same key, from a table; keys spread very evenly.",
  options,
  shares: "by-key",
  create: <T extends Target>(given: Options, deps: BalancerDeps<T>) => new Maglev(given, deps),
};

class Maglev<T extends Target> implements Balancer<T> {
  readonly #targets: readonly T[];
  readonly #hash: RequestHash;
  readonly #table: Uint32Array;
  readonly #admission: Admission<T>;

  constructor(given: Options, deps: BalancerDeps<T>) {
    this.#targets = deps.targets;
    this.#hash = requestHash(given.hashKey);
    this.#table = maglevTable(deps.targets, given.tableSize);
    this.#admission = new Admission(deps.targets.length);
  }

  pick(usable: readonly T[], context: RequestContext, excluded: readonly T[] | null): T | undefined {
    this.#admission.adopt(usable);
    const key = this.#hash(context);
    const table = this.#table;
    const step = rehash(key, STEP_SALT) % (table.length - 1) + 1;
    let place = key % table.length;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const index = table[place]!;
      if (this.#admission.admits(index, key)) {
        const target = this.#targets[index]!;
        if (excluded === null || !excluded.includes(target)) return target;
      }
      place = (place + step) % table.length;
    }
    const left = excluded === null ? usable : usable.filter((target) => !excluded.includes(target));
    return left[key % left.length];
  }
}

/** The lookup table: for each place the index of its target. The same for the same addresses and weights, in any order. */
export function maglevTable(targets: readonly Target[], size: number): Uint32Array {
  const ranked = targets.filter(({ weight }) => weight > 0)
    .sort((a, b) => a.address < b.address ? -1 : a.address > b.address ? 1 : 0);
  const table = new Uint32Array(size);
  if (ranked.length === 0) return table;
  const isTaken = new Uint8Array(size);
  const places = ranked.map(({ address }) => hashText(address) % size);
  const steps = ranked.map(({ address }) => hashText(address, STEP_SALT) % (size - 1) + 1);
  const heaviest = Math.max(...ranked.map(({ weight }) => weight));
  const turns = ranked.map(() => 0);
  for (let taken = 0; taken < size;) {
    for (let rank = 0; rank < ranked.length && taken < size; rank++) {
      turns[rank]! += ranked[rank]!.weight;
      if (turns[rank]! < heaviest) continue;
      turns[rank]! -= heaviest;
      while (isTaken[places[rank]!] === 1) places[rank] = (places[rank]! + steps[rank]!) % size;
      isTaken[places[rank]!] = 1;
      table[places[rank]!] = ranked[rank]!.index;
      taken++;
    }
  }
  return table;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return number > 1;
}

function nextPrime(from: number): number {
  let number = from;
  while (!isPrime(number)) number++;
  return number;
}
