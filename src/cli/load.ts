import type { Config } from "../config/document.ts";
import type { ConfigSource } from "../server/config_source.ts";
import { embeddedSource, fileSource } from "../server/file_source.ts";
import type { GlobalOptions } from "./program.ts";
import type { Terminal } from "./terminal.ts";

/** Environment variables that name the configuration, the first one set counts. */
const CONFIG_VARIABLES = ["SENTINEL_CONFIG", "ZENTINEL_CONFIG"] as const;

/** A configuration that can be used, and what people call it. */
export interface UsableConfig {
  readonly name: string;
  readonly config: Config;
}

/** Where the configuration comes from: the option, else the environment, else the embedded default. */
export function sourceOf(options: GlobalOptions, terminal: Terminal): ConfigSource {
  const path = options.config ?? CONFIG_VARIABLES.map((name) => terminal.env(name)).find((value) => value);
  return path === undefined ? embeddedSource() : fileSource(path, terminal);
}

/** Loads the configuration and prints errors and warnings; undefined when there are errors. */
export async function loadOrReport(
  options: GlobalOptions,
  terminal: Terminal,
): Promise<UsableConfig | undefined> {
  const source = sourceOf(options, terminal);
  const { config, report } = await source.load();
  if (report !== "") terminal.err(report);
  return config === undefined ? undefined : { name: source.name, config };
}
