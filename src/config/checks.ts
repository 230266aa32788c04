/** What no single option can know: references, duplicates across scopes, routes that cannot answer. */

import { parseEndpoint } from "../core/address.ts";
import { nearest } from "../core/nearest.ts";
import type { Reading } from "../core/reading.ts";
import type { ListenerConfig } from "../downstream/listener.ts";
import type { RouteConfig } from "../routing/route.ts";
import type { UpstreamConfig } from "../upstream/upstream.ts";
import { checkCertificates } from "./certificates.ts";
import type { Config, FilterConfig, NamespaceConfig, ServiceConfig } from "./document.ts";
import { eachScope, GLOBAL, qualify, ScopeTable } from "./scopes.ts";
import { checkAroundUpstream, warnSharedCopies } from "./steering_checks.ts";
import type { ResourceKind, Scope } from "./scopes.ts";
import { checkUpgrades, type Reached } from "./upgrade_checks.ts";

/** The language version this build knows, which is also the oldest one it reads. */
const SCHEMA_VERSION = { major: 1, minor: 0 };

/** A document as it was read; `system` is missing when that was an error. */
export type Unchecked = Omit<Config, "system"> & { readonly system?: Config["system"] | undefined };

/** Errors about references that get a hint, so that a large configuration full of mistakes stays quick to report. */
const HINTS_MAX = 100;

interface Checks {
  readonly document: Unchecked;
  readonly reading: Reading;
  readonly scopes: ScopeTable;
  /** Types of filters by qualified id. */
  readonly types: ReadonlyMap<string, string | undefined>;
  /** Upstreams by qualified id. */
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  /** Qualified ids of upstreams that some route refers to. */
  readonly used: Set<string>;
  /** Those of them that answer clients. */
  readonly answering: Set<string>;
}

interface Place {
  readonly scope: Scope;
  readonly block: Unchecked | NamespaceConfig | ServiceConfig;
}

/** Checks references and the like over the whole document; adds to the reading's issues. */
export function checkDocument(document: Unchecked, reading: Reading): void {
  const scopes = new ScopeTable(document);
  const checks: Checks = {
    document,
    reading,
    scopes,
    types: filterTypes(document),
    upstreams: upstreamsById(document),
    used: new Set(),
    answering: new Set(),
  };
  checkVersion(checks);
  checkDeprecations(checks);
  checkListeners(checks);
  checkCertificates(document, reading);
  checkAdminAddress(checks);
  for (const place of eachScope(document)) {
    for (const route of place.block.routes) checkRoute(route, place, checks);
    for (const upstream of place.block.upstreams) checkUpstream(upstream, reading);
    for (const filter of place.block.filters) checkAgentFilter(filter, place, checks);
  }
  for (const namespace of document.namespaces) checkExports(namespace, checks);
  for (const place of eachScope(document)) {
    warnUnused(place, checks);
    warnUnverified(place, checks);
    warnSharedCopies(place, checks);
  }
  checkLimits(checks);
}

function checkVersion({ document, reading }: Checks): void {
  const [major = 0, minor = 0] = document.schemaVersion.split(".").map(Number);
  const newest = `${SCHEMA_VERSION.major}.${SCHEMA_VERSION.minor}`;
  const order = major - SCHEMA_VERSION.major || minor - SCHEMA_VERSION.minor;
  const span = reading.spanOf(document, "schemaVersion");
  if (order < 0) {
    reading.error(
      span,
      `schema-version "${document.schemaVersion}" is too old`,
      `this build reads "${newest}"`,
    );
  } else if (order > 0) {
    const message = `schema-version "${document.schemaVersion}" is newer than this build's "${newest}"`;
    reading.warn(span, message, "names it does not know are errors");
  }
}

function checkDeprecations({ document, reading }: Checks): void {
  const node = reading.origins.get(document)?.fields.get("system")?.find((each) => each.name === "server");
  if (node?.syntax === "kdl") {
    reading.warn(node.nameSpan, '"server" is the old name of "system"', "rename it");
  }
}

function checkListeners({ document, reading }: Checks): void {
  const ids = new Map<string, ListenerConfig>();
  const addresses = new Map<string, ListenerConfig>();
  let count = 0;
  for (const { scope, block } of eachScope(document)) {
    for (const listener of block.listeners) {
      count++;
      if (listener.address !== undefined) {
        reportTwin(addresses, { listener, key: "address", value: listener.address }, reading);
      }
      if (scope !== GLOBAL) reportTwin(ids, { listener, key: "id", value: listener.id }, reading);
      else ids.set(listener.id, listener);
      checkListener(listener, { scope, block }, { document, reading });
    }
  }
  if (count === 0) {
    const span = reading.spanOf(document, "listeners");
    const example = 'listeners { listener "http" { address "0.0.0.0:8080" } }';
    reading.error(span, "the configuration needs at least one listener", `add: ${example}`);
  }
}

