/**
 * Names that the fuel pass exports things under, for the host alone. A module that exports a name with this prefix
 * is refused, and what a component links never reaches them.
 */
export const RESERVED_PREFIX = "sentinel.";

/** `(i32) -> i32`: takes units from the tank and says what is left. */
export const TAKE_EXPORT = "sentinel.take";

/** `(i32) -> ()`: fills the tank to so many units. */
export const FILL_EXPORT = "sentinel.fill";

/** The start function, which the host calls once the tank is filled. */
export const START_EXPORT = "sentinel.start";

/** The memory that the module defines. */
export const MEMORY_EXPORT = "sentinel.memory";

/** A global that is not 0 when the guest changed a table or used up a segment. */
export const LASTING_EXPORT = "sentinel.lasting";

/** Mutable globals that the module defines, by their index. */
export function globalExport(index: number): string {
  return `sentinel.global.${index}`;
}
