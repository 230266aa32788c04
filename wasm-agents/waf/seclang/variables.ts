/** The variables of the rule language, and where their values come from. To add one: a number, and a row in `TABLE`. */

import { Bytes, Text } from "sentinel";
import { NameTable } from "./words";

// Lists of names with values that are filled from a message.

export const LIST_EMPTY: i32 = 0;
export const LIST_ARGS_GET: i32 = 1;
export const LIST_ARGS_POST: i32 = 2;
export const LIST_REQUEST_HEADERS: i32 = 3;
export const LIST_REQUEST_COOKIES: i32 = 4;
export const LIST_FILES: i32 = 5;
export const LIST_FILES_SIZES: i32 = 6;
export const LIST_FILES_CONTENT: i32 = 7;
export const LIST_PART_HEADERS: i32 = 8;
export const LIST_PART_NAMES: i32 = 9;
export const LIST_XML_TEXT: i32 = 10;
export const LIST_XML_ATTRIBUTES: i32 = 11;
export const LIST_RESPONSE_HEADERS: i32 = 12;
export const LIST_GEO: i32 = 13;
export const LISTS: i32 = 14;

// How a variable gets its values. The first three stay as they are for as long as their part of the message is known.

export const KIND_SCALAR: u8 = 0;
export const KIND_BODY_SCALAR: u8 = 1;
export const KIND_RESPONSE_SCALAR: u8 = 2;
export const KIND_DYNAMIC: u8 = 3;
export const KIND_LIST: u8 = 4;
export const KIND_NAMES: u8 = 5;
export const KIND_XML: u8 = 6;
export const KIND_MATCHED: u8 = 7;
export const KIND_STORE: u8 = 8;

