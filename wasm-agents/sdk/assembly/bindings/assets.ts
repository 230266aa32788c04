// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** Files that the operator listed for this agent, read when it was loaded. */

import { Bytes, loadBytes, loadText, Text } from "../text";

const RESULT: usize = memory.data(12, 8);

// asc: @external("sentinel:agent/assets@1.0.0", "read")
declare function rawRead(p0: i32, p1: i32, p2: i32): void;

/** `read` of `assets`. */
export function read(name: Text): Bytes | null {
  rawRead(<i32> name.at, name.length, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadBytes(RESULT + 4);
}

// asc: @external("sentinel:agent/assets@1.0.0", "version")
declare function rawVersion(p0: i32, p1: i32, p2: i32): void;

/** Changes whenever the content does. */
export function version(name: Text): Text | null {
  rawVersion(<i32> name.at, name.length, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadText(RESULT + 4);
}