/** The admin listener is one more socket of this process. */
function checkAdminAddress({ document, reading }: Checks): void {
  const { metrics } = document.observability;
  if (!metrics.enabled || metrics.address === undefined) return;
  for (const { block } of eachScope(document)) {
    for (const listener of block.listeners) {
      if (listener.address === undefined || !overlap(listener.address, metrics.address)) continue;
      const message =
        `listener "${listener.id}" and the admin listener want the same port of ${metrics.address}`;
      const hint = 'set another: observability { metrics { address "127.0.0.1:9091" } }';
      reading.error(reading.spanOf(listener, "address"), message, hint);
    }
  }
}

/** Whether two addresses cannot both be bound: the same port, and the same host or every host. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [parseEndpoint(one), parseEndpoint(other)];
  if (typeof a === "string" || typeof b === "string" || a.type !== b.type) return false;
  if (a.type === "unix" || b.type === "unix") return one === other;
  const everywhere = (host: string) => host === "0.0.0.0" || host === "::";
  return a.port === b.port && (a.host === b.host || everywhere(a.host) || everywhere(b.host));
}

function reportTwin(
  seen: Map<string, ListenerConfig>,
  twin: { readonly listener: ListenerConfig; readonly key: "id" | "address"; readonly value: string },
  reading: Reading,
): void {
  const { listener, key, value } = twin;
  const first = seen.get(value);
  if (first === undefined) {
    seen.set(value, listener);
    return;
  }
  const related = reading.spanOf(first, key);
  reading.report({
    severity: "error",
    message: key === "id"
      ? `listener "${value}" is defined twice`
      : `listeners "${first.id}" and "${listener.id}" have the same address ${value}`,
    span: reading.spanOf(listener, key),
    related: related === undefined ? [] : [{ message: "the first one is here", span: related }],
  });
}

function checkListener(
  listener: ListenerConfig,
  place: Place,
  { document, reading }: Pick<Checks, "document" | "reading">,
): void {
  const namespaces = document.namespaces.map(({ id }) => id);
  const wanted = listener.namespace;
  if (wanted !== undefined && place.scope.namespace !== undefined && wanted !== place.scope.namespace) {
    const message = `listener "${listener.id}" stands in namespace "${place.scope.namespace}"`;
    reading.error(reading.spanOf(listener, "namespace"), message, "remove its namespace option");
  } else if (wanted !== undefined && !namespaces.includes(wanted)) {
    const hint = suggest(wanted, namespaces, "namespaces");
    reading.error(reading.spanOf(listener, "namespace"), `unknown namespace "${wanted}"`, hint);
  } else if (listener.defaultRoute !== undefined) {
    const routes = servedRoutes(listener, place, document);
    if (!routes.includes(listener.defaultRoute)) {
      const hint = suggest(listener.defaultRoute, routes, "routes of this listener");
      reading.error(
        reading.spanOf(listener, "defaultRoute"),
        `unknown route "${listener.defaultRoute}"`,
        hint,
      );
    }
  }
  const trusted = [...listener.trustedProxies, ...(document.system?.trustedProxies ?? [])];
  if (listener.proxyProtocol && listener.proxyProtocolFrom.length + trusted.length === 0) {
    const message = `listener "${listener.id}" believes PROXY headers from nobody`;
    reading.error(
      reading.spanOf(listener, "proxyProtocol"),
      message,
      'add: proxy-protocol-from "10.0.0.0/8"',
    );
  }
}

/** Ids of the routes that a listener can reach, as `default-route` may name them. */
function servedRoutes(listener: ListenerConfig, place: Place, document: Unchecked): string[] {
  if (place.scope.service !== undefined) return place.block.routes.map(({ id }) => id);
  const name = place.scope.namespace ?? listener.namespace;
  const namespace = document.namespaces.find(({ id }) => id === name);
  if (namespace === undefined) return document.routes.map(({ id }) => id);
  const inner = namespace.services.flatMap((service) =>
    service.routes.map(({ id }) => `${service.id}:${id}`)
  );
  return [...namespace.routes.map(({ id }) => id), ...inner];
}

