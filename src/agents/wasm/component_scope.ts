import type { BinaryReader } from "./binary_reader.ts";
import type { AnyType, FunctionType } from "./component_types.ts";
import type { CoreSource } from "./link_plan.ts";

/** Kinds of things that core modules exchange. */
export type CoreSort = "function" | "table" | "memory" | "global" | "tag";

/** Something in a core index space. */
export interface CoreItem {
  readonly sort: CoreSort;
  readonly source: CoreSource;
  /** `parameters:results` of a function. */
  readonly signature: string;
}

/** A core instance: what it exports. */
export interface CoreInstanceValue {
  get(name: string): CoreItem | undefined;
}

/** What `canon lift` and `canon lower` are given. */
export interface CanonicalOptions {
  readonly memory: CoreSource | undefined;
  readonly realloc: CoreSource | undefined;
  readonly postReturn: CoreSource | undefined;
}

/** A component's function: one of the host's, or one that a core function was lifted to. */
export type FunctionValue =
  | { readonly type: FunctionType; readonly origin: "host"; readonly key: string }
  | {
    readonly type: FunctionType;
    readonly origin: "lift";
    readonly call: CoreSource;
    readonly options: CanonicalOptions;
  };

/** An instance: what it exports. */
export type InstanceValue = ReadonlyMap<string, ComponentItem>;

/** A component that is not instantiated yet, with the scope that it may look into. */
export interface ComponentValue {
  readonly body: BinaryReader;
  readonly scope: Scope;
}

/** Something in a component's index spaces. */
export type ComponentItem =
  | { readonly sort: "function"; readonly value: FunctionValue }
  | { readonly sort: "type"; readonly value: AnyType }
  | { readonly sort: "instance"; readonly value: InstanceValue }
  | { readonly sort: "component"; readonly value: ComponentValue }
  | { readonly sort: "module"; readonly value: number };

/** Kinds of things that components exchange. */
export type ComponentSort = ComponentItem["sort"];

/** The index spaces of a component, or of an instance type. */
export class Scope {
  readonly parent: Scope | undefined;
  readonly depth: number;
  readonly functions: FunctionValue[] = [];
  readonly types: AnyType[] = [];
  readonly instances: InstanceValue[] = [];
  readonly components: ComponentValue[] = [];
  readonly modules: number[] = [];
  readonly coreInstances: CoreInstanceValue[] = [];
  readonly core: Readonly<Record<CoreSort, CoreItem[]>> = {
    function: [],
    table: [],
    memory: [],
    global: [],
    tag: [],
  };

  constructor(parent?: Scope) {
    this.parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
  }

  /** The scope so many levels out. */
  outer(levels: number): Scope | undefined {
    if (levels === 0) return this;
    // A file can ask for four billion levels; scopes are never that deep.
    return levels > this.depth ? undefined : this.parent?.outer(levels - 1);
  }

  /** Appends to the index space of the item's kind. */
  push(item: ComponentItem): void {
    switch (item.sort) {
      case "function":
        this.functions.push(item.value);
        break;
      case "type":
        this.types.push(item.value);
        break;
      case "instance":
        this.instances.push(item.value);
        break;
      case "component":
        this.components.push(item.value);
        break;
      case "module":
        this.modules.push(item.value);
    }
  }

  /** The item at an index. */
  get(sort: ComponentSort, index: number): ComponentItem | undefined {
    const spaces = {
      function: this.functions,
      type: this.types,
      instance: this.instances,
      component: this.components,
      module: this.modules,
    };
    const value = spaces[sort][index];
    return value === undefined ? undefined : { sort, value } as ComponentItem;
  }
}
