import { refused } from "./refused.ts";
import { block, bytes, integer } from "./schema.ts";
import type { Infer } from "./schema.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** Bounds that can differ between scopes, because the route is known when they are applied. */
const scopedFields = {
  maxBodySizeBytes: bytes({
    summary: "Request body; larger ones are answered with 413 while they stream.",
    aliases: ["max-body-size"],
    min: 0,
    max: 1024 * GIB,
    default: 10 * MIB,
  }),
  maxBodyBufferBytes: bytes({
    summary: "Body held in memory where a route buffers; never more than max-body-size-bytes.",
    aliases: ["max-body-buffer"],
    min: 1,
    max: GIB,
    default: MIB,
  }),
  maxConnectionsPerRoute: integer({
    summary: "Requests in flight on one route; beyond it 503.",
    min: 1,
    max: 1_000_000,
  }),
  maxInFlightRequests: integer({
    summary: "Requests in flight in the whole process; beyond it 503.",
    min: 1,
    max: 1_000_000,
    default: 10_000,
  }),
  maxRequestsPerSecondGlobal: rate("Requests per second of everybody together; beyond it 429."),
  maxRequestsPerSecondPerClient: rate("Requests per second of one client address; beyond it 429."),
  maxRequestsPerSecondPerRoute: rate("Requests per second on one route; beyond it 429."),
};

/** Bounds that hold before the route is known. */
const connectionFields = {
  maxHeaderSizeBytes: bytes({
    summary: "Header block of a request; larger ones are answered with 431.",
    aliases: ["max-header-size"],
    min: 256,
    max: MIB,
    default: 8192,
  }),
  maxHeaderCount: integer({
    summary: "Header lines of a request; beyond it 431.",
    min: 1,
    max: 10_000,
    default: 100,
  }),
  maxHeaderNameBytes: bytes({
    summary: "Name of one header; beyond it 431.",
    aliases: ["max-header-name"],
    min: 16,
    max: 65_536,
    default: 256,
  }),
  maxHeaderValueBytes: bytes({
    summary: "Value of one header; beyond it 431.",
    aliases: ["max-header-value"],
    min: 16,
    max: MIB,
    default: 8192,
  }),
  maxTargetSizeBytes: bytes({
    summary: "Request target, path and query together; beyond it 414.",
    aliases: ["max-target-size"],
    min: 64,
    max: 65_536,
    default: 8192,
  }),
  maxConnectionsPerClient: integer({
    summary: "Connections of one client address; beyond it new ones are answered with 429 and closed.",
    min: 1,
    max: 1_000_000,
    default: 100,
  }),
  maxTotalConnections: integer({
    summary:
      "Connections of all clients, beyond which 503; the smaller of this and system max-connections counts.",
    min: 1,
    max: 1_000_000,
    default: 10_000,
  }),
  maxIdleConnectionsPerUpstream: integer({
    summary: "Idle connections kept to one target by one thread.",
    min: 0,
    max: 100_000,
    default: 100,
  }),
  maxInFlightRequestsPerWorker: integer({
    summary: "Requests in flight in one thread; beyond it 503. Left out, only the process's bound counts.",
    min: 1,
    max: 1_000_000,
  }),
  maxQueuedRequests: integer({
    summary: "Requests of one thread waiting for a connection to one target; beyond it 503.",
    min: 0,
    max: 1_000_000,
    default: 1000,
  }),
};

/** Limits of features that this build does not have. */
const unbuiltFields = {
  maxBodyInspectionBytes: unbuilt("Body shown to agents.", "max-body-inspection"),
  maxDecompressionRatio: refused({ summary: "Decompressed to compressed size." }),
  maxDecompressedSizeBytes: unbuilt("Decompressed body.", "max-decompressed-size"),
  maxAgentQueueDepth: ofAgents("Calls waiting for an agent.", { option: "max-concurrent-calls" }),
  maxAgentBodyBytes: ofAgents("Body sent to an agent.", {
    option: "max-request-body-bytes",
    aliases: ["max-agent-body"],
  }),
  maxAgentResponseBytes: ofAgents("Answer of an agent.", {
    option: "max-result-bytes",
    aliases: ["max-agent-response"],
  }),
  maxMemoryBytes: unbuilt("Memory of the process.", "max-memory"),
  maxMemoryPercent: refused({ summary: "Memory of the process, of the machine's." }),
};

function rate(summary: string) {
  return integer({ summary, min: 1, max: 10_000_000 });
}

function ofAgents(summary: string, { option, aliases }: { option: string; aliases?: readonly string[] }) {
  const hint = `every agent has its own: agent "…" { ${option} … }`;
  return refused({ summary, hint, ...(aliases === undefined ? {} : { aliases }) });
}

function unbuilt(summary: string, alias: string) {
  return refused({ summary, aliases: [alias] });
}

/** Bounds of the whole proxy. */
export const limits = block({
  summary: "Bounds on what clients may send and hold.",
  always: true,
  fields: { ...connectionFields, ...scopedFields, ...unbuiltFields },
});

/** Bounds of the whole proxy, defaults filled in. */
export type LimitsConfig = Infer<typeof limits>;

/** Bounds of a namespace or service; what is left out is inherited from the scope around it. */
export const scopedLimits = block({
  summary: "Bounds of this scope's routes; what is left out is inherited.",
  fields: {
    maxBodySizeBytes: bytes({
      summary: "Request body; larger ones are answered with 413 while they stream.",
      aliases: ["max-body-size"],
      min: 0,
      max: 1024 * GIB,
    }),
    maxBodyBufferBytes: bytes({
      summary: "Body held in memory where a route buffers.",
      aliases: ["max-body-buffer"],
      min: 1,
      max: GIB,
    }),
    maxConnectionsPerRoute: scopedFields.maxConnectionsPerRoute,
    maxRequestsPerSecondPerRoute: scopedFields.maxRequestsPerSecondPerRoute,
    ...globalOnly(connectionFields),
    maxInFlightRequests: refusedInScope("Requests in flight in the whole process."),
    maxRequestsPerSecondGlobal: refusedInScope("Requests per second of everybody together."),
    maxRequestsPerSecondPerClient: refusedInScope("Requests per second of one client address."),
    ...unbuiltFields,
  },
});

/** Bounds that a namespace or service sets; `resolveConfig` applies them. */
export type ScopedLimitsConfig = NonNullable<Infer<typeof scopedLimits>>;

function refusedInScope(summary: string, aliases: readonly string[] = []) {
  return refused({
    summary,
    aliases,
    hint: "it holds before a route is known; set it in the limits at the top level",
  });
}

function globalOnly<K extends string>(
  fields: Readonly<Record<K, { readonly summary: string; readonly aliases?: readonly string[] | undefined }>>,
): Record<K, ReturnType<typeof refusedInScope>> {
  const entries = Object.entries<{ summary: string; aliases?: readonly string[] | undefined }>(fields);
  return Object.fromEntries(
    entries.map(([key, field]) => [key, refusedInScope(field.summary, field.aliases)]),
  ) as Record<K, ReturnType<typeof refusedInScope>>;
}