function checkRoute(route: RouteConfig, { scope }: Place, checks: Checks): void {
  const { reading } = checks;
  const named = `route "${route.id}"`;
  if (isMatchless(route) && route.priority !== 10) {
    const hint = 'add a condition such as path-prefix "/", or priority "low" to take what is left';
    reading.error(reading.spanOf(route), `${named} has no matches`, hint);
  }
  const reached: Reached[] = [];
  const uses = (owner: object, key: string, id: string | undefined) => {
    const found = resolveReference({ kind: "upstream", owner, key, id }, scope, checks);
    if (found === undefined) return;
    checks.used.add(found);
    if (owner === route.shadow) return;
    checks.answering.add(found);
    const upstream = checks.upstreams.get(found);
    if (upstream !== undefined) reached.push({ owner, key, upstream });
  };
  uses(route, "upstream", route.upstream);
  for (const branch of route.trafficSplit?.upstreams ?? []) uses(branch, "id", branch.id);
  for (const other of route.fallback?.upstreams ?? []) uses(other, "id", other.id);
  if (route.shadow !== undefined) uses(route.shadow, "upstream", route.shadow.upstream);
  checkAroundUpstream(route, reading);
  const types = route.filters.map((each, index) => {
    const reference = { kind: "filter", owner: route, key: "filters", id: each, index } as const;
    const id = resolveReference(reference, scope, checks);
    return id === undefined ? undefined : checks.types.get(id);
  });
  checkAnswer(route, { types, reading });
  checkUpgrades(route, reached, reading);
}

function isMatchless({ matches }: RouteConfig): boolean {
  return Object.values(matches).every((values) => values.length === 0);
}

function checkAnswer(
  route: RouteConfig,
  { types, reading }: { readonly types: readonly (string | undefined)[]; readonly reading: Reading },
): void {
  const answers = [
    ["upstream", "an upstream"],
    ["trafficSplit", "a traffic-split"],
    ["builtinHandler", "a builtin-handler"],
  ] as const;
  const [first, second] = answers.filter(([key]) => route[key] !== undefined);
  if (first !== undefined && second !== undefined) {
    const message = `route "${route.id}" has both ${first[1]} and ${second[1]}`;
    reading.error(reading.spanOf(route, second[0]), message, "keep one of them");
  }
  // Another refused option may be what answers; only a route that has nothing at all is worth a word.
  const fields = reading.origins.get(route)?.fields;
  const other = ["upstream", "trafficSplit", "builtinHandler", "connect", "staticFiles", "inference"].some((
    key,
  ) => fields?.has(key));
  if (!other && !types.includes("redirect") && !types.includes(undefined)) {
    const hint = "add an upstream, a builtin-handler or a redirect filter";
    reading.warn(reading.spanOf(route), `route "${route.id}" has nothing that answers`, hint);
  }
}

/** The agent of a filter: a declared one, or, as far as can be known here, one of the agents folder. */
function checkAgentFilter(
  filter: FilterConfig,
  { scope }: Place,
  { document, reading, scopes }: Checks,
): void {
  if (filter.type !== "agent") return;
  const agent = filter.options?.agent as string | undefined;
  // What is missing was reported when the filter was read.
  if (agent === undefined) return;
  const found = scopes.find("agent", agent, scope);
  if (found.type === "found") return;
  const span = reading.spanOf(filter.options, "agent");
  if (found.type === "ambiguous") {
    reading.error(
      span,
      `several namespaces export agent "${agent}"`,
      `write one of: ${found.ids.join(", ")}`,
    );
  } else if (document.agentsDir.enabled && isFileName(agent)) {
    const message = `agent "${agent}" is not declared`;
    reading.warn(span, message, `it must be in the agents folder: ${document.agentsDir.path}/${agent}.wasm`);
  } else {
    reading.error(span, `unknown agent "${agent}"`, suggest(agent, scopes.names("agent", scope), "agents"));
  }
}

/** Whether a file of the agents folder can have that name. */
function isFileName(id: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(id);
}

interface Reference {
  readonly kind: ResourceKind;
  /** The block that names it, and under which key. */
  readonly owner: object;
  readonly key: string;
  /** Undefined where nothing was given, or what was given is no name. */
  readonly id: string | undefined;
  readonly index?: number;
}

