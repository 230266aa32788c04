import { interfaceKey, interfaceName } from "./agent_world.ts";
import { BinaryReader } from "./binary_reader.ts";
import { readCanonical } from "./canonical_reader.ts";
import { STRUCTURE_MAX } from "./component_limits.ts";
import {
  type ComponentItem,
  type ComponentSort,
  type CoreInstanceValue,
  type CoreItem,
  type CoreSort,
  type InstanceValue,
  Scope,
} from "./component_scope.ts";
import type { InstanceType } from "./component_types.ts";
import type { LinkState } from "./link_state.ts";
import { externName, type ExternType } from "./type_reader.ts";

const CORE_SORTS: readonly CoreSort[] = ["function", "table", "memory", "global", "tag"];
const COMPONENT_MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const INSTANCE = 0x12;
const ITEMS = STRUCTURE_MAX.definitions;

/**
 * Walks over one component and links it on paper. All about a component's inside is known before it runs, so one
 * walk over the sections, which evaluates each definition as it comes, finds the core modules, the order to
 * instantiate them in and what fills each import. A component in it is walked when it is instantiated.
 */
export class ComponentWalk {
  readonly #state: LinkState;
  readonly #scope: Scope;
  readonly #reader: BinaryReader;
  /** What a component that is instantiated by another is given; unset for the outermost, whose imports the host fills. */
  readonly #given: InstanceValue | undefined;
  readonly #imported = new Set<string>();
  readonly #exports = new Map<string, ComponentItem>();

  constructor(
    state: LinkState,
    reader: BinaryReader,
    { scope, given }: { readonly scope: Scope; readonly given: InstanceValue | undefined },
  ) {
    this.#state = state;
    this.#reader = reader;
    this.#scope = scope;
    this.#given = given;
  }

  /** What the component exports. */
  run(): InstanceValue {
    const reader = this.#reader;
    if (!COMPONENT_MAGIC.every((each, at) => reader.bytes[at] === each)) {
      reader.fail("this is no component of the known version");
    }
    reader.skip(COMPONENT_MAGIC.length);
    while (!reader.done) {
      const start = reader.offset;
      const id = reader.byte();
      const body = reader.part(reader.u32());
      this.#state.reader = body;
      this.#state.account(1);
      this.#section(id, { body, start });
    }
    return this.#exports;
  }

