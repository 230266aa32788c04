/** The `agent` block: which component, what it may use, and what happens when it fails. */

import { kebabName } from "../core/config_node.ts";
import { choiceDecoder } from "../core/choices.ts";
import { identifier } from "../core/named_blocks.ts";
import { Problem, Reading } from "../core/reading.ts";
import { refused } from "../core/refused.ts";
import {
  block,
  bytes,
  duration,
  flag,
  integer,
  list,
  oneOf,
  pairs,
  scalar,
  text,
  texts,
} from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { Options, Schema } from "../core/schema.ts";
import type { Choices } from "../core/choices.ts";
import { parseBytes } from "../core/units.ts";
import { freeConfig } from "./free_config.ts";
import { CAPABILITIES as GRANTABLE } from "./host/registry.ts";
import { AGENT_TYPES } from "./types/registry.ts";
import { withTypeDefaults } from "./types/type_defaults.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** What an agent can be told of, with the reference's other spellings. */
const EVENT_CHOICES = {
  "request-headers": [],
  "request-body": ["request-body-chunk"],
  "response-headers": [],
  "response-body": ["response-body-chunk"],
  "request-complete": ["log"],
  "websocket-frame": ["web-socket-frame"],
  guardrail: ["guardrail-inspect"],
} as const;

/** What an agent can be told of; `websocket-frame` stands for opening and closing too. */
export type AgentEvent = keyof typeof EVENT_CHOICES;

/** Every event, in the order of a request's life. */
export const AGENT_EVENTS = Object.keys(EVENT_CHOICES) as readonly AgentEvent[];

/** Interfaces of the proxy that an agent can be granted. */
export type Capability = typeof GRANTABLE[number]["name"];

/** Every capability, by the name that `grant` takes. */
export const CAPABILITIES: readonly Capability[] = GRANTABLE.map(({ name }) => name);

const CAPABILITY_CHOICES = Object.fromEntries(CAPABILITIES.map((name) => [name, []])) as unknown as Readonly<
  Record<Capability, readonly string[]>
>;

/** How much of a body an agent sees at a time; `hybrid:N` buffers N bytes and streams what is longer. */
export type BodyMode = "buffer" | "stream" | `hybrid:${number}`;

const HYBRID_BYTES = 65_536;

const IN_PROCESS =
  "agents run inside the proxy: build the agent as a WebAssembly component and give its file as wasm";

function wordList<const V extends Choices>(
  summary: string,
  values: V,
  aliases: readonly string[],
): Schema<readonly (keyof V & string)[]> {
  const shape = {
    type: "choice",
    values: Object.keys(values),
    aliases: Object.values(values).flat(),
  } as const;
  return list<keyof V & string, Options<readonly (keyof V & string)[]>>(
    { summary, aliases },
    shape,
    choiceDecoder<V>({ values }),
  );
}

function bodyMode(summary: string): Schema<BodyMode> {
  const expected = `"buffer", "stream" or "hybrid:65536"`;
  const options = { summary, default: "buffer" as BodyMode };
  const shape = { type: "value", expected, json: { type: "string" } } as const;
  return scalar<BodyMode, typeof options>(options, shape, (value): BodyMode | Problem => {
    const word = typeof value === "string" ? value.toLowerCase() : "";
    if (word === "buffer" || word === "stream") return word;
    if (word === "hybrid") return `hybrid:${HYBRID_BYTES}`;
    const size = word.startsWith("hybrid:") ? parseBytes(word.slice("hybrid:".length)) : undefined;
    if (size !== undefined && Number.isSafeInteger(size) && size > 0 && size <= GIB) return `hybrid:${size}`;
    return new Problem(`expects ${expected}, found ${JSON.stringify(value)}`);
  }) as Schema<BodyMode>;
}

function size<const O extends { min?: number; max?: number; aliases?: readonly string[]; default: number }>(
  summary: string,
  options: O,
) {
  return bytes({ min: 1, max: GIB, ...options, summary });
}

function count<const O extends { max?: number; aliases?: readonly string[]; default: number }>(
  summary: string,
  options: O,
) {
  return integer({ min: 1, max: 1_000_000, ...options, summary });
}

