import { buildRouteTable, type Routable, type RouteTable } from "./table.ts";

/** A route and the namespace whose listeners it serves; undefined means the global ones. */
export interface ScopedRoute extends Routable {
  readonly namespace: string | undefined;
}

export interface ScopedTables<R extends ScopedRoute> {
  /** The table of a listener. Namespaces see their own routes (their services' included) and no others. */
  tableFor(listener: {
    readonly namespace?: string | undefined;
    readonly defaultRoute?: string | undefined;
  }): RouteTable<R>;
}

/** Tables by namespace and default route, built when first asked for and shared by equal listeners. */
export function buildScopedTables<R extends ScopedRoute>(
  routes: readonly R[],
  options: { readonly cacheSize: number },
): ScopedTables<R> {
  const tables = new Map<string, RouteTable<R>>();
  return {
    tableFor({ namespace, defaultRoute }) {
      const key = JSON.stringify([namespace, defaultRoute]);
      let table = tables.get(key);
      if (table === undefined) {
        const visible = routes.filter((route) => route.namespace === namespace);
        table = buildRouteTable(visible, { ...options, defaultRoute });
        tables.set(key, table);
      }
      return table;
    },
  };
}
