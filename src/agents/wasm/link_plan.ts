/** Where a core function, table, memory or global comes from. */
export type CoreSource =
  | { readonly type: "export"; readonly step: number; readonly name: string }
  /** An entry of the imports that the host gives, such as `log#write`. */
  | { readonly type: "import"; readonly key: string };

/** An import of a core module, and what fills it. */
export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly source: CoreSource;
}

/** Instantiates one core module. */
export interface LinkStep {
  /** Index into the compiled modules. */
  readonly module: number;
  readonly imports: readonly ModuleImport[];
}

/** A function that the component exports, with its `canon lift` taken apart. */
export interface LiftedFunction {
  /** `request-handler#on-request-headers`. */
  readonly key: string;
  readonly call: CoreSource;
  readonly postReturn: CoreSource | undefined;
}

/** How to make an instance of a component: plain data, so that it can cross to another thread. */
export interface LinkPlan {
  /** In this order; a step refers to steps before it. */
  readonly steps: readonly LinkStep[];
  readonly functions: readonly LiftedFunction[];
  /** Memory of arguments and results; unset when no function needs one. */
  readonly memory: CoreSource | undefined;
  readonly realloc: CoreSource | undefined;
}
