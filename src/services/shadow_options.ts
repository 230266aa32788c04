import { checkHeaderName } from "../core/header_edits.ts";
import { expects, type Problem } from "../core/reading.ts";
import { block, bytes, duration, flag, integer, oneOf, scalar, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";

const percentage = scalar(
  { summary: "Share of the requests that is copied; a request id always has the same fate.", default: 100 },
  {
    type: "value",
    expected: "a number from 0 to 100",
    json: { anyOf: [{ type: "number", minimum: 0, maximum: 100 }, { type: "string" }] },
  },
  (value): number | Problem => {
    // The language has always taken the number as a text too.
    const share = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    if (typeof share === "number" && share >= 0 && share <= 100) return share;
    return expects("a number from 0 to 100", value);
  },
);

/** Copies of a route's requests for another upstream. */
export const shadow = block({
  summary: "Copies of requests for another upstream, whose answers nobody waits for.",
  fields: {
    upstream: text({ summary: "Upstream that gets the copies.", required: true }),
    percentage,
    sampleHeader: block({
      summary: "Only requests with this header are copied.",
      args: ["name", "value"],
      fields: {
        name: text({ summary: "Name.", required: true, check: checkHeaderName }),
        value: text({ summary: "Value it must have; left out, any." }),
      },
    }),
    timeoutMs: duration({
      summary: "Time for a copy, from its start to the end of its answer.",
      aliases: ["timeout"],
      unit: "ms",
      min: 1,
      max: 3_600_000,
      default: 5000,
    }),
    bufferBody: flag({
      summary: "Copy bodies too; otherwise copies have none.",
      default: false,
    }),
    maxBodyBytes: bytes({
      summary: "Requests with longer bodies are not copied, when bodies are.",
      aliases: ["max-body-size"],
      min: 0,
      max: 1024 ** 3,
      default: 1_048_576,
    }),
    maxConcurrent: integer({
      summary: "Copies under way in the whole process; what comes on top is dropped and counted.",
      aliases: ["max-in-flight"],
      min: 1,
      max: 100_000,
      default: 100,
    }),
    compare: oneOf({
      summary:
        "Compare status and latency with the real answer: in metrics, or with a log line per different status too.",
      values: { off: ["none"], metrics: [], log: [] },
      default: "off",
    }),
  },
});

/** Options of `shadow`. */
export type ShadowOptions = NonNullable<Infer<typeof shadow>>;
