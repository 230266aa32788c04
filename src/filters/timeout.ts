import type { Kind } from "../core/kind.ts";
import { block, duration, type Infer } from "../core/schema.ts";
import type { Filter, FilterDeps } from "./filter.ts";

const BOUNDS = { unit: "s", min: 0.001, max: 86_400 } as const;

const options = block({
  summary: "Time limits of requests; what is not given stays the upstream's.",
  always: true,
  fields: {
    requestTimeoutSecs: duration({
      summary: "For the whole request, from its head to the last byte of the response.",
      aliases: ["request-timeout"],
      ...BOUNDS,
    }),
    upstreamTimeoutSecs: duration({
      summary: "For the upstream to send something.",
      aliases: ["upstream-timeout"],
      ...BOUNDS,
    }),
    connectTimeoutSecs: duration({
      summary: "For a connection to the upstream, TLS included.",
      aliases: ["connect-timeout"],
      ...BOUNDS,
    }),
  },
  check(value, report) {
    if (Object.keys(value).length === 0) {
      report(
        "requestTimeoutSecs",
        "the filter limits nothing",
        "give it request-timeout-secs, upstream-timeout-secs or connect-timeout-secs",
      );
    }
  },
});

/** Sets the time limits of the requests of a route. */
export const timeout: Kind<"timeout", Infer<typeof options>, FilterDeps, Filter> = {
  type: "timeout",
  summary: "Limits how long requests may take.",
  options,
  create({ requestTimeoutSecs, upstreamTimeoutSecs, connectTimeoutSecs }): Filter {
    return {
      onRequest(context) {
        if (requestTimeoutSecs !== undefined) {
          // A limit set elsewhere holds as well, so the nearer one counts.
          context.deadlineMs = Math.min(context.deadlineMs, context.startedMs + requestTimeoutSecs * 1000);
        }
        if (upstreamTimeoutSecs !== undefined) context.readTimeoutMs = upstreamTimeoutSecs * 1000;
        if (connectTimeoutSecs !== undefined) context.connectTimeoutMs = connectTimeoutSecs * 1000;
        return undefined;
      },
    };
  },
};
