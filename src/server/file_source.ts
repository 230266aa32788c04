import { createHash } from "node:crypto";
import { loadConfig, parseConfig } from "../config/load.ts";
import type { LoadResult } from "../config/load.ts";
import { renderIssues } from "../config/render.ts";
import { DiskFiles } from "./config_files.ts";
import { EMBEDDED_TEXT } from "./embedded.ts";
import type { ConfigSource, LoadedConfig } from "./config_source.ts";

/** How reports are printed. */
export interface ReportStyle {
  readonly color: boolean;
}

/** A configuration file and what it includes, read anew at every load. */
export function fileSource(path: string, style: ReportStyle): ConfigSource {
  const base = Deno.cwd();
  return {
    name: path,
    async load() {
      const files = new DiskFiles(base);
      const result = await loadConfig(path, files);
      return describe(result, { style, files: [...files.files], folders: [...files.folders] });
    },
  };
}

/** The configuration that is served when none is given; it never changes, so reloading it changes nothing. */
export function embeddedSource(): ConfigSource {
  const name = "(embedded)";
  const load = () =>
    describe(parseConfig(EMBEDDED_TEXT, name), { style: { color: false }, files: [], folders: [] });
  return { name, load: () => Promise.resolve(load()) };
}

function describe(
  result: LoadResult,
  from: {
    readonly style: ReportStyle;
    readonly files: readonly string[];
    readonly folders: readonly string[];
  },
): LoadedConfig {
  const { config, issues, sources } = result;
  const errorCount = issues.filter((issue) => issue.severity === "error").length;
  const hash = createHash("sha256");
  // The issues tell of files that are missing, which is part of what was read.
  hash.update(JSON.stringify([[...sources], issues.map((issue) => issue.message)]));
  return {
    config,
    report: renderIssues(issues, sources, from.style).trimEnd(),
    errorCount,
    warningCount: issues.length - errorCount,
    isDefault: sources.size === 1 && sources.values().next().value === EMBEDDED_TEXT,
    files: from.files,
    folders: from.folders,
    fingerprint: hash.digest("hex"),
  };
}
