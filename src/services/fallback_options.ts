import { repeated } from "../core/named_blocks.ts";
import { refused } from "../core/refused.ts";
import { block, bytes, duration, flag, integer, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { statusRanges } from "../core/status_ranges.ts";

const triggers = block({
  summary: "What makes a request go to the next upstream.",
  always: true,
  fields: {
    onHealthFailure: flag({
      summary: "No target of the upstream takes requests, or none has a connection to spare.",
      default: true,
    }),
    onConnectionError: flag({
      summary:
        "No connection, or none that brought an answer. What may have reached the upstream goes on only " +
        "when its method may be repeated (RFC 9110 §9.2.2).",
      default: true,
    }),
    onErrorCodes: statusRanges({
      summary: "The upstream answers one of these statuses; holds for every method.",
      aliases: ["on-status"],
    }),
    onLatencyThresholdMs: duration({
      summary:
        "The upstream has not begun to answer that long after it got the request; holds for every method.",
      aliases: ["on-latency-threshold"],
      unit: "ms",
      min: 1,
      max: 3_600_000,
    }),
    onBudgetExhausted: refused({ summary: "The token budget of an inference route is used up." }),
  },
});

const fallbackUpstream = block({
  summary: "An upstream to go to.",
  args: ["id"],
  fields: {
    id: text({ summary: "Upstream.", aliases: ["upstream"], required: true }),
    skipIfUnhealthy: flag({
      summary: "Pass it over, instead of trying it, while no target of it takes requests.",
      default: false,
    }),
    provider: refused({ summary: "Kind of a language model's interface." }),
    modelMapping: refused({ summary: "Names of models at this upstream." }),
  },
});

/** Where a route's requests go after its upstream has failed. */
export const fallback = block({
  summary: "Other upstreams, tried in order, when the route's own one fails.",
  fields: {
    upstreams: repeated({
      summary: "An upstream to go to.",
      name: "fallback-upstream",
      aliases: ["upstreams", "upstream"],
      block: fallbackUpstream,
    }),
    triggers,
    modelMapping: refused({ summary: "Names of models at the other upstreams." }),
    maxAttempts: integer({
      summary: "Fallback upstreams tried for one request.",
      min: 1,
      max: 100,
      default: 3,
    }),
    maxBodyBytes: bytes({
      summary:
        "Request body kept for the next upstream; a longer one that was begun to be sent stays where it is.",
      aliases: ["max-body-size"],
      min: 0,
      max: 16 * 1024 ** 2,
      default: 65_536,
    }),
    responseHeaders: flag({
      summary:
        "Tell the client in X-Fallback-Used, X-Fallback-Upstream, X-Fallback-Reason, X-Original-Upstream.",
      default: true,
    }),
  },
  check({ upstreams }, report) {
    if (upstreams.length > 0) return;
    report("upstreams", "fallback has no upstreams", 'add: fallback-upstream "other"');
  },
});

/** Options of `fallback`. */
export type FallbackOptions = NonNullable<Infer<typeof fallback>>;
