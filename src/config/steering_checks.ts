/** Checks of what stands around a route's upstream: copies of its requests, and upstreams to fall back to. */

import type { Reading } from "../core/reading.ts";
import type { RouteConfig } from "../routing/route.ts";
import type { Scope, ScopeTable } from "./scopes.ts";

/** Methods whose requests say little without their body. */
const BODY_METHODS: readonly string[] = ["POST", "PUT", "PATCH"];

/** What stands around a route's upstream needs one. */
export function checkAroundUpstream(route: RouteConfig, reading: Reading): void {
  const { upstream, trafficSplit, matches, shadow, fallback } = route;
  for (const around of [shadow, fallback]) {
    if (around === undefined || upstream !== undefined || trafficSplit !== undefined) continue;
    const message = around === shadow
      ? `route "${route.id}" has no upstream, so its "shadow" has nothing to copy`
      : `route "${route.id}" has no upstream, so there is nothing to fall back from`;
    reading.error(reading.spanOf(around), message, "remove it, or add an upstream");
  }
  for (const other of fallback?.upstreams ?? []) {
    if (other.id !== upstream) continue;
    const message = `route "${route.id}" falls back to the upstream it has`;
    reading.error(reading.spanOf(other, "id"), message, "name another upstream");
  }
  if (shadow === undefined) return;
  if (!shadow.bufferBody && matches.method.some((method) => BODY_METHODS.includes(method))) {
    const message = `route "${route.id}" takes requests with bodies, and its "shadow" copies them without`;
    reading.warn(reading.spanOf(shadow), message, "add: buffer-body #true");
  }
}

/** Copies that go to an upstream which answers clients take its connections, and its targets' good name. */
export function warnSharedCopies(
  { scope, block }: { readonly scope: Scope; readonly block: { readonly routes: readonly RouteConfig[] } },
  { reading, scopes, answering }: {
    readonly reading: Reading;
    readonly scopes: ScopeTable;
    /** Qualified ids of upstreams that answer clients. */
    readonly answering: ReadonlySet<string>;
  },
): void {
  for (const { id, shadow } of block.routes) {
    if (shadow?.upstream === undefined) continue;
    const found = scopes.find("upstream", shadow.upstream, scope);
    if (found.type !== "found" || !answering.has(found.id)) continue;
    const message = `copies of route "${id}" go to upstream "${shadow.upstream}", which answers clients too`;
    const hint = "give copies an upstream of their own, so that they cannot take its connections";
    reading.warn(reading.spanOf(shadow, "upstream"), message, hint);
  }
}
