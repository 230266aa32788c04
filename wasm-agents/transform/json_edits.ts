/** What a rule does to a JSON body. */

import { Bytes, Config, copyOf, Json, JsonReader, jsonText, Text } from "sentinel";
import { JsonPath } from "./json_path";

const KINDS: string[] = ["set", "delete", "rename", "copy", "move"];

/** One operation. A place that there is not makes it do nothing. */
class Operation {
  constructor(
    readonly kind: string,
    readonly path: JsonPath,
    /** Of `copy` and `move`. */
    readonly to: JsonPath | null,
    /** Of `rename`. */
    readonly name: Text | null,
    /** Of `set`. */
    readonly value: Json | null,
  ) {}

  apply(root: Json): void {
    const to = this.to;
    const value = this.value;
    const name = this.name;
    if (this.kind == "set") this.path.put(root, copyOf(value!));
    else if (this.kind == "delete") this.path.take(root);
    else if (this.kind == "rename") this.path.rename(root, name!);
    else this.transfer(root, to!);
  }

  private transfer(root: Json, to: JsonPath): void {
    const found = this.path.find(root);
    if (found === null) return;
    const copy = copyOf(found);
    if (this.kind == "copy") to.put(root, copy);
    else if (this.path.take(root) !== null && !to.put(root, copy)) this.path.put(root, copy);
  }
}

/** The operations of one side of an exchange, in order. */
export class JsonEdits {
  private readonly operations: Operation[] = [];

  constructor(config: Config) {
    const items = config.list("json");
    for (let index = 0; index < items.length; index++) {
      const operation = operationOf(items[index]);
      if (operation !== null) this.operations.push(operation);
    }
  }

  get isEmpty(): bool {
    return this.operations.length == 0;
  }

  /** The body with all operations done; null when it is no JSON, or beyond the reader's bounds. */
  apply(body: Bytes): Bytes | null {
    const root = new JsonReader(body).read();
    if (root === null) return null;
    for (let index = 0; index < this.operations.length; index++) this.operations[index].apply(root);
    return jsonText(root, body.length + 256);
  }
}

function operationOf(item: Config): Operation | null {
  const words = item.node!.isObject ? item.strings("args") : [];
  if (words.length != 1 || !KINDS.includes(words[0])) {
    item.problem('must begin with one of "' + KINDS.join('", "') + '"');
    item.skip();
    return null;
  }
  const kind = words[0];
  const path = pathOf(item, "path");
  if (path === null) return null;
  if (kind == "set") {
    const value = item.json("value");
    if (value === null) item.problem("is missing", "value");
    return value === null ? null : new Operation(kind, path, null, null, value);
  }
  if (kind == "rename") {
    const name = item.text("to");
    if (name === null) item.problem("is missing", "to");
    else if (path.steps[path.steps.length - 1].name === null) item.problem("must end with a name", "path");
    return name === null ? null : new Operation(kind, path, null, name, null);
  }
  if (kind == "delete") return new Operation(kind, path, null, null, null);
  const to = pathOf(item, "to");
  return to === null ? null : new Operation(kind, path, to, null, null);
}

function pathOf(item: Config, name: string): JsonPath | null {
  const text = item.text(name);
  if (text === null) {
    item.problem("is missing", name);
    return null;
  }
  const path = new JsonPath(text);
  if (path.problem == "") return path;
  item.problem(path.problem, name);
  return null;
}
