import { block, duration, integer } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";

/** When targets of an upstream are left alone for a while; a block of upstreams. */
export const circuitBreaker = block({
  summary: "Leaves a target alone that fails request after request, then tries it with a few. " +
    "All threads share its state. Left out, there is none.",
  fields: {
    failureThreshold: integer({
      summary: "Failures in a row that open it: no answer, or a status of 500 and above.",
      min: 1,
      max: 100_000,
      default: 5,
    }),
    successThreshold: integer({
      summary: "Successes that close it again.",
      min: 1,
      max: 1000,
      default: 2,
    }),
    timeoutSecs: duration({
      summary: "How long it stays open before requests are tried, to a tenth of a second.",
      aliases: ["timeout", "timeout-seconds", "recovery-timeout-secs"],
      unit: "s",
      min: 0.1,
      max: 86_400,
      default: 30,
    }),
    halfOpenMaxRequests: integer({
      summary: "Requests at a time that try whether the target is back.",
      min: 1,
      max: 1000,
      default: 1,
    }),
  },
});

/** A breaker as configured, defaults filled in. */
export type CircuitBreakerConfig = NonNullable<Infer<typeof circuitBreaker>>;
