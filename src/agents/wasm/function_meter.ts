import type { BinaryReader } from "./binary_reader.ts";
import { BinaryWriter } from "./binary_writer.ts";
import { type FuelAccounting, STRUCTURE_MAX } from "./component_limits.ts";
import { type CoreModule, type CoreType, valueLetter } from "./core_module.ts";
import { type CostlyRole, FUEL_COSTS, LOCALS_SHIFT, OPERAND_COSTS } from "./fuel_costs.ts";
import { type Instruction, InstructionReader } from "./instruction_reader.ts";

/** Code that is put in before the byte at `at`. */
interface Insertion {
  readonly at: number;
  readonly kind: "charge" | "charge-and-check" | "lasting" | "before-grow" | "after-grow" | CostlyRole;
  /** Units of a charge; it grows while the instructions after it are read. */
  cost: number;
}

/** What the meter has to know of the module. */
export interface MeterOptions {
  readonly accounting: FuelAccounting;
  readonly module: CoreModule;
  /** Index of the global that is the tank. */
  readonly tank: number;
  /** Index of the global that is set when something lasting happens. */
  readonly lasting: number;
}

/** Labels that are open, and whether a `loop` has the charge before it to go back to. */
interface OpenBlock {
  readonly loop: boolean;
  readonly catches: boolean;
  readonly outer: Insertion;
  /** Heights of the operand stack at its start and after it. */
  readonly heightAtStart: number;
  readonly heightAfter: number;
}

const OP = {
  end: 0x0b,
  if: 0x04,
  unreachable: 0x00,
  emptyBlock: 0x40,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  memorySize: 0x3f,
  i32Const: 0x41,
  i32Eqz: 0x45,
  i32LtS: 0x48,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i32ShrU: 0x76,
  i32: 0x7f,
} as const;

/**
 * Puts charges into one function. Only a `loop` jumps backwards, so between two function entries or loop headers
 * every instruction runs at most once: to charge there for all that may follow is an upper bound on what is done.
 * The source is the metering of wasm by basic blocks as engines do it (Wasmtime's fuel), coarsened to loops.
 */
export class FunctionMeter {
  readonly #options: MeterOptions;
  readonly #out = new BinaryWriter(4096);
  #insertions: Insertion[] = [];
  #open: OpenBlock[] = [];
  #current: Insertion = { at: 0, kind: "charge", cost: 0 };
  #scratch = 0;
  #needsScratch = false;
  /** Operands on the stack; too few where nothing is reached, for nothing is compiled there. */
  #height = 0;
  /** Locals and operands that the engine's compiler passes over. */
  #merged = 0;
  #mergedInAll = 0;
  /** Blocks with handlers that are open. */
  #handlers = 0;

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  /** Locals and operands that the engine's compiler passes over in all functions up to now. */
  get mergedInAll(): number {
    return this.#mergedInAll;
  }

  /** Writes the body of a function of this type, with its charges and its size before it, to `out`. */
  meter(body: BinaryReader, { type, out }: { type: CoreType; out: BinaryWriter }): void {
    this.#insertions = [];
    this.#open = [];
    this.#needsScratch = false;
    this.#height = 0;
    this.#merged = 0;
    this.#handlers = 0;
    const { groups, groupsStart, locals } = this.#locals(body);
    const codeStart = body.offset;
    this.#scratch = type.parameters.length + locals;
    this.#begin(codeStart, "charge-and-check");
    this.#current.cost = (this.#options.module.throws ? FUEL_COSTS.unwinding : 1) + type.parameters.length +
      type.results.length + (locals >> LOCALS_SHIFT);
    this.#scan(body);
    this.#out.clear();
    this.#out.u32(this.#needsScratch ? groups + 1 : groups);
    this.#out.raw(body.bytes.subarray(groupsStart, codeStart));
    if (this.#needsScratch) this.#out.byte(1, OP.i32);
    this.#emit(body.bytes, codeStart);
    out.sized(this.#out.finish());
  }

  #locals(body: BinaryReader): { groups: number; groupsStart: number; locals: number } {
    const groups = body.count(STRUCTURE_MAX.locals, "groups of locals");
    const groupsStart = body.offset;
    let locals = 0;
    for (let left = groups; left > 0; left--) {
      locals += body.u32();
      if (locals > STRUCTURE_MAX.locals) {
        body.fail(`more than ${STRUCTURE_MAX.locals} locals`, groupsStart);
      }
      valueLetter(body);
    }
    return { groups, groupsStart, locals };
  }

  #begin(at: number, kind: Insertion["kind"]): void {
    this.#current = { at, kind, cost: 0 };
    this.#insertions.push(this.#current);
  }