function resolveReference(reference: Reference, scope: Scope, checks: Checks): string | undefined {
  const { kind, owner, key, id, index = 0 } = reference;
  const { reading, scopes } = checks;
  if (id === undefined) return undefined;
  const found = scopes.find(kind, id, scope);
  if (found.type === "found") return found.id;
  const span = reading.spanOf(owner, key, index);
  if (found.type === "ambiguous") {
    reading.error(span, `several namespaces export ${kind} "${id}"`, `write one of: ${found.ids.join(", ")}`);
  } else {
    const names = reading.errorCount < HINTS_MAX ? scopes.names(kind, scope) : undefined;
    const hint = names && suggest(id, names, `${kind}s`);
    reading.error(span, `unknown ${kind} "${id}"`, hint);
  }
  return undefined;
}

function filterTypes(document: Unchecked): Map<string, string | undefined> {
  const types = new Map<string, string | undefined>();
  for (const { scope, block } of eachScope(document)) {
    for (const filter of block.filters as readonly FilterConfig[]) {
      types.set(qualify(filter.id, scope), filter.type);
    }
  }
  return types;
}

function upstreamsById(document: Unchecked): Map<string, UpstreamConfig> {
  const upstreams = new Map<string, UpstreamConfig>();
  for (const { scope, block } of eachScope(document)) {
    for (const upstream of block.upstreams) upstreams.set(qualify(upstream.id, scope), upstream);
  }
  return upstreams;
}

/** The nearest name, or what there is to choose from. */
function suggest(name: string, candidates: readonly string[], kind: string): string {
  const near = nearest(name, candidates);
  if (near !== undefined) return `did you mean "${near}"?`;
  if (candidates.length === 0) return `there are no ${kind}`;
  const shown = candidates.slice(0, 10).join(", ");
  return `${kind}: ${shown}${candidates.length > 10 ? ", …" : ""}`;
}

function checkUpstream(upstream: UpstreamConfig, reading: Reading): void {
  const fields = reading.origins.get(upstream)?.fields;
  if (upstream.targets.length === 0 && !fields?.has("targets") && !fields?.has("discovery")) {
    const hint = 'add: target "127.0.0.1:3000"';
    reading.error(reading.spanOf(upstream), `upstream "${upstream.id}" requires at least one target`, hint);
    return;
  }
  const seen = new Set<string>();
  for (const target of upstream.targets) {
    if (target.address === undefined) continue;
    if (seen.has(target.address)) {
      const message = `upstream "${upstream.id}" has target ${target.address} twice`;
      reading.error(reading.spanOf(target, "address"), message, "give it a weight instead");
    }
    seen.add(target.address);
  }
  const weighted = upstream.targets.some(({ weight }) => weight !== 0);
  if (upstream.targets.length > 0 && !weighted) {
    reading.error(reading.spanOf(upstream), `upstream "${upstream.id}" has only targets of weight 0`);
  }
}

function checkExports(namespace: NamespaceConfig, { reading }: Checks): void {
  const { exports } = namespace;
  if (exports === undefined) return;
  for (const key of ["upstreams", "filters", "agents"] as const) {
    const own = (namespace[key] as readonly { readonly id: string }[]).map(({ id }) => id);
    for (const [index, id] of exports[key].entries()) {
      if (own.includes(id)) continue;
      const message = `namespace "${namespace.id}" exports ${
        key.slice(0, -1)
      } "${id}", which it does not have`;
      reading.error(reading.spanOf(exports, key, index), message, suggest(id, own, key));
    }
  }
}

function warnUnused({ scope, block }: Place, { reading, used }: Checks): void {
  for (const upstream of block.upstreams) {
    if (used.has(qualify(upstream.id, scope))) continue;
    const message = `upstream "${upstream.id}" is not used by any route`;
    reading.warn(reading.spanOf(upstream, "id"), message);
  }
}

function warnUnverified({ block }: Place, { reading }: Checks): void {
  for (const { id, tls } of block.upstreams) {
    if (tls === undefined || (tls.verify && !tls.insecureSkipVerify)) continue;
    const key = tls.insecureSkipVerify ? "insecureSkipVerify" : "verify";
    const message =
      `upstream "${id}" takes any certificate: whoever is on the way can read and change everything`;
    reading.warn(reading.spanOf(tls, key), message, "give the authority as ca-cert instead");
  }
}

function checkLimits({ document, reading }: Checks): void {
  const { limits } = document;
  const given = reading.origins.get(limits)?.fields.has("maxBodyBufferBytes");
  if (given && limits.maxBodyBufferBytes > limits.maxBodySizeBytes) {
    const message = `"max-body-buffer-bytes" is larger than "max-body-size-bytes"`;
    reading.error(reading.spanOf(limits, "maxBodyBufferBytes"), message, "larger bodies are refused before");
  }
}
