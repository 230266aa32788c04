/** The agent's configuration, read with checks. What is wrong is collected, so that the operator sees all at once. */

import { ConfigProblem } from "./bindings/lifecycle";
import { instantOf } from "./instant";
import { Json, JsonKind, JsonReader } from "./json";
import { nearest } from "./nearest";
import { Text } from "./text";

/** The smallest and the biggest number that are allowed. */
export class Range {
  constructor(readonly least: f64, readonly most: f64) {}
}

/** What the whole configuration has in common. */
class Reading {
  readonly problems: ConfigProblem[] = [];
  /** Names that were asked for, for the hint about an unknown one. */
  readonly asked: string[] = [];

  report(path: string, message: string): void {
    const problem = new ConfigProblem();
    problem.path = Text.of(path);
    problem.message = Text.of(message);
    this.problems.push(problem);
  }

  ask(name: string): void {
    for (let index = 0; index < this.asked.length; index++) {
      if (changetype<usize>(this.asked[index]) == changetype<usize>(name)) return;
    }
    this.asked.push(name);
  }
}

/** A block of the configuration, or a value in a list. Every member that nobody asks for is reported as unknown. */
export class Config {
  private parent: Config | null = null;
  /** Name of the member that this is or that holds the list; -1 as index outside a list. */
  private label: string = "";
  private index: i32 = -1;

  constructor(private readonly reading: Reading, readonly node: Json | null) {
    if (node !== null) node.isUsed = true;
  }

  /** Reads the text that the host hands over. */
  static read(text: Text): Config {
    const reading = new Reading();
    if (text.length == 0) return new Config(reading, new Json());
    const reader = new JsonReader(text);
    const root = reader.read();
    if (root !== null && (root.isObject || root.isNull)) return new Config(reading, root);
    reading.report(
      "",
      root === null ? "The configuration is no JSON: " + reader.problem : "The configuration must be a block",
    );
    return new Config(reading, null);
  }

  /** Of the whole: whether it could be read at all. */
  get isReadable(): bool {
    return this.node !== null;
  }

  /** All that is wrong, unknown names included; null when nothing is. */
  finish(): ConfigProblem[] | null {
    const node = this.node;
    if (node !== null) reportUnknown(node, "", this.reading);
    return this.reading.problems.length > 0 ? this.reading.problems : null;
  }

  /** Reports that something is wrong here, or with one member. */
  problem(message: string, name: string = ""): void {
    const path = this.path;
    this.reading.report(name == "" ? path : path == "" ? name : path + "." + name, message);
  }

  /** Where this is: `rules[2].match`. */
  get path(): string {
    const parent = this.parent;
    if (parent === null) return "";
    const above = parent.path;
    const own = above == "" ? this.label : above + "." + this.label;
    return this.index < 0 ? own : own + "[" + this.index.toString() + "]";
  }

  /** Takes everything here for known: what is wrong with it has been reported. */
  skip(): void {
    const node = this.node;
    if (node !== null) useAll(node);
  }

  /** Whether there is anything here. */
  get isPresent(): bool {
    return this.node !== null;
  }

  /** Whether a member is there. */
  has(name: string): bool {
    return this.find(name) !== null;
  }

  /** The member as it was read, JSON's null included; null when it is absent. All that is in it counts as known. */
  json(name: string): Json | null {
    this.find(name);
    const node = this.node;
    let found: Json | null = null;
    let each: Json | null = node === null ? null : node.first;
    while (each !== null) {
      if (isNamed(each.rawName, name)) found = each;
      each = each.next;
    }
    if (found !== null) useAll(found);
    return found;
  }

  /** A text, `fallback` when it is absent. */
  string(name: string, fallback: string = ""): string {
    const text = this.text(name);
    return text === null ? fallback : text.toString();
  }

  /** A text that must be there; empty when it is not, which is reported. */
  requireString(name: string): string {
    const text = this.text(name);
    if (text !== null) return text.toString();
    if (this.find(name) === null) this.problem("is missing", name);
    return "";
  }

  /** A text without conversion; null when it is absent. */
  text(name: string): Text | null {
    const found = this.find(name);
    if (found === null) return null;
    if (found.isString) return found.text;
    this.problem("must be a text", name);
    return null;
  }

  /** One of some words. */
  oneOf(name: string, words: string[], fallback: string): string {
    const text = this.text(name);
    if (text === null) return fallback;
    for (let index = 0; index < words.length; index++) {
      if (text.is(words[index])) return words[index];
    }
    this.problem('must be one of "' + words.join('", "') + '"', name);
    return fallback;
  }

  /** Yes or no. */
  flag(name: string, fallback: bool = false): bool {
    const found = this.find(name);
    if (found === null) return fallback;
    if (!found.isBoolean) this.problem("must be true or false", name);
    return found.isTrue;
  }

  /** A number. */
  number(name: string, fallback: f64, range: Range = ANY_NUMBER): f64 {
    const found = this.find(name);
    if (found === null) return fallback;
    if (!found.isNumber) {
      this.problem("must be a number", name);
      return fallback;
    }
    const value = found.number;
    if (value >= range.least && value <= range.most) return value;
    this.problem("must be from " + shown(range.least) + " to " + shown(range.most), name);
    return fallback;
  }

