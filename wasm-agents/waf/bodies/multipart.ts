/** Bodies as `multipart/form-data` (RFC 7578, RFC 2046 §5.1). */

import { ByteWriter } from "sentinel/byte_writer";
import { Bytes, Text } from "sentinel/text";
import { boundaryOf } from "./multipart_boundary";
import { Disposition } from "./multipart_disposition";
import { MultipartFacts, MultipartFlag } from "./multipart_facts";
import { ArgSink } from "./sink";

/** Uploaded files of one body where nothing else is configured. */
export const FILES_DEFAULT: i32 = 100;
/** Parts of one body. */
const PARTS_MAX: i32 = 4096;
/** Header lines of one part. */
const HEADERS_MAX: i32 = 32;

const CR: u32 = 13;
const LF: u32 = 10;
const DASH: u32 = 0x2d;

const TOO_MANY_PARTS = Text.of("the body has too many parts");
const TOO_MANY_HEADERS = Text.of("a part has too many header lines");
const NO_COLON = Text.of("a part has a header without a colon or a name");
const NO_DISPOSITION = Text.of(
  "a part has no readable Content-Disposition with a name",
);
const NO_END = Text.of("the last boundary is missing");
const BAD_BOUNDARY = Text.of("a boundary is followed by something else");
const NO_PARTS = Text.of("the body has no part");

/** What a line is. */
const TEXT_LINE: i32 = 0;
const BOUNDARY_LINE: i32 = 1;
const LAST_BOUNDARY_LINE: i32 = 2;
const BROKEN_BOUNDARY_LINE: i32 = 3;

let at: usize = 0;
let end: usize = 0;
let boundaryAt: usize = 0;
let boundaryLength: i32 = 0;
/** Where the line that was read last begins and ends, without its line end. */
let lineAt: usize = 0;
let lineEnd: usize = 0;

/**
 * Gives every field, file and header line to the sink. What was found before a problem has been given. `isPartial`:
 * the end of the body is missing, which is nothing wrong then.
 */
export function parseMultipart(
  input: Bytes,
  contentType: Bytes,
  sink: ArgSink,
  filesMax: i32,
  isPartial: bool,
): MultipartFacts {
  const facts = new MultipartFacts();
  const boundary = boundaryOf(contentType, facts);
  if (boundary === null) return facts;
  at = input.at;
  end = input.at + input.length;
  boundaryAt = boundary.at;
  boundaryLength = boundary.length;
  if (toFirstPart(facts)) readParts(sink, facts, filesMax, isPartial);
  else if (facts.problem === null && !isPartial) facts.problem = NO_PARTS;
  return facts;
}

/** Whether there is a part. */
function toFirstPart(facts: MultipartFacts): bool {
  while (at < end) {
    readLine(facts);
    const kind = kindOfLine();
    if (kind == BOUNDARY_LINE) return true;
    if (kind == TEXT_LINE) {
      if (lineEnd > lineAt) facts.set(MultipartFlag.DATA_BEFORE);
      continue;
    }
    if (kind == BROKEN_BOUNDARY_LINE) facts.problem = BAD_BOUNDARY;
    return false;
  }
  return false;
}

function readParts(
  sink: ArgSink,
  facts: MultipartFacts,
  filesMax: i32,
  isPartial: bool,
): void {
  let files: i32 = 0;
  for (let part = 0; part < PARTS_MAX; part++) {
    const disposition = readHeaders(sink, facts, isPartial);
    if (facts.problem !== null) return;
    const contentAt = at;
    let contentEnd = at;
    let kind = TEXT_LINE;
    while (at < end) {
      const before = at;
      readLine(facts);
      kind = kindOfLine();
      if (kind != TEXT_LINE) {
        contentEnd = withoutLineEnd(contentAt, before);
        break;
      }
      if (looksLikeBoundary()) facts.set(MultipartFlag.UNMATCHED_BOUNDARY);
      contentEnd = end;
    }
    const content = new Bytes(contentAt, <i32> (contentEnd - contentAt));
    if (disposition === null) {
      facts.set(MultipartFlag.INVALID_PART);
      if (!isPartial || kind != TEXT_LINE) facts.problem = NO_DISPOSITION;
      // What such a part holds is looked at all the same.
      sink.arg(new Bytes(contentAt, 0), content);
    } else if (!disposition.isFile) {
      sink.arg(disposition.name, content);
    } else if (++files > filesMax) {
      facts.set(MultipartFlag.FILE_LIMIT_EXCEEDED);
    } else {
      sink.file(
        disposition.name,
        disposition.fileName,
        content.length,
        content,
      );
    }
    if (facts.problem !== null) return;
    if (kind == LAST_BOUNDARY_LINE) return readEpilogue(facts);
    if (kind == BROKEN_BOUNDARY_LINE) {
      facts.problem = BAD_BOUNDARY;
      return;
    }
    if (kind == TEXT_LINE) {
      if (!isPartial) facts.problem = NO_END;
      return;
    }
  }
  facts.problem = TOO_MANY_PARTS;
}

