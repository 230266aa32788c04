import { kebabName } from "../core/config_node.ts";
import type { Fields, Schema } from "../core/schema.ts";
import type { Shape, ShapeKind } from "../core/shape.ts";
import { document } from "./document.ts";

type Json = Record<string, unknown>;

/** The JSON Schema (draft 2020-12) of JSON and TOML configurations, from the same declarations that read them. */
export function jsonSchema(): Json {
  const writer = new SchemaWriter();
  const root = writer.write(document, "config");
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Sentinel configuration",
    description: document.summary,
    ...root,
    $defs: writer.definitions,
  };
}

/** Accepts only what asks for nothing, as `refused` does. */
const SWITCHED_OFF: Json = {
  anyOf: [
    { enum: [false, null, "off", "none"] },
    { type: "object", properties: { enabled: { const: false } }, required: ["enabled"] },
    { type: "object", properties: { mode: { enum: ["off", "none", false] } }, required: ["mode"] },
  ],
};

class SchemaWriter {
  readonly definitions: Record<string, Json> = {};
  readonly #names = new Map<Schema<unknown>, string>();
  /** Blocks that maps may hold, so that the key stands for their first argument. */
  readonly #inMaps = new Set<Schema<unknown>>();

  /** The schema of one option, described. Blocks become definitions that are referred to. */
  write(schema: Schema<unknown>, name: string): Json {
    const { shape } = schema;
    if (shape.type === "block") return { $ref: this.#define(schema, name) };
    return this.#shape(shape, name);
  }

  #define(schema: Schema<unknown>, name: string): string {
    const known = this.#names.get(schema);
    if (known !== undefined) return `#/$defs/${known}`;
    let free = name;
    for (let n = 2; this.definitions[free] !== undefined; n++) free = `${name}-${n}`;
    this.#names.set(schema, free);
    this.definitions[free] = {};
    if (schema.shape.type === "block") {
      const { fields, args } = schema.shape;
      // Only the reader knows whether a map's key or a member names the block.
      const mapKey = this.#inMaps.has(schema) ? args[0] : undefined;
      const object = this.#object(fields, { path: free, mapKey });
      this.definitions[free] = { description: schema.summary, ...object };
    }
    return `#/$defs/${free}`;
  }

