import assert from "node:assert/strict";
import { DiskFiles } from "./config_files.ts";
import { embeddedSource, fileSource } from "./file_source.ts";

const STYLE = { color: false };
const MAIN = `system { worker-threads 1; }
listeners { listener "a" { address "127.0.0.1:8080"; }; }
include "routes/*.kdl"
`;
const ROUTES = `routes { route "r" { matches { path-prefix "/"; }; builtin-handler "status"; }; }\n`;

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(`${folder}/${path.slice(0, path.lastIndexOf("/") + 1)}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, text);
  }
  return folder;
}

Deno.test("file source: follows includes and says which files and folders to watch", async () => {
  const folder = await folderWith({
    "main.kdl": MAIN,
    "routes/r.kdl": ROUTES,
    "routes/.hidden.kdl": "bad {",
  });
  const loaded = await fileSource(`${folder}/main.kdl`, STYLE).load();
  assert.equal(loaded.report, "");
  assert.deepEqual(loaded.config?.routes.map(({ id }) => id), ["r"]);
  assert.deepEqual(new Set(loaded.files), new Set([`${folder}/main.kdl`, `${folder}/routes/r.kdl`]));
  assert.deepEqual(loaded.folders, [`${folder}/routes`]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("file source: the fingerprint changes with any text, and comes back with it", async () => {
  const folder = await folderWith({ "main.kdl": MAIN, "routes/r.kdl": ROUTES });
  const source = fileSource(`${folder}/main.kdl`, STYLE);
  const first = (await source.load()).fingerprint;
  assert.equal((await source.load()).fingerprint, first);
  await Deno.writeTextFile(`${folder}/routes/r.kdl`, ROUTES + "// more\n");
  const second = (await source.load()).fingerprint;
  assert.notEqual(second, first);
  await Deno.writeTextFile(`${folder}/routes/s.kdl`, "");
  assert.notEqual((await source.load()).fingerprint, second, "a new file that an include matches");
  await Deno.remove(`${folder}/routes/s.kdl`);
  await Deno.writeTextFile(`${folder}/routes/r.kdl`, ROUTES);
  assert.equal((await source.load()).fingerprint, first);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("file source: what cannot be read is an error that names the file", async () => {
  const folder = await folderWith({ "dir.kdl/x": "" });
  const cases = [
    { name: "missing", path: "absent.kdl", want: /absent\.kdl: there is no such file/ },
    { name: "folder", path: "dir.kdl", want: /dir\.kdl: it is a folder/ },
    { name: "not text", path: "binary.kdl", want: /binary\.kdl: the file is not UTF-8/ },
  ];
  await Deno.writeFile(`${folder}/binary.kdl`, new Uint8Array([0xff, 0xfe, 0x80]));
  for (const { name, path, want } of cases) {
    const loaded = await fileSource(`${folder}/${path}`, STYLE).load();
    assert.equal(loaded.config, undefined, name);
    assert.match(loaded.report, want, name);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("file source: a relative path still means the same file after a change of folder", async () => {
  const folder = await folderWith({ "main.kdl": MAIN, "routes/r.kdl": ROUTES });
  const before = Deno.cwd();
  try {
    Deno.chdir(folder);
    const source = fileSource("main.kdl", STYLE);
    Deno.chdir("/");
    const loaded = await source.load();
    assert.equal(loaded.report, "");
    assert.equal(source.name, "main.kdl");
    assert.deepEqual(loaded.config?.routes.length, 1);
  } finally {
    Deno.chdir(before);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("embedded source: is valid, loads the same every time, and knows itself in a copy", async () => {
  const source = embeddedSource();
  const [one, two] = [await source.load(), await source.load()];
  assert.equal(one.report, "");
  assert.equal(one.fingerprint, two.fingerprint);
  assert.equal(one.isDefault, true);

  const text = await Deno.readTextFile(new URL("../../config/sentinel.kdl", import.meta.url));
  const folder = await folderWith({ "copy.kdl": text, "changed.kdl": `${text}// mine\n` });
  assert.equal((await fileSource(`${folder}/copy.kdl`, STYLE).load()).isDefault, true);
  assert.equal((await fileSource(`${folder}/changed.kdl`, STYLE).load()).isDefault, false);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("disk files: globs find files in the form people wrote, through folders and links", async () => {
  const folder = await folderWith({
    "a.kdl": "",
    "b.txt": "",
    "x/c.kdl": "",
    "x/y/d.kdl": "",
    "x/.git/e.kdl": "",
  });
  await Deno.symlink(`${folder}/x`, `${folder}/link`);
  const cases: { name: string; pattern: string; want: string[] }[] = [
    { name: "plain", pattern: "a.kdl", want: ["a.kdl"] },
    { name: "plain and missing", pattern: "z.kdl", want: [] },
    { name: "a folder is no file", pattern: "x", want: [] },
    { name: "one level", pattern: "*.kdl", want: ["a.kdl"] },
    { name: "folder part", pattern: "?/*.kdl", want: ["x/c.kdl"] },
    { name: "folder part through a link", pattern: "li*/*.kdl", want: ["link/c.kdl"] },
    { name: "any depth", pattern: "**/*.kdl", want: ["a.kdl", "x/c.kdl", "x/y/d.kdl"] },
    { name: "any depth below", pattern: "x/**/d.kdl", want: ["x/y/d.kdl"] },
    { name: "absent folder", pattern: "nowhere/*.kdl", want: [] },
    { name: "leading dot", pattern: "./*.kdl", want: ["./a.kdl"] },
  ];
  for (const { name, pattern, want } of cases) {
    const found = await new DiskFiles("/").glob(pattern, `${folder}/main.kdl`);
    assert.deepEqual([...found].sort(), want.map((path) => `${folder}/${path}`), name);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("disk files: a pattern in the root folder is searched there, and not where the process is", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-glob-" });
  try {
    await Deno.writeTextFile(`${folder}/a.kdl`, "");
    const inRoot = `/${folder.split("/")[1]}`;
    const rest = folder.slice(inRoot.length);
    const files = new DiskFiles(folder);
    assert.deepEqual(await files.glob(`${inRoot.slice(0, -1)}?${rest}/a.kdl`, "main.kdl"), [
      `${folder}/a.kdl`,
    ]);
    assert.deepEqual(await files.glob(`${inRoot.slice(1, -1)}?${rest}/*.kdl`, "/main.kdl"), [
      `${folder}/a.kdl`,
    ]);
    assert.deepEqual((await files.glob("/*.kdl", "main.kdl")).filter((path) => path.endsWith("a.kdl")), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
