import { choiceDecoder } from "../core/choices.ts";
import { Problem } from "../core/reading.ts";
import { block, bytes, decimal, duration, integer, list } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { statusRanges } from "../core/status_ranges.ts";

const MIB = 1024 * 1024;
const TIME_MS_MAX = 86_400_000;

/** What a retry can be for, with other spellings; statuses are listed apart. */
const CONDITIONS = {
  "connect-failure": ["connect", "connection-failure"],
  reset: ["reset-before-headers", "connection-reset"],
  "refused-stream": [],
  timeout: ["per-try-timeout"],
  "5xx": [],
  "gateway-error": [],
} as const;

/** A word of `retry-on`. */
export type RetryCondition = keyof typeof CONDITIONS;

const CONDITIONS_STANDARD = ["connect-failure", "reset", "refused-stream", "timeout"] as const;

const conditions = list<RetryCondition, { summary: string; default: readonly RetryCondition[] }>(
  {
    summary: "Failures that are worth another attempt: connect-failure, reset (before the response head), " +
      "refused-stream (the target did not begin), timeout (of one attempt, or of reading), " +
      "gateway-error (502, 503, 504), 5xx.",
    default: CONDITIONS_STANDARD,
  },
  { type: "choice", values: Object.keys(CONDITIONS), aliases: Object.values(CONDITIONS).flat() },
  choiceDecoder({ values: CONDITIONS }),
);

/** Methods that may be repeated, as doing them twice means the same as once (RFC 9110 §9.2.2). */
export const IDEMPOTENT_METHODS = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] as const;

const methods = list<string, { summary: string; default: readonly string[] }>(
  {
    summary: 'Methods that may reach a target twice; "*" means all. A request that never reached a target ' +
      "is repeated whatever its method.",
    default: IDEMPOTENT_METHODS,
  },
  { type: "text", example: "GET" },
  (value) => {
    if (value === "*") return "*";
    if (typeof value === "string" && /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(value)) return value.toUpperCase();
    return new Problem(`expects method names such as "GET", or "*"`);
  },
);

const budget = block({
  summary: "Bound on retries of all requests together, all threads, so that they cannot become a storm.",
  aliases: ["retry-budget"],
  always: true,
  fields: {
    percent: decimal({
      summary: "Retries at a time, as a share of the requests that wait for an answer.",
      aliases: ["budget-percent"],
      unit: "%",
      min: 0,
      max: 100,
      default: 20,
    }),
    minConcurrency: integer({
      summary: "Retries at a time that are allowed however few requests there are.",
      aliases: ["min-retries", "min-retry-concurrency"],
      min: 0,
      max: 100_000,
      default: 10,
    }),
    maxWaitMs: duration({
      summary:
        "How long a request whose attempt failed waits for room in the budget, as many of them do at " +
        "once when a target dies; 0 means that it fails at once.",
      aliases: ["max-wait"],
      unit: "ms",
      min: 0,
      max: 60_000,
      default: 500,
    }),
  },
});

const hedge = block({
  summary:
    "A second attempt at another target when the first is slow, for idempotent methods without a body: the " +
    "first answer wins, the other attempt is called off. It needs room in the budget.",
  aliases: ["hedging"],
  fields: {
    delayMs: duration({
      summary: "How long the first attempt may take alone; best what 95 of 100 requests need.",
      aliases: ["delay"],
      unit: "ms",
      required: true,
      min: 1,
      max: TIME_MS_MAX,
    }),
  },
});

const fields = {
  maxAttempts: integer({
    summary: "Attempts in all, the first included; 1 means no retry.",
    aliases: ["attempts"],
    min: 1,
    max: 10,
    default: 3,
  }),
  timeoutMs: duration({
    summary: "Time of one attempt until its response head; left out, only the request's own limits hold.",
    aliases: ["timeout", "per-try-timeout", "per-try-timeout-ms"],
    unit: "ms",
    min: 1,
    max: TIME_MS_MAX,
  }),
  backoffBaseMs: duration({
    summary: "Upper bound of the random pause before the first retry; it doubles with every further one. " +
      "No pause after a failure to connect while there is a target that has not been tried.",
    aliases: ["backoff-base", "backoff"],
    unit: "ms",
    min: 0,
    max: 60_000,
    default: 25,
  }),
  backoffMaxMs: duration({
    summary: "Largest upper bound of the pause; left out, ten times the first one.",
    aliases: ["backoff-max"],
    unit: "ms",
    min: 0,
    max: 600_000,
  }),
  retryOn: conditions,
  retryableStatusCodes: statusRanges({
    summary: "Statuses that are worth another attempt; the answer is dropped.",
    aliases: ["retryable-statuses", "retry-on-status", "status-codes"],
  }),
  methods,
  maxBodySizeBytes: bytes({
    summary: "Request body kept for another attempt; a longer one is sent once.",
    name: "max-body-size",
    aliases: ["max-body-size-bytes", "max-body-bytes"],
    min: 0,
    max: 16 * MIB,
    default: 65_536,
  }),
  budget,
  hedge,
};

/** When a request is tried again; a block of upstreams and of routes. */
export function retryPolicy<const O extends { summary: string; aliases?: readonly string[] }>(about: O) {
  return block({
    ...about,
    fields,
    check(value, report) {
      const { backoffBaseMs, backoffMaxMs = Infinity, hedge, maxAttempts } = value;
      if (hedge !== undefined && maxAttempts === 1) {
        report(
          "hedge",
          '"hedge" is a second attempt, and "max-attempts" is 1',
          "write max-attempts 2 or more",
        );
      }
      if (backoffMaxMs >= backoffBaseMs) return;
      const hint = `write ${backoffBaseMs} or more`;
      report("backoffMaxMs", `"backoff-max-ms" must not be smaller than "backoff-base-ms"`, hint);
    },
  });
}

/** A retry policy as configured, defaults filled in. */
export type RetryPolicyConfig = NonNullable<Infer<ReturnType<typeof retryPolicy>>>;
