import type { Issue } from "../core/issue.ts";
import { parseJson } from "./json.ts";
import { parseKdl } from "./kdl.ts";
import type { ParsedText } from "./parsed_text.ts";
import { parseToml } from "./toml.ts";

/** Configurations are written by people; more than this is a mistake. */
export const FILE_LENGTH_MAX = 8 * 1024 * 1024;

/** Parses a text by its file name's extension: `.json`, `.toml`, and KDL for `.kdl` or none. */
export function parseText(text: string, file: string): ParsedText {
  if (text.length > FILE_LENGTH_MAX) {
    return refuse(file, `the file is larger than ${FILE_LENGTH_MAX} characters`);
  }
  const extension = /\.([^./\\]+)$/.exec(file)?.[1]?.toLowerCase();
  switch (extension) {
    case undefined:
    case "kdl":
      return parseKdl(text, file);
    case "json":
      return parseJson(text, file);
    case "toml":
      return parseToml(text, file);
    default:
      return refuse(file, `unsupported configuration format ".${extension}"`, "known: .kdl, .json, .toml");
  }
}

function refuse(file: string, message: string, hint?: string): ParsedText {
  const span = { file, start: 0, end: 0, line: 1, column: 1 };
  const issue: Issue = { severity: "error", message, span, hint };
  return { nodes: [], issues: [issue] };
}
