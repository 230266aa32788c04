/**
 * Where ids are looked up: globally, in a namespace, in a service.
 *
 * An id without colons is searched from a service in the service, its namespace, what namespaces export and
 * the global ones; from a namespace without the first; globally in the global ones and then the exports. With
 * colons it names its scope: `namespace:id` or `namespace:service:id`.
 */

import type { NamespaceConfig, ServiceConfig } from "./document.ts";

/** Kinds of things that are referred to across scopes. */
export type ResourceKind = "upstream" | "filter" | "agent";

/** A place in the configuration; without a namespace it is the global one. */
export interface Scope {
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
}

/** The place of everything outside namespaces. */
export const GLOBAL: Scope = { namespace: undefined, service: undefined };

interface Resources {
  readonly upstreams: readonly { readonly id: string }[];
  readonly filters: readonly { readonly id: string }[];
  readonly agents: readonly { readonly id: string }[];
}

/** What the lookup needs of a configuration. */
export interface ScopedDocument extends Resources {
  readonly namespaces: readonly NamespaceConfig[];
}

/** An id with its scope in front, unique in the whole configuration: `name`, `ns:name`, `ns:svc:name`. */
export function qualify(id: string, scope: Scope): string {
  const prefix = [scope.namespace, scope.service].filter((part) => part !== undefined);
  return [...prefix, id].join(":");
}

/** What became of a lookup. */
export type Lookup =
  | { readonly type: "found"; readonly id: string }
  | { readonly type: "missing" }
  /** Several namespaces export it and nothing nearer has it. */
  | { readonly type: "ambiguous"; readonly ids: readonly string[] };

/** Every id of a configuration by kind, qualified. */
export class ScopeTable {
  readonly #declared: Record<ResourceKind, Set<string>> = {
    upstream: new Set(),
    filter: new Set(),
    agent: new Set(),
  };
  readonly #exported: Record<ResourceKind, Map<string, string[]>> = {
    upstream: new Map(),
    filter: new Map(),
    agent: new Map(),
  };

  constructor(document: ScopedDocument) {
    this.#declare(document, GLOBAL);
    for (const namespace of document.namespaces) {
      this.#declare(namespace, { namespace: namespace.id });
      for (const service of namespace.services) {
        this.#declare(service, { namespace: namespace.id, service: service.id });
      }
      for (const id of namespace.exports?.upstreams ?? []) this.#export("upstream", id, namespace.id);
      for (const id of namespace.exports?.filters ?? []) this.#export("filter", id, namespace.id);
      for (const id of namespace.exports?.agents ?? []) this.#export("agent", id, namespace.id);
    }
  }

  /** The qualified id that a reference stands for in a scope. */
  find(kind: ResourceKind, reference: string, scope: Scope): Lookup {
    const declared = this.#declared[kind];
    if (reference.includes(":")) {
      return declared.has(reference) ? { type: "found", id: reference } : { type: "missing" };
    }
    for (const near of nearScopes(scope)) {
      const id = qualify(reference, near);
      if (declared.has(id)) return { type: "found", id };
    }
    const exported = this.#exported[kind].get(reference) ?? [];
    const global = declared.has(reference);
    if (scope.namespace === undefined && global) return { type: "found", id: reference };
    if (exported.length > 1) return { type: "ambiguous", ids: exported };
    if (exported.length === 1) return { type: "found", id: exported[0]! };
    return global ? { type: "found", id: reference } : { type: "missing" };
  }

  /** Every way to write a reference of that kind from a scope, for hints. */
  names(kind: ResourceKind, scope: Scope): string[] {
    const names = new Set<string>();
    const own = nearScopes(scope).map((near) => qualify("", near));
    for (const id of this.#declared[kind]) {
      const prefix = own.find((start) => id.startsWith(start) && !id.slice(start.length).includes(":"));
      names.add(prefix === undefined ? id : id.slice(prefix.length));
    }
    return [...names];
  }

  #declare(resources: Resources, scope: Scope): void {
    for (const { id } of resources.upstreams) this.#declared.upstream.add(qualify(id, scope));
    for (const { id } of resources.filters) this.#declared.filter.add(qualify(id, scope));
    for (const { id } of resources.agents) this.#declared.agent.add(qualify(id, scope));
  }

  #export(kind: ResourceKind, id: string, namespace: string): void {
    const qualified = qualify(id, { namespace });
    if (!this.#declared[kind].has(qualified)) return;
    const ids = this.#exported[kind].get(id);
    if (ids === undefined) this.#exported[kind].set(id, [qualified]);
    else if (!ids.includes(qualified)) ids.push(qualified);
  }
}

function nearScopes({ namespace, service }: Scope): Scope[] {
  if (namespace === undefined) return [];
  return service === undefined ? [{ namespace }] : [{ namespace, service }, { namespace }];
}

/** Everything that has listeners, routes, upstreams and filters, with its scope: the whole document first. */
export function* eachScope<D extends ScopedDocument>(
  document: D,
): Generator<{ readonly scope: Scope; readonly block: D | NamespaceConfig | ServiceConfig }> {
  yield { scope: GLOBAL, block: document };
  for (const namespace of document.namespaces) {
    yield { scope: { namespace: namespace.id }, block: namespace };
    for (const service of namespace.services) {
      yield { scope: { namespace: namespace.id, service: service.id }, block: service };
    }
  }
}