  #object(
    fields: Fields,
    { path, mapKey }: { readonly path: string; readonly mapKey?: string | undefined },
  ): Json {
    const properties: Record<string, Json> = {};
    const required: Json[] = [];
    for (const [key, field] of Object.entries(fields)) {
      const names = spellings(key, field);
      const written = this.#field(field, { path, name: field.name ?? kebabName(key) });
      for (const [index, name] of names.entries()) {
        properties[name] = index === 0 ? written : { $ref: `#/$defs/${path}/properties/${names[0]}` };
      }
      if (!field.required || key === mapKey) continue;
      required.push(
        names.length === 1 ? { required: names } : { anyOf: names.map((name) => ({ required: [name] })) },
      );
    }
    const demands = required.length === 0 ? {} : { allOf: required };
    return { type: "object", properties, additionalProperties: false, ...demands };
  }

  #field(field: Schema<unknown>, at: { readonly path: string; readonly name: string }): Json {
    const { shape } = field;
    const about: Json = { description: describe(field) };
    if (field.default !== undefined) about["default"] = field.default;
    const path = at.path === "config" ? at.name : `${at.path}.${at.name}`;
    if (shape.type !== "block") return { ...about, ...this.#shape(shape, path) };
    const reference = { $ref: this.#define(field, path) };
    const forms: Json[] = [reference];
    const first = shape.args[0];
    const short = first === undefined ? undefined : shape.fields[first];
    if (short !== undefined && first !== "id") forms.push(this.#shape(short.shape, path));
    else forms.push({ type: "array", items: reference });
    return { ...about, anyOf: forms };
  }

  #shape(shape: Shape, path: string): Json {
    switch (shape.type) {
      case "text":
        return { type: "string", minLength: 1, ...(shape.pattern && { pattern: shape.pattern }) };
      case "number":
        return { type: shape.integer ? "integer" : "number", minimum: shape.min, maximum: shape.max };
      case "flag":
        return { type: "boolean" };
      case "choice":
        return choice(shape);
      case "bytes":
        return {
          anyOf: [{ type: "integer", minimum: shape.min, maximum: shape.max }, {
            type: "string",
            pattern: "^\\s*\\d+(\\.\\d+)?\\s*[a-zA-Z]*\\s*$",
          }],
        };
      case "duration":
        return {
          anyOf: [{ type: "number", minimum: shape.min, maximum: shape.max }, {
            type: "string",
            pattern: "^\\s*\\d+(\\.\\d+)?\\s*[a-zA-Z]+\\s*$",
          }],
        };
      case "value":
        return { ...shape.json };
      case "list": {
        const element = this.#shape(shape.of, path);
        return { anyOf: [element, { type: "array", items: element }] };
      }
      case "pairs":
        return { type: "object", additionalProperties: { type: "string", minLength: 1 } };
      case "block":
        return this.#object(shape.fields, { path });
      case "blocks":
        return this.#blocks(shape, path);
      case "variant":
        return this.#variant(shape, path);
      case "refused":
        return shape.lenient ? {} : SWITCHED_OFF;
    }
  }

  /** A list of objects, one object, or for containers a map from id to object. */
  #blocks(shape: Extract<Shape, { type: "blocks" }>, path: string): Json {
    if (shape.item !== undefined) this.#inMaps.add(shape.of);
    const block = this.write(shape.of, shape.item ?? path);
    const forms: Json[] = [{ type: "array", items: block }];
    if (shape.item === undefined) forms.push(block);
    else forms.push({ type: "object", additionalProperties: block });
    return { anyOf: forms };
  }

  #variant(shape: Extract<Shape, { type: "variant" }>, path: string): Json {
    const kinds = shape.kinds.map((kind) => {
      const { shape: options } = kind.options;
      const fields = options.type === "block" ? options.fields : {};
      const name = `${path}.${kind.type}`;
      if (this.definitions[name] === undefined) {
        this.definitions[name] = {};
        const object = this.#object(fields, { path: name });
        const { head, needed } = variantHead(shape, kind);
        const properties = { ...head, ...object["properties"] as Json };
        const demands = [...needed, ...(object["allOf"] as Json[] | undefined ?? [])];
        const allOf = demands.length === 0 ? {} : { allOf: demands };
        this.definitions[name] = { description: kind.summary, ...object, properties, ...allOf };
      }
      return { $ref: `#/$defs/${name}` };
    });
    if (shape.default === undefined) return { anyOf: kinds };
    return { anyOf: [{ enum: shape.kinds.flatMap(kindWords) }, ...kinds] };
  }
}

/** The members that tell a variant's kind, and what is demanded of them. */
function variantHead(
  shape: Extract<Shape, { type: "variant" }>,
  kind: ShapeKind,
): { readonly head: Json; readonly needed: readonly Json[] } {
  const keys = [shape.key, ...(shape.keyAliases ?? [])];
  const words = shape.unnamed ? kindWords(kind) : [kind.type];
  const type = words.length === 1 ? { const: kind.type } : { enum: words };
  const id = shape.unnamed ? {} : { id: { type: "string", minLength: 1 } };
  const head = { ...id, ...Object.fromEntries(keys.map((key) => [key, type])) };
  if (kind.type === shape.default) return { head, needed: [] };
  const named = keys.map((key) => ({ required: [key] }));
  return { head, needed: [named.length === 1 ? named[0]! : { anyOf: named }] };
}

function kindWords({ type, aliases = [] }: ShapeKind): string[] {
  return [...new Set([type, ...aliases].flatMap((word) => [word, word.replaceAll("-", "_")]))];
}

function choice(shape: Extract<Shape, { type: "choice" }>): Json {
  const words = [...shape.values, ...shape.aliases];
  const all = new Set(words.flatMap((word) => [word, word.replaceAll("-", "_")]));
  const word = { enum: [...all] };
  return shape.json === undefined ? word : { anyOf: [word, shape.json] };
}

/** Names in JSON, the usual one first: with underscores, then as in KDL, then other spellings. */
function spellings(key: string, field: Schema<unknown>): string[] {
  const names = [field.name ?? kebabName(key), ...(field.aliases ?? [])];
  return [...new Set(names.flatMap((name) => [name.replaceAll("-", "_"), name]))];
}

function describe(field: Schema<unknown>): string {
  if (field.shape.type === "refused") return `${field.summary} Not available in this build.`;
  return field.unit === undefined ? field.summary : `${field.summary} Unit: ${field.unit}.`;
}
