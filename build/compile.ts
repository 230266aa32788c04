/**
 * `deno task compile`: the whole of `deno compile` over a stub for the runtime it would otherwise download,
 * so that it can be checked anywhere; what comes out cannot run. `deno task compile --runtime` takes the real
 * one and makes `dist/sentinel-compiled`.
 */

import { bundleProgram, readManifest, ROOT, run } from "./bundles.ts";

/** A program that exists everywhere and is small; `deno compile` only appends to it. */
const STUB_RUNTIME = "/bin/true";

/** Compiles into `output`; the list of embedded files as Deno prints it. */
export async function compile(output: string, options: { stub: boolean }): Promise<string> {
  const { flags } = await readManifest();
  const folder = await Deno.makeTempDir({ prefix: "sentinel-compile-" });
  try {
    await bundleProgram(folder);
    return await run(
      Deno.execPath(),
      [
        "compile",
        "--no-config",
        ...flags,
        "--include",
        `${folder}/worker.js`,
        "--include",
        `${folder}/agents`,
        "--output",
        output,
        `${folder}/main.js`,
      ],
      options.stub ? { DENORT_BIN: STUB_RUNTIME } : {},
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const stub = !Deno.args.includes("--runtime");
  await Deno.mkdir(`${ROOT}dist`, { recursive: true });
  const output = `${ROOT}dist/${stub ? "sentinel-compiled-stub" : "sentinel-compiled"}`;
  console.log(await compile(output, { stub }));
  console.log(stub ? `${output} has a stub for a runtime: a check, not a program` : output);
}
