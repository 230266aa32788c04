import { Automaton, CACHE_INTS } from "./regex_automaton.ts";
import { literalsOf } from "./regex_literals.ts";
import { parseRegex } from "./regex_parse.ts";
import { buildProgram, type Program } from "./regex_program.ts";

/** How a pattern is read and run. */
export interface RegexOptions {
  /** As if the pattern began with `(?i)`. */
  readonly ignoreCase?: boolean;
  /** Memory for automaton states, in 32-bit numbers. */
  readonly cacheInts?: number;
}

/**
 * A regular expression in RE2 syntax (https://github.com/google/re2/wiki/Syntax) whose matching time grows
 * linearly with the text, whatever the pattern. Works on UTF-16 code units, which for paths are bytes.
 */
export class LinearRegex {
  readonly pattern: string;
  /** What a matching text must begin with; empty when unknown. */
  readonly prefix: string;
  /** What a matching text must contain, in this order and without overlap. */
  readonly literals: readonly string[];
  readonly #program: Program;
  readonly #cacheInts: number;
  // Made at first use: of many patterns most are never asked.
  #automaton: Automaton | undefined;

  /** Throws `RegexSyntaxError` with the position for what is wrong or not possible in linear time. */
  constructor(pattern: string, options: RegexOptions = {}) {
    const root = parseRegex(pattern, options);
    const { prefix, runs } = literalsOf(root);
    this.pattern = pattern;
    this.prefix = prefix;
    this.literals = runs;
    this.#program = buildProgram(root);
    this.#cacheInts = options.cacheInts ?? CACHE_INTS;
  }

  /** Automaton instructions visited beyond known states: the measure of the linearity tests. */
  get work(): number {
    return this.#automaton?.work ?? 0;
  }

  get stateCount(): number {
    return this.#automaton?.stateCount ?? 0;
  }

  /** Whether the expression matches anywhere in the text. */
  test(text: string): boolean {
    if (this.prefix !== "" && !text.startsWith(this.prefix)) return false;
    let from = 0;
    for (let i = 0; i < this.literals.length; i++) {
      const at = text.indexOf(this.literals[i]!, from);
      if (at < 0) return false;
      from = at + this.literals[i]!.length;
    }
    this.#automaton ??= new Automaton(this.#program, this.#cacheInts);
    return this.#automaton.test(text);
  }
}
