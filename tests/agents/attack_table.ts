/** What has to come of each attack; tests loop over it, and over the folder, so that none is forgotten. */

import type { TrapKind } from "../../src/agents/guest.ts";
import type { World } from "./corpus.ts";

/**
 * Where an attack ends: `load` the file is refused · `start` there is no instance · `first` and `second` the call
 * fails, the calls before succeed · `never` it harms nobody.
 */
export interface AttackEnd {
  readonly at: "load" | "start" | "first" | "second" | "never";
  /** Kinds of trap that tell the operator what happened. */
  readonly kinds: readonly TrapKind[];
}

function end(at: AttackEnd["at"], ...kinds: TrapKind[]): AttackEnd {
  return { at, kinds };
}

const FUEL = end("first", "fuel");
const MALFORMED = end("first", "malformed");
const GAVE_UP = end("first", "unreachable");
/** The stack of the machine ends first, or the fuel. */
const TOO_DEEP = end("first", "stack", "fuel");
const TOO_BIG = end("first", "memory", "fuel");
const REFUSED = end("load");

/** Attacks whose end differs between the worlds are named with their world. */
const ENDS: Readonly<Record<string, AttackEnd>> = {
  infinite_loop: FUEL,
  tail_call_loop: FUEL,
  start_loop: end("start", "fuel"),
  loop_in_configure: end("start", "fuel"),
  loop_in_realloc: FUEL,
  loop_in_post_return: FUEL,

  deep_recursion: TOO_DEEP,
  indirect_recursion: TOO_DEEP,
  wide_recursion: TOO_DEEP,

  memory_bomb: TOO_BIG,
  grow_loop: TOO_BIG,
  oversized_fill: TOO_BIG,
  huge_copy: FUEL,
  huge_fill: FUEL,
  table_bomb: FUEL,
  huge_memory: REFUSED,
  huge_table: REFUSED,
  many_tables: REFUSED,
  compile_bomb: REFUSED,
  too_many_locals: REFUSED,
  refill_tank: REFUSED,

  giant_config_error: end("start", "malformed"),
  giant_list: MALFORMED,
  giant_string: MALFORMED,
  nested_results: MALFORMED,
  tags_amplified: MALFORMED,

  lie_decision: MALFORMED,
  lie_header_op: MALFORMED,
  lie_length_negative: MALFORMED,
  lie_list_misaligned: MALFORMED,
  lie_list_outside: MALFORMED,
  lie_list_wraps: MALFORMED,
  lie_option: MALFORMED,
  lie_realloc_at_end: MALFORMED,
  lie_realloc_misaligned: MALFORMED,
  lie_realloc_outside: MALFORMED,
  lie_result_at_end: MALFORMED,
  lie_result_case: end("start", "malformed"),
  lie_result_misaligned: MALFORMED,
  lie_result_negative: MALFORMED,
  lie_result_outside: MALFORMED,
  lie_string_at_end: MALFORMED,
  lie_string_negative: MALFORMED,
  lie_string_outside: MALFORMED,
  harmless_realloc_overlaps: end("never"),

  utf8_beyond: MALFORMED,
  utf8_overlong: MALFORMED,
  utf8_stray_byte: MALFORMED,
  utf8_surrogate: MALFORMED,
  utf8_truncated: MALFORMED,

  trap_always: GAVE_UP,
  trap_division: GAVE_UP,
  trap_signature: GAVE_UP,
  trap_uncaught: GAVE_UP,
  trap_in_realloc: GAVE_UP,
  trap_in_post_return: GAVE_UP,
  trap_in_configure: end("start", "unreachable"),
  trap_in_start: end("start", "unreachable"),

  denied_import: end("first", "denied"),
  denied_import_caught: REFUSED,
  denied_import_in_start: end("start", "denied", "malformed", "unreachable"),
  import_in_realloc: MALFORMED,
  import_in_post_return: MALFORMED,
  handle_forged: MALFORMED,
  handle_dropped_twice: MALFORMED,
  handle_stale: end("second", "malformed"),
  lie_import_enum: MALFORMED,
  lie_import_outside: MALFORMED,
  lie_import_result: end("first", "malformed", "memory"),
  lie_import_utf8: MALFORMED,
  flood_random_kept: end("first", "fuel", "memory", "malformed"),
};

/** The end that an attack has to come to. Those named `leak_` are the matter of another test. */
export function endOf(world: World, name: string): AttackEnd {
  const found = ENDS[`${world}/${name}`] ?? ENDS[name];
  // Code whose instructions take longest, or that keeps the host busy, runs out of fuel like any other.
  if (found === undefined && /^(dear|flood)_/.test(name)) return FUEL;
  if (found === undefined) throw new Error(`No end is written down for the attack ${world}/${name}`);
  return found;
}

/** Attacks on what is granted: the others run without any grant. */
export function grantsOf(name: string): readonly string[] {
  return /^(flood|lie_import|import_in)_/.test(name)
    ? ["log", "clock", "random", "metrics", "kv", "crypto"]
    : [];
}
