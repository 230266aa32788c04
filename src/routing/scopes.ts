import { buildRouteTable, type Routable, type RouteTable } from "./table.ts";

/** A route and the namespace (and service within) it stands in; undefined means the global scope. */
export interface ScopedRoute extends Routable {
  readonly namespace: string | undefined;
  readonly service?: string | undefined;
}

export interface ScopedTables<R extends ScopedRoute> {
  /**
   * The table of a listener. Namespaces see their own routes (their services' included) and no others; a
   * service's listener sees the service's alone.
   */
  tableFor(listener: {
    readonly namespace?: string | undefined;
    readonly service?: string | undefined;
    readonly defaultRoute?: string | undefined;
  }): RouteTable<R>;
}

/** Tables by scope and default route, built when first asked for and shared by equal listeners. */
export function buildScopedTables<R extends ScopedRoute>(
  routes: readonly R[],
  options: { readonly cacheSize: number },
): ScopedTables<R> {
  const tables = new Map<string, RouteTable<R>>();
  return {
    tableFor({ namespace, service, defaultRoute }) {
      const key = JSON.stringify([namespace, service, defaultRoute]);
      let table = tables.get(key);
      if (table === undefined) {
        const visible = routes.filter((route) =>
          route.namespace === namespace && (service === undefined || route.service === service)
        );
        table = buildRouteTable(visible, { ...options, defaultRoute });
        tables.set(key, table);
      }
      return table;
    },
  };
}