function seconds<const O extends { default: number; aliases?: readonly string[] }>(
  summary: string,
  options: O,
) {
  return duration({ unit: "s", min: 0.1, max: 86_400, ...options, summary });
}

function millis<const O extends { default: number; min?: number; aliases?: readonly string[] }>(
  summary: string,
  options: O,
) {
  return duration({ unit: "ms", min: 1, max: 600_000, ...options, summary });
}

const circuitBreaker = block({
  summary:
    "Calls are not even tried for a while after several failures in a row; each worker thread counts its own.",
  always: true,
  fields: {
    failureThreshold: count("Failed calls in a row that stop further ones.", { default: 5 }),
    successThreshold: count("Trial calls that must succeed before all are made again.", { default: 2 }),
    timeoutSecs: seconds("Pause before the first trial call.", {
      aliases: ["timeout-seconds", "timeout", "recovery-timeout-secs"],
      default: 30,
    }),
    halfOpenMaxRequests: count("Trial calls at a time.", { default: 1 }),
  },
});

const quarantine = block({
  summary:
    "An agent that traps often is taken out of service, and tried again later; each worker thread counts its own.",
  always: true,
  fields: {
    traps: count("Traps within the window that are too many.", { max: 10_000, default: 10 }),
    windowSecs: seconds("Time that traps are counted over.", { aliases: ["window"], default: 60 }),
    retrySecs: seconds("Time out of service before one call is tried.", { aliases: ["retry"], default: 60 }),
  },
});

const fetchBlock = block({
  summary:
    "HTTP requests that the agent may make, a bounded number at a time in each worker thread; needs the grant fetch.",
  fields: {
    allow: texts({
      summary: "Origins that may be asked.",
      aliases: ["origins"],
      check: (origin) => {
        return /^https?:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?\/?$/i.test(origin)
          ? undefined
          : `must be an origin such as "https://example.com", found "${origin}"`;
      },
      example: "https://keys.example.com",
    }),
    timeoutMs: millis("Longest wait for an answer.", { aliases: ["timeout"], default: 5000 }),
    maxResponseBytes: size("Largest answer.", { default: MIB }),
  },
  check(value, report) {
    if (value.allow.length === 0) report("allow", "no origin may be asked", 'name one: allow "https://…"');
  },
});

const kv = block({
  summary: "Values that all instances share; needs the grant kv.",
  always: true,
  fields: {
    maxEntries: count("Entries; beyond it the oldest go.", { default: 10_000 }),
    maxBytes: size("Keys and values together; beyond it the oldest entries go.", {
      min: 4 * KIB,
      default: 4 * MIB,
    }),
  },
});

const limitFields = {
  fuel: integer({
    summary: "Units of computation for one call, about one an instruction.",
    aliases: ["max-fuel"],
    min: 1000,
    max: 2_000_000_000,
    default: 10_000_000,
  }),
  configureFuel: integer({
    summary:
      "The same for making and configuring an instance; start functions get no more of it than a call gets, or 10000000. " +
      "Of more than 2000000000 the rest is given as the agent calls the proxy.",
    min: 1000,
    max: 100_000_000_000,
    default: 100_000_000,
  }),
  fuelAccounting: oneOf({
    summary: "Charge whole loop bodies, or exactly the blocks that run; block suits interpreters.",
    values: { loop: [], block: ["blocks"] },
    default: "loop",
  }),
  memory: size(
    "Memory of one instance; what it has from its start is paid for with fuel, 20 000 units for 64 KiB.",
    {
      min: 64 * KIB,
      max: 4 * GIB - 64 * KIB,
      aliases: ["max-memory"],
      default: 64 * MIB,
    },
  ),
  maxInstances: integer({
    summary: "Instances in one worker thread; left out 4, or 32 when isolation binds one to a request.",
    min: 1,
    max: 256,
  }),
  maxModuleBytes: size("The component's file.", {
    min: KIB,
    aliases: ["max-module-size"],
    default: 10 * MIB,
  }),
  maxFunctionBytes: size("Code of one function.", { min: KIB, aliases: ["max-function-size"], default: MIB }),
  maxResultBytes: size("What one call may return.", { min: KIB, max: 256 * MIB, default: 262_144 }),
  maxListLength: count("Elements of one list that a call returns.", { default: 1024 }),
  timeoutMs: millis("Longest call that waits for fetch, and longest wait for an instance.", {
    aliases: ["timeout"],
    default: 1000,
  }),
  chunkTimeoutMs: millis("The same for calls with a part of a body.", { default: 5000 }),
  slowCallMs: millis("Calls that take longer are reported.", { min: 0.01, default: 20 }),
  maxConcurrentCalls: count("Calls of one worker thread under way or waiting; further ones fail.", {
    default: 100,
  }),
};

