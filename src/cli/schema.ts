import { jsonSchema } from "../config/json_schema.ts";
import type { GlobalOptions } from "./program.ts";
import { EXIT } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** Prints the JSON Schema of the configuration. */
export function schemaVerb(_options: GlobalOptions, terminal: Terminal): number {
  terminal.out(JSON.stringify(jsonSchema(), null, 2));
  return EXIT.ok;
}
