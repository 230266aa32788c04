import { type RequestContext, Slot } from "../core/context.ts";
import { checkHeaderName } from "../core/header_edits.ts";
import { block, integer, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { Answer, Balancer, Ending, LoadObserver, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { CELLS } from "./cells.ts";
import { Scoreboard } from "./scoreboard.ts";

/** Bytes of a request body that make one token, about. */
const BYTES_PER_TOKEN = 4;
/** Tokens that one request may count for at most, so that no hint can make a target look full for ever. */
const TOKENS_MAX = 10_000_000;
/** Tokens per second of a target that has not answered yet. */
const INITIAL_RATE = 100;
/** Weight of the last request in a target's average rate. */
const NEW_SHARE = 0.3;
/** Rates are kept in hundredths. */
const RATE_UNIT = 100;
const RATE_MAX = 2 ** 31 / RATE_UNIT - 1;

const options = block({
  summary: "Options of least-tokens-queued.",
  always: true,
  fields: {
    maxTokensHeader: text({
      summary: "Request header that says how many tokens the answer may have; half of them are counted.",
      check: checkHeaderName,
      default: "x-max-tokens",
    }),
    unknownTokens: integer({
      summary: "Tokens of a request whose body has no announced length.",
      min: 1,
      max: TOKENS_MAX,
      default: 1000,
    }),
  },
});

type Options = Infer<typeof options>;

/**
 * For language models: the target that is done the soonest with the tokens it has queued. A request counts as one
 * token for 4 bytes of its body, and half of what its answer may have; how many tokens a target does in a second
 * is learned from how long requests take.
 */
export const leastTokensQueued: BalancerKind<"least-tokens-queued", Options> = {
  type: "least-tokens-queued",
  aliases: ["leasttokensqueued", "least-tokens"],
  summary: "The target with the least tokens to do for its speed, for language models.",
  options,
  shares: "by-load",
  create<T extends Target>(given: Options, deps: BalancerDeps<T>): Balancer<T> {
    const board = new Scoreboard(deps, {
      score: ({ record, ramp }: T) => record.tokens / (tokenRate(record.balancerCells) * ramp),
      share: ({ ramp }: T) => ramp,
    });
    return {
      watchesLoad: board.watchesLoad,
      observer: new TokenCounter<T>(given, deps),
      pick: (usable, context, excluded) => board.pick(usable, context, excluded),
    };
  },
};

function tokenRate(cells: Int32Array): number {
  return Math.max(1, Atomics.load(cells, CELLS.tokenRate) / RATE_UNIT || INITIAL_RATE);
}

/** What a request counts for, and since when. */
interface Queued {
  readonly tokens: number;
  sinceMs: number;
  /** Status of the answer; 0 before it. */
  status: number;
}

class TokenCounter<T extends Target> implements LoadObserver<T> {
  readonly #header: string;
  readonly #unknownTokens: number;
  readonly #deps: BalancerDeps<T>;
  readonly #slot = new Slot<Queued>();

  constructor(given: Options, deps: BalancerDeps<T>) {
    this.#header = given.maxTokensHeader.toLowerCase();
    this.#unknownTokens = given.unknownTokens;
    this.#deps = deps;
  }

  begun({ record }: T, context: RequestContext): void {
    let queued = this.#slot.get(context);
    if (queued === undefined) {
      queued = { tokens: this.#estimate(context), sinceMs: 0, status: 0 };
      this.#slot.set(context, queued);
    }
    queued.sinceMs = this.#deps.clock.nowMs();
    queued.status = 0;
    record.addTokens(queued.tokens);
  }

  answered(_target: T, context: RequestContext, { status }: Answer): void {
    const queued = this.#slot.get(context);
    if (queued !== undefined) queued.status = status;
  }

  ended({ record }: T, context: RequestContext, how: Ending): void {
    const queued = this.#slot.get(context);
    if (queued === undefined) return;
    record.addTokens(-queued.tokens);
    // What failed, was refused or broke off says nothing of the speed.
    if (how === "cut" || queued.status < 200 || queued.status >= 300) return;
    const secs = Math.max(0.001, (this.#deps.clock.nowMs() - queued.sinceMs) / 1000);
    const rate = tokenRate(record.balancerCells) * (1 - NEW_SHARE) + queued.tokens / secs * NEW_SHARE;
    Atomics.store(record.balancerCells, CELLS.tokenRate, Math.round(Math.min(RATE_MAX, rate) * RATE_UNIT));
  }

  #estimate({ head, body }: RequestContext): number {
    const input = body === null
      ? 1
      : body.length === undefined
      ? this.#unknownTokens
      : body.length / BYTES_PER_TOKEN;
    const hint = head.headers.get(this.#header);
    const output = hint !== undefined && /^\d{1,9}$/.test(hint) ? Number(hint) / 2 : 0;
    return Math.min(TOKENS_MAX, Math.max(1, Math.floor(input + output)));
  }
}
