/** What an expression may cost, and the flags it is compiled with. */

/** Flags of `Regex.compile`, as in PCRE. */
export class RegexFlags {
  /** Letters of ASCII in either case. */
  static readonly CASELESS: u32 = 1;
  /** `^` and `$` also at line breaks. */
  static readonly MULTILINE: u32 = 2;
  /** `.` also means a line break. */
  static readonly DOTALL: u32 = 4;
  /** Blanks and comments in the pattern mean nothing. */
  static readonly EXTENDED: u32 = 8;
  /** `$` only at the very end, not before a last line break; without meaning when MULTILINE is set. */
  static readonly DOLLAR_ENDONLY: u32 = 16;
  /** Repeats are lazy, and greedy with a `?`. */
  static readonly UNGREEDY: u32 = 32;
  /** What ModSecurity 3 compiles with. */
  static readonly MODSECURITY_3: u32 = 2 + 4 + 16;
  /** What ModSecurity 2 compiles with. */
  static readonly MODSECURITY_2: u32 = 4 + 16;
}

/** Longest pattern, in bytes. */
export const PATTERN_BYTES_MAX: i32 = 65_536;

/** Most nodes of a pattern's syntax tree. */
export const NODES_MAX: i32 = 40_000;

/** Most instructions of a program; a counted repeat takes its part as many times as it says. */
export const PROGRAM_SIZE_MAX: i32 = 30_000;

/** Deepest nesting of groups. */
export const NESTING_MAX: i32 = 200;

/** Largest number in `{n,m}`. */
export const REPEAT_MAX: i32 = 65_535;

/** Groups whose places are reported: 0 (all of it) to 9, as `TX:0` to `TX:9`. */
export const GROUPS_REPORTED: i32 = 10;

/** Most different byte sets in all expressions of a process. */
export const BYTE_SETS_MAX: i32 = 8_192;

/**
 * Most instructions that all expressions together follow in one call, besides what their states know: a text can be made so
 * that it leads an expression to ever new states, and then each of its bytes costs as much as the program is long.
 */
export const STEPS_MAX: i32 = 3_000_000;

/** Memory for the cached states of all expressions together, in bytes. */
export const DFA_CACHE_BYTES: usize = 8 * 1024 * 1024;
