/**
 * Parses the part of WIT that our interfaces use: one package a file; interfaces with types, functions, resources
 * with methods, and `use` of interfaces of the same package; worlds that import and export interfaces by name.
 * Everything else is an error that says where.
 */

import {
  type Case,
  type Field,
  type Func,
  type Interface,
  type Label,
  type Package,
  type Place,
  type PrimitiveName,
  type Shape,
  type Type,
  type TypeDef,
  WitError,
  type World,
} from "./ast.ts";
import { lex, type Token } from "./lex.ts";
import { refuseCycles } from "./cycles.ts";

const PRIMITIVES: ReadonlySet<string> = new Set<PrimitiveName>(
  ["bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "string"],
);

/** A reference by name; `def` is filled in when all interfaces are read. */
interface Reference {
  readonly type: "own" | "borrow" | "named";
  readonly name: string;
  readonly place: Place;
  def: TypeDef;
}

interface Use {
  readonly from: string;
  readonly name: string;
  readonly as: string;
  readonly place: Place;
}

interface OpenInterface {
  readonly name: string;
  readonly docs: string;
  readonly types: TypeDef[];
  readonly functions: Func[];
  readonly methods: Func[];
  readonly scope: Map<string, TypeDef>;
  readonly references: Reference[];
  readonly uses: Use[];
}

/** Stands where a definition is not known yet. */
const PENDING: TypeDef = {
  name: "",
  owner: "",
  docs: "",
  place: { line: 0, column: 0 },
  shape: { type: "resource", methods: [] },
};

/** Reads one WIT file. `file` is its name in errors; throws `WitError`. */
export function parseWit(file: string, text: string): Package {
  return new Parser(file, lex(file, text)).package();
}

class Parser {
  readonly #file: string;
  readonly #tokens: readonly Token[];
  readonly #interfaces = new Map<string, OpenInterface>();
  #at = 0;
  #open: OpenInterface | undefined;

  constructor(file: string, tokens: readonly Token[]) {
    this.#file = file;
    this.#tokens = tokens;
  }

  package(): Package {
    this.#expect("package");
    const namespace = this.#word().text;
    this.#expect(":");
    const name = this.#word().text;
    const version = this.#peek();
    if (version.type !== "version") this.#fail(version, "expected a version such as @1.0.0");
    this.#at++;
    this.#expect(";");
    const worlds: { docs: string; name: string; imports: Token[]; exports: Token[] }[] = [];
    while (this.#peek().type !== "end") {
      const token = this.#peek();
      if (this.#skip("interface")) this.#interface(token.docs);
      else if (this.#skip("world")) worlds.push(this.#world(token.docs));
      else this.#fail(token, `expected "interface" or "world", found "${token.text}"`);
    }
    this.#resolve();
    const interfaces = [...this.#interfaces.values()].map(closed);
    refuseCycles(this.#file, interfaces);
    const named = (token: Token): Interface =>
      interfaces.find((one) => one.name === token.text) ??
        this.#fail(token, `there is no interface "${token.text}" in this file`);
    return {
      namespace,
      name,
      version: version.text,
      interfaces,
      worlds: worlds.map(({ name, docs, imports, exports }): World => ({
        name,
        docs,
        imports: imports.map(named),
        exports: exports.map(named),
      })),
    };
  }

  #world(docs: string) {
    const name = this.#word().text;
    const imports: Token[] = [];
    const exports: Token[] = [];
    this.#expect("{");
    while (!this.#skip("}")) {
      const token = this.#word();
      if (token.text !== "import" && token.text !== "export") {
        this.#fail(token, `expected "import" or "export", found "${token.text}"`);
      }
      (token.text === "import" ? imports : exports).push(this.#word());
      this.#expect(";");
    }
    return { docs, name, imports, exports };
  }

  #interface(docs: string): void {
    const name = this.#word();
    if (this.#interfaces.has(name.text)) this.#fail(name, `there is an interface "${name.text}" already`);
    const open: OpenInterface = {
      name: name.text,
      docs,
      types: [],
      functions: [],
      methods: [],
      scope: new Map(),
      references: [],
      uses: [],
    };
    this.#interfaces.set(name.text, open);
    this.#open = open;
    this.#expect("{");
    while (!this.#skip("}")) this.#item(open);
  }

  #item(open: OpenInterface): void {
    const token = this.#word();
    switch (token.text) {
      case "use":
        return this.#use(open);
      case "record":
        return this.#define(token, () => ({ type: "record", fields: this.#braced(() => this.#field()) }));
      case "variant":
        return this.#define(token, () => ({ type: "variant", cases: this.#braced(() => this.#case()) }));
      case "enum":
        return this.#define(token, () => ({ type: "enum", cases: this.#braced(() => this.#label()) }));
      case "flags":
        return this.#define(token, () => ({ type: "flags", flags: this.#braced(() => this.#label()) }));
      case "type":
        return this.#define(token, () => {
          this.#expect("=");
          const target = this.#type();
          this.#expect(";");
          return { type: "alias", target };
        });
      case "resource":
        return this.#resource(token, open);
    }
    this.#expect(":");
    const { params, result } = this.#signature();
    if (open.functions.some(({ name }) => name === token.text)) {
      this.#fail(token, `there is a function "${token.text}" already`);
    }
    open.functions.push({
      name: token.text,
      docs: token.docs,
      params,
      result,
      resource: undefined,
      method: undefined,
    });
  }

  #use(open: OpenInterface): void {
    const from = this.#word().text;
    this.#expect(".");
    for (const { name, as, place } of this.#braced(() => this.#used())) {
      open.uses.push({ from, name, as, place });
    }
    this.#expect(";");
  }

  #used(): { name: string; as: string; place: Place } {
    const name = this.#word();
    return { name: name.text, place: name.place, as: this.#skip("as") ? this.#word().text : name.text };
  }

  #define(keyword: Token, shape: () => Shape): void {
    const def = this.#declare(keyword);
    def.shape = shape();
  }

  #declare(keyword: Token): TypeDef & { shape: Shape } {
    const open = this.#open!;
    const { text: name, place, ...token } = this.#word();
    if (open.scope.has(name)) this.#fail({ place, ...token }, `there is a type "${name}" already`);
    const def = { name, owner: open.name, docs: keyword.docs, place, shape: PENDING.shape };
    open.scope.set(name, def);
    open.types.push(def);
    return def;
  }

  #resource(keyword: Token, open: OpenInterface): void {
    const def = this.#declare(keyword);
    const methods: Func[] = [];
    if (!this.#skip(";")) {
      this.#expect("{");
      while (!this.#skip("}")) {
        const name = this.#word();
        this.#expect(":");
        const { params, result } = this.#signature();
        if (methods.some(({ method }) => method === name.text)) {
          this.#fail(name, `there is a method "${name.text}" already`);
        }
        const self: Field = { name: "self", docs: "", type: { type: "borrow", def } };
        methods.push({
          name: `[method]${def.name}.${name.text}`,
          docs: name.docs,
          params: [self, ...params],
          result,
          resource: def,
          method: name.text,
        });
      }
    }
    def.shape = { type: "resource", methods };
    open.methods.push(...methods);
  }

  #signature(): { params: readonly Field[]; result: Type | undefined } {
    this.#expect("func");
    this.#expect("(");
    const params = this.#listed(() => this.#field(), ")");
    const result = this.#skip("->") ? this.#type() : undefined;
    this.#expect(";");
    return { params, result };
  }

  #field(): Field {
    const name = this.#word();
    this.#expect(":");
    return { name: name.text, docs: name.docs, type: this.#type() };
  }

  #case(): Case {
    const name = this.#word();
    let type: Type | undefined;
    if (this.#skip("(")) {
      type = this.#type();
      this.#expect(")");
    }
    return { name: name.text, docs: name.docs, type };
  }

  #label(): Label {
    const name = this.#word();
    return { name: name.text, docs: name.docs };
  }

  #type(): Type {
    const token = this.#word();
    const { text } = token;
    if (PRIMITIVES.has(text)) return { type: "primitive", name: text as PrimitiveName };
    switch (text) {
      case "list":
        return { type: "list", element: this.#angled(() => this.#type()) };
      case "option":
        return { type: "option", some: this.#angled(() => this.#type()) };
      case "tuple":
        this.#expect("<");
        return { type: "tuple", items: this.#listed(() => this.#type(), ">") };
      case "result":
        return this.#result();
      case "own":
      case "borrow":
        return this.#angled(() => this.#reference(text, this.#word()));
    }
    return this.#reference("named", token);
  }

  #result(): Type {
    if (!this.#skip("<")) return { type: "result", ok: undefined, error: undefined };
    const ok = this.#skip("_") ? undefined : this.#type();
    const error = this.#skip(",") ? this.#type() : undefined;
    this.#expect(">");
    return { type: "result", ok, error };
  }

  #reference(type: Reference["type"], token: Token): Type {
    const reference: Reference = { type, name: token.text, place: token.place, def: PENDING };
    this.#open!.references.push(reference);
    return reference;
  }

  /** Fills in what names stand for, now that all interfaces are known. */
  #resolve(): void {
    for (const one of this.#interfaces.values()) {
      for (const { from, name, as, place } of one.uses) {
        const target = this.#interfaces.get(from);
        if (target === undefined) this.#fail({ place }, `there is no interface "${from}" in this file`);
        const def = target.types.find((def) => def.name === name);
        if (def === undefined) this.#fail({ place }, `interface "${from}" defines no type "${name}"`);
        if (one.scope.has(as)) this.#fail({ place }, `there is a type "${as}" already`);
        one.scope.set(as, def);
      }
    }
    for (const one of this.#interfaces.values()) {
      for (const reference of one.references) {
        const def = one.scope.get(reference.name);
        if (def === undefined) this.#fail(reference, `unknown type "${reference.name}"`);
        if (reference.type !== "named" && def.shape.type !== "resource") {
          this.#fail(reference, `"${reference.name}" is not a resource`);
        }
        reference.def = def;
      }
    }
  }

  #braced<T extends { name: string }>(one: () => T): readonly T[] {
    this.#expect("{");
    const start = this.#peek();
    const all = this.#listed(one, "}");
    if (all.length === 0) this.#fail(start, "expected at least one name");
    const names = new Set<string>();
    for (const { name } of all) {
      if (names.has(name)) this.#fail(start, `"${name}" appears twice`);
      names.add(name);
    }
    return all;
  }

  #angled<T>(inner: () => T): T {
    this.#expect("<");
    const result = inner();
    this.#expect(">");
    return result;
  }

  #listed<T>(one: () => T, end: string): readonly T[] {
    const all: T[] = [];
    while (!this.#skip(end)) {
      all.push(one());
      if (this.#skip(",")) continue;
      this.#expect(end);
      break;
    }
    return all;
  }

  #peek(): Token {
    return this.#tokens[this.#at]!;
  }

  #word(): Token {
    const token = this.#peek();
    if (token.type !== "word") this.#fail(token, `expected a name, found "${token.text || "end of file"}"`);
    this.#at++;
    return token;
  }

  #skip(text: string): boolean {
    const token = this.#peek();
    if (token.text !== text || token.type === "end" || token.type === "version") return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#skip(text)) {
      this.#fail(this.#peek(), `expected "${text}", found "${this.#peek().text || "end of file"}"`);
    }
  }

  #fail({ place }: { readonly place: Place }, message: string): never {
    throw new WitError(this.#file, place, message);
  }
}

function closed(open: OpenInterface): Interface {
  return {
    name: open.name,
    docs: open.docs,
    types: open.types,
    functions: [...open.functions, ...open.methods],
    scope: open.scope,
  };
}
