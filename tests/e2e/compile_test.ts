import { deepEqual, match, ok } from "node:assert/strict";
import { compile } from "../../build/compile.ts";

/** File names in Deno's tree of embedded files. */
function embeddedFiles(report: string): string[] {
  const tree = report.slice(report.indexOf("Embedded Files"), report.indexOf("\nFiles:"));
  return [...tree.matchAll(/[├└]─+\S* (\S+) \([\d.]+\w+\)/g)].map(([, name]) => name!).sort();
}

Deno.test("compile: the executable embeds the program, its agents and nothing else (stub runtime)", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const output = `${folder}/sentinel`;
    const report = await compile(output, { stub: true });
    match(report, /Embedded Files/);
    deepEqual(embeddedFiles(report), ["agents/*", "main.js", "worker.js"], report);
    const text = new TextDecoder("latin1").decode(await Deno.readFile(output));
    const config = await Deno.readTextFile(new URL("../../config/sentinel.kdl", import.meta.url));
    const telling = config.split("\n").find((line) => line.includes('listener "'))!.trim();
    ok(
      text.includes(telling) || text.includes(JSON.stringify(telling).slice(1, -1)),
      `the embedded configuration lacks: ${telling}`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
