import { deepEqual, equal } from "node:assert/strict";
import { generateBindings } from "../../build/wit/assemblyscript.ts";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL("../sdk/assembly/bindings/", import.meta.url);

Deno.test("bindings: they are what the WIT gives; else run `deno task wit`", async () => {
  const files = await generateBindings();
  const present = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
  deepEqual([...files.keys()].map((path) => path.split("/").at(-1)).sort(), present);
  for (const [path, text] of files) equal(await Deno.readTextFile(new URL(path, ROOT)), text, path);
});