  /** A whole number. */
  integer(name: string, fallback: i32, range: Range = ANY_INTEGER): i32 {
    const value = this.number(name, fallback, range);
    if (value == Math.floor(value)) return <i32> value;
    this.problem("must be a whole number", name);
    return fallback;
  }

  /** A point in time: RFC 3339, or Unix milliseconds as a number. 0 when it is absent. */
  instantMs(name: string): f64 {
    const found = this.find(name);
    if (found === null) return 0;
    const value = found.isNumber ? found.number : found.isString ? instantOf(found.text) : NaN;
    if (value > 0 && value <= 8.64e15) return value;
    this.problem('must be a time such as "2027-03-01T12:00:00Z", or Unix milliseconds', name);
    return 0;
  }

  /** Texts; a single one is a list of one. */
  texts(name: string): Text[] {
    return this.below(this.find(name), name, -1).values();
  }

  /** The texts that this itself is: one, or all of a list. */
  values(): Text[] {
    const texts = new Array<Text>();
    const node = this.node;
    if (node === null) return texts;
    if (!node.isArray) {
      if (node.isString) texts.push(node.text);
      else this.problem("must be a text");
      return texts;
    }
    let index = 0;
    let each = node.first;
    while (each !== null) {
      each.isUsed = true;
      if (each.isString) texts.push(each.text);
      else this.reading.report(this.path + "[" + index.toString() + "]", "must be a text");
      each = each.next;
      index++;
    }
    return texts;
  }

  /** Texts in the language's own form. */
  strings(name: string): string[] {
    const texts = this.texts(name);
    const strings = new Array<string>(texts.length);
    for (let index = 0; index < texts.length; index++) strings[index] = texts[index].toString();
    return strings;
  }

  /** The elements of a list, whatever they are; anything that is no list is a list of one, and what is absent of none. */
  list(name: string): Config[] {
    const configs = new Array<Config>();
    const found = this.find(name);
    if (found === null) return configs;
    if (!found.isArray) {
      configs.push(this.below(found, name, -1));
      return configs;
    }
    let index = 0;
    let each = found.first;
    while (each !== null) {
      configs.push(this.below(each, name, index++));
      each = each.next;
    }
    return configs;
  }

  /** A block; look at `isPresent` where it matters. Asking an absent one gives the fallbacks. */
  block(name: string): Config {
    const found = this.find(name);
    if (found !== null && !found.isObject) this.problem("must be a block", name);
    return this.below(found, name, -1);
  }

  /** The members of a block whose names are free; `name` of each tells its own. */
  members(): Config[] {
    const configs = new Array<Config>();
    const node = this.node;
    if (node === null) return configs;
    let each = node.first;
    while (each !== null) {
      configs.push(this.below(each, each.name.toString(), -1));
      each = each.next;
    }
    return configs;
  }

  /** Of an element of `members`: its name. */
  get name(): string {
    return this.label;
  }

  private below(node: Json | null, label: string, index: i32): Config {
    const config = new Config(this.reading, node);
    config.parent = this;
    config.label = label;
    config.index = index;
    return config;
  }

  /** The member of that name. Null stands for absent, as people switch options off with it. */
  private find(name: string): Json | null {
    this.reading.ask(name);
    const node = this.node;
    if (node === null) return null;
    let found: Json | null = null;
    let each = node.first;
    while (each !== null) {
      if (isNamed(each.rawName, name)) {
        each.isUsed = true;
        found = each.kind == JsonKind.NULL ? null : each;
      }
      each = each.next;
    }
    return found;
  }
}

const ANY_NUMBER = new Range(-f64.MAX_VALUE, f64.MAX_VALUE);
const ANY_INTEGER = new Range(-2147483648, 2147483647);

/** Whether a member's name is the one asked for; `_` is as good as `-`. */
function isNamed(raw: Text, name: string): bool {
  if (raw.length != name.length) return false;
  for (let index = 0; index < raw.length; index++) {
    const byte = raw.byteAt(index);
    const wanted = <u32> name.charCodeAt(index);
    if (byte != wanted && !(byte == 0x5f && wanted == 0x2d)) return false;
  }
  return true;
}

function useAll(node: Json): void {
  node.isUsed = true;
  let each = node.first;
  while (each !== null) {
    useAll(each);
    each = each.next;
  }
}

function reportUnknown(node: Json, path: string, reading: Reading): void {
  let index = 0;
  let each = node.first;
  while (each !== null) {
    if (!each.isUsed || each.first !== null) {
      reportMember(each, node.isArray ? path + "[" + index.toString() + "]" : joined(path, each), reading);
    }
    index++;
    each = each.next;
  }
}

function reportMember(member: Json, path: string, reading: Reading): void {
  // What stands in a list has been taken or left with the list.
  if (member.isUsed || member.rawName.length == 0) return reportUnknown(member, path, reading);
  const hint = nearest(member.name.toString(), reading.asked);
  reading.report(path, hint == "" ? "is not known here" : 'is not known here; did you mean "' + hint + '"?');
}

function joined(path: string, member: Json): string {
  const name = member.name.toString();
  return path == "" ? name : path + "." + name;
}

/** Bounds are whole numbers, and this spares the code that shows any other. */
function shown(value: f64): string {
  return (<i64> value).toString();
}
