/** The usual program on crashable workers: SIGUSR2 crashes the first one. */

import { serve } from "../../src/cli/run.ts";
import { processTerminal } from "../../src/cli/terminal.ts";
import { fileSource } from "../../src/server/file_source.ts";

const crash = new BroadcastChannel("crash");
Deno.addSignalListener("SIGUSR2", () => crash.postMessage("worker-0"));

const path = Deno.args[Deno.args.indexOf("--config") + 1]!;
const source = fileSource(path, { color: false });
const workerScript = new URL("./crashable_worker.ts", import.meta.url);
Deno.exit(await serve({ source, verbose: false, workerScript }, processTerminal()));
