import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { createStorage } from "./acme_storage.ts";

async function inFolder(task: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-acme-" });
  try {
    await task(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function modeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).mode! & 0o777;
}

Deno.test("acme storage: files and folders are nobody else's, and are replaced", () =>
  inFolder(async (folder) => {
    const storage = createStorage();
    const path = `${folder}/a/b/key.pem`;
    equal(await storage.read(path, 100), undefined);
    await storage.write(path, "one");
    await storage.write(path, "two");
    equal(await storage.read(path, 100), "two");
    equal(await modeOf(path), 0o600);
    equal(await modeOf(`${folder}/a`), 0o700);
    equal(await modeOf(`${folder}/a/b`), 0o700);
    const names = Array.from(Deno.readDirSync(`${folder}/a/b`), ({ name }) => name).sort();
    deepEqual(names, [".guard", "key.pem"]);
    await rejects(storage.read(path, 2), /larger than 2 bytes/);
  }));

Deno.test("acme storage: what a crash left open to others is not written into", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/x.new`, "left over", { mode: 0o666 });
    await createStorage().write(`${folder}/x`, "secret");
    equal(await modeOf(`${folder}/x`), 0o600);
  }));

Deno.test("acme storage: updates of several at once do not lose one", () =>
  inFolder(async (folder) => {
    const path = `${folder}/count`;
    const add = () => createStorage().update(path, (text) => `${Number(text ?? 0) + 1}`);
    await Promise.all(Array.from({ length: 20 }, add));
    equal(await Deno.readTextFile(path), "20");
    await createStorage().update(path, () => undefined);
    equal(await Deno.readTextFile(path), "20");
  }));

Deno.test("acme storage: a folder that cannot be written says so", async () => {
  const file = await Deno.makeTempFile();
  try {
    await rejects(createStorage().write(`${file}/x/y`, ""), (cause) => {
      match(String(cause), /cannot write in/);
      return true;
    });
  } finally {
    await Deno.remove(file);
  }
});
