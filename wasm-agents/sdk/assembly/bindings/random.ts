// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `random`. */

import { Bytes, loadBytes } from "../text";

const RESULT: usize = memory.data(8, 8);

// asc: @external("sentinel:agent/random@1.0.0", "word")
declare function rawWord(): i32;

/** `word` of `random`. */
export function word(): u32 {
  return <u32> rawWord();
}

// asc: @external("sentinel:agent/random@1.0.0", "bytes")
declare function rawBytes(p0: i32, p1: i32): void;

/** At most 65536 bytes. */
export function bytes(count: u32): Bytes {
  rawBytes(<i32> count, <i32> RESULT);
  return loadBytes(RESULT);
}