export const VAR_ARGS: i32 = 0;
export const VAR_ARGS_NAMES: i32 = 1;
export const VAR_ARGS_GET: i32 = 2;
export const VAR_ARGS_GET_NAMES: i32 = 3;
export const VAR_ARGS_POST: i32 = 4;
export const VAR_ARGS_POST_NAMES: i32 = 5;
export const VAR_REQUEST_HEADERS: i32 = 6;
export const VAR_REQUEST_HEADERS_NAMES: i32 = 7;
export const VAR_REQUEST_COOKIES: i32 = 8;
export const VAR_REQUEST_COOKIES_NAMES: i32 = 9;
export const VAR_FILES: i32 = 10;
export const VAR_FILES_NAMES: i32 = 11;
export const VAR_FILES_SIZES: i32 = 12;
export const VAR_FILES_TMPNAMES: i32 = 13;
export const VAR_FILES_TMP_CONTENT: i32 = 14;
export const VAR_MULTIPART_PART_HEADERS: i32 = 15;
export const VAR_RESPONSE_HEADERS: i32 = 16;
export const VAR_RESPONSE_HEADERS_NAMES: i32 = 17;
export const VAR_GEO: i32 = 18;
export const VAR_ENV: i32 = 19;
export const VAR_RULE: i32 = 20;
export const VAR_XML: i32 = 21;
export const VAR_MULTIPART_FILENAME: i32 = 22;
export const VAR_MULTIPART_NAME: i32 = 23;
export const VAR_REQUEST_URI: i32 = 24;
export const VAR_REQUEST_URI_RAW: i32 = 25;
export const VAR_REQUEST_LINE: i32 = 26;
export const VAR_REQUEST_METHOD: i32 = 27;
export const VAR_REQUEST_PROTOCOL: i32 = 28;
export const VAR_REQUEST_FILENAME: i32 = 29;
export const VAR_REQUEST_BASENAME: i32 = 30;
export const VAR_QUERY_STRING: i32 = 31;
export const VAR_PATH_INFO: i32 = 32;
export const VAR_REMOTE_ADDR: i32 = 33;
export const VAR_REMOTE_PORT: i32 = 34;
export const VAR_REMOTE_HOST: i32 = 35;
export const VAR_REMOTE_USER: i32 = 36;
export const VAR_SERVER_NAME: i32 = 37;
export const VAR_SERVER_ADDR: i32 = 38;
export const VAR_SERVER_PORT: i32 = 39;
export const VAR_AUTH_TYPE: i32 = 40;
export const VAR_UNIQUE_ID: i32 = 41;
export const VAR_TIME: i32 = 42;
export const VAR_TIME_DAY: i32 = 43;
export const VAR_TIME_EPOCH: i32 = 44;
export const VAR_TIME_HOUR: i32 = 45;
export const VAR_TIME_MIN: i32 = 46;
export const VAR_TIME_MON: i32 = 47;
export const VAR_TIME_SEC: i32 = 48;
export const VAR_TIME_WDAY: i32 = 49;
export const VAR_TIME_YEAR: i32 = 50;
export const VAR_MODSEC_BUILD: i32 = 51;
export const VAR_WEBAPPID: i32 = 52;
export const VAR_URLENCODED_ERROR: i32 = 53;
export const VAR_REQUEST_BODY: i32 = 54;
export const VAR_REQUEST_BODY_LENGTH: i32 = 55;
export const VAR_REQBODY_ERROR: i32 = 56;
export const VAR_REQBODY_ERROR_MSG: i32 = 57;
export const VAR_REQBODY_PROCESSOR: i32 = 58;
export const VAR_REQBODY_PROCESSOR_ERROR: i32 = 59;
export const VAR_REQBODY_PROCESSOR_ERROR_MSG: i32 = 60;
export const VAR_ARGS_COMBINED_SIZE: i32 = 61;
export const VAR_FILES_COMBINED_SIZE: i32 = 62;
export const VAR_FULL_REQUEST: i32 = 63;
export const VAR_FULL_REQUEST_LENGTH: i32 = 64;
export const VAR_INBOUND_DATA_ERROR: i32 = 65;
export const VAR_MULTIPART_BOUNDARY_QUOTED: i32 = 66;
export const VAR_MULTIPART_BOUNDARY_WHITESPACE: i32 = 67;
export const VAR_MULTIPART_CRLF_LF_LINES: i32 = 68;
export const VAR_MULTIPART_DATA_BEFORE: i32 = 69;
export const VAR_MULTIPART_DATA_AFTER: i32 = 70;
export const VAR_MULTIPART_FILE_LIMIT_EXCEEDED: i32 = 71;
export const VAR_MULTIPART_HEADER_FOLDING: i32 = 72;
export const VAR_MULTIPART_INVALID_HEADER_FOLDING: i32 = 73;
export const VAR_MULTIPART_INVALID_PART: i32 = 74;
export const VAR_MULTIPART_INVALID_QUOTING: i32 = 75;
export const VAR_MULTIPART_LF_LINE: i32 = 76;
export const VAR_MULTIPART_MISSING_SEMICOLON: i32 = 77;
export const VAR_MULTIPART_STRICT_ERROR: i32 = 78;
export const VAR_MULTIPART_UNMATCHED_BOUNDARY: i32 = 79;
export const VAR_RESPONSE_BODY: i32 = 80;
export const VAR_RESPONSE_CONTENT_LENGTH: i32 = 81;
export const VAR_RESPONSE_CONTENT_TYPE: i32 = 82;
export const VAR_RESPONSE_PROTOCOL: i32 = 83;
export const VAR_RESPONSE_STATUS: i32 = 84;
export const VAR_STATUS: i32 = 85;
export const VAR_STATUS_LINE: i32 = 86;
export const VAR_OUTBOUND_DATA_ERROR: i32 = 87;
export const VAR_MATCHED_VAR: i32 = 88;
export const VAR_MATCHED_VAR_NAME: i32 = 89;
export const VAR_DURATION: i32 = 90;
export const VAR_HIGHEST_SEVERITY: i32 = 91;
export const VAR_MSC_PCRE_ERROR: i32 = 92;
export const VAR_MSC_PCRE_LIMITS_EXCEEDED: i32 = 93;
export const VAR_USERID: i32 = 94;
export const VAR_SESSIONID: i32 = 95;
export const VAR_MATCHED_VARS: i32 = 96;
export const VAR_MATCHED_VARS_NAMES: i32 = 97;
export const VAR_TX: i32 = 98;
export const VAR_IP: i32 = 99;
export const VAR_GLOBAL: i32 = 100;
export const VAR_SESSION: i32 = 101;
export const VAR_USER: i32 = 102;
export const VAR_RESOURCE: i32 = 103;
export const VARIABLES: i32 = 104;

/** A variable of the language. */
export class Variable {
  constructor(
    readonly name: Text,
    readonly kind: u8,
    /** Lists that it draws from, one behind the other. */
    readonly first: i32,
    readonly second: i32,
  ) {}
}

