import type { HealthCheckKind } from "./check.ts";
import { HEALTH_CHECKS } from "./registry.ts";

/** The kind of a name, or undefined. */
export function findHealthCheck(type: string): HealthCheckKind | undefined {
  return HEALTH_CHECKS.find((kind) => kind.type === type);
}