  #scan(body: BinaryReader): void {
    const instructions = new InstructionReader(body, this.#options.module);
    for (;;) {
      const start = body.offset;
      const found = instructions.next();
      this.#current.cost += found.cost;
      if (found.merges > 0) this.#merged += found.merges * (this.#scratch + Math.max(0, this.#height));
      this.#height += found.effect;
      if (found.lasting) this.#insertions.push({ at: start, kind: "lasting", cost: 0 });
      if (found.role === "plain") continue;
      if (found.role === "end" && this.#open.length === 0) break;
      this.#control(found, { start, body });
    }
    body.finish();
    this.#mergedInAll += this.#merged;
    if (this.#merged > STRUCTURE_MAX.merged) {
      body.fail("a function has too many branches for its locals and operands", 0);
    }
  }

  #openBlock({ role, catches, blockType, blockResults }: Instruction): void {
    const type = this.#options.module.types[blockType];
    if (catches) this.#handlers++;
    this.#open.push({
      loop: role === "loop",
      catches,
      outer: this.#current,
      heightAtStart: this.#height,
      heightAfter: this.#height + (type ? type.results.length - type.parameters.length : blockResults),
    });
  }

  #control(found: Instruction, { start, body }: { start: number; body: BinaryReader }): void {
    const blocks = this.#options.accounting === "block";
    switch (found.role) {
      case "block":
      case "if":
      case "loop":
        if (this.#open.length >= STRUCTURE_MAX.nesting) body.fail("blocks are nested too deep", start);
        this.#openBlock(found);
        if (this.#handlers > STRUCTURE_MAX.handlers) body.fail("handlers are nested too deep", start);
        if (found.role === "loop") {
          this.#begin(body.offset, "charge-and-check");
          // A branch back moves the loop's parameters.
          this.#current.cost = this.#options.module.types[found.blockType]?.parameters.length ?? 0;
        } else if (found.role === "if" && blocks) this.#begin(body.offset, "charge");
        break;
      case "end": {
        const { loop, catches, outer, heightAfter } = this.#open.pop()!;
        this.#height = heightAfter;
        if (catches) this.#handlers--;
        if (!blocks && loop) this.#current = outer;
        if (blocks && !loop) this.#begin(body.offset, "charge");
        break;
      }
      case "else":
        this.#height = this.#open.at(-1)?.heightAtStart ?? 0;
        if (blocks) this.#begin(body.offset, "charge");
        break;
      case "branch":
        if (blocks) this.#begin(body.offset, "charge");
        break;
      case "leave":
        if (blocks) this.#current = { at: start, kind: "charge", cost: 0 };
        break;
      case "plain":
        break;
      case "grow":
        this.#needsScratch = true;
        this.#insertions.push({ at: start, kind: "before-grow", cost: 0 });
        this.#insertions.push({ at: body.offset, kind: "after-grow", cost: 0 });
        break;
      default:
        this.#needsScratch = true;
        this.#insertions.push({ at: start, kind: found.role, cost: 0 });
    }
  }

  #emit(bytes: Uint8Array, codeStart: number): void {
    const out = this.#out;
    let copied = codeStart;
    for (const each of this.#insertions) {
      if (each.kind === "charge" && each.cost === 0) continue;
      out.raw(bytes.subarray(copied, each.at));
      copied = each.at;
      switch (each.kind) {
        case "charge":
          this.#charge(each.cost);
          break;
        case "charge-and-check":
          this.#charge(each.cost);
          this.#check();
          break;
        case "lasting":
          out.byte(OP.i32Const, 1, OP.globalSet);
          out.u32(this.#options.lasting);
          break;
        case "before-grow":
          this.#beforeGrow();
          break;
        case "after-grow":
          this.#afterGrow();
          break;
        default:
          this.#chargeByOperand(each.kind);
      }
    }
    out.raw(bytes.subarray(copied));
  }

  #tank(access: number): void {
    this.#out.byte(access);
    this.#out.u32(this.#options.tank);
  }

  #charge(cost: number): void {
    this.#tank(OP.globalGet);
    this.#out.byte(OP.i32Const);
    this.#out.s32(cost);
    this.#out.byte(OP.i32Sub);
    this.#tank(OP.globalSet);
  }

  /** A fuel trap is told from others by the tank, which is below zero. No guest can catch it. */
  #check(): void {
    this.#tank(OP.globalGet);
    this.#out.byte(OP.i32Const, 0, OP.i32LtS, OP.if, OP.emptyBlock, OP.unreachable, OP.end);
  }

  /** Charges flat, so that an operand cannot make it wrap around, then by the operand, which stays on the stack. */
  #chargeByOperand(kind: CostlyRole): void {
    const { flat, shift, mask, scale, zero } = OPERAND_COSTS[kind];
    const out = this.#out;
    this.#charge(flat);
    out.byte(OP.localTee);
    out.u32(this.#scratch);
    this.#tank(OP.globalGet);
    out.byte(OP.localGet);
    out.u32(this.#scratch);
    if (shift !== 0) this.#withConstant(shift, OP.i32ShrU);
    if (mask !== -1) this.#withConstant(mask, OP.i32And);
    if (scale !== 1) this.#withConstant(scale, OP.i32Mul);
    out.byte(OP.i32Sub);
    this.#tank(OP.globalSet);
    if (zero !== 0) {
      this.#tank(OP.globalGet);
      out.byte(OP.localGet);
      out.u32(this.#scratch);
      out.byte(OP.i32Eqz);
      this.#withConstant(zero, OP.i32Mul);
      out.byte(OP.i32Sub);
      this.#tank(OP.globalSet);
    }
    this.#check();
  }

  #withConstant(value: number, code: number): void {
    this.#out.byte(OP.i32Const);
    this.#out.s32(value);
    this.#out.byte(code);
  }

  #beforeGrow(): void {
    this.#charge(FUEL_COSTS.memoryGrow);
    this.#check();
    this.#out.byte(OP.memorySize, 0, OP.localSet);
    this.#out.u32(this.#scratch);
  }

  /** Charges for the pages that there are now and were not before, so that an attempt that fails is cheap. */
  #afterGrow(): void {
    this.#tank(OP.globalGet);
    this.#out.byte(OP.memorySize, 0, OP.localGet);
    this.#out.u32(this.#scratch);
    this.#out.byte(OP.i32Sub);
    this.#withConstant(FUEL_COSTS.memoryPage, OP.i32Mul);
    this.#out.byte(OP.i32Sub);
    this.#tank(OP.globalSet);
    this.#check();
  }
}
