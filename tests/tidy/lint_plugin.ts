/** The rules of STYLE that need a syntax tree. `deno lint` runs them through deno.json, tidy_test.ts on samples. */

import { declarationRules } from "./declaration_rules.ts";
import { importRules } from "./import_rules.ts";
import { worldRules } from "./world_rules.ts";

const plugin: Deno.lint.Plugin = {
  name: "tidy",
  rules: { ...importRules, ...worldRules, ...declarationRules },
};

export default plugin;
