/**
 * Configurations as users have them: the repository's own, and real ones of the reference's users where they are at
 * hand (`SENTINEL_SHARED`, or `shared/data/configs` beside the repository). Each loads, or is refused with a position and
 * a hint. Mutations of all of them never crash the reader.
 */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import fc from "../support/seeded_check.ts";
import { parse as parseOther } from "kdljs";
import { parseKdl } from "../../src/config/kdl.ts";
import { parseConfig } from "../../src/config/load.ts";
import { renderIssues } from "../../src/config/render.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { ConfigNode } from "../../src/core/config_node.ts";

interface Example {
  readonly name: string;
  readonly text: string;
}

function examplesIn(folder: URL): Example[] {
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).filter(
    (name) => name.endsWith(".kdl"),
  );
  return names.sort().map((name) => ({
    name,
    text: Deno.readTextFileSync(new URL(name, folder)),
  }));
}

function sharedExamples(): Example[] {
  const given = Deno.env.get("SENTINEL_SHARED");
  const folder = given === undefined ? new URL("../../../shared/data/configs/", import.meta.url) : new URL(
    `${given.replace(/\/$/, "")}/`,
    new URL("../../", import.meta.url),
  );
  try {
    return examplesIn(folder);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
}

const own = [
  ...examplesIn(new URL("../../config/", import.meta.url)),
  ...examplesIn(new URL("../../config/examples/", import.meta.url)),
];
const shared = sharedExamples();

for (const { name, text } of own) {
  Deno.test(`own configuration loads without a word: ${name}`, () => {
    const { config, issues, sources } = parseConfig(text, name);
    equal(issues, [], renderIssues(issues, sources, { color: false }));
    ok(config !== undefined);
    const resolved = resolveConfig(config);
    ok(resolved.listeners.length > 0 && resolved.routes.length > 0);
  });
}

/** What keeps a shared configuration from loading; none means that it loads. Others than these must not be named. */
const REASONS: Record<string, readonly string[]> = {
  "config_docker_default.kdl": [],
  "config_examples_acme-cloudflare.kdl": ['"tls" is for https', "system"],
  "config_examples_api-gateway.kdl": ["grpc", "tracing"],
  "config_examples_basic.kdl": [],
  "config_examples_cors-headers.kdl": [
    "grpc",
    "ping-interval-secs",
    "ping-timeout-secs",
  ],
  "config_examples_distributed-rate-limit.kdl": [
    ...[
      "redis",
      "redis-url",
      "redis-prefix",
      "redis-pool-size",
      "redis-timeout-ms",
      "redis-fallback",
    ],
    ...[
      "memcached",
      "memcached-url",
      "memcached-prefix",
      "memcached-pool-size",
      "memcached-timeout-ms",
    ],
    ...["memcached-ttl", "memcached-fallback"],
  ],
  "config_examples_http-caching.kdl": ["cache", "cache-purge", "cache-stats"],
  "config_examples_inference-routing.kdl": [
    "inference",
    "on-budget-exhausted",
    "model-mapping",
    "circuit-breaker",
  ],
  "config_examples_load-balancer.kdl": ["circuit-breaker"],
  "config_examples_namespaces.kdl": [
    "grpc",
    "max-connections-per-client",
    "cache",
  ],
  "config_examples_static-site.kdl": ["cache", "rewrite-path"],
  "config_examples_tracing.kdl": ["grpc", "tracing"],
  "config_examples_websocket.kdl": [
    ...["grpc", "ping-interval-secs", "ping-timeout-secs"],
  ],
  "invalid_acme-san.kdl": ["true"],
};

Deno.test("shared configurations are where SENTINEL_SHARED says", () => {
  const given = Deno.env.get("SENTINEL_SHARED");
  if (given !== undefined) {
    ok(shared.length > 0, `no configurations in ${given}`);
  } else if (shared.length === 0) {
    console.log(
      "no shared configurations found: only the repository's own are tested",
    );
  }
});

for (const { name, text } of shared) {
  Deno.test(`shared configuration: ${name}`, () => {
    const { config, issues } = parseConfig(text, name);
    const errors = issues.filter((issue) => issue.severity === "error");
    equal(config !== undefined, errors.length === 0);
    for (const error of errors) {
      ok(
        error.span !== undefined && error.span.line >= 1 &&
          error.span.column >= 1,
        error.message,
      );
      ok(error.hint !== undefined, `no hint: ${error.message}`);
    }
    const reasons = REASONS[name];
    if (reasons === undefined) return;
    const names = new Set(
      errors.map(({ message }) => /"([^"]+)" (?:is no|is not available)/.exec(message)?.[1] ?? message),
    );
    equal(
      [...names].map((found) => found.replace(/^the configuration needs "(.*)"$/, "$1")).sort(),
      [...reasons].sort(),
    );
  });
}

interface Tree {
  readonly name: string;
  readonly values: readonly unknown[];
  readonly properties: Readonly<Record<string, unknown>>;
  readonly children: readonly Tree[];
}

function ours(node: ConfigNode): Tree {
  return {
    name: node.name,
    values: node.args.map((arg) => arg.value),
    properties: Object.fromEntries(
      node.props.map((prop) => [prop.name, prop.value.value]),
    ),
    children: node.children.map(ours),
  };
}

