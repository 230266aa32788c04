import { BinaryReader } from "./binary_reader.ts";
import type { CoreModule } from "./core_module.ts";
import { signatureOf } from "./core_module.ts";
import type { CoreSource, LinkPlan, LinkStep } from "./link_plan.ts";

/** A module with a name for its functions by table slot: all that it does is to call what is in its table. */
interface Trampolines {
  readonly table: string;
  /** Slot and signature by the name of the exported function. */
  readonly slots: ReadonlyMap<string, { readonly slot: number; readonly signature: string }>;
}

const LOCAL_GET = 0x20;
const I32_CONST = 0x41;
const CALL_INDIRECT = 0x11;
const END = 0x0b;

const ELEMENT_SECTION = 9;

/**
 * Joins modules to the host's functions without the detour that component tools put between them: a module of
 * trampolines over an empty table, instantiated first, and a module that fills the table, instantiated last. Tools
 * need it because a lowered function is bound to the memory of an instance that does not exist yet; our glue is not,
 * so two of the three instances that a typical agent has do nothing. Pairs that do anything else stay as they are. What
 * calls the host before the table would have been filled traps as it did, in the glue.
 */
export function withDirectLinks(plan: LinkPlan, modules: readonly CoreModule[]): LinkPlan {
  let linked = plan;
  for (let filler = 0; filler < linked.steps.length;) {
    const direct = directLinks(linked, modules, filler);
    linked = direct ?? linked;
    // Two steps are gone then, both of them at or before this one.
    filler += direct === undefined ? 1 : -1;
  }
  return linked;
}

/** The plan without the step that fills a table and the one whose table it is; undefined when they are needed. */
function directLinks(plan: LinkPlan, modules: readonly CoreModule[], filler: number): LinkPlan | undefined {
  const step = plan.steps[filler];
  const module = step && modules[step.module];
  if (!step || !module || !onlyFills(module)) return undefined;
  const table = step.imports.find((_, at) => module.imports[at]!.sort === "table")?.source;
  if (table?.type !== "export") return undefined;
  const owner = plan.steps[table.step];
  const trampolines = owner && trampolinesOf(modules[owner.module]!);
  if (trampolines?.table !== table.name) return undefined;
  const filled = filledSlots(step, module);
  if (filled === undefined) return undefined;
  const direct = new Map<string, CoreSource>();
  for (const [name, { slot, signature }] of trampolines.slots) {
    const found = filled.get(slot);
    if (found?.signature !== signature || found.source.type !== "import") return undefined;
    direct.set(name, found.source);
  }
  return relink(plan, { filler, owner: table.step, direct });
}

interface Detour {
  /** Steps that are left out. */
  readonly filler: number;
  readonly owner: number;
  /** What stands for the owner's exported functions. */
  readonly direct: ReadonlyMap<string, CoreSource>;
}

/** Leaves the detour's steps out; undefined when something else than its functions is used of it. */
function relink(plan: LinkPlan, { filler, owner, direct }: Detour): LinkPlan | undefined {
  let isNeeded = false;
  const moved = (source: CoreSource): CoreSource => {
    if (source.type === "import") return source;
    const found = source.step === owner ? direct.get(source.name) : undefined;
    if (found !== undefined) return found;
    if (source.step === owner || source.step === filler) isNeeded = true;
    const before = Number(source.step > owner) + Number(source.step > filler);
    return before === 0 ? source : { ...source, step: source.step - before };
  };
  const maybe = (source: CoreSource | undefined) => source && moved(source);
  const linked: LinkPlan = {
    steps: plan.steps.filter((_, at) => at !== owner && at !== filler).map(({ module, imports }) => ({
      module,
      imports: imports.map((each) => ({ ...each, source: moved(each.source) })),
    })),
    functions: plan.functions.map((each) => ({
      ...each,
      call: moved(each.call),
      postReturn: maybe(each.postReturn),
    })),
    memory: maybe(plan.memory),
    realloc: maybe(plan.realloc),
  };
  const calls = linked.functions.flatMap(({ call, postReturn }) => [call, postReturn]);
  // What is called must be code of the component's own.
  if (calls.some((each) => each?.type === "import")) return undefined;
  return isNeeded ? undefined : linked;
}