/** The headers of a part up to the empty line; null when none says what the part is. */
function readHeaders(
  sink: ArgSink,
  facts: MultipartFacts,
  isPartial: bool,
): Disposition | null {
  let disposition: Disposition | null = null;
  const lines = new Array<Bytes>();
  for (let count = 0;; count++) {
    if (at >= end) {
      if (!isPartial) facts.problem = NO_END;
      break;
    }
    readLine(facts);
    if (lineEnd == lineAt) break;
    if (count == HEADERS_MAX) {
      facts.problem = TOO_MANY_HEADERS;
      return null;
    }
    const first = <u32> load<u8>(lineAt);
    const line = new Bytes(lineAt, <i32> (lineEnd - lineAt));
    if (isSpace(first)) {
      facts.set(MultipartFlag.HEADER_FOLDING);
      if (lines.length == 0 || !isBlank(first)) {
        facts.set(MultipartFlag.INVALID_HEADER_FOLDING);
      }
      if (lines.length > 0) {
        lines[lines.length - 1] = joined(lines[lines.length - 1], line);
      }
      continue;
    }
    lines.push(line);
  }
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index];
    const colon = line.indexOfByte(0x3a);
    if (colon <= 0) {
      facts.set(MultipartFlag.INVALID_PART);
      facts.problem = NO_COLON;
      continue;
    }
    if (!isName(line, colon, "content-disposition")) continue;
    if (disposition !== null) facts.set(MultipartFlag.INVALID_PART);
    else {disposition = Disposition.read(
        new Text(line.at + colon + 1, line.length - colon - 1),
        facts,
      );}
  }
  for (let index = 0; index < lines.length; index++) {
    sink.partHeader(
      disposition === null ? new Bytes(at, 0) : disposition.name,
      lines[index],
    );
  }
  return disposition;
}

/** What follows the last boundary belongs to nobody. */
function readEpilogue(facts: MultipartFacts): void {
  for (; at < end; at++) {
    const byte = <u32> load<u8>(at);
    if (byte != CR && byte != LF) return facts.set(MultipartFlag.DATA_AFTER);
  }
}

/** The next line; it ends with CR LF, as it must, or with LF, which is noted. */
function readLine(facts: MultipartFacts): void {
  lineAt = at;
  while (at < end && load<u8>(at) != LF) at++;
  if (at == end) {
    lineEnd = end;
    return;
  }
  const hasCr = at > lineAt && load<u8>(at - 1) == CR;
  facts.set(hasCr ? MultipartFlag.CRLF_LINE : MultipartFlag.LF_LINE);
  lineEnd = hasCr ? at - 1 : at;
  at++;
}

function kindOfLine(): i32 {
  if (!beginsWithBoundary(lineAt + 2) || !beginsWithDashes(lineAt, lineEnd)) {
    return TEXT_LINE;
  }
  let behind = lineAt + 2 + boundaryLength;
  let kind = BOUNDARY_LINE;
  if (beginsWithDashes(behind, lineEnd)) {
    kind = LAST_BOUNDARY_LINE;
    behind += 2;
  }
  while (behind < lineEnd && isBlank(load<u8>(behind))) behind++;
  return behind == lineEnd ? kind : BROKEN_BOUNDARY_LINE;
}

function beginsWithDashes(from: usize, to: usize): bool {
  return from + 2 <= to && load<u8>(from) == DASH && load<u8>(from, 1) == DASH;
}

function beginsWithBoundary(from: usize): bool {
  return from + boundaryLength <= lineEnd &&
    memory.compare(from, boundaryAt, boundaryLength) == 0;
}

/** A line of a part that another reader might take for a boundary. */
function looksLikeBoundary(): bool {
  return beginsWithDashes(lineAt, lineEnd);
}

/** The end of a content, whose last line end belongs to the boundary behind it. */
function withoutLineEnd(from: usize, to: usize): usize {
  if (to == from || load<u8>(to - 1) != LF) return to;
  return to - 1 > from && load<u8>(to - 2) == CR ? to - 2 : to - 1;
}

function isName(line: Bytes, length: i32, name: string): bool {
  let to = length;
  while (to > 0 && isBlank(line.byteAt(to - 1))) to--;
  return new Text(line.at, to).toLowerCase().is(name);
}

/** A folded line behind the one it goes on. */
function joined(line: Bytes, more: Bytes): Bytes {
  const text = new ByteWriter(line.length + more.length);
  text.bytes(line);
  text.bytes(more);
  return text.text;
}

function isBlank(byte: u32): bool {
  return byte == 0x20 || byte == 9;
}

function isSpace(byte: u32): bool {
  return byte == 0x20 || byte - 9 < 5;
}
