import assert from "node:assert/strict";
import { AgentsDir, SETTLE_MS } from "./agents_dir.ts";
import type { AgentsListing } from "./agents_dir.ts";
import { DROPPED_AGENTS_MAX, lookAt, OPTIONS_BYTES_MAX, WASM_BYTES_MAX } from "./agents_dir_look.ts";

/** A folder that is followed, and its parent. */
class Stage implements AsyncDisposable {
  readonly #root: string;
  readonly folder: string;
  #dir: AgentsDir | undefined;
  #wake = Promise.withResolvers<void>();
  calls = 0;
  onCall: () => void = () => {};

  private constructor(root: string) {
    this.#root = root;
    this.folder = `${root}/etc/agents`;
  }

  static async make(files: Record<string, string> | undefined = {}): Promise<Stage> {
    const stage = new Stage(await Deno.realPath(await Deno.makeTempDir()));
    if (files !== undefined) {
      await Deno.mkdir(stage.folder, { recursive: true });
      for (const [name, text] of Object.entries(files)) {
        await Deno.writeTextFile(`${stage.folder}/${name}`, text);
      }
    }
    return stage;
  }

  get root(): string {
    return this.#root;
  }

  get listing(): AgentsListing {
    return this.#dir!.listing;
  }

  get names(): string {
    return this.listing.agents.map(({ id }) => id).join(" ");
  }

  get dir(): AgentsDir {
    return this.#dir!;
  }

