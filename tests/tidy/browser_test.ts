import { equal, match } from "node:assert/strict";
import { ROOT } from "../support/servers.ts";
import { OUTER_ROOMS, roomOf } from "./layers.ts";
import { filesBelow } from "./tree.ts";

/** Type-checks files with browser types alone; the compiler's output, empty when all is well. */
async function checkInBrowser(files: readonly string[]): Promise<string> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--config", "tests/tidy/browser.json", ...files],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  return success ? "" : new TextDecoder().decode(stderr);
}

Deno.test("browser: inner rooms type-check without Deno's types", async () => {
  const files = [...filesBelow("src", [".ts"]).keys()].filter((path) =>
    !OUTER_ROOMS.has(roomOf(path)!) && !/_(test|bench)\.ts$/.test(path)
  );
  equal(await checkInBrowser(files), "");
});

Deno.test("browser: the check sees a use of Deno", async () => {
  const sample = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(sample, "export const version: string = Deno.version.deno;\n");
    match(await checkInBrowser([sample]), /Cannot find name 'Deno'/);
  } finally {
    await Deno.remove(sample);
  }
});
