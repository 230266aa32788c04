/** As much of ModSecurity's rule files as the proxy has to know: which other files they need, and what they demand. */

/** What a rule file asks for. */
export interface RuleReferences {
  readonly files: readonly RuleReference[];
  /** In the order of their lines, as the files are. */
  readonly settings: readonly PlacedSettings[];
}

/** Settings, and the line that makes them. */
export interface PlacedSettings {
  readonly line: number;
  readonly settings: RuleSettings;
}

/** What a rule file says of the engine. */
export interface RuleSettings {
  /** Longest bodies that are looked at. */
  readonly requestBytes?: number;
  readonly responseBytes?: number;
  /** Nothing is blocked. */
  readonly onlyDetects?: boolean;
}

/** Another file that a rule file names. */
export interface RuleReference {
  readonly kind: "include" | "include-optional" | "data" | "data-optional";
  /** A name or pattern. */
  readonly name: string;
  readonly line: number;
}

const DATA_OPERATOR = /^!?@(?:pmFromFile|pmf|ipMatchFromFile|ipMatchF)\s+(.*)$/is;
const PARANOIA_TAG = /\btag:\s*'?paranoia-level\/([1-4])\b/i;
const CHAIN_ACTION = /(?:^|,)\s*chain\s*(?:,|$)/i;

/** What a rule file names. `text` has a sign for each byte. */
export function ruleReferences(text: string): RuleReferences {
  const files: RuleReference[] = [];
  const placed: PlacedSettings[] = [];
  for (const { words, line } of directives(text)) {
    const [directive = "", first, second] = words;
    const name = directive.toLowerCase();
    if (name === "include" && first !== undefined) files.push({ kind: "include", name: first, line });
    if (name === "includeoptional" && first !== undefined) {
      files.push({ kind: "include-optional", name: first, line });
    }
    // Without its map the agent reads escapes by one of its own, and says so.
    if (name === "secunicodemapfile" && first !== undefined) {
      files.push({ kind: "data-optional", name: first, line });
    }
    const settings = first === undefined ? undefined : settingOf(name, first);
    if (settings !== undefined) placed.push({ line, settings });
    const data = name === "secrule" && second !== undefined ? DATA_OPERATOR.exec(second.trim()) : null;
    if (data !== null) files.push({ kind: "data", name: data[1]!.trim(), line });
  }
  return { files, settings: placed };
}

function settingOf(directive: string, value: string): RuleSettings | undefined {
  if (directive === "secruleengine") return { onlyDetects: value.toLowerCase() === "detectiononly" };
  if (!/^\d{1,12}$/.test(value)) return undefined;
  if (directive === "secrequestbodylimit") return { requestBytes: Number(value) };
  return directive === "secresponsebodylimit" ? { responseBytes: Number(value) } : undefined;
}

/** How much is written down in rule files. */
export interface RuleCounts {
  /** Rules by themselves: a chain is one. */
  readonly rules: number;
  /** Further conditions of chains. */
  readonly conditions: number;
  readonly markers: number;
  /** How many of the rules are of a paranoia level, by the tag that says so. */
  readonly levels: ReadonlyMap<number, number>;
}

/** Counts the rules of files, each of which is a text with a sign for each byte. */
export function countRules(texts: Iterable<string>): RuleCounts {
  const counts = { rules: 0, conditions: 0, markers: 0, levels: new Map<number, number>() };
  for (const text of texts) {
    let isChained = false;
    for (const { words } of directives(text)) {
      const name = words[0]!.toLowerCase();
      if (name === "secmarker") counts.markers++;
      if (name !== "secrule" && name !== "secaction") continue;
      const actions = words[name === "secrule" ? 3 : 1] ?? "";
      if (isChained) counts.conditions++;
      else counts.rules++;
      const level = isChained ? null : PARANOIA_TAG.exec(actions);
      if (level !== null) counts.levels.set(Number(level[1]), (counts.levels.get(Number(level[1])) ?? 0) + 1);
      isChained = CHAIN_ACTION.test(actions);
    }
  }
  return counts;
}

interface Directive {
  readonly words: readonly string[];
  /** Of its first line, from 1. */
  readonly line: number;
}

/** A backslash at the end of a line takes the next one to it; comments stand by themselves, also in between. */
function directives(text: string): Directive[] {
  const found: Directive[] = [];
  let pending = "";
  let first = 0;
  const end = () => {
    const words = wordsOf(pending);
    if (words.length > 0) found.push({ words, line: first });
    pending = "";
    first = 0;
  };
  for (const [at, physical] of text.split("\n").entries()) {
    const content = physical.replace(/\r$/, "");
    if (/^\s*#/.test(content)) continue;
    if (first === 0) first = at + 1;
    if (content.endsWith("\\")) pending += content.slice(0, -1);
    else {
      pending += content;
      end();
    }
  }
  end();
  return found;
}

/** Words of a line; in quotation marks a backslash before a mark of their kind stands for the mark. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s"'][^\s]*)/gs)) {
    const [, double, single, bare] = match;
    if (double !== undefined) words.push(double.replaceAll('\\"', '"'));
    else words.push(single !== undefined ? single.replaceAll("\\'", "'") : bare!);
  }
  return words;
}
