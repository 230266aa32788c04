/** Random modules that are valid and end, for tests that compare two ways to run them. */

import { type AssembledFunction, assembleModule, op, s32, u32 } from "./wasm_assembler.ts";

type Code = readonly number[];
type Letter = "i" | "l" | "d";

/** A source of numbers that gives the same ones for the same seed (mulberry32). */
export class SeededNumbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to, but not, `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  /** One of several. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const LETTERS: readonly Letter[] = ["i", "l", "d"];
const CODES = { i: 0x7f, l: 0x7e, d: 0x7c } as const;
const FUNCTIONS = 6;
const LOCALS = "iiilld";
/** Locals that count the rounds of loops; more loops than this are never nested. */
const COUNTERS = 3;
const BUDGET_GLOBAL = 0;
const GLOBALS = 3;

const BINARY: Readonly<Record<Letter, readonly number[]>> = {
  i: [0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77],
  l: [0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89],
  d: [0xa0, 0xa1, 0xa2, 0xa4, 0xa5],
};

/** Writes the body of one function. Every function begins with what bounds the number of calls. */
class BodyWriter {
  readonly #numbers: SeededNumbers;
  readonly #index: number;
  readonly #parameters: string;
  readonly #result: Letter;
  #loops = 0;
  /** Open labels, the innermost last; a branch to a loop's would go back. */
  readonly #labels: ("block" | "loop")[] = [];

  constructor(numbers: SeededNumbers, index: number, shape: { parameters: string; result: Letter }) {
    this.#numbers = numbers;
    this.#index = index;
    this.#parameters = shape.parameters;
    this.#result = shape.result;
  }

  write(): Code[] {
    const zero = this.#constant(this.#result, 0);
    return [
      ...[op.globalGet(BUDGET_GLOBAL), op.i32(1), op.sub, op.globalSet(BUDGET_GLOBAL)],
      ...[op.globalGet(BUDGET_GLOBAL), op.i32(0), op.ltS, op.if(zero, op.return)],
      ...this.#statements(3),
      this.#expression(this.#result, 3),
    ];
  }

  #constant(letter: Letter, value: number): Code {
    if (letter === "i") return op.i32(value);
    if (letter === "l") return [0x42, ...s32(value)];
    return [0x44, ...new Uint8Array(new Float64Array([value]).buffer)];
  }

  #local(letter: Letter): number {
    const all = this.#parameters + LOCALS;
    const fit = [...all].flatMap((each, at) => each === letter ? [at] : []);
    return this.#numbers.pick(fit);
  }

  #counter(): number {
    return this.#parameters.length + LOCALS.length + this.#loops;
  }

  #statements(depth: number): Code[] {
    return Array.from({ length: 1 + this.#numbers.below(4) }, () => this.#statement(depth));
  }

  #labelled(kind: "block" | "loop", body: () => Code[]): Code[] {
    this.#labels.push(kind);
    const written = body();
    this.#labels.pop();
    return written;
  }

  /** Leaves a block; never a function, whose label wants a result. */
  #leave(): Code {
    const depths = this.#labels.toReversed().flatMap((kind, depth) => kind === "block" ? [depth] : []);
    return depths.length === 0 ? [] : [...this.#expression("i", 2), ...op.brIf(this.#numbers.pick(depths))];
  }

  #statement(depth: number): Code {
    const numbers = this.#numbers;
    const letter = numbers.pick(LETTERS);
    if (depth === 0) return [...this.#expression(letter, 1), ...op.set(this.#local(letter))];
    switch (numbers.below(12)) {
      case 0:
        return op.block(...this.#labelled("block", () => this.#statements(depth - 1)));
      case 1:
        return [
          ...this.#expression("i", 2),
          ...[0x04, 0x40],
          ...this.#labelled("block", () => this.#statements(depth - 1)).flat(),
          0x05,
          ...this.#labelled("block", () => this.#statements(depth - 1)).flat(),
          0x0b,
        ];
      case 2:
      case 3:
        return this.#loop(depth);
      case 4:
        return this.#leave();
      case 5:
        return this.#switch(depth);
      case 6:
        return [...this.#expression("i", 1), ...op.if(this.#expression(this.#result, 1), op.return)];
      case 7:
        return [...this.#address(), ...this.#expression("i", 2), ...op.store(numbers.below(64))];
      case 8:
        return this.#bulk();
      case 9:
        return [...this.#expression("i", 2), ...op.globalSet(1 + numbers.below(GLOBALS - 1))];
      case 10:
        return [...this.#call(letter), ...op.set(this.#local(letter))];
      default:
        return [...this.#expression(letter, depth), ...op.set(this.#local(letter))];
    }
  }

  #loop(depth: number): Code {
    if (this.#loops >= COUNTERS) return [];
    const counter = this.#counter();
    this.#loops++;
    const body = this.#labelled("loop", () => this.#statements(depth - 1));
    this.#loops--;
    const again = [op.get(counter), op.i32(1), op.sub, op.tee(counter), op.brIf(0)];
    return [...op.i32(1 + this.#numbers.below(4)), ...op.set(counter), ...op.loop(...body, ...again)];
  }

  /** Blocks in each other, and a table of branches out of them. */
  #switch(depth: number): Code {
    const inner = [...this.#expression("i", 2), 0x0e, ...u32(2), 0, 1, 0];
    const first = this.#labelled("block", () => this.#statements(depth - 1));
    return op.block(op.block(inner), ...first);
  }

  #address(): Code {
    return [...this.#expression("i", 1), ...op.i32(0x3fff), ...op.and];
  }

  #bulk(): Code {
    const size = [...this.#expression("i", 1), ...op.i32(0x7f), ...op.and];
    switch (this.#numbers.below(4)) {
      case 0:
        return [...this.#address(), ...this.#expression("i", 1), ...size, ...op.memoryFill];
      case 1:
        return [...this.#address(), ...this.#address(), ...size, ...op.memoryCopy];
      case 2:
        return [...this.#expression("i", 1), ...op.i32(1), ...op.and, ...op.memoryGrow, ...op.drop];
      default:
        // Puts the first function where a call may find it.
        return [...op.i32(this.#numbers.below(FUNCTIONS)), 0xd2, 0, 0x26, 0];
    }
  }

  #expression(letter: Letter, depth: number): Code {
    const numbers = this.#numbers;
    if (depth === 0) {
      return numbers.below(2)
        ? op.get(this.#local(letter))
        : this.#constant(letter, numbers.below(2000) - 1000);
    }
    const inner = (of: Letter = letter) => this.#expression(of, depth - 1);
    switch (numbers.below(9)) {
      case 0:
        return [...inner(), ...op.tee(this.#local(letter))];
      case 1:
        return [...inner("i"), 0x04, CODES[letter], ...inner(), 0x05, ...inner(), 0x0b];
      case 2:
        return [...inner(), ...inner(), ...inner("i"), 0x1b];
      case 3:
        return [0x02, CODES[letter], ...inner(), 0x0b];
      case 4:
        return this.#converted(letter, depth);
      case 5:
        return letter === "i" ? [...this.#address(), ...op.load(numbers.below(64))] : inner();
      default:
        return [...inner(), ...inner(), numbers.pick(BINARY[letter])];
    }
  }

  #converted(letter: Letter, depth: number): Code {
    const from = this.#numbers.pick(LETTERS.filter((each) => each !== letter));
    const conversions: Readonly<Record<string, Code>> = {
      li: [0xa7],
      di: [0xfc, 2],
      il: [0xac],
      dl: [0xfc, 6],
      id: [0xb7],
      ld: [0xb9],
    };
    return [...this.#expression(from, depth - 1), ...conversions[from + letter]!];
  }

  /** A call of a function before this one, by name or through the table, or a division that may trap. */
  #call(letter: Letter): Code {
    if (this.#index === 0 || this.#numbers.below(8) === 0) {
      const divide: Readonly<Record<Letter, number>> = { i: 0x6d, l: 0x7f, d: 0xa3 };
      return [...this.#expression(letter, 1), ...this.#expression(letter, 1), divide[letter]];
    }
    const callee = this.#numbers.below(this.#index);
    const shape = shapeOf(callee);
    const args = [...shape.parameters].flatMap((each) => this.#expression(each as Letter, 1));
    const call = this.#numbers.below(3) === 0
      ? [...op.i32(callee), 0x11, ...u32(callee), 0]
      : op.call(callee);
    const code = [...args, ...call];
    return shape.result === letter ? code : [...code, ...op.drop, ...this.#constant(letter, 1)];
  }
}

/** Every function has a shape of its own, so that a table entry of another one is a trap. */
function shapeOf(index: number): { parameters: string; result: Letter } {
  return { parameters: "ild".slice(0, 1 + index % 3), result: LETTERS[Math.floor(index / 2) % 3]! };
}

/** A module with a memory, a table, globals and six functions `f0` to `f5`, each of which ends or traps. */
export function randomModule(seed: number): Uint8Array<ArrayBuffer> {
  const numbers = new SeededNumbers(seed);
  const functions = Array.from({ length: FUNCTIONS }, (_, index): AssembledFunction => {
    const shape = shapeOf(index);
    return {
      parameters: shape.parameters,
      results: shape.result,
      locals: LOCALS + "i".repeat(COUNTERS),
      code: new BodyWriter(numbers, index, shape).write(),
      export: `f${index}`,
    };
  });
  return assembleModule({
    functions,
    memory: [1, 4],
    table: [FUNCTIONS, FUNCTIONS],
    elements: functions.map((_, at) => at),
    globals: [300, 1, 2],
  });
}

/** Arguments for the function `f<index>`. */
export function randomArguments(numbers: SeededNumbers, index: number): (number | bigint)[] {
  return [...shapeOf(index).parameters].map((each) => {
    const value = numbers.below(1 << 30) - (1 << 29);
    return each === "l" ? BigInt(value) * 65_537n : each === "d" ? value / 256 : value;
  });
}
