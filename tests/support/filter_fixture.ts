/** What filters need in tests: options read from KDL as users write them, contexts, and recording ports. */

import type { TlsFacts } from "../../src/core/tls.ts";
import { EMPTY_DIRECTORY } from "./no_agents.ts";
import assert from "node:assert/strict";
import { parseKdl } from "../../src/config/kdl.ts";
import { RequestContext, type RouteInfo } from "../../src/core/context.ts";
import { HeaderList } from "../../src/core/headers.ts";
import type { Response } from "../../src/core/message.ts";
import { typed, type TypedKind } from "../../src/core/named_blocks.ts";
import { Reading } from "../../src/core/reading.ts";
import type { FilterDeps } from "../../src/filters/filter.ts";

export interface ReadFilter {
  readonly value: { readonly id: string; readonly type: string; readonly options: unknown } | undefined;
  readonly problems: readonly string[];
}

/** Reads `filter "id" { … }` as the configuration would. */
export function readFilter(kind: TypedKind, body: string): ReadFilter {
  const text = `filter "f" {\n  type "${kind.type}"\n${body}\n}`;
  const parsed = parseKdl(text, "test.kdl");
  assert.deepEqual(parsed.issues, [], `the KDL is right: ${text}`);
  const reading = new Reading();
  const site = { reading, parent: parsed.nodes[0]!, name: "filter" };
  const value = typed({ summary: "A filter.", kinds: [kind] }).read(parsed.nodes, site);
  return {
    value,
    problems: reading.issues.map(({ message, hint }) => hint ? `${message} (${hint})` : message),
  };
}

/** The options of a filter that must be right. */
export function optionsOf<Options>(
  kind: TypedKind & { options: { read(...args: never[]): Options } },
  body: string,
) {
  const { value, problems } = readFilter(kind, body);
  assert.deepEqual(problems, []);
  return value!.options as Options;
}

export interface RequestInit {
  readonly method?: string;
  readonly target?: string;
  readonly authority?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly scheme?: "http" | "https";
  /** The matching path, where it differs from the raw one. */
  readonly path?: string;
  readonly pathPrefixes?: readonly string[];
  readonly route?: null;
  readonly tls?: TlsFacts;
}

/** A context as it is when filters run. */
export function requestContext(init: RequestInit = {}): RequestContext {
  const authority = init.authority ?? "www.example";
  const context = new RequestContext({
    head: {
      method: init.method ?? "GET",
      target: init.target ?? "/a?b=c",
      host: authority.replace(/:\d+$/, "").toLowerCase(),
      authority,
      minor: 1,
      headers: HeaderList.from([["Host", authority], ...init.headers ?? []]),
    },
    body: null,
    downstream: {
      listenerId: "l",
      namespace: undefined,
      scheme: init.scheme ?? "http",
      tls: init.tls ?? null,
      localPort: 8080,
      peerIp: "192.0.2.1",
      peerPort: 40_000,
      peerTrusted: false,
      requestsServed: 0,
    },
    startedMs: 1000,
    bodyBytesMax: 1_000_000,
  });
  if (init.path !== undefined) context.path = init.path;
  context.requestId = "request-1";
  const route: RouteInfo = {
    id: "r",
    serviceType: "web",
    pathPrefixes: init.pathPrefixes ?? [],
    namespace: undefined,
    service: undefined,
  };
  context.route = init.route === null ? null : route;
  return context;
}

export function plainResponse(headers: readonly (readonly [string, string])[] = [], status = 200): Response {
  return { status, reason: "", headers: HeaderList.from(headers), body: null };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** Ports that stand still, and what was logged through them. */
export function filterDeps(shared?: SharedArrayBuffer): FilterDeps & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  return {
    clock: { nowMs: () => 1234.5, wallMs: () => 1_700_000_000_000 },
    random: { u32: () => 7 },
    timers: { after: () => () => {}, every: () => () => {} },
    log: (level, message, fields) => void lines.push({ level, message, fields }),
    id: "f",
    shared,
    agents: EMPTY_DIRECTORY,
    lines,
  };
}
