/** Where a request goes: its path and its query. */

import { ByteWriter, Config, Request, Text, unescaped } from "sentinel";

/** A name with a value. */
class Pair {
  constructor(readonly name: Text, readonly value: Text) {}
}

/** What a rule does to path and query. */
export class TargetEdit {
  private readonly rewrite: Text | null;
  private readonly keepsQuery: bool;
  private readonly removed: Text[];
  private readonly set: Pair[];
  private readonly added: Pair[];

  constructor(config: Config) {
    this.rewrite = config.text("rewrite");
    this.keepsQuery = config.flag("preserve-query", true);
    const query = config.block("query");
    this.removed = query.texts("remove");
    this.set = pairsOf(query.block("set"));
    this.added = pairsOf(query.block("add"));
    const rewrite = this.rewrite;
    if (rewrite !== null && (rewrite.length == 0 || rewrite.byteAt(0) != 0x2f)) {
      config.problem('must begin with "/"', "rewrite");
    }
  }

  get isEmpty(): bool {
    return this.rewrite === null && this.removed.length + this.set.length + this.added.length == 0;
  }

  /** The new path and query. `captures` is what the `*` of the rule's path stood for. */
  apply(request: Request, captures: Text[]): Text {
    const target = request.targetText;
    const mark = target.indexOfByte(0x3f);
    const writer = new ByteWriter(target.length + 64);
    const rewrite = this.rewrite;
    let query = mark < 0 ? target.slice(0, 0) : target.slice(mark + 1);
    if (rewrite === null) writer.bytes(mark < 0 ? target : target.slice(0, mark));
    else {
      const ownMark = rewrite.indexOfByte(0x3f);
      writeTemplate(ownMark < 0 ? rewrite : rewrite.slice(0, ownMark), captures, writer);
      if (!this.keepsQuery) query = query.slice(0, 0);
      if (ownMark >= 0) query = joined(filled(rewrite.slice(ownMark + 1), captures), query);
    }
    const edited = this.editQuery(query);
    if (edited.length > 0) {
      writer.byte(0x3f);
      writer.bytes(edited);
    }
    return writer.text;
  }

  /** Removes, then sets, then adds; what is not named stays as it was written. */
  private editQuery(query: Text): Text {
    if (this.removed.length + this.set.length + this.added.length == 0) return query;
    const writer = new ByteWriter(query.length + 64);
    const isSet = new StaticArray<bool>(this.set.length);
    let from = 0;
    while (from < query.length) {
      const found = query.indexOfByte(0x26, from);
      const end = found < 0 ? query.length : found;
      this.keepOrSet(query.slice(from, end), isSet, writer);
      from = end + 1;
    }
    for (let index = 0; index < this.set.length; index++) {
      if (!isSet[index]) writePair(this.set[index], writer);
    }
    for (let index = 0; index < this.added.length; index++) writePair(this.added[index], writer);
    return writer.text;
  }

  private keepOrSet(written: Text, isSet: StaticArray<bool>, writer: ByteWriter): void {
    const equals = written.indexOfByte(0x3d);
    const name = unescaped(equals < 0 ? written : written.slice(0, equals));
    for (let index = 0; index < this.removed.length; index++) {
      if (this.removed[index].equals(name)) return;
    }
    for (let index = 0; index < this.set.length; index++) {
      if (!this.set[index].name.equals(name)) continue;
      if (!isSet[index]) writePair(this.set[index], writer);
      isSet[index] = true;
      return;
    }
    if (writer.text.length > 0) writer.byte(0x26);
    writer.bytes(written);
  }
}

function pairsOf(config: Config): Pair[] {
  const members = config.members();
  const pairs: Pair[] = [];
  for (let index = 0; index < members.length; index++) {
    const values = members[index].values();
    const name = Text.of(members[index].name);
    for (let each = 0; each < values.length; each++) pairs.push(new Pair(name, values[each]));
  }
  return pairs;
}

function joined(first: Text, second: Text): Text {
  if (second.length == 0) return first;
  const writer = new ByteWriter(first.length + second.length + 1);
  writer.bytes(first);
  writer.byte(0x26);
  writer.bytes(second);
  return writer.text;
}

function writePair(pair: Pair, writer: ByteWriter): void {
  if (writer.text.length > 0) writer.byte(0x26);
  writeEscaped(pair.name, writer);
  writer.byte(0x3d);
  writeEscaped(pair.value, writer);
}

/** Letters, digits and `-._~` as they are, anything else as `%41`. */
function writeEscaped(text: Text, writer: ByteWriter): void {
  for (let at = 0; at < text.length; at++) {
    const byte = text.byteAt(at);
    if (isUnreserved(byte)) writer.byte(byte);
    else {
      writer.byte(0x25);
      writer.byte(hexLetter(byte >>> 4));
      writer.byte(hexLetter(byte & 15));
    }
  }
}

function isUnreserved(byte: u32): bool {
  return byte - 48 < 10 || (byte | 32) - 97 < 26 || byte == 0x2d || byte == 0x2e || byte == 0x5f ||
    byte == 0x7e;
}

function hexLetter(digit: u32): u32 {
  return digit < 10 ? 48 + digit : 55 + digit;
}

function filled(template: Text, captures: Text[]): Text {
  const writer = new ByteWriter(template.length + 64);
  writeTemplate(template, captures, writer);
  return writer.text;
}

/** `$1` to `$9` stand for what the first to ninth `*` stood for; one that there is not stays as it is. */
function writeTemplate(template: Text, captures: Text[], writer: ByteWriter): void {
  for (let at = 0; at < template.length; at++) {
    const byte = template.byteAt(at);
    const digit = byte == 0x24 && at + 1 < template.length ? <i32> template.byteAt(at + 1) - 48 : 0;
    if (digit < 1 || digit > captures.length || digit > 9) writer.byte(byte);
    else {
      writer.bytes(captures[digit - 1]);
      at++;
    }
  }
}