function theirs({ name, values, properties, children }: Tree): Tree {
  return {
    name,
    values: [...values],
    properties: { ...properties },
    children: children.map(theirs),
  };
}

for (const { name, text } of [...own, ...shared]) {
  Deno.test(`another parser reads the same: ${name}`, () => {
    const mine = parseKdl(text, name);
    const other = parseOther(text);
    equal(mine.issues.length === 0, (other.errors ?? []).length === 0);
    if (mine.issues.length === 0) {
      equal(mine.nodes.map(ours), (other.output as Tree[]).map(theirs));
    }
  });
}

/** Edits of a text as typing, pasting and merging make them. */
const edit = fc.oneof(
  fc.record({
    kind: fc.constant("drop" as const),
    at: fc.nat(),
    length: fc.integer({ min: 1, max: 30 }),
  }),
  fc.record({
    kind: fc.constant("insert" as const),
    at: fc.nat(),
    text: fc.oneof(
      fc.string({ maxLength: 8, unit: "binary" }),
      fc.constantFrom(
        "{",
        "}",
        '"',
        "#true",
        "-1",
        "1e309",
        "=",
        "\n",
        "/-",
        "\0",
        "\ufeff",
        '"""',
        "#null",
        "\\",
        ";",
      ),
    ),
  }),
  fc.record({
    kind: fc.constant("swap" as const),
    at: fc.nat(),
    other: fc.nat(),
  }),
  fc.record({
    kind: fc.constant("repeat" as const),
    at: fc.nat(),
    length: fc.integer({ min: 1, max: 200 }),
  }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function apply(text: string, change: Edit): string {
  const at = change.at % (text.length + 1);
  switch (change.kind) {
    case "drop":
      return text.slice(0, at) + text.slice(at + change.length);
    case "insert":
      return text.slice(0, at) + change.text + text.slice(at);
    case "repeat":
      return text.slice(0, at) + text.slice(at, at + change.length) +
        text.slice(at);
    case "swap": {
      const lines = text.split("\n");
      const [a, b] = [change.at % lines.length, change.other % lines.length];
      [lines[a], lines[b]] = [lines[b]!, lines[a]!];
      return lines.join("\n");
    }
  }
}

Deno.test("mutated configurations give a configuration, or errors with positions", () => {
  const examples = [...own, ...shared];
  let loaded = 0;
  let refused = 0;
  const input = fc.tuple(
    fc.nat(examples.length - 1),
    fc.array(edit, { minLength: 1, maxLength: 4 }),
  );
  // A failure prints its seed and path.
  fc.assert(
    fc.property(input, ([index, edits]) => {
      const { name, text } = examples[index]!;
      const { config, issues, sources } = parseConfig(
        edits.reduce(apply, text),
        name,
      );
      const errors = issues.filter((issue) => issue.severity === "error");
      equal(config === undefined, errors.length > 0);
      for (const { span, message } of issues) {
        ok(span !== undefined && span.line >= 1 && span.column >= 1, message);
      }
      ok(
        issues.length === 0 ||
          renderIssues(issues, sources, { color: true }).length > 0,
      );
      if (config === undefined) {
        refused++;
      } else {
        loaded++;
        resolveConfig(config);
      }
    }),
    { numRuns: 400 },
  );
  ok(loaded > 0 && refused > 0, `${loaded} loaded, ${refused} refused`);
});

Deno.test("mutated JSON and TOML give a configuration, or errors with positions", () => {
  const json = JSON.stringify(
    {
      system: { worker_threads: 2 },
      listeners: [{ id: "http", address: "127.0.0.1:1" }],
      routes: [{
        id: "r",
        matches: [{ path_prefix: "/" }, { header: { name: "X" } }],
        upstream: "u",
        filters: ["f"],
      }],
      upstreams: {
        u: {
          targets: [{ address: "127.0.0.1:2", weight: 2 }],
          load_balancing: "weighted",
        },
      },
      filters: { f: { type: "headers", set: { "X-A": "1" } } },
    },
    null,
    1,
  );
  const toml = `[system]\nworker_threads = 2\n[[listeners]]\nid = "http"\naddress = "127.0.0.1:1"\n` +
    `[upstreams.u]\ntargets = [{ address = "127.0.0.1:2", weight = 2 }]\n[[routes]]\nid = "r"\nupstream = "u"\n` +
    `matches = [{ path_prefix = "/" }]\n`;
  const sources = [{ name: "a.json", text: json }, {
    name: "a.toml",
    text: toml,
  }];
  for (const { name, text } of sources) {
    equal(parseConfig(text, name).issues, []);
  }
  fc.assert(
    fc.property(
      fc.nat(1),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      (index, edits) => {
        const { name, text } = sources[index]!;
        const { config, issues } = parseConfig(edits.reduce(apply, text), name);
        equal(
          config === undefined,
          issues.some((issue) => issue.severity === "error"),
        );
        for (const { span, message } of issues) {
          ok(span !== undefined && span.line >= 1 && span.column >= 1, message);
        }
      },
    ),
    { numRuns: 600 },
  );
});
