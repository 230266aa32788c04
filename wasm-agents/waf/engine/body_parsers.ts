/** The parser of each kind of body, and what it says about the body besides arguments and files. */

import { Bytes, EMPTY, Text } from "sentinel";
import { parseJson } from "../bodies/json";
import { parseMultipart } from "../bodies/multipart";
import { MultipartFacts, MultipartFlag } from "../bodies/multipart_facts";
import { parseUrlEncoded } from "../bodies/urlencoded";
import { parseXml } from "../bodies/xml";
import { BODY_JSON, BODY_MULTIPART, BODY_URLENCODED, BODY_XML } from "../seclang/ctls";
import { Settings } from "../seclang/settings";
import {
  VAR_MULTIPART_BOUNDARY_QUOTED,
  VAR_MULTIPART_BOUNDARY_WHITESPACE,
  VAR_MULTIPART_CRLF_LF_LINES,
  VAR_MULTIPART_DATA_AFTER,
  VAR_MULTIPART_DATA_BEFORE,
  VAR_MULTIPART_FILE_LIMIT_EXCEEDED,
  VAR_MULTIPART_HEADER_FOLDING,
  VAR_MULTIPART_INVALID_HEADER_FOLDING,
  VAR_MULTIPART_INVALID_PART,
  VAR_MULTIPART_INVALID_QUOTING,
  VAR_MULTIPART_LF_LINE,
  VAR_MULTIPART_MISSING_SEMICOLON,
  VAR_MULTIPART_STRICT_ERROR,
  VAR_MULTIPART_UNMATCHED_BOUNDARY,
} from "../seclang/variables";
import { setSingle } from "./lists";
import { SINK } from "./list_sink";
import * as transaction from "./transaction";

const ONE = Text.of("1");

/** A body to be taken apart. */
export class BodyToRead {
  constructor(
    readonly body: Bytes,
    readonly contentType: Bytes | null,
    /** Its end is missing, so that it is nothing wrong that it has none. */
    readonly isPartial: bool,
  ) {}
}

/** Takes a body apart into the lists, by the processor of the transaction; what is wrong with it, or null. */
export function parseBody(read: BodyToRead, settings: Settings): Bytes | null {
  const processor = transaction.bodyProcessor;
  if (processor == BODY_URLENCODED) {
    parseUrlEncoded(read.body, SINK, settings.argumentSeparator);
    return null;
  }
  if (processor == BODY_JSON) return parseJson(read.body, SINK, settings.jsonDepthMax, read.isPartial);
  if (processor == BODY_XML) return parseXml(read.body, SINK, read.isPartial);
  return processor == BODY_MULTIPART ? parseForm(read, settings) : null;
}

function parseForm(read: BodyToRead, settings: Settings): Bytes | null {
  const type = read.contentType;
  const facts = parseMultipart(
    read.body,
    type === null ? EMPTY : type,
    SINK,
    settings.filesMax,
    read.isPartial,
  );
  note(facts, MultipartFlag.BOUNDARY_QUOTED, VAR_MULTIPART_BOUNDARY_QUOTED);
  note(facts, MultipartFlag.BOUNDARY_WHITESPACE, VAR_MULTIPART_BOUNDARY_WHITESPACE);
  note(facts, MultipartFlag.DATA_BEFORE, VAR_MULTIPART_DATA_BEFORE);
  note(facts, MultipartFlag.DATA_AFTER, VAR_MULTIPART_DATA_AFTER);
  note(facts, MultipartFlag.HEADER_FOLDING, VAR_MULTIPART_HEADER_FOLDING);
  note(facts, MultipartFlag.INVALID_HEADER_FOLDING, VAR_MULTIPART_INVALID_HEADER_FOLDING);
  note(facts, MultipartFlag.LF_LINE, VAR_MULTIPART_LF_LINE);
  note(facts, MultipartFlag.MISSING_SEMICOLON, VAR_MULTIPART_MISSING_SEMICOLON);
  note(facts, MultipartFlag.INVALID_QUOTING, VAR_MULTIPART_INVALID_QUOTING);
  note(facts, MultipartFlag.INVALID_PART, VAR_MULTIPART_INVALID_PART);
  note(facts, MultipartFlag.FILE_LIMIT_EXCEEDED, VAR_MULTIPART_FILE_LIMIT_EXCEEDED);
  note(facts, MultipartFlag.UNMATCHED_BOUNDARY, VAR_MULTIPART_UNMATCHED_BOUNDARY);
  if (facts.isStrictError) setSingle(VAR_MULTIPART_STRICT_ERROR, ONE.at, ONE.length);
  if (facts.hasBothLineEnds) setSingle(VAR_MULTIPART_CRLF_LF_LINES, ONE.at, ONE.length);
  return facts.problem;
}

function note(facts: MultipartFacts, flag: u32, variable: i32): void {
  if (facts.has(flag)) setSingle(variable, ONE.at, ONE.length);
}
