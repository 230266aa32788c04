/**
 * What balancers keep of a target in its shared memory, as places in the room "balancer". Each has its own, so
 * that a change of the algorithm finds zeros and not what another one meant.
 */
export const CELLS = {
  /** Average latency in microseconds; 0 before the first answer. */
  latencyUs: 0,
  /** When it was last reckoned, in hundredths of a second. */
  latencyAt: 1,
  /** Tokens per second, in hundredths; 0 before the first answer. */
  tokenRate: 2,
  /** The current window of `adaptive`: requests, failures, sum of latencies in ms, when it began in tenths of a second. */
  windowRequests: 4,
  windowFailures: 5,
  windowLatencyMs: 6,
  windowStart: 7,
  /** Averages over windows: share of failures in millionths, latency in microseconds, factor on the weight in millionths. */
  failureShare: 8,
  windowLatencyUs: 9,
  weightFactor: 10,
} as const;