  #section(id: number, { body, start }: { body: BinaryReader; start: number }): void {
    const scope = this.#scope;
    const each = (read: () => void): void => {
      for (let left = body.count(ITEMS, "items"); left > 0; left--) {
        this.#state.account(1);
        read();
      }
      body.finish();
    };
    switch (id) {
      case 0:
        return;
      case 1:
        scope.modules.push(this.#state.addModule(body));
        return;
      case 2:
        return each(() => this.#coreInstance(body));
      case 4:
        scope.components.push({ body, scope });
        return;
      case 5:
        return each(() => this.#instance(body));
      case 6:
        return each(() => this.#alias(body));
      case 7:
        return each(() => this.#state.types.define(body, scope));
      case 8:
        return each(() => readCanonical(body, { scope, state: this.#state }));
      case 10:
        return each(() => this.#import(body));
      case 11:
        return each(() => this.#export(body));
      case 3:
      case 9:
      case 12: {
        const kinds: Readonly<Record<number, string>> = {
          3: "core types",
          9: "start functions",
          12: "values",
        };
        return this.#reader.fail(`${kinds[id]} of components are not supported`, start);
      }
    }
    this.#reader.fail(`unknown section ${id}`, start);
  }

  #coreInstance(body: BinaryReader): void {
    const start = body.offset;
    const form = body.byte();
    if (form === 1) {
      this.#scope.coreInstances.push(this.#coreExports(body));
      return;
    }
    if (form !== 0) body.fail("an unknown kind of core instance", start);
    const module = this.#scope.modules[body.u32()];
    if (module === undefined) body.fail("a core module that does not exist", start);
    const given = new Map<string, CoreInstanceValue>();
    for (let left = body.count(ITEMS, "arguments"); left > 0; left--) {
      this.#state.account(1);
      const at = body.offset;
      const name = body.name();
      if (body.byte() !== INSTANCE) body.fail("an argument that is no core instance", at);
      const instance = this.#scope.coreInstances[body.u32()];
      if (!instance || given.has(name)) body.fail(`the argument "${name}" does not exist or comes twice`, at);
      given.set(name, instance);
    }
    this.#scope.coreInstances.push(this.#state.instantiate(module, given));
  }

  #coreExports(body: BinaryReader): CoreInstanceValue {
    const exports = new Map<string, CoreItem>();
    for (let left = body.count(ITEMS, "exports"); left > 0; left--) {
      this.#state.account(1);
      const at = body.offset;
      const name = body.name();
      const sort = this.#coreSort(body);
      const item = this.#scope.core[sort][body.u32()];
      if (!item || exports.has(name)) body.fail(`the export "${name}" does not exist or comes twice`, at);
      exports.set(name, item);
    }
    return exports;
  }

  #coreSort(body: BinaryReader): CoreSort {
    const start = body.offset;
    return CORE_SORTS[body.byte()] ?? body.fail("a kind of item that core modules do not exchange", start);
  }

  #instance(body: BinaryReader): void {
    const start = body.offset;
    const form = body.byte();
    if (form > 1) body.fail("an unknown kind of instance", start);
    const component = form === 0 ? this.#scope.components[body.u32()] : undefined;
    if (form === 0 && !component) body.fail("a component that does not exist", start);
    const items = new Map<string, ComponentItem>();
    for (let left = body.count(ITEMS, "items"); left > 0; left--) {
      this.#state.account(1);
      const at = body.offset;
      const name = form === 0 ? body.name() : externName(body);
      const item = this.#item(body);
      if (items.has(name)) body.fail(`"${name}" comes twice`, at);
      items.set(name, item);
    }
    this.#scope.instances.push(component ? this.#nested(component, items) : items);
  }

  #nested(
    { body, scope }: { readonly body: BinaryReader; readonly scope: Scope },
    given: InstanceValue,
  ): InstanceValue {
    const state = this.#state;
    // Counted here and not by scopes: a component can reach itself as an alias of its parent's component.
    if (++state.depth > STRUCTURE_MAX.depth) body.fail("components are nested too deep");
    const outer = state.reader;
    const reader = new BinaryReader(body.bytes, body.what, body.base);
    const exports = new ComponentWalk(state, reader, { scope: new Scope(scope), given }).run();
    state.reader = outer;
    state.depth--;
    return exports;
  }

  /** A kind and an index. */
  #item(body: BinaryReader): ComponentItem {
    const start = body.offset;
    const sort = componentSort(body);
    const index = body.u32();
    return this.#scope.get(sort, index) ?? body.fail(`${sort} ${index} does not exist`, start);
  }

  #alias(body: BinaryReader): void {
    const start = body.offset;
    const core = body.peek() === 0;
    if (core && (body.bytes[body.offset + 1] ?? 0) < CORE_SORTS.length) {
      body.byte();
      const sort = this.#coreSort(body);
      if (body.byte() !== 1) body.fail("an alias of a core item must be of an instance's export", start);
      const instance = this.#scope.coreInstances[body.u32()];
      const name = body.name();
      const item = instance?.get(name);
      if (item?.sort !== sort) body.fail(`the core ${sort} "${name}" does not exist`, start);
      this.#scope.core[sort].push(item);
      return;
    }
    const sort = componentSort(body);
    const target = body.byte();
    if (target === 0) {
      const instance = this.#scope.instances[body.u32()];
      const name = body.name();
      const item = instance?.get(name);
      if (item?.sort !== sort) body.fail(`the ${sort} "${name}" does not exist`, start);
      this.#scope.push(item);
    } else if (target === 2 && sort !== "function" && sort !== "instance") {
      const levels = body.u32();
      const item = this.#scope.outer(levels)?.get(sort, body.u32());
      this.#scope.push(item ?? body.fail(`a ${sort} further out that does not exist`, start));
    } else {
      body.fail("an unknown kind of alias", start);
    }
  }

  #import(body: BinaryReader): void {
    const start = body.offset;
    const name = externName(body);
    const extern = this.#state.types.extern(body, this.#scope);
    if (this.#imported.has(name)) body.fail(`"${name}" is imported twice`, start);
    this.#imported.add(name);
    if (this.#given) {
      const item = this.#given.get(name);
      if (item?.sort !== extern.sort) body.fail(`the import "${name}" is not given`, start);
      this.#scope.push(item);
      return;
    }
    if (extern.sort === "type" && extern.type !== "resource") {
      this.#scope.types.push(extern.type);
      return;
    }
    if (extern.sort !== "instance") {
      body.fail(`it imports the ${extern.sort} "${name}", which is not in an interface`, start);
    }
    const value = this.#hostInstance(name, extern.type);
    this.#state.hostInstances.push({ name, value });
    this.#scope.instances.push(value);
  }

  /** An instance that the host provides. */
  #hostInstance(name: string, type: InstanceType): InstanceValue {
    const parts = interfaceName(name);
    const key = parts ? interfaceKey(parts) : name;
    const items = new Map<string, ComponentItem>();
    this.#state.account(type.exports.size);
    for (const [member, declared] of type.exports) {
      if (declared.sort === "type") {
        // A resource that came from another interface has its owner already.
        if (declared.type.type === "resource") declared.type.owner ??= key;
        items.set(member, { sort: "type", value: declared.type });
        continue;
      }
      const path = `${key}#${member}`;
      const { text } = declared.type;
      // Two versions of an interface are one to the host.
      if ((this.#state.imports.get(path) ?? text) !== text) {
        this.#reader.fail(`"${path}" is imported with two types`);
      }
      this.#state.imports.set(path, text);
      items.set(member, { sort: "function", value: { origin: "host", type: declared.type, key: path } });
    }
    return items;
  }

  #export(body: BinaryReader): void {
    const start = body.offset;
    const name = externName(body);
    const item = this.#item(body);
    const described = body.byte();
    if (described > 1) body.fail("neither with nor without a type", body.offset - 1);
    // A type that is written here is a view of the item's own, which is what the host goes by.
    const extern: ExternType | undefined = described
      ? this.#state.types.extern(body, this.#scope)
      : undefined;
    if (extern && extern.sort !== item.sort) {
      body.fail(`"${name}" is exported as another kind of item`, start);
    }
    if (this.#exports.has(name)) body.fail(`"${name}" is exported twice`, start);
    this.#exports.set(name, item);
    this.#scope.push(item);
  }
}

/** The kind of something that components exchange. */
function componentSort(reader: BinaryReader): ComponentSort {
  const start = reader.offset;
  switch (reader.byte()) {
    case 0:
      if (reader.byte() === 0x11) return "module";
      break;
    case 1:
      return "function";
    case 3:
      return "type";
    case 4:
      return "component";
    case 5:
      return "instance";
  }
  return reader.fail("a kind of item that components do not exchange", start);
}
