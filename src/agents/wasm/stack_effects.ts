type Ranges = readonly (readonly [from: number, to: number])[];

function codesOf(ranges: Ranges): number[] {
  return ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
}

/** Constants, reads of locals and globals, the size of the memory, references. */
const GIVING: Ranges = [[0x20, 0x20], [0x23, 0x23], [0x3f, 0x3f], [0x41, 0x44], [0xd0, 0xd0], [0xd2, 0xd2]];

/** Branches on a condition, what takes one value, and numeric instructions with two operands. */
const TAKING_ONE: Ranges = [
  ...[[0x04, 0x04], [0x0d, 0x0d], [0x1a, 0x1a], [0x21, 0x21], [0x24, 0x24], [0x46, 0x4f]] as const,
  ...[[0x51, 0x66], [0x6a, 0x78], [0x7c, 0x8a], [0x92, 0x98], [0xa0, 0xa6]] as const,
];

/** Selects and stores. */
const TAKING_TWO: Ranges = [[0x1b, 0x1c], [0x26, 0x26], [0x36, 0x3e]];

/** Loads, and vector instructions with one operand; those with two are the rule. */
const UNARY_VECTORS: Ranges = [
  ...[[0, 10], [15, 22], [24, 25], [27, 27], [29, 29], [31, 31], [33, 33], [77, 77], [83, 83]] as const,
  ...[[92, 100], [103, 106], [116, 117], [122, 122], [124, 129], [131, 132], [135, 138]] as const,
  ...[[148, 148], [160, 161], [163, 164], [167, 170], [192, 193], [195, 196], [199, 202]] as const,
  ...[[224, 225], [227, 227], [236, 237], [239, 239], [248, 255], [0x101, 0x104]] as const,
];

/** Vector stores, bit selection, and the relaxed instructions with three operands. */
const TERNARY_VECTORS: Ranges = [[11, 11], [82, 82], [88, 91], [0x105, 0x10c], [0x113, 0x113]];

function effects(
  { codes, rule }: { readonly codes: number; readonly rule: number },
  rows: readonly (readonly [Ranges, number])[],
): readonly number[] {
  const found = Array.from({ length: codes }, () => rule);
  for (const [ranges, effect] of rows) for (const code of codesOf(ranges)) found[code] = effect;
  return found;
}

/** By the code of an instruction of one byte; calls and blocks depend on their types and are not in here. */
const EFFECTS = effects({ codes: 256, rule: 0 }, [[GIVING, 1], [TAKING_ONE, -1], [TAKING_TWO, -2]]);

const VECTOR_EFFECTS = effects(
  { codes: 0x114, rule: -1 },
  [[[[12, 12]], 1], [UNARY_VECTORS, 0], [TERNARY_VECTORS, -2]],
);

/** How much higher the operand stack is after an instruction of one byte. */
export function stackEffect(code: number): number {
  return EFFECTS[code]!;
}

/** How much higher the operand stack is after an instruction that follows 0xfc. */
export function bulkStackEffect(code: number): number {
  if (code < 8 || code === 9 || code === 13) return 0;
  if (code === 15) return -1;
  return code === 16 ? 1 : -3;
}

/** How much higher the operand stack is after a vector instruction, which follows 0xfd. */
export function vectorStackEffect(code: number): number {
  return VECTOR_EFFECTS[code]!;
}
