import { CHARS, classOfUnit, LOOKS, MATCH, type Program, SPLIT, TEXT_EDGE } from "./regex_program.ts";

const DEAD = 0;
const ACCEPT = 1;
const UNKNOWN = -1;
const FULL = -2;
const FIRST = 2;

/** Memory for the states met so far, in 32-bit numbers per expression: 256 KiB. */
export const CACHE_INTS = 65_536;

/** What the automaton was like before a character: possible instructions, and the kind of the character before. */
interface State {
  readonly at: Int32Array;
  readonly before: number;
}

/**
 * Runs a program over texts in linear time. States are made when first met (a lazy DFA) and kept within
 * `CACHE_INTS`; a text that meets too many is finished by simulating the program, which costs at most the
 * program's size per character. After R. Cox, "Regular Expression Matching in the Wild" (2010).
 */
export class Automaton {
  readonly #program: Program;
  readonly #stride: number;
  readonly #cacheInts: number;
  #states: (State | null)[] = [];
  #ids = new Map<string, number>();
  #next = new Int32Array(0);
  #usedInts = 0;
  readonly #seen: Uint32Array;
  readonly #stack: Int32Array;
  readonly #found: Int32Array;
  #foundCount = 0;
  #generation = 0;
  #work = 0;

  constructor(program: Program, cacheInts: number) {
    this.#program = program;
    this.#stride = program.classes.count + 1;
    this.#cacheInts = cacheInts;
    const size = program.op.length;
    this.#seen = new Uint32Array(size);
    this.#stack = new Int32Array(size * 2 + 1);
    this.#found = new Int32Array(size + 1);
    this.#forget();
  }

  /** Instructions visited so far to make states or to simulate; walking known states is not counted. */
  get work(): number {
    return this.#work;
  }

  /** States kept at the moment. */
  get stateCount(): number {
    return this.#states.length - FIRST;
  }

  /** Whether the expression matches anywhere in the text. */
  test(text: string): boolean {
    const low = this.#program.classes.low;
    const stride = this.#stride;
    let next = this.#next;
    let state = FIRST;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      const cls = unit < 256 ? low[unit]! : classOfUnit(this.#program.classes, unit);
      const to = next[state * stride + cls]!;
      if (to >= FIRST) {
        state = to;
        continue;
      }
      const made = to === UNKNOWN ? this.#step(state, cls) : to;
      if (made === FULL) return this.#simulate(text, i, this.#states[state]!);
      if (made < FIRST) return made === ACCEPT;
      state = made;
      next = this.#next;
    }
    const end = next[state * stride + stride - 1]!;
    return (end === UNKNOWN ? this.#step(state, stride - 1) : end) === ACCEPT;
  }

  #forget(): void {
    this.#states = [null, null];
    this.#ids = new Map();
    this.#next = new Int32Array(this.#stride * 8).fill(UNKNOWN);
    this.#usedInts = 0;
    this.#intern(Int32Array.of(this.#program.start), TEXT_EDGE);
  }

  /** Makes one transition and remembers it. FULL when there is no room for the state it leads to. */
  #step(id: number, cls: number): number {
    const from = this.#states[id]!;
    let to = this.#advance(from.at, from.before, cls);
    if (to === UNKNOWN) to = this.#intern(this.#found.slice(0, this.#foundCount).sort(), this.#kindOf(cls));
    if (to !== FULL) this.#next[id * this.#stride + cls] = to;
    return to;
  }

  #kindOf(cls: number): number {
    if (cls === this.#stride - 1) return TEXT_EDGE;
    return this.#program.classes.kind[cls]!;
  }

  #intern(at: Int32Array, before: number): number {
    const key = this.#program.hasLooks ? `${before}:${at.join()}` : at.join();
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const cost = at.length * 2 + this.#stride + 16;
    // The first state always has a place, or nothing could be started.
    if (this.#usedInts + cost > this.#cacheInts && this.#states.length > FIRST) return FULL;
    this.#usedInts += cost;
    const id = this.#states.push({ at, before }) - 1;
    this.#ids.set(key, id);
    if ((id + 1) * this.#stride > this.#next.length) {
      const grown = new Int32Array(this.#next.length * 2 + this.#stride).fill(UNKNOWN);
      grown.set(this.#next);
      this.#next = grown;
    }
    return id;
  }

  /** Leaves the instructions after one character of the class in `#found`, or says how it ended. */
  #advance(at: Int32Array, before: number, cls: number): number {
    const { op, x, y, sets, start, anchored } = this.#program;
    const after = this.#kindOf(cls);
    const textEnds = cls === this.#stride - 1;
    const generation = this.#newGeneration();
    this.#foundCount = 0;
    for (let i = 0; i < at.length; i++) {
      this.#stack[0] = at[i]!;
      for (let depth = 1; depth > 0;) {
        const pc = this.#stack[--depth]!;
        if (this.#seen[pc] === generation) continue;
        this.#seen[pc] = generation;
        this.#work++;
        const kind = op[pc]!;
        if (kind === MATCH) return ACCEPT;
        if (kind === CHARS) {
          if (!textEnds && sets[x[pc]!]![cls] === 1) this.#found[this.#foundCount++] = y[pc]!;
        } else if (kind === SPLIT) {
          this.#stack[depth++] = y[pc]!;
          this.#stack[depth++] = x[pc]!;
        } else if (looksRight(x[pc]!, before, after)) {
          this.#stack[depth++] = y[pc]!;
        }
      }
    }
    if (textEnds) return DEAD;
    if (!anchored) this.#found[this.#foundCount++] = start;
    if (this.#foundCount === 0) return DEAD;
    this.#dropDoubles();
    return UNKNOWN;
  }

  #dropDoubles(): void {
    const generation = this.#newGeneration();
    let kept = 0;
    for (let i = 0; i < this.#foundCount; i++) {
      const pc = this.#found[i]!;
      if (this.#seen[pc] === generation) continue;
      this.#seen[pc] = generation;
      this.#found[kept++] = pc;
    }
    this.#foundCount = kept;
  }

  #newGeneration(): number {
    if (this.#generation === 0xffff_ffff) {
      this.#seen.fill(0);
      this.#generation = 0;
    }
    return ++this.#generation;
  }

  /** Finishes a text without keeping states. The kept ones make room for those of the next text. */
  #simulate(text: string, from: number, state: State): boolean {
    this.#forget();
    let at = state.at;
    let before = state.before;
    for (let i = from; i <= text.length; i++) {
      const cls = i < text.length ? classOfUnit(this.#program.classes, text.charCodeAt(i)) : this.#stride - 1;
      const outcome = this.#advance(at, before, cls);
      if (outcome === ACCEPT) return true;
      if (outcome === DEAD) return false;
      at = this.#found.slice(0, this.#foundCount);
      before = this.#kindOf(cls);
    }
    return false;
  }
}

function looksRight(look: number, before: number, after: number): boolean {
  for (const [kindsBefore, kindsAfter] of LOOKS[look]!) {
    if ((before & kindsBefore) !== 0 && (after & kindsAfter) !== 0) return true;
  }
  return false;
}
