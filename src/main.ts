/** The entry: arguments in, exit status out. */

import { main } from "./cli/program.ts";
import { processTerminal } from "./cli/terminal.ts";

if (import.meta.main) Deno.exit(await main(Deno.args, processTerminal()));
