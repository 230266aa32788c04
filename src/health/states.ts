/** What active checks say of a target; `unknown` until the first verdict, and without checks. */
export type HealthState = "unknown" | "healthy" | "unhealthy";

/** All of them; what is zeroed is unknown. */
export const HEALTH_STATES = ["unknown", "healthy", "unhealthy"] as const satisfies readonly HealthState[];

/** Where the verdict on one target is kept; `upstream/target_record.ts` has the real one. */
export interface HealthCell {
  readonly health: HealthState;
  /** `nowMs` is `Clock.nowMs`. */
  setHealth(state: HealthState, nowMs: number): void;
  /** A check went well, whatever the verdict so far. */
  foundWell(nowMs: number): void;
}
