import assert from "node:assert/strict";
import { FileWatch } from "./watch.ts";

interface Stage {
  readonly folder: string;
  /** Resolves at the next time the watch calls. */
  next(): Promise<void>;
  readonly calls: () => number;
  close(): Promise<void>;
}

async function stage(files: readonly string[]): Promise<Stage> {
  const folder = await Deno.makeTempDir();
  for (const file of files) await Deno.writeTextFile(`${folder}/${file}`, "one");
  let calls = 0;
  let wake = Promise.withResolvers<void>();
  const watch = new FileWatch({
    files: files.map((file) => `${folder}/${file}`),
    folders: [`${folder}/absent`],
    log: (_level, message) => assert.fail(message),
    changed: () => {
      calls++;
      wake.resolve();
      wake = Promise.withResolvers();
    },
  });
  return {
    folder,
    next: () => wake.promise,
    calls: () => calls,
    close: async () => {
      watch.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("watch: writing in place, renaming over, and a new file each count; a burst counts once", async () => {
  const { folder, next, calls, close } = await stage(["a.kdl"]);
  let changed = next();
  for (const text of ["t", "tw", "two"]) await Deno.writeTextFile(`${folder}/a.kdl`, text);
  await changed;
  assert.equal(calls(), 1);

  changed = next();
  await Deno.writeTextFile(`${folder}/.a.kdl.swp`, "three");
  await Deno.rename(`${folder}/.a.kdl.swp`, `${folder}/a.kdl`);
  await changed;
  assert.equal(calls(), 2);

  changed = next();
  await Deno.writeTextFile(`${folder}/b.kdl`, "new");
  await changed;
  assert.equal(calls(), 3);
  await close();
});

Deno.test("watch: a log file beside the configuration does not count", async () => {
  const { folder, next, calls, close } = await stage(["a.kdl"]);
  let changed = next();
  const log = await Deno.open(`${folder}/access.log`, { create: true, append: true });
  await changed;
  assert.equal(calls(), 1);
  // Many lines to the log, then one real change: exactly the real change is heard of.
  changed = next();
  for (let i = 0; i < 50; i++) await log.write(new TextEncoder().encode("line\n"));
  await Deno.writeTextFile(`${folder}/a.kdl`, "two");
  await changed;
  assert.equal(calls(), 2);
  log.close();
  await close();
});
