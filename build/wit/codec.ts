/** How values of a type are moved between memory and TypeScript: pieces of code that the generated files are made of. */

import { resolved, type Type, type TypeDef } from "./ast.ts";
import { recordRoom, variantRoom } from "./layout.ts";
import { isBytes, liftPath, lowerPath, nameOf, pascal, type Plan, unsupported } from "./plan.ts";

/** What generated code refers to, by the file below `src/agents` that it is from. */
export class Uses {
  readonly #names = new Map<string, Set<string>>();

  /** Notes the use and returns the name. */
  of(from: string, name: string): string {
    const names = this.#names.get(from) ?? new Set();
    this.#names.set(from, names.add(name));
    return name;
  }

  /** Takes over what other code uses. */
  add(other: Uses): void {
    for (const [from, names] of other.#names) for (const name of names) this.of(from, name);
  }

  /** Forgets a file: its functions refer to each other without import. */
  drop(from: string): void {
    this.#names.delete(from);
  }

  /** The names that are used from a file. */
  from(file: string): readonly string[] {
    return [...this.#names.get(file) ?? []];
  }

  /** As import declarations for a file `depth` folders below `src/agents`. A name that begins with `type ` is a type. */
  imports(depth: number): string {
    return [...this.#names].sort(([a], [b]) => a < b ? -1 : 1).map(([from, names]) => {
      const sorted = [...names].sort((a, b) => bare(a) < bare(b) ? -1 : 1);
      const list = sorted.every((name) => name.startsWith("type "))
        ? `type { ${sorted.map(bare).join(", ")} }`
        : `{ ${sorted.join(", ")} }`;
      return `import ${list} from "${relative(from, depth)}";`;
    }).join("\n");
  }
}

/** What code is generated with: the plan, and where uses are noted. */
export interface Scope {
  readonly plan: Plan;
  readonly uses: Uses;
}

/** `at + 8`, or just `at` for 0. */
export function plus(at: string, offset: number): string {
  if (offset === 0) return at;
  const sum = /^(.+) \+ (\d+)$/.exec(at);
  return sum === null ? `${at} + ${offset}` : `${sum[1]} + ${Number(sum[2]) + offset}`;
}

/** The name under which a list or definition has its functions: `HeaderList`. */
export function codecName(plan: Plan, type: Type): string {
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      return pascal(inner.name);
    case "list":
      return `${codecName(plan, inner.element)}List`;
    case "named":
      return nameOf(plan, inner.def);
    default:
      throw unsupported(`a list of ${inner.type}`);
  }
}

/** Statements that put `value` at `at`. */
export function store(scope: Scope, type: Type, target: { at: string; value: string }): string {
  const { at, value } = target;
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      if (inner.name === "bool") return `lower.u8(${at}, ${value} ? 1 : 0);`;
      return `lower.${primitive(inner.name)}(${at}, ${value});`;
    case "list":
      return `lower.pair(${at}, ${lowerList(scope, inner, value)}, ${value}.length);`;
    case "option": {
      const { payloadOffset } = variantRoom([undefined, inner.some]);
      const some = store(scope, inner.some, { at: plus(at, payloadOffset), value });
      return `if (${value} === undefined) lower.u8(${at}, 0);\nelse {\nlower.u8(${at}, 1);\n${some}\n}`;
    }
    case "tuple": {
      const { offsets } = recordRoom(inner.items);
      return inner.items.map((item, index) =>
        store(scope, item, { at: plus(at, offsets[index]!), value: `${value}[${index}]` })
      ).join("\n");
    }
    case "result": {
      const { payloadOffset } = variantRoom([inner.ok, inner.error]);
      const payload = (type: Type | undefined) =>
        type === undefined
          ? ""
          : store(scope, type, { at: plus(at, payloadOffset), value: `${value}.value` });
      return `if (${value}.type === "ok") {\nlower.u8(${at}, 0);\n${payload(inner.ok)}\n} else {\n` +
        `lower.u8(${at}, 1);\n${payload(inner.error)}\n}`;
    }
    case "named":
      if (inner.def.shape.type === "enum") return `lower.u8(${at}, ${enumNumber(scope, inner.def, value)});`;
      return `${storeFunction(scope, nameOf(scope.plan, inner.def))}(lower, ${at}, ${value});`;
    case "own":
    case "borrow":
      throw unsupported("a handle inside of another value");
  }
}