function row(
  name: string,
  kind: u8,
  first: i32 = LIST_EMPTY,
  second: i32 = LIST_EMPTY,
): Variable {
  return new Variable(Text.of(name), kind, first, second);
}

/** By number. */
export const TABLE: Variable[] = [
  row("ARGS", KIND_LIST, LIST_ARGS_GET, LIST_ARGS_POST),
  row("ARGS_NAMES", KIND_NAMES, LIST_ARGS_GET, LIST_ARGS_POST),
  row("ARGS_GET", KIND_LIST, LIST_ARGS_GET),
  row("ARGS_GET_NAMES", KIND_NAMES, LIST_ARGS_GET),
  row("ARGS_POST", KIND_LIST, LIST_ARGS_POST),
  row("ARGS_POST_NAMES", KIND_NAMES, LIST_ARGS_POST),
  row("REQUEST_HEADERS", KIND_LIST, LIST_REQUEST_HEADERS),
  row("REQUEST_HEADERS_NAMES", KIND_NAMES, LIST_REQUEST_HEADERS),
  row("REQUEST_COOKIES", KIND_LIST, LIST_REQUEST_COOKIES),
  row("REQUEST_COOKIES_NAMES", KIND_NAMES, LIST_REQUEST_COOKIES),
  row("FILES", KIND_LIST, LIST_FILES),
  row("FILES_NAMES", KIND_NAMES, LIST_FILES),
  row("FILES_SIZES", KIND_LIST, LIST_FILES_SIZES),
  row("FILES_TMPNAMES", KIND_LIST, LIST_EMPTY),
  row("FILES_TMP_CONTENT", KIND_LIST, LIST_FILES_CONTENT),
  row("MULTIPART_PART_HEADERS", KIND_LIST, LIST_PART_HEADERS),
  row("RESPONSE_HEADERS", KIND_LIST, LIST_RESPONSE_HEADERS),
  row("RESPONSE_HEADERS_NAMES", KIND_NAMES, LIST_RESPONSE_HEADERS),
  row("GEO", KIND_LIST, LIST_GEO),
  row("ENV", KIND_LIST, LIST_EMPTY),
  row("RULE", KIND_LIST, LIST_EMPTY),
  row("XML", KIND_XML, LIST_XML_TEXT, LIST_XML_ATTRIBUTES),
  row("MULTIPART_FILENAME", KIND_LIST, LIST_FILES),
  row("MULTIPART_NAME", KIND_LIST, LIST_PART_NAMES),
  row("REQUEST_URI", KIND_SCALAR),
  row("REQUEST_URI_RAW", KIND_SCALAR),
  row("REQUEST_LINE", KIND_SCALAR),
  row("REQUEST_METHOD", KIND_SCALAR),
  row("REQUEST_PROTOCOL", KIND_SCALAR),
  row("REQUEST_FILENAME", KIND_SCALAR),
  row("REQUEST_BASENAME", KIND_SCALAR),
  row("QUERY_STRING", KIND_SCALAR),
  row("PATH_INFO", KIND_SCALAR),
  row("REMOTE_ADDR", KIND_SCALAR),
  row("REMOTE_PORT", KIND_SCALAR),
  row("REMOTE_HOST", KIND_SCALAR),
  row("REMOTE_USER", KIND_SCALAR),
  row("SERVER_NAME", KIND_SCALAR),
  row("SERVER_ADDR", KIND_SCALAR),
  row("SERVER_PORT", KIND_SCALAR),
  row("AUTH_TYPE", KIND_SCALAR),
  row("UNIQUE_ID", KIND_SCALAR),
  row("TIME", KIND_SCALAR),
  row("TIME_DAY", KIND_SCALAR),
  row("TIME_EPOCH", KIND_SCALAR),
  row("TIME_HOUR", KIND_SCALAR),
  row("TIME_MIN", KIND_SCALAR),
  row("TIME_MON", KIND_SCALAR),
  row("TIME_SEC", KIND_SCALAR),
  row("TIME_WDAY", KIND_SCALAR),
  row("TIME_YEAR", KIND_SCALAR),
  row("MODSEC_BUILD", KIND_SCALAR),
  row("WEBAPPID", KIND_SCALAR),
  row("URLENCODED_ERROR", KIND_SCALAR),
  row("REQUEST_BODY", KIND_BODY_SCALAR),
  row("REQUEST_BODY_LENGTH", KIND_BODY_SCALAR),
  row("REQBODY_ERROR", KIND_BODY_SCALAR),
  row("REQBODY_ERROR_MSG", KIND_BODY_SCALAR),
  row("REQBODY_PROCESSOR", KIND_BODY_SCALAR),
  row("REQBODY_PROCESSOR_ERROR", KIND_BODY_SCALAR),
  row("REQBODY_PROCESSOR_ERROR_MSG", KIND_BODY_SCALAR),
  row("ARGS_COMBINED_SIZE", KIND_BODY_SCALAR),
  row("FILES_COMBINED_SIZE", KIND_BODY_SCALAR),
  row("FULL_REQUEST", KIND_BODY_SCALAR),
  row("FULL_REQUEST_LENGTH", KIND_BODY_SCALAR),
  row("INBOUND_DATA_ERROR", KIND_BODY_SCALAR),
  row("MULTIPART_BOUNDARY_QUOTED", KIND_BODY_SCALAR),
  row("MULTIPART_BOUNDARY_WHITESPACE", KIND_BODY_SCALAR),
  row("MULTIPART_CRLF_LF_LINES", KIND_BODY_SCALAR),
  row("MULTIPART_DATA_BEFORE", KIND_BODY_SCALAR),
  row("MULTIPART_DATA_AFTER", KIND_BODY_SCALAR),
  row("MULTIPART_FILE_LIMIT_EXCEEDED", KIND_BODY_SCALAR),
  row("MULTIPART_HEADER_FOLDING", KIND_BODY_SCALAR),
  row("MULTIPART_INVALID_HEADER_FOLDING", KIND_BODY_SCALAR),
  row("MULTIPART_INVALID_PART", KIND_BODY_SCALAR),
  row("MULTIPART_INVALID_QUOTING", KIND_BODY_SCALAR),
  row("MULTIPART_LF_LINE", KIND_BODY_SCALAR),
  row("MULTIPART_MISSING_SEMICOLON", KIND_BODY_SCALAR),
  row("MULTIPART_STRICT_ERROR", KIND_BODY_SCALAR),
  row("MULTIPART_UNMATCHED_BOUNDARY", KIND_BODY_SCALAR),
  row("RESPONSE_BODY", KIND_RESPONSE_SCALAR),
  row("RESPONSE_CONTENT_LENGTH", KIND_RESPONSE_SCALAR),
  row("RESPONSE_CONTENT_TYPE", KIND_RESPONSE_SCALAR),
  row("RESPONSE_PROTOCOL", KIND_RESPONSE_SCALAR),
  row("RESPONSE_STATUS", KIND_RESPONSE_SCALAR),
  row("STATUS", KIND_RESPONSE_SCALAR),
  row("STATUS_LINE", KIND_RESPONSE_SCALAR),
  row("OUTBOUND_DATA_ERROR", KIND_RESPONSE_SCALAR),
  row("MATCHED_VAR", KIND_DYNAMIC),
  row("MATCHED_VAR_NAME", KIND_DYNAMIC),
  row("DURATION", KIND_DYNAMIC),
  row("HIGHEST_SEVERITY", KIND_DYNAMIC),
  row("MSC_PCRE_ERROR", KIND_DYNAMIC),
  row("MSC_PCRE_LIMITS_EXCEEDED", KIND_DYNAMIC),
  row("USERID", KIND_DYNAMIC),
  row("SESSIONID", KIND_DYNAMIC),
  row("MATCHED_VARS", KIND_MATCHED),
  row("MATCHED_VARS_NAMES", KIND_MATCHED),
  row("TX", KIND_STORE),
  row("IP", KIND_STORE),
  row("GLOBAL", KIND_STORE),
  row("SESSION", KIND_STORE),
  row("USER", KIND_STORE),
  row("RESOURCE", KIND_STORE),
];

const NAMES = new NameTable();
for (let number = 0; number < VARIABLES; number++) {
  NAMES.intern(TABLE[number].name);
}

/** The number of a variable; -1 when there is none of that name. */
export function variableOf(name: Bytes): i32 {
  return NAMES.find(name);
}

/** All names, for hints. */
export function variableNames(): string[] {
  const names = new Array<string>();
  for (let number = 0; number < VARIABLES; number++) {
    names.push(TABLE[number].name.toString());
  }
  return names;
}
