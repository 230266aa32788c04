/** Takes what the parsers of bodies find into the lists. */

import { Bytes, ByteWriter, EMPTY, Text } from "sentinel";
import { ArgSink } from "../bodies/sink";
import {
  LIST_FILES,
  LIST_FILES_CONTENT,
  LIST_FILES_SIZES,
  LIST_PART_HEADERS,
  LIST_REQUEST_COOKIES,
  LIST_XML_ATTRIBUTES,
  LIST_XML_TEXT,
} from "../seclang/variables";
import * as lists from "./lists";

/** Arguments of one list at most; what is beyond becomes one more argument, so that all of it is looked at. */
let argumentsMax: i32 = 1000;
let isOverLimit: bool = false;

/** Bytes of arguments, names of files and headers of parts that are still taken. */
let bytesLeft: i64 = 0;

/** Where `arg` puts what it gets. */
let argumentList: i32 = 0;

/** Files, attributes and headers of parts that are kept, for each message. */
const OTHERS_MAX: i32 = 4096;

/** The paths by which rules call for what is in XML. */
const ALL_TEXT = Text.of("/*");
const ATTRIBUTES = Text.of("//@*");

let filesSize: i64 = 0;

/** How many arguments there may be in a list. */
export function setArgumentsMax(count: i32): void {
  argumentsMax = count;
}

class ListSink extends ArgSink {
  arg(name: Bytes, value: Bytes): void {
    if (!hasRoom(name, value)) return;
    if (lists.countOf(argumentList) >= argumentsMax) {
      return overflow(name, value);
    }
    lists.addPair(argumentList, name.at, name.length, value.at, value.length);
  }

  wantsNames(): bool {
    return lists.countOf(argumentList) < argumentsMax;
  }

  cookie(name: Bytes, value: Bytes): void {
    if (lists.countOf(LIST_REQUEST_COOKIES) >= argumentsMax) {
      return overflow(name, value);
    }
    lists.addPair(
      LIST_REQUEST_COOKIES,
      name.at,
      name.length,
      value.at,
      value.length,
    );
  }

  file(field: Bytes, fileName: Bytes, size: i32, content: Bytes): void {
    filesSize += size;
    if (!hasRoom(field, fileName)) return;
    if (lists.countOf(LIST_FILES) >= OTHERS_MAX) return;
    lists.addPair(
      LIST_FILES,
      field.at,
      field.length,
      fileName.at,
      fileName.length,
    );
    lists.addPair(
      LIST_FILES_CONTENT,
      field.at,
      field.length,
      content.at,
      content.length,
    );
    const text = Text.of(size.toString());
    lists.addPair(
      LIST_FILES_SIZES,
      field.at,
      field.length,
      text.at,
      text.length,
    );
  }

  partHeader(part: Bytes, line: Bytes): void {
    if (!hasRoom(EMPTY, line)) return;
    if (lists.countOf(LIST_PART_HEADERS) >= OTHERS_MAX) {
      isOverLimit = true;
      return;
    }
    lists.addPair(
      LIST_PART_HEADERS,
      part.at,
      part.length,
      line.at,
      line.length,
    );
  }

  xmlText(value: Bytes): void {
    xmlTexts.put(value);
  }

  xmlAttribute(value: Bytes): void {
    if (lists.countOf(LIST_XML_ATTRIBUTES) >= OTHERS_MAX) {
      xmlTexts.put(value);
      return;
    }
    lists.addPair(LIST_XML_ATTRIBUTES, ATTRIBUTES.at, ATTRIBUTES.length, value.at, value.length);
  }
}

function hasRoom(name: Bytes, value: Bytes): bool {
  bytesLeft -= name.length + value.length;
  return bytesLeft >= 0;
}

/** Pieces that become one value. It holds a bare address, for an object of the call must not be reached from here. */
class Pieces {
  private writer: usize = 0;

  clear(): void {
    this.writer = 0;
  }

  put(bytes: Bytes): void {
    if (this.writer == 0) this.writer = changetype<usize>(new ByteWriter(1024));
    changetype<ByteWriter>(this.writer).bytes(bytes);
  }

  byte(byte: u32): void {
    if (this.writer != 0) changetype<ByteWriter>(this.writer).byte(byte);
  }

  get text(): Bytes {
    return this.writer == 0 ? EMPTY : changetype<ByteWriter>(this.writer).text;
  }
}

const xmlTexts = new Pieces();
const leftOver = new Pieces();

function overflow(name: Bytes, value: Bytes): void {
  isOverLimit = true;
  if (name.length > 0) {
    leftOver.put(name);
    leftOver.byte(0x3d);
  }
  leftOver.put(value);
  leftOver.byte(0x26);
}

/** The one sink, for one parser after the other. */
export const SINK: ArgSink = new ListSink();

/** A parser begins, whose arguments go into `list`; what does not fit into so many bytes is left out. */
export function startSink(list: i32, bytesMax: i32 = i32.MAX_VALUE): void {
  argumentList = list;
  bytesLeft = bytesMax;
  isOverLimit = false;
  filesSize = 0;
  xmlTexts.clear();
  leftOver.clear();
}

/** A parser has ended. */
export function finishSink(): void {
  const text = xmlTexts.text;
  if (text.length > 0) lists.addPair(LIST_XML_TEXT, ALL_TEXT.at, ALL_TEXT.length, text.at, text.length);
  const rest = leftOver.text;
  if (rest.length > 0) lists.addPair(argumentList, 0, 0, rest.at, rest.length);
}

/** Whether something was left out because there was too much. */
export function sinkIsFull(): bool {
  return bytesLeft < 0;
}

/** Whether there were more arguments than are kept one by one. */
export function sinkOverflowed(): bool {
  return isOverLimit;
}

/** The sizes of all files together. */
export function sinkFilesSize(): i64 {
  return filesSize;
}
