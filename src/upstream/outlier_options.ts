import { block, decimal, duration, integer } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";

const count = (summary: string, standard: number, aliases: readonly string[] = []) =>
  integer({ summary, aliases, min: 0, max: 100_000, default: standard });

const percent = (summary: string, standard: number, aliases: readonly string[] = []) =>
  decimal({ summary, aliases, unit: "%", min: 0, max: 100, default: standard });

const successRate = block({
  summary: "Ejects targets that succeed much less often than the others, looked at once per interval.",
  fields: {
    minimumHosts: integer({
      summary: "Targets with enough requests, below which nothing is concluded.",
      min: 2,
      max: 10_000,
      default: 3,
    }),
    requestVolume: integer({
      summary: "Requests of a target in the interval, below which it is not looked at.",
      min: 1,
      max: 1_000_000,
      default: 100,
    }),
    stdevFactor: decimal({
      summary: "Standard deviations below the mean of the targets' success rates.",
      min: 0.1,
      max: 100,
      default: 1.9,
    }),
  },
});

const latency = block({
  summary: "Ejects targets that answer much more slowly than the others, looked at once per interval.",
  fields: {
    factor: decimal({
      summary: "Times the median of the targets' mean times until the response head.",
      min: 1.1,
      max: 1000,
      default: 3,
    }),
    minimumMs: duration({
      summary: "Mean time below which no target is too slow.",
      aliases: ["minimum"],
      unit: "ms",
      min: 0,
      max: 86_400_000,
      default: 50,
    }),
    minimumHosts: integer({
      summary: "Targets with enough requests, below which nothing is concluded.",
      min: 2,
      max: 10_000,
      default: 3,
    }),
    requestVolume: integer({
      summary: "Answers of a target in the interval, below which it is not looked at.",
      min: 1,
      max: 1_000_000,
      default: 20,
    }),
  },
});

/** When targets are taken out by what their requests tell; a block of upstreams. */
export const outlierDetection = block({
  summary: "Takes targets out for a while by what becomes of their requests. All threads judge together.",
  aliases: ["outlier-ejection", "passive-health-check"],
  fields: {
    consecutive5xx: integer({
      summary: "Failures in a row that eject: statuses of 500 and above, and no answer; 0 switches it off.",
      name: "consecutive-5xx",
      aliases: ["consecutive-errors", "consecutive-failures"],
      min: 0,
      max: 100_000,
      default: 5,
    }),
    consecutiveConnectFailures: count(
      "Failures to connect in a row that eject; 0 switches it off.",
      3,
      ["consecutive-local-origin-failures"],
    ),
    successRate,
    latency,
    intervalSecs: duration({
      summary: "How often success rates and latencies are compared, and ejection times shrink again.",
      aliases: ["interval"],
      unit: "s",
      min: 0.1,
      max: 3600,
      default: 10,
    }),
    baseEjectionTimeSecs: duration({
      summary: "First ejection; every further one is longer by as much.",
      aliases: ["base-ejection-time", "ejection-time", "ejection-time-secs"],
      unit: "s",
      min: 0.1,
      max: 86_400,
      default: 30,
    }),
    maxEjectionTimeSecs: duration({
      summary: "Longest ejection.",
      aliases: ["max-ejection-time"],
      unit: "s",
      min: 0.1,
      max: 86_400,
      default: 300,
    }),
    maxEjectionPercent: percent(
      "Share of the targets that may be ejected at a time; one may always be, unless it is the only one.",
      10,
      ["max-ejected-percent"],
    ),
  },
  check(value, report) {
    if (value.maxEjectionTimeSecs >= value.baseEjectionTimeSecs) return;
    const hint = `write ${value.baseEjectionTimeSecs} or more`;
    report(
      "maxEjectionTimeSecs",
      `"max-ejection-time-secs" must not be smaller than "base-ejection-time-secs"`,
      hint,
    );
  },
});

/** Outlier detection as configured, defaults filled in. */
export type OutlierDetectionConfig = NonNullable<Infer<typeof outlierDetection>>;
