import { type ErrorCode, ERRORS, type ProxyError } from "../core/errors.ts";
import type { Random } from "../core/ports.ts";
import type { StatusRange } from "../core/status_ranges.ts";
import type { RetryBudget } from "./retry_budget.ts";
import { IDEMPOTENT_METHODS, type RetryCondition, type RetryPolicyConfig } from "./retry_options.ts";

/** Why an attempt is followed by another: a label of metrics. */
export type RetryReason = "connect-failure" | "reset" | "refused-stream" | "timeout" | "status" | "hedge";

const STATUS_CLASSES: Partial<Record<RetryCondition, readonly StatusRange[]>> = {
  "5xx": [[500, 599]],
  "gateway-error": [[502, 504]],
};

/** Attempts at targets that cannot be reached, where no policy says how many. */
const UNREACHED_ATTEMPTS_MAX = 5;

/**
 * When a request is tried again, worked out from the configuration once. `budget` null means that nothing
 * is counted: so it is where no policy is configured, and then only what never reached a target is repeated,
 * and what died on a kept-alive connection.
 */
export class RetryPolicy {
  readonly attemptsMax: number;
  /** Time of one attempt in milliseconds; Infinity means no bound of its own. */
  readonly attemptMs: number;
  /** Bytes of a request body kept for another attempt. */
  readonly bodyBytesMax: number;
  readonly budget: RetryBudget | null;
  /** How long a request waits for room in the budget, in milliseconds. */
  readonly budgetWaitMs: number;
  /** Only an attempt that cannot have reached a target, or died on a used connection, is repeated. */
  readonly isImplicit: boolean;

  /** How long an attempt may take before a second one begins beside it, in milliseconds; Infinity means for ever. */
  readonly hedgeMs: number;

  readonly #reasons: ReadonlySet<RetryReason>;
  /** Indexed by status. */
  readonly #statuses: Uint8Array | null;
  /** Null means all. */
  readonly #methods: ReadonlySet<string> | null;
  readonly #backoffBaseMs: number;
  readonly #backoffMaxMs: number;

  constructor(config: RetryPolicyConfig | undefined, budget: RetryBudget | null) {
    this.isImplicit = config === undefined;
    this.attemptsMax = config?.maxAttempts ?? UNREACHED_ATTEMPTS_MAX;
    this.attemptMs = config?.timeoutMs ?? Infinity;
    this.bodyBytesMax = config?.maxBodySizeBytes ?? 0;
    this.budget = budget;
    this.hedgeMs = config?.hedge?.delayMs ?? Infinity;
    this.budgetWaitMs = config?.budget.maxWaitMs ?? 0;
    this.#reasons = new Set(reasonsOf(config?.retryOn ?? ["connect-failure", "reset", "refused-stream"]));
    this.#statuses = config === undefined ? null : statusTable(config);
    const methods = config?.methods ?? IDEMPOTENT_METHODS;
    this.#methods = methods.includes("*") ? null : new Set(methods);
    this.#backoffBaseMs = config?.backoffBaseMs ?? 0;
    this.#backoffMaxMs = config?.backoffMaxMs ?? this.#backoffBaseMs * 10;
  }

  /** Whether an answer of this status may be dropped for another one. */
  repeatsStatus(status: number): boolean {
    return this.#statuses !== null && this.#statuses[status] === 1;
  }

  /** Whether a request of this method may reach targets more than once. */
  repeatsMethod(method: string): boolean {
    return this.#methods === null || this.#methods.has(method);
  }

  /** Whether a request of this method may have two attempts at once. */
  hedgesMethod(method: string): boolean {
    return this.hedgeMs !== Infinity && this.repeatsMethod(method) &&
      (IDEMPOTENT_METHODS as readonly string[]).includes(method);
  }

  /** What a failure is retried as; undefined when it is not. */
  reasonOf(error: ProxyError): RetryReason | undefined {
    const reason = REASONS[ERRORS[error.code].retry];
    return reason !== undefined && this.#reasons.has(reason) ? reason : undefined;
  }

  /** A pause of random length before this retry, counted from 1: full jitter over a doubling bound. */
  pauseMs(retry: number, random: Random): number {
    const boundMs = Math.min(this.#backoffMaxMs, this.#backoffBaseMs * 2 ** (retry - 1));
    return boundMs === 0 ? 0 : boundMs * (random.u32() / 2 ** 32);
  }
}

const REASONS: Readonly<Record<(typeof ERRORS)[ErrorCode]["retry"], RetryReason | undefined>> = {
  never: undefined,
  unsent: "connect-failure",
  refused: "refused-stream",
  reused: "reset",
  timeout: "timeout",
};

function reasonsOf(conditions: readonly RetryCondition[]): RetryReason[] {
  return conditions.filter((condition): condition is Exclude<RetryCondition, "5xx" | "gateway-error"> => {
    return STATUS_CLASSES[condition] === undefined;
  });
}

/** One byte per status; null when none is worth another attempt. */
function statusTable({ retryableStatusCodes, retryOn }: RetryPolicyConfig): Uint8Array | null {
  const ranges = [...retryableStatusCodes, ...retryOn.flatMap((each) => STATUS_CLASSES[each] ?? [])];
  if (ranges.length === 0) return null;
  const table = new Uint8Array(600);
  for (const [from, to] of ranges) table.fill(1, from, to + 1);
  // Behind it is a tunnel rather than an answer: asking again would leave that open, and begin a second one.
  table[101] = 0;
  return table;
}
