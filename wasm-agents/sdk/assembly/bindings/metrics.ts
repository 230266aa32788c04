// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** Metrics of the agent's own, on the proxy's page as `sentinel_agent_custom_*` with the agent's id as label. The number of names and of label values is bounded; what is above is counted as dropped. */

import { allocate } from "../arena";
import { EMPTY, storeText, Text } from "../text";
import { countOf } from "../values";

/** `label` of `metrics`. */
export class Label {
  key: Text = EMPTY;
  value: Text = EMPTY;
}

/** Puts Label into memory; null is all zero. */
export function storeLabel(at: usize, value: Label | null): void {
  if (value === null) {
    memory.fill(at, 0, 16);
    return;
  }
  storeText(at, value.key);
  storeText(at + 8, value.value);
}

// asc: @external("sentinel:agent/metrics@1.0.0", "add")
declare function rawAdd(p0: i32, p1: i32, p2: i32, p3: i32, p4: f64): void;

/** `add` of `metrics`. */
export function add(name: Text, labels: Label[], amount: f64): void {
  const labelsList = storeLabelList(labels);
  rawAdd(<i32> name.at, name.length, <i32> labelsList, countOf(labels), amount);
}

// asc: @external("sentinel:agent/metrics@1.0.0", "set")
declare function rawSet(p0: i32, p1: i32, p2: i32, p3: i32, p4: f64): void;

/** `set` of `metrics`. */
export function set(name: Text, labels: Label[], value: f64): void {
  const labelsList = storeLabelList(labels);
  rawSet(<i32> name.at, name.length, <i32> labelsList, countOf(labels), value);
}

// asc: @external("sentinel:agent/metrics@1.0.0", "observe")
declare function rawObserve(p0: i32, p1: i32, p2: i32, p3: i32, p4: f64): void;

/** `observe` of `metrics`. */
export function observe(name: Text, labels: Label[], value: f64): void {
  const labelsList = storeLabelList(labels);
  rawObserve(<i32> name.at, name.length, <i32> labelsList, countOf(labels), value);
}

function storeLabelList(list: Label[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(16 * list.length);
  for (let index = 0; index < list.length; index++) {
    const at = start + 16 * index;
    const each = list[index];
    storeLabel(at, each);
  }
  return start;
}
