import { block, duration, integer, text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { refused } from "../core/refused.ts";

const seconds = (standard: number) =>
  duration({
    summary: "Time for its answer.",
    aliases: ["timeout"],
    unit: "s",
    min: 0.01,
    max: 3600,
    default: standard,
  });

function checkPath(path: string): string | undefined {
  return /^\/[!-~]*$/.test(path) ? undefined : `must be a path, found "${path}"`;
}

const inferenceProbe = block({
  summary: "Has the model produce a token; the answer must hold choices.",
  fields: {
    endpoint: text({ summary: "Where it is asked.", default: "/v1/completions", check: checkPath }),
    model: text({ summary: "Model that is asked; left out, none is named." }),
    prompt: text({ summary: "What it is asked.", default: "." }),
    maxTokens: integer({ summary: "Tokens it may produce.", min: 1, max: 10_000, default: 1 }),
    timeoutSecs: seconds(30),
    maxLatencyMs: duration({
      summary: "Time above which the target counts as unhealthy; left out, any.",
      aliases: ["max-latency"],
      unit: "ms",
      min: 1,
      max: 3_600_000,
    }),
  },
});

const modelStatus = block({
  summary: "Asks for the state of models.",
  fields: {
    endpointPattern: text({
      summary: "Where; {model} stands for the model.",
      default: "/v1/models/{model}/status",
      check: checkPath,
    }),
    models: texts({ summary: "Models that must be ready." }),
    expectedStatus: text({ summary: "State they must be in.", default: "ready" }),
    statusField: text({ summary: "Field of the JSON answer; dots lead into objects.", default: "status" }),
    timeoutSecs: seconds(5),
  },
  check(value, report) {
    if (value.models.length > 0) return;
    report("models", '"model-status" needs models', 'add: models "llama-3"');
  },
});

const queueDepth = block({
  summary: "Looks at how many requests wait in the target.",
  fields: {
    header: text({
      summary: "Response header that says so.",
      check: (name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name) ? undefined : "is no header name",
    }),
    bodyField: text({ summary: "Field of the JSON answer that says so; dots lead into objects." }),
    endpoint: text({ summary: "Where; left out, the check's own endpoint.", check: checkPath }),
    degradedThreshold: integer({
      summary: "Depth from which people are told.",
      min: 0,
      max: 10_000_000,
      default: 50,
    }),
    unhealthyThreshold: integer({
      summary: "Depth from which the target is unhealthy.",
      min: 1,
      max: 10_000_000,
      default: 200,
    }),
    timeoutSecs: seconds(5),
  },
  check(value, report) {
    if ((value.header === undefined) === (value.bodyField === undefined)) {
      report("header", '"queue-depth" needs either "header" or "body-field"', 'add: header "x-queue-depth"');
    }
  },
});

/** What an inference check looks at beside the list of models. */
export const readiness = block({
  summary: "Further conditions of an inference check, which must all hold.",
  fields: {
    inferenceProbe,
    modelStatus,
    queueDepth,
    warmthDetection: refused({ summary: "Noticing models that have gone cold from their traffic." }),
  },
});

/** Readiness as configured, defaults filled in. */
export type ReadinessConfig = NonNullable<Infer<typeof readiness>>;
export type InferenceProbeConfig = NonNullable<ReadinessConfig["inferenceProbe"]>;
export type ModelStatusConfig = NonNullable<ReadinessConfig["modelStatus"]>;
export type QueueDepthConfig = NonNullable<ReadinessConfig["queueDepth"]>;
