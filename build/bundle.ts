/**
 * `deno task bundle`: `dist/sentinel`, one file that needs nothing but a Linux of the same architecture. It is
 * a shell script with the Deno binary and the program behind it; the first start unpacks them into a cache
 * folder, every later one runs from there.
 */

import { bundleProgram, readManifest, ROOT, run } from "./bundles.ts";

/** Files of the repository that travel along. */
const COMPANIONS = ["LICENSE"];

/** Writes the self-extracting file. */
export async function bundle(output: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-bundle-" });
  const payload = `${folder}/payload`;
  try {
    await Deno.mkdir(payload);
    await bundleProgram(payload);
    await Deno.copyFile(Deno.execPath(), `${payload}/deno`);
    await Deno.chmod(`${payload}/deno`, 0o755);
    for (const name of COMPANIONS) await Deno.copyFile(ROOT + name, `${payload}/${name}`);
    await run("tar", [
      "--create",
      "--gzip",
      `--file=${folder}/payload.tar.gz`,
      "--owner=0",
      "--group=0",
      "--sort=name",
      `--directory=${payload}`,
      ".",
    ]);
    await writeScript(output, await Deno.readFile(`${folder}/payload.tar.gz`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function writeScript(output: string, archive: Uint8Array<ArrayBuffer>): Promise<void> {
  const { version, flags } = await readManifest();
  const template = await Deno.readTextFile(new URL("./self_extract.sh", import.meta.url));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", archive)).toHex().slice(0, 16);
  const script = template
    .replaceAll("@VERSION@", version)
    .replaceAll("@DIGEST@", digest)
    .replaceAll("@FLAGS@", flags.join(" "))
    .replaceAll("@LINES@", String(template.split("\n").length));
  using file = await Deno.open(output, { write: true, create: true, truncate: true, mode: 0o755 });
  for (const part of [new TextEncoder().encode(script), archive]) {
    for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
  }
}

if (import.meta.main) {
  await Deno.mkdir(`${ROOT}dist`, { recursive: true });
  await bundle(`${ROOT}dist/sentinel`);
  const { size } = await Deno.stat(`${ROOT}dist/sentinel`);
  console.log(`dist/sentinel, ${(size / 1024 / 1024).toFixed(0)} MB`);
}
