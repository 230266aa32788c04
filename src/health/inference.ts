import type { Clock } from "../core/ports.ts";
import type { Dial, HealthCheckKind, Probe } from "./check.ts";
import { exchange, hostOf, type ProbeAnswer } from "./http_exchange.ts";
import type { HealthCheckConfig } from "./options.ts";
import type { InferenceProbeConfig, ModelStatusConfig, QueueDepthConfig } from "./readiness_options.ts";

const ENDPOINT = "/v1/models";
/** Models of a list that are looked at. */
const MODELS_MAX = 10_000;

/** Well is who lists the models it should, and fulfils the further conditions that were set. */
export const inferenceCheck: HealthCheckKind<"inference"> = {
  type: "inference",
  summary: "The target lists its models as OpenAI's interface does, among them those expected, and is ready.",
  timeoutMs(options) {
    const { inferenceProbe, modelStatus, queueDepth } = options.readiness ?? {};
    const seconds = (inferenceProbe?.timeoutSecs ?? 0) + (queueDepth?.timeoutSecs ?? 0) +
      (modelStatus === undefined ? 0 : modelStatus.timeoutSecs * modelStatus.models.length);
    return (options.timeoutSecs + seconds) * 1000;
  },
  async examine(dial, probe, clock) {
    const { expectedModels, readiness } = probe.options;
    const asker = new Asker(dial, probe, clock);
    const list = await asker.get(probe.options.endpoint ?? ENDPOINT);
    const available = modelIds(jsonOf(list));
    const missing = expectedModels.filter((model) => !available.some((id) => isSameModel(model, id)));
    if (missing.length > 0) throw new Error(`model "${missing[0]}" is not available`);
    if (readiness?.modelStatus !== undefined) await checkStatus(asker, readiness.modelStatus);
    if (readiness?.inferenceProbe !== undefined) await checkInference(asker, readiness.inferenceProbe);
    return readiness?.queueDepth === undefined
      ? undefined
      : await checkQueue(asker, readiness.queueDepth, list);
  },
};

/** Asks one target, each question on a connection of its own. */
class Asker {
  readonly clock: Clock;
  readonly #dial: Dial;
  readonly #probe: Probe;

  constructor(dial: Dial, probe: Probe, clock: Clock) {
    this.#dial = dial;
    this.#probe = probe;
    this.clock = clock;
  }

  get(path: string): Promise<ProbeAnswer> {
    return this.#ask("GET", path, undefined);
  }

  post(path: string, value: unknown): Promise<ProbeAnswer> {
    return this.#ask("POST", path, JSON.stringify(value));
  }

  async #ask(method: string, path: string, body: string | undefined): Promise<ProbeAnswer> {
    const options: HealthCheckConfig = this.#probe.options;
    const headers = [["Accept", "application/json"] as const, ...options.headers];
    const request = { method, path, host: hostOf(this.#probe), headers, body };
    const answer = await exchange(await this.#dial(), request, options.maxBodySizeBytes);
    if (answer.status !== 200) throw new Error(`status ${answer.status} of ${path}`);
    return answer;
  }
}

/** Ids in `{"data":[{"id"}]}`, `{"models":[{"id"|"name"}]}` or a bare list. Throws when it is none of these. */
export function modelIds(value: unknown): string[] {
  const list = Array.isArray(value) ? value : property(value, "data") ?? property(value, "models");
  if (!Array.isArray(list)) throw new Error("the answer lists no models");
  return list.slice(0, MODELS_MAX).flatMap((model: unknown) => {
    const id = property(model, "id") ?? property(model, "name") ?? model;
    return typeof id === "string" ? [id] : [];
  });
}

/** Versions and tags come and go behind a name, so one may begin with the other. */
function isSameModel(expected: string, available: string): boolean {
  return available.startsWith(expected) || (available !== "" && expected.startsWith(available));
}

async function checkStatus(asker: Asker, config: ModelStatusConfig): Promise<void> {
  for (const model of config.models) {
    const path = config.endpointPattern.replaceAll("{model}", encodeURIComponent(model));
    const status = fieldOf(jsonOf(await asker.get(path)), config.statusField);
    if (status !== config.expectedStatus) {
      throw new Error(
        `model "${model}" is ${typeof status === "string" ? `"${status}"` : "in no known state"}`,
      );
    }
  }
}

async function checkInference(asker: Asker, config: InferenceProbeConfig): Promise<void> {
  const startedMs = asker.clock.nowMs();
  const question = { model: config.model ?? "", prompt: config.prompt, max_tokens: config.maxTokens };
  const answer = jsonOf(await asker.post(config.endpoint, question));
  if (property(answer, "choices") === undefined) throw new Error("the model's answer has no choices");
  const tookMs = asker.clock.nowMs() - startedMs;
  const { maxLatencyMs } = config;
  if (maxLatencyMs !== undefined && tookMs > maxLatencyMs) {
    throw new Error(`the model took ${Math.round(tookMs)} ms, ${maxLatencyMs} are allowed`);
  }
}

/** Resolves with a remark when many requests wait, but not too many. */
async function checkQueue(
  asker: Asker,
  config: QueueDepthConfig,
  list: ProbeAnswer,
): Promise<string | undefined> {
  const answer = config.endpoint === undefined ? list : await asker.get(config.endpoint);
  const value = config.header === undefined
    ? fieldOf(jsonOf(answer), config.bodyField!)
    : answer.headers?.joined(config.header.toLowerCase());
  const depth = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof depth !== "number" || !Number.isFinite(depth)) throw new Error("the queue's depth is not told");
  if (depth >= config.unhealthyThreshold) throw new Error(`${depth} requests wait`);
  return depth >= config.degradedThreshold ? `${depth} requests wait` : undefined;
}

function jsonOf({ text }: ProbeAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error("the answer is not JSON, or longer than max-body-size", { cause });
  }
}

/** What a dotted path leads to. */
function fieldOf(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, name) => property(inner, name), value);
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
