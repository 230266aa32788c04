/** Classes of bytes: those of one class are the same to a program, so its states need one answer for all of them. */

import { allocate } from "sentinel/arena";
import { isWordByte, SET_BYTES, setAdd, setInvert, setsAt, setSize } from "./byte_sets";
import { BYTE_SETS_MAX } from "./limits";
import { argumentOf, INSTRUCTION_BYTES, Op, opOf, Program } from "./program";

/** Room for the set that classes are split by. */
const splitter: StaticArray<u8> = new StaticArray<u8>(32);

/** For each class how many bytes it has, how many of them are in the splitter, and which class those go to. */
const sizes: StaticArray<u16> = new StaticArray<u16>(256);
const inside: StaticArray<u16> = new StaticArray<u16>(256);
const moved: StaticArray<u8> = new StaticArray<u8>(256);

/** Finds the classes of bytes that no set of the program tells apart. `seen` is memory for a byte for each set. */
export function partition(program: Program, seen: usize): void {
  program.classes = allocate(256);
  memory.fill(program.classes, 0, 256);
  program.classCount = 1;
  unchecked(sizes[0] = 256);
  memory.fill(seen, 0, BYTE_SETS_MAX);
  const set = changetype<usize>(splitter);
  for (let index = 0; index < program.size; index++) {
    const instruction = program.at + <usize> index * INSTRUCTION_BYTES;
    if (opOf(instruction) != Op.SET) continue;
    program.threads++;
    if (load<u8>(seen + argumentOf(instruction)) != 0) continue;
    store<u8>(seen + argumentOf(instruction), 1);
    memory.copy(set, setsAt() + <usize> argumentOf(instruction) * SET_BYTES, SET_BYTES);
    split(program, set);
  }
  if (program.hasWords) {
    memory.fill(set, 0, SET_BYTES);
    for (let byte: u32 = 0; byte < 256; byte++) if (isWordByte(byte)) setAdd(set, byte);
    split(program, set);
  }
  if (program.hasLines || program.hasLastBreak) {
    memory.fill(set, 0, SET_BYTES);
    setAdd(set, 10);
    split(program, set);
  }
}

/** Parts each class into the bytes that are in the set and those that are not. Changes the set. */
function split(program: Program, set: usize): void {
  if (setSize(set) > 128) setInvert(set);
  const before = program.classCount;
  for (let each = 0; each < before; each++) unchecked(inside[each] = 0);
  for (let word: usize = 0; word < 32; word += 8) {
    for (let bits = load<u64>(set + word); bits != 0; bits &= bits - 1) {
      const own = load<u8>(program.classes + (word << 3) + <usize> ctz(bits));
      unchecked(inside[own] = inside[own] + 1);
    }
  }
  for (let each = 0; each < before; each++) {
    const count = unchecked(inside[each]);
    unchecked(moved[each] = <u8> each);
    if (count == 0 || count == unchecked(sizes[each])) continue;
    unchecked(moved[each] = <u8> program.classCount);
    unchecked(sizes[each] = sizes[each] - count);
    unchecked(sizes[program.classCount] = count);
    program.classCount++;
  }
  if (program.classCount == before) return;
  for (let word: usize = 0; word < 32; word += 8) {
    for (let bits = load<u64>(set + word); bits != 0; bits &= bits - 1) {
      const at = program.classes + (word << 3) + <usize> ctz(bits);
      store<u8>(at, unchecked(moved[load<u8>(at)]));
    }
  }
}
