/** A proxy with a firewall in front of an origin. */

import { equal } from "node:assert/strict";
import { ServingSentinel } from "./process.ts";
import { okResponse, RawOrigin } from "./raw_origin.ts";

export interface Wishes {
  /** Blocks at the top level. */
  readonly top: string;
  /** Rule files in the folder of the configuration, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** A folder that is copied into that of the configuration as `crs`. */
  readonly crs?: string;
  /** Lines of the block `logging`. */
  readonly logging?: string;
}

export async function start(
  origin: RawOrigin,
  { top, files = {}, crs, logging = "" }: Wishes,
): Promise<ServingSentinel> {
  return await ServingSentinel.start(({ port, adminPort, folder }) => {
    Deno.mkdirSync(`${folder}/rules`);
    for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${folder}/${name}`, text);
    if (crs !== undefined) copyRules(crs, `${folder}/crs`);
    return `
system { worker-threads 2; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
agents-dir "${folder}/agents"
${top}
routes {
    route "open" { matches { path-prefix "/open"; }; upstream "origin"; }
    route "all" { priority "low"; matches { path-prefix "/"; }; upstream "origin"; waf-enabled #true; }
}
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
observability {
    metrics { address "127.0.0.1:${adminPort}"; }
    logging { level "info"; format "text"; access-log { file "-"; format "json"; buffer-size 0; }; ${logging} }
}
`;
  });
}

/** The rule set as its release has it, with the setup that its readme asks for. */
function copyRules(from: string, to: string): void {
  Deno.mkdirSync(`${to}/rules`, { recursive: true });
  for (const { name } of Deno.readDirSync(`${from}/rules`)) {
    Deno.copyFileSync(`${from}/rules/${name}`, `${to}/rules/${name}`);
  }
  Deno.copyFileSync(`${from}/crs-setup.conf.example`, `${to}/crs-setup.conf`);
}

export async function status(sentinel: ServingSentinel, path: string, init?: RequestInit): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${sentinel.port}${path}`, init);
  await response.body?.cancel();
  return response.status;
}

export function posted(body: BodyInit, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return {
    method: "POST",
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  };
}

export function answering(): RawOrigin {
  return new RawOrigin({ script: (connection) => connection.send(okResponse("ok")) });
}

/** Asks again until the answer is that one; a reload takes its time. */
export async function untilIs(want: number, ask: () => Promise<number>): Promise<void> {
  const dueMs = performance.now() + 10_000;
  let got = await ask();
  while (got !== want && performance.now() < dueMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    got = await ask();
  }
  equal(got, want);
}
