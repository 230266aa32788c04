/** Writes JSON values as text, and makes and copies them. */

import { ByteWriter } from "./byte_writer";
import { Json, JsonKind } from "./json";
import { encodedString } from "./json_string";
import { Text } from "./text";

/** The text of a value: numbers and texts as they were read, without blanks between values. */
export function jsonText(value: Json, room: i32 = 256): Text {
  const writer = new ByteWriter(room);
  write(value, writer);
  return writer.text;
}

function write(value: Json, writer: ByteWriter): void {
  switch (value.kind) {
    case JsonKind.OBJECT:
      return writeAll(value, writer);
    case JsonKind.ARRAY:
      return writeAll(value, writer);
    case JsonKind.STRING:
      return writeQuoted(value.raw, writer);
    default:
      writer.bytes(value.raw);
  }
}

function writeAll(value: Json, writer: ByteWriter): void {
  const isObject = value.isObject;
  writer.byte(isObject ? 0x7b : 0x5b);
  let each = value.first;
  while (each !== null) {
    if (isObject) {
      writeQuoted(each.rawName, writer);
      writer.byte(0x3a);
    }
    write(each, writer);
    each = each.next;
    if (each !== null) writer.byte(0x2c);
  }
  writer.byte(isObject ? 0x7d : 0x5d);
}

function writeQuoted(raw: Text, writer: ByteWriter): void {
  writer.byte(0x22);
  writer.bytes(raw);
  writer.byte(0x22);
}

/** A copy of a value with all that is in it, which belongs to no array or object yet. */
export function copyOf(value: Json): Json {
  const copy = new Json();
  copy.kind = value.kind;
  copy.raw = value.raw;
  copy.rawName = value.rawName;
  let each = value.first;
  while (each !== null) {
    copy.append(copyOf(each));
    each = each.next;
  }
  return copy;
}

/** An object without members. */
export function emptyObject(): Json {
  const object = new Json();
  object.kind = JsonKind.OBJECT;
  return object;
}

/** A text as a value. */
export function jsonString(text: Text): Json {
  const value = new Json();
  value.kind = JsonKind.STRING;
  value.raw = encodedString(text);
  return value;
}
