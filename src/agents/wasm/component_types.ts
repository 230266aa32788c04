import { STRUCTURE_MAX } from "./component_limits.ts";

/**
 * A value type: its canonical text, and the core types it becomes when it is passed flat, one letter each
 * (`i` i32, `l` i64, `f` f32, `d` f64). More than 17 letters are never kept: 16 is the most that is passed flat.
 */
export interface ValueType {
  readonly type: "value";
  readonly text: string;
  readonly flat: string;
  /** Whether it has strings or lists, which lie in memory. */
  readonly points: boolean;
}

/** The type of a function of a component. */
export interface FunctionType {
  readonly type: "function";
  readonly text: string;
  readonly parameters: string;
  readonly results: string;
  readonly parametersPoint: boolean;
  readonly resultPoints: boolean;
}

/** A resource. Only its name matters to us, and whose it is: an interface's that is imported, or the component's. */
export interface ResourceType {
  readonly type: "resource";
  readonly name: string;
  /** Key of the imported interface that defines it; unset for a resource of the component's own. */
  owner: string | undefined;
}

/** What an instance type says that an instance has. */
export type DeclaredExport =
  | { readonly sort: "function"; readonly type: FunctionType }
  | { readonly sort: "type"; readonly type: AnyType };

/** The type of an instance. */
export interface InstanceType {
  readonly type: "instance";
  readonly exports: ReadonlyMap<string, DeclaredExport>;
}

/** Whatever stands in a type index space. */
export type AnyType = ValueType | FunctionType | ResourceType | InstanceType;

const FLAT_KEPT = 17;
/** Most core values that parameters are passed as; more go through memory. */
export const FLAT_PARAMETERS_MAX = 16;

/** Most core values that a result is passed as; more go through memory. */
export const FLAT_RESULTS_MAX = 1;

/** Primitive types by their code in the binary. */
export const PRIMITIVES: ReadonlyMap<number, ValueType> = new Map(
  ([
    [0x7f, "bool", "i"],
    [0x7e, "s8", "i"],
    [0x7d, "u8", "i"],
    [0x7c, "s16", "i"],
    [0x7b, "u16", "i"],
    [0x7a, "s32", "i"],
    [0x79, "u32", "i"],
    [0x78, "s64", "l"],
    [0x77, "u64", "l"],
    [0x76, "f32", "f"],
    [0x75, "f64", "d"],
    [0x74, "char", "i"],
    [0x73, "string", "ii"],
  ] as const).map(([code, text, flat]) => [code, { type: "value", text, flat, points: text === "string" }]),
);

/** A field of a record, a case of a variant or a parameter. */
export interface Labelled {
  readonly label: string;
  readonly type: ValueType | undefined;
}

function joined(left: string, right: string): string {
  if (left === right) return left;
  return (left === "i" && right === "f") || (left === "f" && right === "i") ? "i" : "l";
}

/** Flat form of a variant: its case's number, then each position wide enough for every case. */
function flatCases(cases: readonly (ValueType | undefined)[]): string {
  const merged: string[] = [];
  for (const each of cases) {
    const flat = each?.flat ?? "";
    for (let at = 0; at < flat.length; at++) {
      merged[at] = merged[at] === undefined ? flat[at]! : joined(merged[at]!, flat[at]!);
    }
  }
  return kept(`i${merged.join("")}`);
}

function kept(flat: string): string {
  return flat.slice(0, FLAT_KEPT);
}

function flatAll(types: readonly (ValueType | undefined)[]): string {
  let flat = "";
  for (const each of types) {
    if (flat.length >= FLAT_KEPT) break;
    flat += each?.flat ?? "";
  }
  return kept(flat);
}

function labelledText(parts: readonly Labelled[], [before, after]: readonly [string, string]): string {
  return parts.map(({ label, type }) => type ? `${label}${before}${type.text}${after}` : label).join(",");
}

/**
 * Builds types, each from types that are there already. The texts are bounded one by one and together, for a type
 * that is used twice at every level doubles at every level.
 */
