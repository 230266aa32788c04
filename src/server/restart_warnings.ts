import type { Config } from "../config/document.ts";
import { kebabName } from "../core/config_node.ts";

/** Options of `system` that take effect at the start only. */
const START_ONLY = ["workerThreads", "pidFile", "workingDirectory"] as const;

/** One warning for each changed option that a reload cannot apply; the old value stays in effect. */
export function restartWarnings(serving: Config, next: Config): string[] {
  return START_ONLY.filter((name) => serving.system[name] !== next.system[name]).map((name) =>
    `A change of system { ${kebabName(name)} } takes effect after a restart; ` +
    `${JSON.stringify(serving.system[name] ?? null)} stays for now`
  );
}
