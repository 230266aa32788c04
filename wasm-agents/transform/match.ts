/** What a rule asks of a request. */

import { Config, Glob, globMatches, lowered, Request, Text, unescaped } from "sentinel";

/** How a value is compared. */
class Comparison {
  static readonly PRESENT: u8 = 0;
  static readonly ABSENT: u8 = 1;
  static readonly EQUALS: u8 = 2;
  static readonly CONTAINS: u8 = 3;
  static readonly GLOB: u8 = 4;
}

/** A header or query parameter that must be as it says. */
class Test {
  constructor(readonly name: Text, readonly comparison: u8, readonly value: Text) {}

  holds(value: Text | null): bool {
    if (value === null) return this.comparison == Comparison.ABSENT;
    switch (this.comparison) {
      case Comparison.PRESENT:
        return true;
      case Comparison.EQUALS:
        return value.equals(this.value);
      case Comparison.CONTAINS:
        return value.includes(this.value);
      case Comparison.GLOB:
        return globMatches(this.value, value);
      default:
        return false;
    }
  }
}

/** All conditions of a rule; without any, every request meets it. */
export class Match {
  private path: Glob | null = null;
  private readonly methods: Text[];
  private readonly headers: Test[];
  private readonly query: Test[];

  constructor(config: Config) {
    this.methods = config.texts("methods");
    this.headers = testsOf(config, "header");
    this.query = testsOf(config, "query");
    if (config.has("path")) this.path = globOf(config);
  }

  /** What the `*` of the path stood for, empty without a pattern; null when the request does not meet the rule. */
  captures(request: Request): Text[] | null {
    if (this.methods.length > 0 && !contains(this.methods, request.methodText)) return null;
    const path = this.path;
    const captures = path === null ? new Array<Text>(0) : path.captures(request.pathText);
    if (captures === null) return null;
    for (let index = 0; index < this.headers.length; index++) {
      const test = this.headers[index];
      if (!test.holds(request.headerText(test.name))) return null;
    }
    if (this.query.length == 0) return captures;
    const query = request.queryText;
    for (let index = 0; index < this.query.length; index++) {
      const test = this.query[index];
      if (!test.holds(valueIn(query, test.name))) return null;
    }
    return captures;
  }
}

/** The pattern for the path: a beginning is what `*` may follow. */
function globOf(config: Config): Glob | null {
  const item = config.list("path")[0];
  const node = item.node!;
  const values = node.isObject ? item.texts("args") : config.texts("path");
  if (values.length != 1) {
    item.problem("must be one path");
    return null;
  }
  const path = values[0];
  const hasStar = path.indexOfByte(0x2a) >= 0;
  const type = node.isObject
    ? item.oneOf("type", ["exact", "prefix", "glob"], hasStar ? "glob" : "prefix")
    : hasStar
    ? "glob"
    : "prefix";
  if (path.length == 0 || (path.byteAt(0) != 0x2f && path.byteAt(0) != 0x2a)) {
    item.problem('must begin with "/" or "*"');
  }
  if (type != "glob" && hasStar) item.problem('has a "*", which only type "glob" can have');
  return new Glob(type == "prefix" ? Text.of(path.toString() + "*") : path);
}

function testsOf(config: Config, name: string): Test[] {
  const tests: Test[] = [];
  const items = config.list(name);
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const node = item.node!;
    if (node.isString) {
      tests.push(new Test(node.text, Comparison.PRESENT, node.text));
      continue;
    }
    const names = item.texts("args");
    if (names.length != 1) item.problem("must have one name");
    else tests.push(testOf(item, names[0]));
  }
  return tests;
}

function testOf(item: Config, name: Text): Test {
  const equals = item.text("equals");
  const part = item.text("contains");
  const glob = item.text("glob");
  const isPresent = item.flag("present");
  const isAbsent = item.flag("absent");
  const given = <i32> (equals !== null) + <i32> (part !== null) + <i32> (glob !== null) + <i32> isPresent +
    <i32> isAbsent;
  if (given > 1) item.problem('can have but one of "equals", "contains", "glob", "present" and "absent"');
  if (equals !== null) return new Test(name, Comparison.EQUALS, equals);
  if (part !== null) return new Test(name, Comparison.CONTAINS, part);
  if (glob !== null) return new Test(name, Comparison.GLOB, glob);
  return new Test(name, isAbsent ? Comparison.ABSENT : Comparison.PRESENT, name);
}

/** Methods are written in capitals, but a person may not. */
function contains(methods: Text[], method: Text): bool {
  for (let index = 0; index < methods.length; index++) {
    if (isSameWord(methods[index], method)) return true;
  }
  return false;
}

function isSameWord(a: Text, b: Text): bool {
  if (a.length != b.length) return false;
  for (let at = 0; at < a.length; at++) {
    if (lowered(a.byteAt(at)) != lowered(b.byteAt(at))) return false;
  }
  return true;
}

function valueIn(query: Text, name: Text): Text | null {
  let from = 0;
  while (from < query.length) {
    const found = query.indexOfByte(0x26, from);
    const end = found < 0 ? query.length : found;
    const pair = query.slice(from, end);
    const equals = pair.indexOfByte(0x3d);
    const nameEnd = equals < 0 ? pair.length : equals;
    if (unescaped(pair.slice(0, nameEnd)).equals(name)) return unescaped(pair.slice(nameEnd + 1));
    from = end + 1;
  }
  return null;
}
