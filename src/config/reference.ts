import { kebabName } from "../core/config_node.ts";
import type { Fields, Schema } from "../core/schema.ts";
import type { Shape } from "../core/shape.ts";
import { document } from "./document.ts";

const INTRODUCTION = `# Configuration reference

This page is generated from the declarations that read the configuration; \`sentinel docs\` prints it.

A configuration is a KDL 2 document. An option is a node with a value (\`worker-threads 4\`), a group of options is
a block (\`system { … }\`). JSON and TOML files (\`.json\`, \`.toml\`) hold the same names, with \`_\` or \`-\` between
words; lists of named blocks are arrays of objects with \`id\`, or maps from id to object. Unknown names, values out of
range and names that nothing implements yet are errors with their place in the file.

\`include "routes/*.kdl"\` at the top level takes the nodes of other files in; patterns start in the including file's
directory. A time is a number in the unit shown, or text such as \`"500ms"\`, \`"30s"\`, \`"5m"\`. A size is a number of
bytes, or text such as \`"64KB"\`, \`"10MB"\` (1 KB is 1024 bytes). A list is written as several values or several nodes.
`;

/** The reference page in Markdown, from the same declarations that read configurations. */
export function referenceMarkdown(): string {
  const writer = new ReferenceWriter();
  writer.block(document, "Top level");
  return `${INTRODUCTION}\n${writer.sections.join("\n")}`;
}

class ReferenceWriter {
  readonly sections: string[] = [];
  readonly #seen = new Map<Schema<unknown>, string>();

  /** Writes a block's section and those of the blocks in it, each once. */
  block(schema: Schema<unknown>, title: string): void {
    this.#seen.set(schema, title);
    const shape = schema.shape;
    const inner: { schema: Schema<unknown>; title: string }[] = [];
    if (shape.type === "variant") {
      const lines = shape.kinds.map((kind) =>
        `* [\`${kind.type}\`](#${anchor(`${title} ${kind.type}`)}): ${kind.summary}`
      );
      this.sections.push(
        `## ${title}\n\n${schema.summary} Its \`${shape.key}\`${
          shape.unnamed ? ", the value after its name," : ""
        } decides about its options:\n\n${lines.join("\n")}\n`,
      );
      for (const kind of shape.kinds) {
        const also = shape.unnamed && kind.aliases !== undefined
          ? ` Also: ${kind.aliases.map((alias) => `\`${alias}\``).join(", ")}.`
          : "";
        inner.push({
          schema: { ...kind.options, summary: `${kind.summary}${also}` },
          title: `${title} \`${kind.type}\``,
        });
      }
    } else if (shape.type === "block") {
      this.sections.push(this.#section(schema, { title, fields: shape.fields, inner }));
    }
    for (const next of inner) this.block(next.schema, next.title);
  }

  #section(
    schema: Schema<unknown>,
    at: { title: string; fields: Fields; inner: { schema: Schema<unknown>; title: string }[] },
  ): string {
    const rows: string[] = [];
    const refused: string[] = [];
    for (const [key, field] of Object.entries(at.fields)) {
      const name = field.name ?? kebabName(key);
      if (field.shape.type === "refused") refused.push(`\`${name}\``);
      else rows.push(this.#row(name, field, at));
    }
    const table = rows.length === 0
      ? "No options.\n"
      : `| option | value | default | what it does |\n|---|---|---|---|\n${rows.join("\n")}\n`;
    const missing = refused.length === 0
      ? ""
      : `\nKnown, but not available in this build: ${refused.join(", ")}.\n`;
    const args = schema.shape.type === "block" ? schema.shape.args.map((key) => `\`${kebabName(key)}\``) : [];
    const values = args.length === 0 ? "" : ` Values after its name: ${args.join(", ")}.`;
    return `## ${at.title}\n\n${schema.summary}${values}\n\n${table}${missing}`;
  }

  #row(
    name: string,
    field: Schema<unknown>,
    at: { title: string; inner: { schema: Schema<unknown>; title: string }[] },
  ): string {
    const path = at.title === "Top level" ? name : `${at.title.replace(/ `.*`$/, "")} › ${name}`;
    const block = blockOf(field);
    let value = cell(valueText(field.shape));
    if (block !== undefined) {
      const title = this.#seen.get(block) ?? path;
      if (!this.#seen.has(block)) {
        this.#seen.set(block, title);
        at.inner.push({ schema: block, title });
      }
      const word = field.shape.type === "blocks" ? "blocks" : "block";
      const item = field.shape.type === "blocks" && field.shape.item !== undefined
        ? ` of \`${field.shape.item} "…" { }\``
        : "";
      value = `[${word}](#${anchor(title)})${item}`;
    }
    const also = field.aliases === undefined
      ? ""
      : ` Also: ${field.aliases.map((alias) => `\`${alias}\``).join(", ")}.`;
    const unit = field.unit === undefined || field.unit === "bytes" ? "" : ` ${field.unit}`;
    return `| \`${name}\` | ${value}${unit} | ${cell(defaultText(field))} | ${cell(field.summary)}${also} |`;
  }
}

function blockOf(field: Schema<unknown>): Schema<unknown> | undefined {
  if (field.shape.type === "block" || field.shape.type === "variant") return field;
  return field.shape.type === "blocks" ? field.shape.of : undefined;
}

function valueText(shape: Shape): string {
  switch (shape.type) {
    case "text":
      return shape.example === undefined ? "text" : `text, such as \`"${shape.example}"\``;
    case "number":
      return `${shape.integer ? "integer" : "number"} ${shape.min} to ${shape.max}`;
    case "flag":
      return "`#true` or `#false`";
    case "choice":
      return shape.values.map((value) => `\`"${value}"\``).join(", ");
    case "bytes":
      return `size, ${shape.min} to ${shape.max} bytes`;
    case "duration":
      return `time, ${shape.min} to ${shape.max}`;
    case "value":
      return shape.expected;
    case "list":
      return `list of ${valueText(shape.of)}`;
    case "pairs":
      return '`Name "value"` lines';
    case "block":
    case "blocks":
    case "variant":
    case "refused":
      return "";
  }
}

function defaultText(field: Schema<unknown>): string {
  if (field.required) return "required";
  if (field.shape.type === "variant" && field.shape.default !== undefined) {
    return literal(field.shape.default);
  }
  const value = field.default;
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "";
  if (Array.isArray(value)) return value.map((each) => literal(each)).join(" ");
  return literal(value);
}

function literal(value: unknown): string {
  if (typeof value === "boolean") return `\`#${value}\``;
  return typeof value === "string" ? `\`"${value}"\`` : `\`${value}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** The anchor that Markdown renderers give a heading. */
function anchor(title: string): string {
  return title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-");
}
