// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** Every agent has this. */

import { allocate, endCall } from "../arena";
import { configure, describe, drain, health, shutdown } from "../handlers/lifecycle";
import { EMPTY, storeText, Text } from "../text";
import { countOf } from "../values";

const RESULT: usize = memory.data(24, 8);
const ZERO: usize = memory.data(24, 8);

/** `description` of `lifecycle`. */
export class Description {
  /** Lower case, digits and `-`. */
  id: Text = EMPTY;
  version: Text = EMPTY;
  summary: Text = EMPTY;
}

/** Puts Description into memory; null is all zero. */
export function storeDescription(at: usize, value: Description | null): void {
  if (value === null) {
    memory.fill(at, 0, 24);
    return;
  }
  storeText(at, value.id);
  storeText(at + 8, value.version);
  storeText(at + 16, value.summary);
}

/** `config-problem` of `lifecycle`. */
export class ConfigProblem {
  /** Where in the configuration, such as `rules[2].path`; empty means all of it. */
  path: Text = EMPTY;
  message: Text = EMPTY;
}

/** Puts ConfigProblem into memory; null is all zero. */
export function storeConfigProblem(at: usize, value: ConfigProblem | null): void {
  if (value === null) {
    memory.fill(at, 0, 16);
    return;
  }
  storeText(at, value.path);
  storeText(at + 8, value.message);
}

/** `reason` of `lifecycle`. */
export class Reason {
  static readonly CONFIG_RELOAD: u8 = 0;
  static readonly REPLACED: u8 = 1;
  static readonly REMOVED: u8 = 2;
  static readonly SHUTDOWN: u8 = 3;
}

/** The host calls `lifecycle#describe`. */
export function lifecycle_describe(): usize {
  const result = describe();
  if (result === null) {
    return ZERO;
  }
  storeDescription(RESULT, result);
  return RESULT;
}

/** `config` is the agent's `config` block as JSON. Called once, before any other event. */
export function lifecycle_configure(p0: i32, p1: i32): usize {
  const result = configure(new Text(p0, p1));
  store<u8>(RESULT, <u8> (result !== null));
  if (result !== null) {
    store<usize>(RESULT, storeConfigProblemList(result), 4);
    store<i32>(RESULT, countOf(result), 8);
  }
  return RESULT;
}

/** The host calls `lifecycle#health`. */
export function lifecycle_health(): usize {
  const result = health();
  store<u8>(RESULT, <u8> result.isError);
  if (result.isError) {
    storeText(RESULT + 4, result.error);
  } else {
    storeText(RESULT + 4, result.value);
  }
  return RESULT;
}

/** No new request will come. */
export function lifecycle_drain(p0: i32): void {
  drain(<u8> p0);
  endCall();
}

/** The instance is about to be discarded. */
export function lifecycle_shutdown(p0: i32): void {
  shutdown(<u8> p0);
  endCall();
}

function storeConfigProblemList(list: ConfigProblem[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(16 * list.length);
  for (let index = 0; index < list.length; index++) {
    const at = start + 16 * index;
    const each = list[index];
    storeConfigProblem(at, each);
  }
  return start;
}