const bodyFields = {
  maxRequestBodyBytes: size("Request body held for the agent.", { default: MIB }),
  maxResponseBodyBytes: size("Response body held for the agent.", { default: MIB }),
  requestBodyMode: bodyMode(
    "Request bodies come whole, in parts, or whole up to a size and in parts beyond.",
  ),
  responseBodyMode: bodyMode("The same for response bodies."),
  bodiesOnDemand: flag({
    summary: "Bodies are shown only where the agent, told of the head, says that it needs more.",
    default: false,
  }),
  decodeBodies: flag({
    summary:
      "Whole bodies are shown without their Content-Encoding (gzip, deflate, br); they are passed on as they came.",
    default: false,
  }),
  maxDecompressionRatio: integer({
    summary: "Decoded bytes for each byte of a body longer than 64 KiB.",
    min: 1,
    max: 100_000,
    default: 100,
  }),
  oversizedBodies: oneOf({
    summary:
      "Bodies beyond the bounds: refused or passed over, as failure-mode says, or shown as far as they may be. In shadow mode they are passed over.",
    values: { "failure-mode": [], "inspect-start": ["process-partial"] },
    default: "failure-mode",
  }),
};

const refusedFields = {
  unixSocket: refused({
    summary: "An agent behind a Unix socket.",
    aliases: ["socket-path"],
    hint: IN_PROCESS,
  }),
  grpc: refused({ summary: "An agent behind gRPC.", hint: IN_PROCESS }),
  http: refused({ summary: "An agent behind HTTP.", hint: IN_PROCESS }),
  transport: refused({ summary: "How an agent is reached.", hint: IN_PROCESS }),
  pool: refused({
    summary: "Connections to an agent.",
    hint: "there are none; max-instances bounds the instances of a thread",
  }),
  protocolVersion: refused({
    summary: "Version of the agent protocol.",
    hint: "remove it; the component itself says which interface it has",
  }),
};

const fields = {
  id: identifier("Name by which filters refer to it."),
  wasm: text({ summary: "File of the component. Required.", example: "agents/waf.wasm" }),
  sha256: text({
    summary: "Digest that the file must have.",
    check: (digest) => /^[0-9a-f]{64}$/i.test(digest) ? undefined : "must be 64 hexadecimal digits",
  }),
  type: text({
    summary: `What it is for, as shown in lists. ${typeSummaries()}`,
    check: checkWord,
    example: "waf",
  }),
  mode: oneOf({
    summary: "Decide about requests, or only record what would have been decided.",
    values: { live: [], shadow: [] },
    default: "live",
  }),
  isolation: oneOf({
    summary: "Instances serve request after request; or are set back after each; or are new for each.",
    values: { shared: [], reset: [], fresh: [] },
    default: "shared",
  }),
  shareConfigured: flag({
    summary:
      "It is configured once in the process, and every instance starts with a copy of the memory that came of it.",
    default: false,
  }),
  headers: oneOf({
    summary:
      "Which headers of requests it sees: those to be sent on, edits included, or those that the client sent. " +
      "The latter have what concerns the connection (Connection, Transfer-Encoding) and what anybody may claim " +
      "(X-Forwarded-For), and no edit of a filter or agent. Its own edits are of those to be sent on.",
    values: { forwarded: [], received: [] },
    default: "forwarded",
  }),
  events: wordList("What it is told of; left out, everything it handles.", EVENT_CHOICES, []),
  failureMode: oneOf({
    summary:
      "When it fails: go on without it, or refuse the request. A filter's own failure-mode comes first.",
    values: { open: ["fail-open", "failopen"], closed: ["fail-closed", "failclosed"] },
    default: "open",
  }),
  circuitBreaker,
  quarantine,
  ...limitFields,
  ...bodyFields,
  grant: wordList(
    `What it may use: ${CAPABILITIES.join(", ")}.`,
    CAPABILITY_CHOICES,
    ["grants"],
  ),
  fetch: fetchBlock,
  assets: pairs({
    summary: "Files that it may read, by name; needs the grant assets. A data: URL is the content itself.",
  }),
  kv,
  config: freeConfig({ summary: "Its own configuration, handed to it as JSON." }),
  ...refusedFields,
};

