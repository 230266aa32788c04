/** The configuration as a whole: every node of the language, and the type that everything else is built from. */

import { agent } from "../agents/options.ts";
import { limits, scopedLimits } from "../core/limits.ts";
import { identifier, named, repeated, typed } from "../core/named_blocks.ts";
import { Problem } from "../core/reading.ts";
import { rateLimitKey } from "../core/rate_limit_key.ts";
import { refused } from "../core/refused.ts";
import { block, flag, integer, oneOf, scalar, text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { system } from "../core/system.ts";
import { listener } from "../downstream/listener.ts";
import { FILTERS, UNAVAILABLE_FILTERS } from "../filters/registry.ts";
import { observability } from "../observe/observability.ts";
import { route } from "../routing/route.ts";
import { upstream } from "../upstream/upstream.ts";
import { waf } from "./waf.ts";

const schemaVersion = scalar(
  {
    summary: "Version of the language, major and minor; newer ones than this build's load with a warning.",
    aliases: ["version"],
    default: "1.0",
  },
  { type: "text", pattern: "^\\d+\\.\\d+$", example: "1.0" },
  (value): string | Problem => {
    if (typeof value === "string" && /^\d{1,9}\.\d{1,9}$/.test(value)) return value;
    return new Problem(
      `expects a version such as "1.0"`,
      typeof value === "number" ? "write it in quotes" : undefined,
    );
  },
);

const filter = typed({
  summary: "A step that routes can put requests and responses through.",
  kinds: FILTERS,
  unavailable: UNAVAILABLE_FILTERS,
});

const filters = named({ summary: "Filters.", item: "filter", block: filter });
const upstreams = named({ summary: "Services behind the proxy.", item: "upstream", block: upstream });
const routes = named({ summary: "Which requests go where.", item: "route", block: route });
const listeners = named({ summary: "Sockets that accept clients.", item: "listener", block: listener });
const agents = named({ summary: "Extensions as WebAssembly components.", item: "agent", block: agent });

const agentsDir = block({
  summary: "The folder whose `.wasm` files are agents, each with its options in a `.kdl` file beside it.",
  args: ["path"],
  always: true,
  fields: {
    path: text({ summary: "The folder; it need not exist.", default: "./agents" }),
    enabled: flag({ summary: "Whether it is looked at.", default: true }),
    attach: oneOf({
      summary: "Which routes a dropped agent sees: all of them, or those whose filters name it.",
      values: { all: [], named: [] },
      default: "all",
    }),
  },
});

const service = block({
  summary: "A part of a namespace with resources of its own.",
  args: ["id"],
  fields: {
    id: identifier("Name within the namespace."),
    listeners: repeated({
      summary: "A socket that serves this service's routes alone.",
      name: "listener",
      aliases: ["service-listener"],
      block: listener,
    }),
    routes,
    upstreams,
    filters,
    agents,
    limits: scopedLimits,
  },
});

const exportsBlock = block({
  summary: "What other namespaces may refer to by its bare id.",
  fields: {
    upstreams: texts({ summary: "Upstreams." }),
    filters: texts({ summary: "Filters." }),
    agents: texts({ summary: "Agents." }),
  },
});

const namespace = block({
  summary: "A group of resources whose ids are its own.",
  args: ["id"],
  fields: {
    id: identifier("Name of the scope."),
    limits: scopedLimits,
    listeners,
    routes,
    upstreams,
    filters,
    agents,
    services: repeated({
      summary: "Services within the namespace.",
      name: "service",
      aliases: ["services"],
      block: service,
    }),
    exports: exportsBlock,
  },
});

const rateLimits = block({
  summary: "Limits of requests before any filter.",
  fields: {
    defaultRps: integer({
      summary: "Requests per second of each key, on routes without a rate-limit filter or policy.",
      min: 1,
      max: 10_000_000,
    }),
    defaultBurst: integer({
      summary: "Requests at once of each key; left out, as many as per second.",
      min: 1,
      max: 10_000_000,
    }),
    key: rateLimitKey({ summary: "What default-rps is counted by.", default: "client-ip" }),
    global: block({
      summary: "Limit of all routes together.",
      fields: {
        maxRps: integer({ summary: "Requests per second.", required: true, min: 1, max: 10_000_000 }),
        burst: integer({ summary: "Requests at once.", min: 1, max: 10_000_000, default: 10 }),
        key: rateLimitKey({ summary: "What requests are counted by.", default: "client-ip" }),
      },
    }),
  },
});

/** The top level of a configuration file. */
export const document = block({
  summary: "A configuration.",
  always: true,
  fields: {
    schemaVersion,
    system,
    listeners,
    routes,
    upstreams,
    filters,
    namespaces: repeated({
      summary: "Groups of resources with ids of their own.",
      name: "namespace",
      aliases: ["namespaces"],
      block: namespace,
    }),
    limits,
    rateLimits,
    observability,
    agents,
    agentsDir,
    waf,
    cache: refused({ summary: "Storage of cached responses." }),
  },
});

type Document = Infer<typeof document>;

/** A configuration that was read and checked: plain, deeply frozen data that can be cloned to other threads. */
export type Config = Omit<Document, "system"> & { readonly system: NonNullable<Document["system"]> };
/** One filter: its id, its type, and the options that the type has. */
export type FilterConfig = Document["filters"][number];
/** One namespace with everything declared in it. */
export type NamespaceConfig = Document["namespaces"][number];
/** One agent: its id, its file and what it may do. */
export type AgentConfig = Document["agents"][number];
/** One service of a namespace. */
export type ServiceConfig = NamespaceConfig["services"][number];
/** Limits of requests before any filter. */
export type RateLimitsConfig = NonNullable<Document["rateLimits"]>;
