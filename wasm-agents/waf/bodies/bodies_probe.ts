/** Gives the tests of this folder what parsers find, as lines of `kind name value`. */

import { ByteWriter } from "sentinel/byte_writer";
import { Bytes, EMPTY, Text } from "sentinel/text";
import { parseCookies } from "./cookies";
import { parseJson } from "./json";
import { parseMultipart } from "./multipart";
import { MultipartFacts } from "./multipart_facts";
import { ArgSink } from "./sink";
import { parseUrlEncoded } from "./urlencoded";
import { parseXml } from "./xml";

/** Arguments whose names count. */
let namedMax: i32 = i32.MAX_VALUE;

class Recorder extends ArgSink {
  private named: i32 = 0;

  constructor(readonly out: ByteWriter) {
    super();
  }

  line(kind: string, name: Bytes, value: Bytes): void {
    this.out.bytes(Text.of(kind));
    this.out.byte(1);
    this.out.bytes(name);
    this.out.byte(1);
    this.out.bytes(value);
    this.out.byte(2);
  }

  arg(name: Bytes, value: Bytes): void {
    this.named++;
    this.line("arg", name, value);
  }

  wantsNames(): bool {
    return this.named < namedMax;
  }

  file(field: Bytes, fileName: Bytes, size: i32, content: Bytes): void {
    this.line("file", field, fileName);
    this.line("content", Text.of(size.toString()), content);
  }

  partHeader(part: Bytes, line: Bytes): void {
    this.line("header", part, line);
  }

  xmlText(value: Bytes): void {
    this.line("text", EMPTY, value);
  }

  xmlAttribute(value: Bytes): void {
    this.line("attribute", EMPTY, value);
  }

  cookie(name: Bytes, value: Bytes): void {
    this.line("cookie", name, value);
  }
}

function ended(recorder: Recorder, problem: Bytes | null): Bytes {
  if (problem !== null) recorder.line("problem", EMPTY, problem);
  return recorder.out.text;
}

export function urlEncoded(at: usize, length: i32): Bytes {
  const recorder = new Recorder(new ByteWriter());
  parseUrlEncoded(new Bytes(at, length), recorder);
  return ended(recorder, null);
}

export function cookies(at: usize, length: i32): Bytes {
  const recorder = new Recorder(new ByteWriter());
  parseCookies(new Bytes(at, length), recorder);
  return ended(recorder, null);
}

export function setNamedMax(count: i32): void {
  namedMax = count;
}

export function json(
  at: usize,
  length: i32,
  depthMax: i32,
  isPartial: bool,
): Bytes {
  const recorder = new Recorder(new ByteWriter());
  return ended(
    recorder,
    parseJson(new Bytes(at, length), recorder, depthMax, isPartial),
  );
}

export function xml(at: usize, length: i32, isPartial: bool): Bytes {
  const recorder = new Recorder(new ByteWriter());
  return ended(recorder, parseXml(new Bytes(at, length), recorder, isPartial));
}

let facts: usize = 0;

export function multipart(
  at: usize,
  length: i32,
  typeAt: usize,
  typeLength: i32,
  filesMax: i32,
  isPartial: bool,
): Bytes {
  const recorder = new Recorder(new ByteWriter());
  const body = new Bytes(at, length);
  const found = parseMultipart(
    body,
    new Bytes(typeAt, typeLength),
    recorder,
    filesMax,
    isPartial,
  );
  facts = changetype<usize>(found);
  return ended(recorder, found.problem);
}

/** The flags of the multipart body that was read last. */
export function flags(): u32 {
  return changetype<MultipartFacts>(facts).flags;
}

export function isStrictError(): bool {
  return changetype<MultipartFacts>(facts).isStrictError;
}