export class TypeBuilder {
  readonly #refuse: (problem: string) => never;
  #textLeft: number = STRUCTURE_MAX.typeTexts;

  constructor(refuse: (problem: string) => never) {
    this.#refuse = refuse;
  }

  #value(parts: readonly (ValueType | undefined)[], form: { text: () => string; flat: string }): ValueType {
    this.#account(parts);
    const points = parts.some((each) => each?.points);
    return { type: "value", text: this.#checked(form.text()), flat: form.flat, points };
  }

  #account(parts: readonly (ValueType | undefined)[]): void {
    let length = 0;
    for (const each of parts) length += (each?.text.length ?? 0) + 1;
    if (length > STRUCTURE_MAX.typeText) this.#refuse("a type is too large");
  }

  #checked(text: string): string {
    this.#textLeft -= text.length;
    if (this.#textLeft < 0) this.#refuse("the types are too large");
    if (text.length > STRUCTURE_MAX.typeText) this.#refuse("a type is too large");
    return text;
  }

  record(fields: readonly Labelled[]): ValueType {
    const types = fields.map((each) => each.type);
    return this.#value(types, {
      text: () => `record{${labelledText(fields, [":", ""])}}`,
      flat: flatAll(types),
    });
  }

  variant(cases: readonly Labelled[]): ValueType {
    const types = cases.map((each) => each.type);
    return this.#value(types, {
      text: () => `variant{${labelledText(cases, ["(", ")"])}}`,
      flat: flatCases(types),
    });
  }

  tuple(types: readonly ValueType[]): ValueType {
    return this.#value(types, {
      text: () => `tuple<${types.map((each) => each.text).join(",")}>`,
      flat: flatAll(types),
    });
  }

  labels(kind: "enum" | "flags", labels: readonly string[]): ValueType {
    const flat = kind === "flags" && labels.length === 0 ? "" : "i";
    return this.#value([], { text: () => `${kind}{${labels.join(",")}}`, flat });
  }

  list(element: ValueType): ValueType {
    return { ...this.#value([element], { text: () => `list<${element.text}>`, flat: "ii" }), points: true };
  }

  option(value: ValueType): ValueType {
    return this.#value([value], { text: () => `option<${value.text}>`, flat: flatCases([undefined, value]) });
  }

  result(ok: ValueType | undefined, error: ValueType | undefined): ValueType {
    return this.#value([ok, error], {
      text: () => `result<${ok?.text ?? "_"},${error?.text ?? "_"}>`,
      flat: flatCases([ok, error]),
    });
  }

  handle(kind: "own" | "borrow", resource: ResourceType): ValueType {
    return this.#value([], { text: () => `${kind}<${resource.name}>`, flat: "i" });
  }

  function(parameters: readonly Labelled[], result: ValueType | undefined): FunctionType {
    const types = parameters.map((each) => each.type);
    this.#account([...types, result]);
    return {
      type: "function",
      text: this.#checked(`(${labelledText(parameters, [":", ""])})->${result?.text ?? "_"}`),
      parameters: flatAll(types),
      results: result?.flat ?? "",
      parametersPoint: types.some((each) => each?.points),
      resultPoints: result?.points ?? false,
    };
  }
}

/** Core signature of a lifted function, `parameters:results`: too much of either goes through memory. */
export function liftedSignature(type: FunctionType): string {
  const parameters = type.parameters.length > FLAT_PARAMETERS_MAX ? "i" : type.parameters;
  return `${parameters}:${type.results.length > FLAT_RESULTS_MAX ? "i" : type.results}`;
}

/** Core signature of a lowered function: a result that goes through memory is written where the last argument says. */
export function loweredSignature(type: FunctionType): string {
  const parameters = type.parameters.length > FLAT_PARAMETERS_MAX ? "i" : type.parameters;
  return type.results.length > FLAT_RESULTS_MAX ? `${parameters}i:` : `${parameters}:${type.results}`;
}

/** Core signature of the function that frees what a lifted function's result points to. */
export function postReturnSignature(type: FunctionType): string {
  return `${liftedSignature(type).split(":")[1]!}:`;
}
