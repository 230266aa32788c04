import { block, pairs, texts } from "./schema.ts";
import type { Infer } from "./schema.ts";

/** Headers that frame a message or belong to one connection: changing them would break both. */
const PROTECTED: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What is wrong with a header name, completing `"Name" …`, or undefined when nothing is (RFC 9110 §5.1). */
export function checkHeaderName(name: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name)) return "is no valid header name";
  return undefined;
}

/** As `checkHeaderName`, for a name that a configuration wants to change. */
export function checkEditableName(name: string): string | undefined {
  const problem = checkHeaderName(name);
  if (problem !== undefined) return problem;
  return PROTECTED.has(name.toLowerCase()) ? "belongs to the connection and cannot be changed" : undefined;
}

/** What is wrong with a header to write, completing `"Name" …`, or undefined when nothing is. */
export function checkHeader(name: string, value: string): string | undefined {
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return "has a value with control characters";
  return checkEditableName(name);
}

function checkRename(from: string, to: string): string | undefined {
  const problem = checkEditableName(to);
  return problem === undefined ? checkEditableName(from) : `cannot become "${to}": it ${problem}`;
}

function checkRemove(name: string): string | undefined {
  const problem = checkEditableName(name);
  return problem === undefined ? undefined : `cannot hold "${name}": it ${problem}`;
}

/** Changes to a header block, in the order they are made; part of a block's fields. */
export const headerEditFields = {
  rename: pairs({ summary: "Old name and new name.", check: checkRename }),
  set: pairs({ summary: "Headers to set, replacing what is there.", check: checkHeader }),
  add: pairs({ summary: "Header lines to add to what is there.", check: checkHeader }),
  remove: texts({ summary: "Headers to drop.", check: checkRemove }),
};

/** A block with nothing but changes to headers. */
export const headerEdits = block({
  summary: "Changes to headers, made in the order rename, set, add, remove.",
  always: true,
  fields: headerEditFields,
});

/** Changes to headers: pairs of old and new name, pairs of name and value, names. */
export type HeaderEdits = Infer<typeof headerEdits>;
