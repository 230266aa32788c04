import { dataUrlBytes } from "../../core/data_url.ts";
import type { Span } from "../../core/issue.ts";
import type { AgentFiles, TypeSite } from "./agent_type.ts";
import { type RuleReference, ruleReferences, type RuleSettings } from "./rule_lines.ts";

/** Rule and data files of one agent; more are a mistake. */
const FILES_MAX = 1000;
/** Bytes of all of them, which the agent has in its memory while it is configured. */
const BYTES_MAX = 32 * 1024 * 1024;
/** Files that include one another; the agent itself goes no deeper. */
const DEPTH_MAX = 16;

/** A file as the agent knows it, and where it is. */
interface RuleFile {
  /** The path from the configuration's folder, or from the root where it is named so. */
  readonly name: string;
  readonly path: string;
}

/** Where a walk is. */
interface Visit {
  /** The value in the configuration that led here. */
  readonly span: Span;
  /** Names of the files that include this one, outermost first. */
  readonly chain: readonly string[];
}

/** Thrown when there is no use in going on; it has been reported. */
class Hopeless extends Error {}

/** Finds rule files by patterns, and all files that they include or read from. */
export class RuleFiles {
  /** What rule files say of the engine; the last one has the last word. */
  settings: RuleSettings = {};
  readonly #found = new Map<string, string>();
  readonly #included = new Set<string>();
  readonly #files: AgentFiles;
  readonly #site: TypeSite;
  readonly #base: string;
  #bytesLeft = BYTES_MAX;

  /** `from` is the configuration file. */
  constructor(site: TypeSite, files: AgentFiles, from: string) {
    this.#site = site;
    this.#files = files;
    this.#base = folderOf(from);
  }

  /** Every file that was found, by name, with its path. */
  get found(): ReadonlyMap<string, string> {
    return this.#found;
  }

