import type { FilterConfig } from "../config/document.ts";
import { assert } from "../core/assert.ts";
import type { Kind } from "../core/kind.ts";
import type { Filter, FilterDeps } from "../filters/filter.ts";
import { FILTERS } from "../filters/registry.ts";

/** The kind of a configured filter. Its options were read by the same kind, so the types belong together. */
export function filterKind(type: FilterConfig["type"]): Kind<string, unknown, FilterDeps, Filter> {
  const kind = FILTERS.find((candidate) => candidate.type === type);
  assert(kind !== undefined, "filter types are checked when the configuration is read");
  return kind as unknown as Kind<string, unknown, FilterDeps, Filter>;
}
