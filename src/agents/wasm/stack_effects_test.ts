import assert from "node:assert/strict";
import { bulkStackEffect, stackEffect, vectorStackEffect } from "./stack_effects.ts";
import { assembleModule, op, section, u32, vec } from "../../../tests/support/wasm_assembler.ts";

/** Constants of each type, for operands. */
const CONSTANTS: readonly (readonly number[])[] = [
  op.i32(0),
  [0x42, 0],
  [0x43, 0, 0, 0, 0],
  [0x44, 0, 0, 0, 0, 0, 0, 0, 0],
  [0xfd, 12, ...Array(16).fill(0)],
  [0xd0, 0x70],
];
const OPERANDS_MAX = 3;

function operandLists(length: number): (readonly number[])[][] {
  if (length === 0) return [[]];
  return operandLists(length - 1).flatMap((rest) => CONSTANTS.map((each) => [...rest, each]));
}

const OPERANDS = Array.from({ length: OPERANDS_MAX + 1 }, (_, length) => operandLists(length)).flat();

function accepts(code: readonly (readonly number[])[]): boolean {
  return WebAssembly.validate(assembleModule({
    memory: [1],
    table: [1],
    elements: [0],
    globals: [0],
    functions: [{ locals: "i", code }],
    beforeCode: section(12, [1]),
    tail: section(11, vec([[1, ...vec([[0]])]])),
  }));
}

/** What the engine says that an instruction does to the height; undefined when it knows no such instruction. */
function effectInEngine(instruction: readonly number[]): number | undefined {
  // Below unreachable code every operand fits, so that what no operands fit is no instruction.
  if (![0, 1].some((drops) => accepts([op.unreachable, instruction, ...Array(drops).fill(op.drop)]))) {
    return undefined;
  }
  for (const operands of OPERANDS) {
    for (let effect = 0 - operands.length; effect <= 1; effect++) {
      const drops = Array.from({ length: operands.length + effect }, () => op.drop);
      if (accepts([...operands, instruction, ...drops])) return effect;
    }
  }
  return undefined;
}

interface Family {
  readonly name: string;
  readonly codes: readonly [from: number, to: number];
  readonly prefix: readonly number[];
  readonly operands: (code: number) => readonly number[];
  readonly effect: (code: number) => number;
  /** Instructions that the engine knows at least. */
  readonly known: number;
}

function plainOperands(code: number): readonly number[] {
  if (code >= 0x28 && code <= 0x3e) return [0, 0];
  if (code >= 0x20 && code <= 0x26) return [0];
  if (code === 0x41 || code === 0x42) return [0];
  if (code === 0x43) return [0, 0, 0, 0];
  if (code === 0x44) return Array(8).fill(0);
  if (code === 0x1c) return [1, 0x7f];
  return code === 0x3f || code === 0x40 || code === 0xd2 ? [0] : code === 0xd0 ? [0x70] : [];
}

function vectorOperands(code: number): readonly number[] {
  if (code <= 11 || code === 92 || code === 93) return [0, 0];
  if (code === 12 || code === 13) return Array(16).fill(0);
  if (code >= 84 && code <= 91) return [0, 0, 0];
  return code >= 21 && code <= 34 ? [0] : [];
}

function bulkOperands(code: number): readonly number[] {
  if (code < 8) return [];
  return [8, 10, 12, 14].includes(code) ? [0, 0] : [0];
}

const FAMILIES: readonly Family[] = [
  {
    name: "one byte",
    codes: [0x1a, 0xd2],
    prefix: [],
    operands: plainOperands,
    effect: stackEffect,
    known: 170,
  },
  {
    name: "bulk",
    codes: [0, 17],
    prefix: [0xfc],
    operands: bulkOperands,
    effect: bulkStackEffect,
    known: 18,
  },
  {
    name: "vectors",
    codes: [0, 0x113],
    prefix: [0xfd],
    operands: vectorOperands,
    effect: vectorStackEffect,
    known: 256,
  },
];

Deno.test("the height of the stack after an instruction is what the engine says", async (test) => {
  for (const { name, codes: [from, to], prefix, operands, effect, known } of FAMILIES) {
    await test.step(name, () => {
      let found = 0;
      for (let code = from; code <= to; code++) {
        const bytes = prefix.length > 0 ? [...prefix, ...u32(code)] : [code];
        const want = effectInEngine([...bytes, ...operands(code)]);
        if (want === undefined) continue;
        found++;
        assert.equal(effect(code), want, `0x${code.toString(16)}`);
      }
      assert.ok(found >= known, `only ${found} instructions`);
    });
  }
});
