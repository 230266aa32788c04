/** Writes matches as JSON. What is the same for every match of a rule is written once, at configuration. */

import { Bytes, ByteWriter, Text } from "sentinel";
import { Rule } from "../seclang/model";
import { writeJsonText } from "./json_text";

/** Makes the texts of all rules whose matches can be in a log. */
export function prepareMatchTexts(rules: Rule[], logsAll: bool): void {
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    rule.idText = Text.of(rule.id.toString());
    if (!logsAll && !(rule.isLogged && rule.isAudited)) continue;
    for (let tag = 0; tag < rule.tags.length; tag++) {
      // The proxy takes nothing that is no UTF-8.
      rule.tagTexts.push(Text.of(rule.tags[tag].source.toString()));
    }
    rule.fixedText = fixedText(rule);
  }
}

/** Begins the object of a match; `writeMatch` writes the rest. */
function fixedText(rule: Rule): Bytes {
  const writer = new ByteWriter(512);
  writer.bytes(Text.of('{"id":' + rule.id.toString() + ',"phase":' + rule.phase.toString()));
  const message = rule.message;
  if (message === null) writeMember(writer, MESSAGE, new Bytes(0, 0));
  else if (message.isFixed) writeMember(writer, MESSAGE, message.fixed);
  if (rule.severity >= 0) writer.bytes(Text.of(',"severity":' + rule.severity.toString()));
  if (hasFixedTags(rule)) {
    writer.bytes(TAGS);
    for (let index = 0; index < rule.tags.length; index++) {
      if (index > 0) writer.byte(0x2c);
      writeJsonText(writer, rule.tags[index].fixed);
    }
    writer.byte(0x5d);
  }
  writeMember(writer, FILE, Text.of(rule.place.file));
  writer.bytes(Text.of(',"line":' + rule.place.line.toString()));
  return writer.text;
}

function hasFixedTags(rule: Rule): bool {
  for (let index = 0; index < rule.tags.length; index++) {
    if (!rule.tags[index].isFixed) return false;
  }
  return true;
}

const MESSAGE = Text.of(',"msg":');
const TAGS = Text.of(',"tags":[');
const FILE = Text.of(',"file":');
const VARIABLE = Text.of(',"var":');
const VALUE = Text.of(',"value":');
const PART = Text.of(',"match":');
const VALUE_FROM = Text.of(',"valueFrom":');
const VALUE_BYTES = Text.of(',"valueBytes":');
const DATA = Text.of(',"data":');
const SCORE = Text.of(',"score":');

/** Writes the match of a record (see `matches.ts`). */
export function writeMatch(writer: ByteWriter, record: usize, rule: Rule): void {
  writer.bytes(rule.fixedText);
  const message = rule.message;
  if (message !== null && !message.isFixed) writeMember(writer, MESSAGE, loadBytes(record + 24));
  if (load<i32>(record, 4) > 0) writeTags(writer, record, rule);
  const name = loadBytes(record + 8);
  if (name.length > 0) {
    writeMember(writer, VARIABLE, name);
    writeMember(writer, VALUE, loadBytes(record + 16));
    writePlace(writer, record);
  }
  const data = loadBytes(record + 32);
  if (data.length > 0) writeMember(writer, DATA, data);
  writeNumber(writer, SCORE, load<i32>(record, 40));
  writer.byte(0x7d);
}

/** Tags of which some stand for what was matched. */
function writeTags(writer: ByteWriter, record: usize, rule: Rule): void {
  writer.bytes(TAGS);
  let open = load<usize>(record, 48);
  for (let index = 0; index < rule.tags.length; index++) {
    if (index > 0) writer.byte(0x2c);
    const tag = rule.tags[index];
    if (tag.isFixed) writeJsonText(writer, tag.fixed);
    else {
      writeJsonText(writer, loadBytes(open));
      open += 8;
    }
  }
  writer.byte(0x5d);
}

/** Which part of a long value the rule met, and how much of it is shown. */
function writePlace(writer: ByteWriter, record: usize): void {
  const met = loadBytes(record + 52);
  if (met.length > 0) writeMember(writer, PART, met);
  const length = load<i32>(record, 64);
  if (length == 0) return;
  writeNumber(writer, VALUE_FROM, load<i32>(record, 60));
  writeNumber(writer, VALUE_BYTES, length);
}

function writeMember(writer: ByteWriter, start: Text, value: Bytes): void {
  writer.bytes(start);
  writeJsonText(writer, value);
}

function writeNumber(writer: ByteWriter, start: Text, number: i32): void {
  writer.bytes(start);
  if (<u32> number < 10) writer.byte(0x30 + <u32> number);
  else writer.bytes(Text.of(number.toString()));
}

function loadBytes(at: usize): Bytes {
  return new Bytes(load<usize>(at), load<i32>(at, 4));
}
