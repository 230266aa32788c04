import { Slot } from "../core/context.ts";
import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { Kind } from "../core/kind.ts";
import { BytesBody } from "../core/message.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import { rateLimitKey } from "../core/rate_limit_key.ts";
import type { RateLimitKey } from "../core/rate_limit_key.ts";
import { refused } from "../core/refused.ts";
import { block, duration, integer, oneOf, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { clientNetwork } from "../counters/client_network.ts";
import { bucketBytes, bucketStats, SharedBuckets } from "../counters/shared_buckets.ts";
import type { BucketStats, Take } from "../counters/shared_buckets.ts";
import type { Filter, FilterDeps, Verdict } from "./filter.ts";

const DEFAULT_MESSAGE = "Rate limit exceeded";

/** Events of one filter are logged at most this often, with their number. */
const LOG_INTERVAL_MS = 1000;

const ELSEWHERE = "limits are counted in this process; remove it";

const options = block({
  summary: "How many requests are let through, and what happens to the others.",
  always: true,
  fields: {
    maxRps: integer({
      summary: "Requests per second of each key in the long run.",
      aliases: ["requests-per-second"],
      min: 1,
      max: 10_000_000,
      default: 100,
    }),
    burst: integer({
      summary: "Requests of each key let through at once after a pause.",
      min: 1,
      max: 10_000_000,
      default: 10,
    }),
    key: rateLimitKey({ summary: "What requests are counted by.", default: "client-ip" }),
    onLimit: oneOf({
      summary: "Answer at once, let requests wait for their turn, or only take note.",
      values: { reject: [], delay: [], "log-only": ["log"] },
      default: "reject",
    }),
    statusCode: integer({ summary: "Status of the answer.", min: 400, max: 599, default: 429 }),
    message: text({
      summary: "Text of the answer, which error-pages do not change.",
      aliases: ["limit-message"],
      default: DEFAULT_MESSAGE,
    }),
    maxDelayMs: duration({
      summary: "Longest wait with on-limit delay; who would wait longer is answered at once.",
      aliases: ["max-delay"],
      unit: "ms",
      min: 0,
      max: 60_000,
      default: 5000,
    }),
    maxDelayed: integer({
      summary: "Requests of one worker thread waiting at a time; further ones are answered at once.",
      min: 1,
      max: 100_000,
      default: 1000,
    }),
    maxKeys: integer({
      summary: "Keys counted at a time; beyond it the least used ones are forgotten.",
      min: 1,
      max: 10_000_000,
      default: 100_000,
    }),
    ipv6PrefixBits: integer({
      summary: "Leading bits of an IPv6 client address that make one client.",
      min: 1,
      max: 128,
      default: 64,
    }),
    backend: oneOf({
      summary: "Where requests are counted; local means exactly, over all worker threads.",
      values: { local: [] },
      unavailable: { redis: [], memcached: ["memcache"] },
      default: "local",
    }),
    redisUrl: refused({ summary: "Address of a Redis server.", hint: ELSEWHERE }),
    redisPrefix: refused({ summary: "Prefix of keys in Redis.", hint: ELSEWHERE }),
    redisPoolSize: refused({ summary: "Connections to Redis.", hint: ELSEWHERE }),
    redisTimeoutMs: refused({ summary: "Time limit of Redis.", hint: ELSEWHERE }),
    redisFallback: refused({
      summary: "Count locally when Redis fails.",
      aliases: ["redis-fallback-local"],
      hint: ELSEWHERE,
    }),
    memcachedUrl: refused({ summary: "Address of a Memcached server.", hint: ELSEWHERE }),
    memcachedPrefix: refused({ summary: "Prefix of keys in Memcached.", hint: ELSEWHERE }),
    memcachedPoolSize: refused({ summary: "Connections to Memcached.", hint: ELSEWHERE }),
    memcachedTimeoutMs: refused({ summary: "Time limit of Memcached.", hint: ELSEWHERE }),
    memcachedFallback: refused({
      summary: "Count locally when Memcached fails.",
      aliases: ["memcached-fallback-local"],
      hint: ELSEWHERE,
    }),
    memcachedTtl: refused({
      summary: "Lifetime of keys in Memcached.",
      aliases: ["memcached-ttl-secs"],
      hint: ELSEWHERE,
    }),
  },
});

type Options = Infer<typeof options>;

/** A limit as it is applied, from whatever part of the configuration it comes. Times in milliseconds. */
export type RateLimit =
  & Pick<
    Options,
    "maxRps" | "burst" | "onLimit" | "statusCode" | "message" | "maxDelayMs" | "maxDelayed" | "ipv6PrefixBits"
  >
  & {
    /** `all` counts everybody together. */
    readonly key: RateLimitKey | "all";
    readonly maxKeys: number;
  };

/** Counts requests by key and turns away, delays or notes those that are too many. */
export const rateLimit: Kind<"rate-limit", Options, FilterDeps, Filter> = {
  type: "rate-limit",
  summary: "Limits how many requests per second are let through, exactly over all worker threads.",
  options,
  sharedBytes: rateLimitBytes,
  create: (given, deps) => new RateLimitFilter(given, deps),
};

/**
 * A limit that only says how many, as `policies { rate-limit }`, `rate-limits` and
 * `limits { max-requests-per-second-… }` do: the rest is as in the filter. Without `burst`, as many at once
 * as per second.
 */
export function plainRateLimit(
  given: { readonly maxRps: number; readonly burst?: number | undefined; readonly key: RateLimit["key"] },
): RateLimit {
  return {
    maxRps: given.maxRps,
    burst: given.burst ?? given.maxRps,
    key: given.key,
    onLimit: "reject",
    statusCode: 429,
    message: DEFAULT_MESSAGE,
    maxDelayMs: 0,
    maxDelayed: 1,
    maxKeys: given.key === "all" ? 1 : 100_000,
    ipv6PrefixBits: 64,
  };
}

/** Bytes of shared memory that a limit counts in. */
export function rateLimitBytes(limit: Pick<RateLimit, "maxKeys">): number {
  return bucketBytes(limit.maxKeys);
}

type KeyReader = (context: RequestContext) => string;

/** The filter itself; `create` it through the kind, or directly for limits of other blocks. */
export class RateLimitFilter implements Filter {
  readonly #limit: RateLimit;
  readonly #deps: FilterDeps;
  readonly #memory: SharedArrayBuffer;
  readonly #buckets: SharedBuckets;
  readonly #keyOf: KeyReader;
  readonly #take = new Slot<Take>();
  readonly #waitMsMax: number;
  readonly #body: Uint8Array;
  #waiting = 0;
  #notedUntilMs = -Infinity;
  #unnoted = 0;

  constructor(limit: RateLimit, deps: FilterDeps) {
    this.#limit = limit;
    this.#deps = deps;
    this.#keyOf = keyReader(limit);
    this.#waitMsMax = limit.onLimit === "delay" ? limit.maxDelayMs : 0;
    this.#memory = deps.shared ?? new SharedArrayBuffer(rateLimitBytes(limit));
    this.#buckets = new SharedBuckets(this.#memory, {
      ratePerSecond: limit.maxRps,
      burst: limit.burst,
      waitMsMax: this.#waitMsMax,
      maxKeys: limit.maxKeys,
      random: deps.random,
    });
    this.#body = new TextEncoder().encode(limit.message);
  }

  /** Requests of this thread that wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How full the table of keys is, over all threads. Looks at every slot: for a scrape. */
  stats(): BucketStats {
    return bucketStats(this.#memory, this.#limit.maxKeys, this.#deps.clock.nowMs());
  }

  onRequest(context: RequestContext): MaybePromise<Verdict> {
    const waitMsMax = this.#waiting < this.#limit.maxDelayed ? this.#waitMsMax : 0;
    const take = this.#buckets.take(this.#keyOf(context), this.#deps.clock.nowMs(), waitMsMax);
    this.#take.set(context, take);
    if (take.allowed) return take.waitMs > 0 ? this.#wait(context, take.waitMs) : undefined;
    this.#note(context);
    if (this.#limit.onLimit === "log-only") return undefined;
    return { response: this.#answer(take), reason: "rate_limited" };
  }

  /** Says on every answer how much is left, unless a stricter limit has said so already. */
  onResponse(context: RequestContext, response: Response): void {
    const take = this.#take.get(context);
    if (take !== undefined) this.#writeHeaders(response.headers, take);
  }

  #answer(take: Take): Response {
    const headers = HeaderList.from([["Content-Type", "text/plain; charset=utf-8"]]);
    this.#writeHeaders(headers, take);
    headers.append("Retry-After", String(Math.max(1, Math.ceil(take.retryAfterMs / 1000))));
    return { status: this.#limit.statusCode, reason: "", headers, body: new BytesBody(this.#body) };
  }

  #writeHeaders(headers: HeaderList, take: Take): void {
    const remaining = Math.min(take.remaining, this.#limit.maxRps);
    const stricter = headers.get("x-ratelimit-remaining");
    if (stricter !== undefined && Number(stricter) <= remaining) return;
    const resetSecs = Math.ceil((this.#deps.clock.wallMs() + take.resetMs) / 1000);
    headers.set("X-RateLimit-Limit", String(this.#limit.maxRps));
    headers.set("X-RateLimit-Remaining", String(remaining));
    headers.set("X-RateLimit-Reset", String(resetSecs));
  }

  /** Resolves when the turn has come; rejects when the client leaves or runs out of time before. */
  #wait(context: RequestContext, waitMs: number): Promise<Verdict> {
    this.#waiting++;
    context.trace?.note({
      step: "filter",
      subject: this.#deps.id,
      outcome: "delayed",
      detail: `${Math.ceil(waitMs)} ms to keep ${this.#limit.maxRps} requests per second`,
    });
    return new Promise((resolve, reject) => {
      const cancel = this.#deps.timers.after(waitMs, () => {
        this.#waiting--;
        context.onAbort = null;
        resolve(undefined);
      });
      context.onAbort = (cause) => {
        this.#waiting--;
        context.onAbort = null;
        cancel();
        reject(new ProxyError(cause, `while rate limit "${this.#deps.id}" delayed the request`));
      };
    });
  }

  /** One line a second at most: what is too much for the upstream would be too much for the log. */
  #note(context: RequestContext): void {
    (context.logFields ??= {})["rate_limit"] = this.#deps.id;
    context.trace?.note({
      step: "filter",
      subject: this.#deps.id,
      outcome: "exceeded",
      detail: `${this.#limit.maxRps} requests per second by ${this.#limit.key}, burst ${this.#limit.burst}`,
    });
    this.#unnoted++;
    const now = this.#deps.clock.nowMs();
    if (now < this.#notedUntilMs) return;
    this.#notedUntilMs = now + LOG_INTERVAL_MS;
    this.#deps.log("info", "Rate limit exceeded", {
      filter: this.#deps.id,
      key: this.#limit.key,
      requests: this.#unnoted,
    });
    this.#unnoted = 0;
  }
}

function keyReader({ key, ipv6PrefixBits }: RateLimit): KeyReader {
  const client: KeyReader = (context) => clientNetwork(context.clientIp, ipv6PrefixBits);
  switch (key) {
    case "all":
      return () => "";
    case "client-ip":
      return client;
    case "path":
      return (context) => context.path;
    case "route":
      return (context) => context.route?.id ?? "";
    case "client-ip-and-path":
      // Neither an address nor a network contains a line feed, so the two cannot run into each other.
      return (context) => client(context) + "\n" + context.path;
    default:
      return headerReader(key.slice("header:".length));
  }
}

/** Requests without the header share one bucket: leaving it out must not free anybody of the limit. */
function headerReader(name: string): KeyReader {
  const key = name.toLowerCase();
  return (context) => {
    const value = context.head.headers.get(key);
    return value === undefined ? "" : `=${value}`;
  };
}