/** Whether a module does nothing but fill one table that it is given. */
function onlyFills(module: CoreModule): boolean {
  return module.bodies.length === 0 && module.exports.length === 0 && module.start === undefined &&
    module.tables.length === 0 && module.memories.length === 0 && module.globals.length === 0 &&
    module.tagsAndSegments === 1 &&
    module.imports.filter(({ sort }) => sort === "table").length === 1 &&
    module.imports.every(({ sort }) => sort === "table" || sort === "function");
}

interface Filling {
  readonly source: CoreSource;
  readonly signature: string;
}

/** What the module's one segment of elements puts into its table, by slot; undefined for a segment of another kind. */
function filledSlots(step: LinkStep, module: CoreModule): ReadonlyMap<number, Filling> | undefined {
  const section = module.sections.find(({ id }) => id === ELEMENT_SECTION);
  if (section === undefined) return undefined;
  const reader = new BinaryReader(section.body.bytes, section.body.what, section.body.base);
  // One segment, active, of table 0, and of function indices.
  if (reader.u32() !== 1 || reader.u32() !== 0 || reader.byte() !== I32_CONST) return undefined;
  const offset = reader.s33();
  if (offset < 0 || reader.byte() !== END) return undefined;
  const functions = step.imports.filter((_, at) => module.imports[at]!.sort === "function");
  const slots = new Map<number, Filling>();
  for (let left = reader.u32(), slot = offset; left > 0; left--, slot++) {
    const index = reader.u32();
    const type = module.types[module.functionTypes[index] ?? -1];
    const source = functions[index]?.source;
    if (type === undefined || source === undefined) return undefined;
    slots.set(slot, { source, signature: signatureOf(type) });
  }
  return reader.done ? slots : undefined;
}

/** The functions of a module that only calls what is in its table, each a slot of its own; undefined for any other module. */
function trampolinesOf(module: CoreModule): Trampolines | undefined {
  const { imports, start, tables, memories, globals, tagsAndSegments, bodies, exports } = module;
  const isBare = imports.length === 0 && start === undefined && tables.length === 1 &&
    memories.length === 0 && globals.length === 0 && tagsAndSegments === 0;
  const table = exports.find(({ sort }) => sort === "table")?.name;
  if (!isBare || table === undefined) return undefined;
  const slots = new Map<string, { slot: number; signature: string }>();
  for (const { name, sort, index } of exports) {
    if (sort === "table") continue;
    const body = bodies[index];
    const typeIndex = module.functionTypes[index];
    const type = module.types[typeIndex ?? -1];
    if (sort !== "function" || body === undefined || type === undefined) return undefined;
    const slot = slotOf(new BinaryReader(body.bytes, body.what, body.base), {
      parameters: type.parameters.length,
      typeIndex: typeIndex!,
    });
    if (slot === undefined) return undefined;
    slots.set(name, { slot, signature: signatureOf(type) });
  }
  return { table, slots };
}

/** The slot that a function calls with its own parameters, if that is all it does. */
function slotOf(
  body: BinaryReader,
  { parameters, typeIndex }: { readonly parameters: number; readonly typeIndex: number },
): number | undefined {
  if (body.u32() !== 0) return undefined;
  for (let at = 0; at < parameters; at++) {
    if (body.byte() !== LOCAL_GET || body.u32() !== at) return undefined;
  }
  if (body.byte() !== I32_CONST) return undefined;
  const slot = body.s33();
  if (body.byte() !== CALL_INDIRECT || body.u32() !== typeIndex || body.u32() !== 0) return undefined;
  return body.byte() === END && body.done && slot >= 0 ? slot : undefined;
}