  async follow(): Promise<void> {
    this.#dir = await AgentsDir.open({
      folder: this.folder,
      log: (_level, message) => assert.fail(message),
      changed: () => {
        this.calls++;
        this.onCall();
        this.#wake.resolve();
        this.#wake = Promise.withResolvers();
      },
    });
  }

  /** Waits until what is wanted is so; asks after every call only. Fails where nothing will call any more. */
  async until(isSo: () => boolean): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`after ${this.calls} calls it is still not so`)), 10_000);
    try {
      while (!isSo()) await Promise.race([late, this.#wake.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(`${this.folder}/${name}`, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir?.close();
    await Deno.remove(this.#root, { recursive: true });
  }
}

Deno.test("agents dir: what lies there at the start, with options beside it", async () => {
  await using stage = await Stage.make({
    "b.wasm": "b",
    "a.wasm": "a",
    "a.kdl": 'mode "shadow"',
    "notes.txt": "",
    ".hidden.wasm": "",
    "alone.kdl": "",
    "bad name.wasm": "",
  });
  await stage.follow();
  assert.deepEqual(stage.listing.agents, [
    {
      id: "a",
      wasm: `${stage.folder}/a.wasm`,
      options: { path: `${stage.folder}/a.kdl`, text: 'mode "shadow"' },
    },
    { id: "b", wasm: `${stage.folder}/b.wasm`, options: undefined },
  ]);
  assert.deepEqual(stage.listing.problems.map(({ message }) => message.replace(stage.folder, "")), [
    '/bad name.wasm is not taken: a name consists of at most 128 letters, digits, "-", "_" and "."',
    "/alone.kdl has no alone.wasm beside it",
  ]);
  assert.equal(stage.calls, 0);
});

Deno.test("agents dir: adding, replacing, renaming over and removing are each heard of within a second", async () => {
  await using stage = await Stage.make();
  await stage.follow();
  assert.equal(stage.names, "");
  const within = async (act: () => Promise<unknown>, isSo: (before: AgentsListing) => boolean) => {
    const before = stage.listing;
    const startMs = performance.now();
    await act();
    await stage.until(() => isSo(before));
    const took = performance.now() - startMs;
    assert.ok(took < 1_000, `took ${took} ms`);
  };
  const isOther = (before: AgentsListing) => stage.listing.fingerprint !== before.fingerprint;
  await within(() => stage.write("a.wasm", "one"), () => stage.names === "a");
  await within(() => stage.write("a.wasm", "two"), isOther);
  await stage.write(".a.tmp", "three");
  await within(() => Deno.rename(`${stage.folder}/.a.tmp`, `${stage.folder}/a.wasm`), isOther);
  await within(() => stage.write("a.kdl", "x 1"), () => stage.listing.agents[0]?.options?.text === "x 1");
  await within(
    () => Deno.remove(`${stage.folder}/a.kdl`),
    () => stage.listing.agents[0]?.options === undefined,
  );
  await within(() => Deno.remove(`${stage.folder}/a.wasm`), () => stage.names === "");
});

Deno.test("agents dir: a file that grows is not taken before it has rested", async () => {
  await using stage = await Stage.make();
  await stage.follow();
  using file = await Deno.open(`${stage.folder}/a.wasm`, { create: true, write: true });
  const bytes = new Uint8Array(1024);
  let writtenMs = 0;
  const restedMs: number[] = [];
  stage.onCall = () => restedMs.push(performance.now() - writtenMs);
  // Longer than a file has to rest, in steps that are much shorter.
  for (const untilMs = performance.now() + 3 * SETTLE_MS; performance.now() < untilMs;) {
    writtenMs = performance.now();
    await file.write(bytes);
  }
  await stage.until(() => stage.names === "a");
  assert.ok(restedMs.every((ms) => ms >= SETTLE_MS * 0.9), `rested ${restedMs} ms`);
});

Deno.test("agents dir: deleted and written again at once is a replacement, not a removal", async () => {
  await using stage = await Stage.make({ "a.wasm": "one" });
  await stage.follow();
  const before = stage.listing.fingerprint;
  await Deno.remove(`${stage.folder}/a.wasm`);
  await stage.write("a.wasm", "two");
  await stage.until(() => stage.listing.fingerprint !== before);
  assert.equal(stage.names, "a");
  assert.equal(stage.calls, 1);
});

Deno.test("agents dir: the folder may come later, go, and be another one behind the same link", async () => {
  await using stage = await Stage.make(undefined);
  await stage.follow();
  assert.equal(stage.names, "");
  await Deno.mkdir(stage.folder, { recursive: true });
  await stage.write("a.wasm", "a");
  await stage.until(() => stage.names === "a");
  await Deno.remove(`${stage.root}/etc`, { recursive: true });
  await stage.until(() => stage.names === "");
  for (const version of ["v1", "v2"]) {
    await Deno.mkdir(`${stage.root}/${version}`);
    await Deno.writeTextFile(`${stage.root}/${version}/${version}.wasm`, version);
  }
  await Deno.mkdir(`${stage.root}/etc`);
  await Deno.symlink(`${stage.root}/v1`, stage.folder);
  await stage.until(() => stage.names === "v1");
  await Deno.symlink(`${stage.root}/v2`, `${stage.root}/etc/next`);
  await Deno.rename(`${stage.root}/etc/next`, stage.folder);
  await stage.until(() => stage.names === "v2");
  await Deno.writeTextFile(`${stage.root}/v2/more.wasm`, "");
  await stage.until(() => stage.names === "more v2");
});

Deno.test("agents dir: a link to a file counts, and so does a change of what it leads to", async () => {
  await using stage = await Stage.make();
  await Deno.mkdir(`${stage.root}/built`);
  await Deno.writeTextFile(`${stage.root}/built/x.wasm`, "one");
  await Deno.symlink(`${stage.root}/built/x.wasm`, `${stage.folder}/a.wasm`);
  await stage.follow();
  assert.equal(stage.names, "a");
  const before = stage.listing.fingerprint;
  await Deno.writeTextFile(`${stage.root}/built/x.wasm`, "two");
  await stage.until(() => stage.listing.fingerprint !== before);
  assert.equal(stage.names, "a");
  // No event tells of a link that leads elsewhere.
  const startMs = performance.now();
  await Deno.symlink(`${stage.root}/built/x.wasm`, `${stage.folder}/b.wasm`);
  await stage.until(() => stage.names === "a b");
  const took = performance.now() - startMs;
  assert.ok(took < 1_000, `took ${took} ms`);
});

Deno.test("agents dir: neither folders, dangling links nor huge files are taken; what ran there stays", async () => {
  await using stage = await Stage.make({ "good.wasm": "good", "good.kdl": "x 1" });
  await Deno.mkdir(`${stage.folder}/folder.wasm`);
  await Deno.symlink("nowhere", `${stage.folder}/link.wasm`);
  await stage.write("huge.wasm", "");
  await Deno.truncate(`${stage.folder}/huge.wasm`, WASM_BYTES_MAX + 1);
  await stage.follow();
  assert.equal(stage.names, "good");
  assert.deepEqual(stage.listing.problems.map(({ message }) => message.replace(stage.folder, "")), [
    "/folder.wasm is no regular file",
    `/huge.wasm has ${WASM_BYTES_MAX + 1} bytes; at most ${WASM_BYTES_MAX} are taken`,
    "/link.wasm is a link to nothing",
  ]);
  await stage.write("good.kdl", "\n".repeat(OPTIONS_BYTES_MAX + 1));
  await stage.until(() => stage.listing.problems.length === 4);
  assert.equal(stage.listing.agents[0]!.options!.text, "x 1");
  await stage.write("good.kdl", "x 2");
  await stage.until(() => stage.listing.problems.length === 3);
  assert.equal(stage.listing.agents[0]!.options!.text, "x 2");
});

Deno.test("agents dir: refresh knows at once what was written before it", async () => {
  await using stage = await Stage.make({ "a.wasm": "a" });
  await stage.follow();
  await stage.write("b.wasm", "b");
  const listing = await stage.dir.refresh();
  assert.deepEqual(listing.agents.map(({ id }) => id), ["a", "b"]);
  await stage.write("c.wasm", "c");
  await stage.until(() => stage.names === "a b c");
  assert.equal(stage.calls, 1, "who asks is not called as well");
});

Deno.test("agents dir: asking while something happens does not end the looking", async () => {
  await using stage = await Stage.make();
  await Deno.writeTextFile(`${stage.root}/x.wasm`, "x");
  await stage.follow();
  for (let i = 0; i < 10; i++) {
    await stage.write("notes.txt", String(i));
    // The event is a matter of a few turns, the look that it brings one of milliseconds.
    for (let turn = 0; turn < 4; turn++) await new Promise((done) => setTimeout(done, 1));
    await stage.dir.refresh();
    await Deno.symlink(`${stage.root}/x.wasm`, `${stage.folder}/link-${i}.wasm`);
    await stage.until(() => stage.listing.agents.length === i + 1);
  }
});

Deno.test("agents dir: one that cannot be looked at keeps what was there", async () => {
  await using stage = await Stage.make({ "a.wasm": "a" });
  await stage.follow();
  await Deno.rename(stage.folder, `${stage.root}/elsewhere`);
  await Deno.writeTextFile(stage.folder, "now a file");
  await stage.until(() => stage.listing.problems.length === 1);
  assert.equal(stage.names, "a");
  assert.equal(
    stage.listing.problems[0]!.message,
    `Cannot look for agents in ${stage.folder}: it is no folder`,
  );
});

Deno.test("agents dir: no more than so many agents, the first ones by name", async () => {
  await using stage = await Stage.make();
  for (let i = 0; i <= DROPPED_AGENTS_MAX; i++) {
    await stage.write(`a${String(i).padStart(3, "0")}.wasm`, "");
  }
  const look = await lookAt(stage.folder);
  assert.equal(look.agents.size, DROPPED_AGENTS_MAX);
  assert.deepEqual(look.problems.map(({ path }) => path), [`${stage.folder}/a256.wasm`]);
});