  /** Names of files that rule files include, in their order. */
  get included(): readonly string[] {
    return [...this.#included].sort(byCodeUnit);
  }

  /** Names of the rule files that match a pattern, in order; what is wrong with them is reported. */
  async take(pattern: string, span: Span): Promise<readonly string[]> {
    const files = await this.#fromConfig(pattern, span);
    if (files.length === 0) {
      const hint = (await this.#fromConfig(`${pattern}.example`, span)).length > 0
        ? `there is ${pattern}.example: copy it to ${pattern}`
        : `paths start in the folder of the file that has them: ${this.#base === "" ? "./" : this.#base}`;
      this.#site.reading.error(span, `no file matches "${pattern}"`, hint);
    }
    return await this.#all(files, { span, chain: [] });
  }

  /** The same for a file that is known by a name already. */
  async takeNamed(file: RuleFile, span: Span): Promise<readonly string[]> {
    return await this.#all([file], { span, chain: [] });
  }

  async #all(files: readonly RuleFile[], visit: Visit): Promise<readonly string[]> {
    try {
      for (const file of files) await this.#visit(file, visit);
    } catch (cause) {
      if (!(cause instanceof Hopeless)) throw cause;
    }
    return files.map(({ name }) => name);
  }

  async #visit(file: RuleFile, visit: Visit): Promise<void> {
    const { name } = file;
    if (visit.chain.includes(name)) {
      this.#fail(visit, `rule files include each other: ${[...visit.chain, name].join(" → ")}`);
    }
    if (this.#found.has(name)) return;
    if (visit.chain.length > DEPTH_MAX) {
      this.#fail(visit, `rule files include each other more than ${DEPTH_MAX} deep`);
    }
    const text = await this.#read(file, visit);
    if (text === undefined) return;
    const { files, settings } = ruleReferences(text);
    const within = { span: visit.span, chain: [...visit.chain, name] };
    // What a line says holds from there on: an included file can be overruled below its line, not above.
    let settled = 0;
    const settle = (untilLine: number) => {
      for (; settled < settings.length && settings[settled]!.line < untilLine; settled++) {
        this.settings = { ...this.settings, ...settings[settled]!.settings };
      }
    };
    for (const reference of files) {
      settle(reference.line);
      if (reference.kind === "data" || reference.kind === "data-optional") {
        await this.#data(reference, file, within);
      } else await this.#include(reference, file, within);
    }
    settle(Infinity);
  }

  async #include(reference: RuleReference, from: RuleFile, within: Visit): Promise<void> {
    const { name, line, kind } = reference;
    let files = await this.#beside(name, from, within.span);
    if (files.length === 0) files = await this.#fromConfig(name, within.span);
    if (files.length === 0 && kind === "include") {
      this.#site.reading.error(
        within.span,
        `${from.name}:${line}: no file matches "${name}"`,
        `paths start in the folder of ${from.path}; "IncludeOptional" does without`,
      );
    }
    for (const file of files) {
      this.#included.add(file.name);
      await this.#visit(file, within);
    }
  }

  async #data({ kind, name, line }: RuleReference, from: RuleFile, within: Visit): Promise<void> {
    // A pattern would be a name with odd signs in it.
    const isPlain = !/[*?]/.test(name);
    let files = isPlain ? await this.#beside(name, from, within.span) : [];
    if (files.length === 0 && isPlain) files = await this.#fromConfig(name, within.span);
    const file = files[0];
    if (file === undefined) {
      if (kind === "data-optional") return;
      const hint = `it is looked for in the folder of ${from.path}`;
      this.#site.reading.error(within.span, `${from.name}:${line}: there is no file "${name}"`, hint);
    } else if (!this.#found.has(file.name)) await this.#read(file, within);
  }

  /** Reads a file, one sign for each byte; undefined when that cannot be done, which is reported. */
  async #read({ name, path }: RuleFile, visit: Visit): Promise<string | undefined> {
    if (this.#found.size >= FILES_MAX) this.#fail(visit, `more than ${FILES_MAX} rule and data files`);
    this.#found.set(name, path);
    let bytes: Uint8Array;
    try {
      bytes = dataUrlBytes(path) ?? await this.#files.readBytes(path, BYTES_MAX);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#site.reading.error(visit.span, `cannot read ${path}: ${reason}`);
      return undefined;
    }
    this.#bytesLeft -= bytes.length;
    if (this.#bytesLeft < 0) {
      this.#fail(visit, `rule and data files have more than ${BYTES_MAX} bytes together, with ${path}`);
    }
    const text = new TextDecoder("latin1").decode(bytes);
    this.#site.noteSource(path, text);
    return text;
  }

  /** Files that match a pattern from the configuration's folder. */
  async #fromConfig(pattern: string, span: Span): Promise<RuleFile[]> {
    const paths = await this.#glob(pattern, { from: `${this.#base}_`, span });
    return paths.map((path) => ({
      name: path.startsWith(this.#base) ? path.slice(this.#base.length) : path,
      path,
    }));
  }

  /** Files that match a pattern from the folder of another one. */
  async #beside(pattern: string, from: RuleFile, span: Span): Promise<RuleFile[]> {
    const paths = await this.#glob(pattern, { from: from.path, span });
    if (pattern.startsWith("/")) return paths.map((path) => ({ name: path, path }));
    const folder = folderOf(from.path);
    return paths.map((path) => ({ name: folderOf(from.name) + path.slice(folder.length), path }));
  }

  async #glob(pattern: string, { from, span }: { readonly from: string; readonly span: Span }) {
    try {
      return [...await this.#files.glob(pattern, from)].sort(byCodeUnit);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#site.reading.error(span, `cannot search for "${pattern}": ${reason}`);
      return [];
    }
  }

  #fail(visit: Visit, message: string): never {
    this.#site.reading.error(visit.span, message);
    throw new Hopeless(message);
  }
}

/** The folder of a path with its slash; nothing for a bare name. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** The same order on every machine, whatever its locale. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
