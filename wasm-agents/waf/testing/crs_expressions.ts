/** The regular expressions of the Core Rule Set, for tests; the set itself lies beside the repository, if at all. */

/** An expression and the rule that it is from. */
export interface CrsExpression {
  /** Of the rule; the file and line for one without. */
  readonly id: string;
  /** As the engine gets it: the directive's quotes and escapes are gone. */
  readonly pattern: string;
}

/** Where the rule files are: in `CRS_DIR`, or in the folder next to the repository. */
export const CRS_RULES: string = Deno.env.has("CRS_DIR")
  ? `${Deno.env.get("CRS_DIR")}/rules`
  : new URL("../../../../shared/data/crs/rules", import.meta.url).pathname;

/** Text of every rule file by name; null when there are none. Bytes are units (latin1). */
export function crsFiles(suffix: string): ReadonlyMap<string, string> | null {
  const files = new Map<string, string>();
  try {
    const names = [...Deno.readDirSync(CRS_RULES)].map(({ name }) => name).filter((name) =>
      name.endsWith(suffix)
    );
    for (const name of names.sort()) {
      files.set(name, new TextDecoder("latin1").decode(Deno.readFileSync(`${CRS_RULES}/${name}`)));
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  return files.size > 0 ? files : null;
}

/** All expressions of the rules' `@rx` operators; null when there are no rules. */
export function crsExpressions(): readonly CrsExpression[] | null {
  const files = crsFiles(".conf");
  if (!files) return null;
  const found: CrsExpression[] = [];
  for (const [name, text] of files) {
    const joined = text.replace(/\\\r?\n\s*/g, "");
    for (const match of joined.matchAll(/^\s*SecRule\s+("[^"]*"|\S+)\s+"!?@rx\s+((?:[^"\\]|\\.)*)"(.*)$/gm)) {
      const id = /\bid:(\d+)/.exec(match[3]!)?.[1] ?? `${name}@${match.index}`;
      found.push({ id, pattern: match[2]!.replaceAll('\\"', '"') });
    }
  }
  return found;
}

/** Words of the rules' `@pm` operators and phrase files, each with the list that it belongs to. */
export function crsPhrases(): readonly { readonly list: string; readonly phrase: string }[] | null {
  const files = crsFiles(".data");
  if (!files) return null;
  const found: { list: string; phrase: string }[] = [];
  for (const [list, text] of files) {
    for (const line of text.split("\n")) {
      const phrase = line.trim();
      if (phrase !== "" && !phrase.startsWith("#")) found.push({ list, phrase });
    }
  }
  return found;
}
