/** A copy of the repository to work in. */

/** What the copy needs; packages are linked, since they are large and nobody writes to them. */
const COPIED = ["deno.json", "deno.lock", "src", "build", "config", "wasm-agents"];
const LINKED = ["node_modules", "wasm-agents/node_modules"];

/** Copies the tree at `root` into an empty folder. */
export async function copyTree(root: URL, folder: string): Promise<void> {
  for (const name of COPIED) await copy(new URL(name, root).pathname, `${folder}/${name}`);
  for (const name of LINKED) await Deno.symlink(new URL(name, root).pathname, `${folder}/${name}`);
}

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    if (name !== "node_modules") await copy(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Whether there is such a file. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
