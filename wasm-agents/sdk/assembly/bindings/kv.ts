// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** Values that all instances of the agent share, in every thread, with atomic operations. Entries end with their time to live; when there is no room the oldest go first. */

import { Bytes, loadBytes, Text } from "../text";

const RESULT: usize = memory.data(12, 8);

// asc: @external("sentinel:agent/kv@1.0.0", "get")
declare function rawGet(p0: i32, p1: i32, p2: i32): void;

/** Keys have at most 256 bytes, values at most 65536. */
export function get(key: Text): Bytes | null {
  rawGet(<i32> key.at, key.length, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadBytes(RESULT + 4);
}

// asc: @external("sentinel:agent/kv@1.0.0", "set")
declare function rawSet(p0: i32, p1: i32, p2: i32, p3: i32, p4: i32): i32;

/** `ttl-ms` 0 means until there is no room. */
export function set(key: Text, value: Bytes, ttlMs: u32): bool {
  return rawSet(<i32> key.at, key.length, <i32> value.at, value.length, <i32> ttlMs) != 0;
}

// asc: @external("sentinel:agent/kv@1.0.0", "delete")
declare function rawDelete_(p0: i32, p1: i32): i32;

/** `delete` of `kv`. */
export function delete_(key: Text): bool {
  return rawDelete_(<i32> key.at, key.length) != 0;
}

// asc: @external("sentinel:agent/kv@1.0.0", "incr")
declare function rawIncr(p0: i32, p1: i32, p2: i64, p3: i32): i64;

/** Adds to a number, which begins at 0 and lives `ttl-ms` from its first change; the new value. */
export function incr(key: Text, by: i64, ttlMs: u32): i64 {
  return rawIncr(<i32> key.at, key.length, by, <i32> ttlMs);
}

// asc: @external("sentinel:agent/kv@1.0.0", "compare-and-set")
declare function rawCompareAndSet(
  p0: i32,
  p1: i32,
  p2: i32,
  p3: i32,
  p4: i32,
  p5: i32,
  p6: i32,
  p7: i32,
): i32;

/** Sets the value if it is `expected` (absent: if there is none); whether it was. */
export function compareAndSet(key: Text, expected: Bytes | null, value: Bytes, ttlMs: u32): bool {
  const expectedSome = expected;
  return rawCompareAndSet(
    <i32> key.at,
    key.length,
    expectedSome === null ? 0 : 1,
    expectedSome === null ? 0 : <i32> expectedSome.at,
    expectedSome === null ? 0 : expectedSome.length,
    <i32> value.at,
    value.length,
    <i32> ttlMs,
  ) != 0;
}

// asc: @external("sentinel:agent/kv@1.0.0", "take")
declare function rawTake(p0: i32, p1: i32, p2: f64, p3: f64, p4: f64): i32;

/** Takes `cost` from a token bucket that refills at `rate` a second up to `burst`. 0: taken; else the milliseconds until there will be enough. */
export function take(key: Text, cost: f64, rate: f64, burst: f64): u32 {
  return <u32> rawTake(<i32> key.at, key.length, cost, rate, burst);
}
