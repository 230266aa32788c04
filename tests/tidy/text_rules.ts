/** Rules about a file's name and its plain text. */

/** Longest file, in lines. */
export const FILE_LINES_MAX = 500;

const FILE_NAME = /^[a-z0-9]+(_[a-z0-9]+)*(\.d)?\.ts$/;
const FOLDER_NAME = /^[a-z0-9]+([-_][a-z0-9]+)*$/;
const CATCH_ALL = /^(index|mod|utils?|helpers?|misc|common|shared|lib)$/;

const UNFINISHED = /\b(TO[D]O|FIX[M]E|X[X]X|HAC[K])\b/;
const BANNER = /^\s*(\/\/|\/\*|\*|#)\s*[-=#*~_]{4,}/;
const CODE_IN_COMMENT =
  /^\s*\/\/\s*(const |let |if \(|for \(|return\b.*;|await |import .* from |\}|[\w.]+\(.*\);\s*$)/;
const SWITCHED_OFF = /\bDeno\.test\.(only|ignore)\(|\bonly: true\b|\bignore: true\b/;
const MACHINE_PATH = /(^|[^\w.~-])\/(work|farm|root)\//;
const REGISTRY_HOST = /\bregistry\.npm[j]s\.|\b[j]sr\.io\b|\bcrates\.[i]o\b|\bproxy\.golang\.[o]rg\b/;

/** One broken rule: where, and what. */
export interface Problem {
  readonly file: string;
  /** 1-based; absent when the whole file is meant. */
  readonly line?: number;
  readonly message: string;
}

/** What is wrong with the name of a TypeScript file, given its path from the root. */
export function nameProblems(path: string): Problem[] {
  const parts = path.split("/");
  const name = parts.pop()!;
  const problems: Problem[] = [];
  const report = (message: string) => problems.push({ file: path, message });
  if (!FILE_NAME.test(name)) report(`File name is not snake_case: ${name}`);
  for (const folder of parts) {
    if (!FOLDER_NAME.test(folder)) report(`Folder name is not lower case: ${folder}`);
  }
  for (const word of [...parts, name.replace(/\.ts$/, "")]) {
    const isRoom = word === "support" || word === "src";
    if (!isRoom && CATCH_ALL.test(word)) report(`"${word}" says nothing about what is inside`);
  }
  return problems;
}

/** What is wrong with the text of a TypeScript file. */
export function textProblems(path: string, text: string): Problem[] {
  const problems: Problem[] = [];
  const lines = text.split("\n");
  const count = text.endsWith("\n") ? lines.length - 1 : lines.length;
  if (count > FILE_LINES_MAX) {
    problems.push({ file: path, message: `${count} lines; ${FILE_LINES_MAX} are allowed` });
  }
  lines.forEach((content, index) => {
    for (const [pattern, message] of LINE_RULES) {
      if (pattern.test(content)) problems.push({ file: path, line: index + 1, message });
    }
  });
  return problems;
}

/** What no tracked file may contain, whatever its kind. */
export function leakProblems(path: string, text: string): Problem[] {
  const problems: Problem[] = [];
  text.split("\n").forEach((content, index) => {
    if (MACHINE_PATH.test(content)) {
      problems.push({ file: path, line: index + 1, message: "Names a path of somebody's machine" });
    }
    if (REGISTRY_HOST.test(content)) {
      problems.push({ file: path, line: index + 1, message: "Names the host of a package registry" });
    }
  });
  return problems;
}

/** A family's registry opens with how to add a row and holds nothing but rows. */
export function registryProblems(path: string, text: string): Problem[] {
  const problems: Problem[] = [];
  const report = (message: string) => problems.push({ file: path, message });
  const opening = /^\s*\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? "";
  if (!/\bto add\b/i.test(opening)) report('A registry opens with a docstring "To add …"');
  if (/^(export )?(async )?(function|class)\b/m.test(text)) report("A registry is imports and rows, no code");
  return problems;
}

const LINE_RULES: readonly (readonly [RegExp, string])[] = [
  [UNFINISHED, "Unfinished work does not belong in the tree"],
  [BANNER, "No banners"],
  [CODE_IN_COMMENT, "Commented-out code: git remembers it"],
  [SWITCHED_OFF, "A test that is switched off proves nothing"],
];
