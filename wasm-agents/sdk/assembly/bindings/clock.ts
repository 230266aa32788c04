// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `clock`. */

// asc: @external("sentinel:agent/clock@1.0.0", "wall-ms")
declare function rawWallMs(): f64;

/** Unix time in milliseconds. */
export function wallMs(): f64 {
  return rawWallMs();
}

// asc: @external("sentinel:agent/clock@1.0.0", "monotonic-ms")
declare function rawMonotonicMs(): f64;

/** Milliseconds that only grow, with fractions. */
export function monotonicMs(): f64 {
  return rawMonotonicMs();
}