/** Options of one agent. */
export const agent = block({
  summary: "An extension: a WebAssembly component that filters of type agent put requests through.",
  args: ["id"],
  fields,
  normalise: (node) => withTypeDefaults(node, fields),
  check(value, report) {
    if (value.wasm === undefined) {
      report("id", `agent "${value.id}" needs "wasm"`, 'give the component\'s file: wasm "agents/waf.wasm"');
    }
    const granted = new Set<Capability>(value.grant);
    if (value.fetch !== undefined && !granted.has("fetch")) reportUngranted("fetch", report);
    if (value.assets.length > 0 && !granted.has("assets")) reportUngranted("assets", report);
    if (granted.has("fetch") && value.fetch === undefined) {
      report("grant", "fetch is granted, but no origin may be asked", 'add: fetch { allow "https://…" }');
    }
    const hybrid = Number(value.requestBodyMode.split(":")[1] ?? 0);
    if (hybrid > value.maxRequestBodyBytes) reportHybrid("requestBodyMode", "maxRequestBodyBytes", report);
    if (value.decodeBodies && (value.requestBodyMode !== "buffer" || value.responseBodyMode !== "buffer")) {
      report("decodeBodies", "only whole bodies can be decoded", 'set both body modes to "buffer"');
    }
    const hybridResponse = Number(value.responseBodyMode.split(":")[1] ?? 0);
    if (hybridResponse > value.maxResponseBodyBytes) {
      reportHybrid("responseBodyMode", "maxResponseBodyBytes", report);
    }
  },
});

type Report = (key: string, message: string, hint?: string) => void;

function reportUngranted(name: Capability, report: Report): void {
  report(name, `"${name}" has no effect without the grant`, `add: grant "${name}"`);
}

function reportHybrid(mode: string, bound: string, report: Report): void {
  report(mode, `"${kebabName(mode)}" buffers more than "${kebabName(bound)}" allows`, "raise the bound");
}

/** What types bring along, for the reference page. */
function typeSummaries(): string {
  return AGENT_TYPES.map(({ name, summary, defaults }) => {
    const shown = defaults.map(([option, ...values]) => `${option} ${values.join(" ")}`).join(", ");
    return `"${name}" is ${summary}, with other defaults: ${shown}.`;
  }).join(" ");
}

function checkWord(word: string): string | undefined {
  return /^[\w-]{1,64}$/.test(word) ? undefined : "must be a word of at most 64 letters, digits, - and _";
}

/** Options of one agent, defaults filled in. */
export type AgentOptions = Omit<NonNullable<Infer<typeof agent>>, "wasm"> & { readonly wasm: string };

/** Instances that one worker thread may have of an agent. */
export function instancesMax(options: Pick<AgentOptions, "maxInstances" | "isolation">): number {
  return options.maxInstances ?? (options.isolation === "shared" ? 4 : 32);
}

/** The options of an agent of which only the file is known, as those in `agents-dir`. */
export function agentDefaults(id: string, wasm: string): AgentOptions {
  const span = { file: wasm, start: 0, end: 0, line: 1, column: 1 };
  const base = { name: "agent", nameSpan: span, span, props: [], children: [], syntax: "kdl" } as const;
  const child = { ...base, name: "wasm", args: [{ value: wasm, span }] };
  const node = { ...base, args: [{ value: id, span }], children: [child] };
  const reading = new Reading();
  const options = agent.read([node], { reading, parent: node, name: "agent" });
  const problem = reading.issues[0];
  if (problem !== undefined) throw new Error(`agent "${id}": ${problem.message}`);
  return options as AgentOptions;
}
