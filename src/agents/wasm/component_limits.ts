/** How guest code pays for what it does. */
export type FuelAccounting = "loop" | "block";

/** What a component may be at most; above it is refused when it is loaded. */
export interface ComponentLimits {
  /** Bytes of the whole file. */
  readonly moduleBytesMax: number;
  /** Bytes of one function body: V8 compiles a function on its first call, while everything waits. */
  readonly functionBytesMax: number;
  /** Bytes of linear memory, all memories of the component together. */
  readonly memoryBytesMax: number;
  /** Elements of any one table. */
  readonly tableElementsMax: number;
  /** Fuel for start functions, which run while an instance is made. */
  readonly fuelAtStart: number;
  /**
   * `loop` charges at function entry and loop headers, for all that stands between them: cheap, and an upper bound
   * that branchy code feels. `block` charges each basic block, about one unit an instruction: for interpreters.
   */
  readonly accounting: FuelAccounting;
}

/** The limits of an agent that configures none. */
export const DEFAULT_COMPONENT_LIMITS: ComponentLimits = {
  moduleBytesMax: 10 * 1024 * 1024,
  functionBytesMax: 1024 * 1024,
  memoryBytesMax: 64 * 1024 * 1024,
  tableElementsMax: 10_000,
  fuelAtStart: 10_000_000,
  accounting: "loop",
};

/** Most fuel that a call can have: the tank is a signed 32-bit number. */
export const FUEL_MAX = 2_000_000_000;

/** Counts that no agent comes near, so that no file can make the loader work or wait for long. */
export const STRUCTURE_MAX = {
  /** Core modules of a component. */
  modules: 64,
  /** Core instances that come from a module. */
  instances: 64,
  /** Memories of a component; they share `memoryBytesMax` evenly. */
  memories: 4,
  /** Tables of a component. */
  tables: 64,
  /** Things that a component defines, nested components as often as they are instantiated. */
  definitions: 50_000,
  /** Levels of nested components and types. */
  depth: 16,
  /** Characters of one type's text. */
  typeText: 32_768,
  /** Characters of all type texts. */
  typeTexts: 8 * 1024 * 1024,
  /** Functions of a core module, imported ones included. */
  functions: 100_000,
  /** Types, imports and exports of a core module, each. */
  moduleItems: 50_000,
  /** Globals of a core module. */
  globals: 10_000,
  /** Mutable globals of all core instances, which are objects of the host's. */
  savedGlobals: 4096,
  /** Elements that all tables of a component begin with. */
  tableElements: 100_000,
  /** Locals of a function. */
  locals: 10_000,
  /** Parameters of a core function or block. */
  parameters: 256,
  /** Results of a core function or block. */
  results: 32,
  /** Nested blocks of a function. */
  nesting: 10_000,
  /** Blocks of a function that handle exceptions, one inside of the other. */
  handlers: 16,
  /** Locals and operands that the engine's compiler passes over at the branches of a function, see `MERGES`. */
  merged: 50_000_000,
  /** The same of all functions of a component. */
  mergedInAll: 250_000_000,
} as const;