/** An expression for the value at `at`. */
export function load(scope: Scope, type: Type, at: string): string {
  const inner = resolved(type);
  switch (inner.type) {
    case "primitive":
      return `lift.${primitive(inner.name)}(${at})`;
    case "list":
      if (isBytes(inner)) return `lift.bytes(${at})`;
      return liftList(scope, inner, [`lift.u32(${at})`, `lift.u32(${plus(at, 4)})`]);
    case "option": {
      const { payloadOffset } = variantRoom([undefined, inner.some]);
      return `lift.some(lift.u8(${at})) ? ${load(scope, inner.some, plus(at, payloadOffset))} : undefined`;
    }
    case "tuple": {
      const { offsets } = recordRoom(inner.items);
      return `[${inner.items.map((item, index) => load(scope, item, plus(at, offsets[index]!))).join(", ")}]`;
    }
    case "result": {
      const { payloadOffset } = variantRoom([inner.ok, inner.error]);
      const payload = (type: Type | undefined) =>
        type === undefined ? "undefined" : load(scope, type, plus(at, payloadOffset));
      return `lift.ok(lift.u8(${at})) ? { type: "ok", value: ${payload(inner.ok)} } : ` +
        `{ type: "error", value: ${payload(inner.error)} }`;
    }
    case "named":
      if (inner.def.shape.type === "enum") return enumName(scope, inner.def, `lift.u8(${at})`);
      return `${loadFunction(scope, nameOf(scope.plan, inner.def))}(lift, ${at})`;
    case "own":
    case "borrow":
      throw unsupported("a handle inside of another value");
  }
}

/** An expression that lowers a list and is where it lies. */
export function lowerList(scope: Scope, type: Type, value: string): string {
  if (isBytes(type)) return `lower.bytes(${value})`;
  return `${storeFunction(scope, codecName(scope.plan, type))}(lower, ${value})`;
}

/** An expression for a list of which pointer and count are given. */
export function liftList(scope: Scope, type: Type, [pointer, count]: readonly [string, string]): string {
  if (isBytes(type)) return `lift.data(${pointer}, ${count})`;
  return `${loadFunction(scope, codecName(scope.plan, type))}(lift, ${pointer}, ${count})`;
}

/** An expression for the number of an enum's case. */
export function enumNumber(scope: Scope, def: TypeDef, value: string): string {
  const name = `numberOf${nameOf(scope.plan, def)}`;
  return `${scope.uses.of(lowerPath(scope.plan), name)}(${value})`;
}

/** An expression for the name of an enum's case. */
export function enumName(scope: Scope, def: TypeDef, tag: string): string {
  const name = `nameOf${nameOf(scope.plan, def)}`;
  return `${scope.uses.of(liftPath(scope.plan), name)}(lift, ${tag})`;
}

/** Refuses what has no straight way into memory. */
export function primitive(name: string): string {
  if (["s8", "s16", "s32", "char"].includes(name)) throw unsupported(name);
  return name;
}

function storeFunction({ plan, uses }: Scope, name: string): string {
  return uses.of(lowerPath(plan), `store${name}`);
}

function loadFunction({ plan, uses }: Scope, name: string): string {
  return uses.of(liftPath(plan), `load${name}`);
}

/** The path of a file as a file in `contract` or below it writes it. */
function relative(path: string, depth: number): string {
  if (!path.startsWith("contract/")) return `${"../".repeat(depth)}${path}`;
  return `${"../".repeat(depth - 1) || "./"}${path.slice("contract/".length)}`;
}

function bare(name: string): string {
  return name.replace(/^type /, "");
}
