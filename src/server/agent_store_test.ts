import assert from "node:assert/strict";
import { AgentLoadError } from "../agents/guest.ts";
import { AgentStore } from "./agent_store.ts";
import type { AgentLoad, LoadedAgent } from "./agent_store.ts";

interface Limits {
  readonly bytesMax: number;
  readonly fuel?: number;
}

interface Compiled {
  readonly text: string;
}

const LIMITS: Limits = { bytesMax: 100 };

/** A folder of files, and a compiler that refuses what begins with "bad". */
class Stage implements AsyncDisposable {
  readonly folder: string;
  readonly compiled: string[] = [];
  readonly store = new AgentStore<Compiled, Limits>({
    compile: (bytes) => {
      const text = new TextDecoder().decode(bytes);
      this.compiled.push(text);
      if (text.startsWith("bad")) throw new AgentLoadError("section 7 is cut off");
      return { text };
    },
    bytesMax: ({ bytesMax }) => bytesMax,
  });

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(files: Record<string, string>): Promise<Stage> {
    const stage = new Stage(await Deno.makeTempDir());
    for (const [name, text] of Object.entries(files)) await stage.write(name, text);
    return stage;
  }

  path(id: string): string {
    return `${this.folder}/${id}.wasm`;
  }

  write(id: string, text: string): Promise<void> {
    return Deno.writeTextFile(this.path(id), text);
  }

  load(ids: string, limits: Limits = LIMITS): Promise<readonly AgentLoad<Compiled>[]> {
    return this.store.load(ids.split(" ").map((id) => ({ id, path: this.path(id), limits })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function loaded(load: AgentLoad<Compiled> | undefined): LoadedAgent<Compiled> {
  assert.ok(load?.type === "loaded", JSON.stringify(load));
  return load.agent;
}

function problem(load: AgentLoad<Compiled> | undefined): string {
  assert.ok(load?.type === "problem", JSON.stringify(load));
  return load.problem;
}

const SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("agent store: a file with its digest and size", async () => {
  await using stage = await Stage.make({ a: "abc" });
  const agent = loaded((await stage.load("a"))[0]);
  assert.deepEqual(agent, {
    id: "a",
    path: stage.path("a"),
    digest: SHA256_OF_ABC,
    bytes: 3,
    compiled: { text: "abc" },
  });
});

Deno.test("agent store: unchanged files and limits are not compiled again; either changed, they are", async () => {
  await using stage = await Stage.make({ a: "a", b: "b" });
  const first = loaded((await stage.load("a b"))[0]);
  stage.store.serve([first]);
  assert.equal(stage.store.size, 1);
  assert.equal(loaded((await stage.load("a b"))[0]).compiled, first.compiled);
  assert.deepEqual(stage.compiled, ["a", "b", "b"], "b was forgotten when it was not served");
  await stage.write("a", "other");
  assert.notEqual(loaded((await stage.load("a"))[0]).compiled, first.compiled);
  await stage.write("a", "a");
  assert.equal(loaded((await stage.load("a"))[0]).compiled, first.compiled, "it is still served");
  assert.notEqual(loaded((await stage.load("a", { ...LIMITS, fuel: 1 }))[0]).compiled, first.compiled);
});

Deno.test("agent store: two agents of one file share what is compiled", async () => {
  await using stage = await Stage.make({ a: "same" });
  const path = stage.path("a");
  const loads = await stage.store.load(["x", "y"].map((id) => ({ id, path, limits: LIMITS })));
  assert.equal(loaded(loads[0]).compiled, loaded(loads[1]).compiled);
  assert.deepEqual(loads.map((load) => loaded(load).id), ["x", "y"]);
});

Deno.test("agent store: however often bad and good files come, no more is kept than served and last loaded", async () => {
  await using stage = await Stage.make({ a: "0" });
  stage.store.serve([loaded((await stage.load("a"))[0])]);
  for (let i = 1; i <= 50; i++) {
    await stage.write("a", i % 2 ? `bad ${i}` : `good ${i}`);
    await stage.load("a");
    assert.ok(stage.store.size <= 2, `${stage.store.size} are kept`);
  }
  stage.store.serve([]);
  assert.equal(stage.store.size, 0);
});

Deno.test("agent store: what is wrong with a file", async () => {
  await using stage = await Stage.make({ good: "good", bad: "bad", big: "x".repeat(101) });
  await Deno.mkdir(stage.path("folder"));
  const loads = await stage.load("bad big folder none good");
  const wants = [
    "section 7 is cut off",
    "it has 101 bytes, and at most 100 are allowed",
    "it is no regular file",
    "there is no such file",
  ];
  for (const [index, id] of ["bad", "big", "folder", "none"].entries()) {
    assert.equal(problem(loads[index]), `Cannot load agent "${id}" from ${stage.path(id)}: ${wants[index]}`);
  }
  assert.equal(loaded(loads[4]).compiled.text, "good");
});

Deno.test("agent store: a pinned digest must be the file's", async () => {
  await using stage = await Stage.make({ a: "abc" });
  const file = { id: "a", path: stage.path("a"), limits: LIMITS };
  assert.equal(
    loaded((await stage.store.load([{ ...file, sha256: SHA256_OF_ABC.toUpperCase() }]))[0]).bytes,
    3,
  );
  const other = SHA256_OF_ABC.replace("ba", "00");
  const [load] = await stage.store.load([{ ...file, sha256: other }]);
  assert.equal(
    problem(load),
    `Cannot load agent "a" from ${file.path}: its SHA-256 is ${SHA256_OF_ABC}, where ${other} is demanded`,
  );
});

Deno.test("agent store: a fault of the compiler itself is no problem of the file", async () => {
  const store = new AgentStore<Compiled, Limits>({
    compile: () => {
      throw new TypeError("a bug");
    },
    bytesMax: () => 100,
  });
  await using stage = await Stage.make({ a: "a" });
  await assert.rejects(store.load([{ id: "a", path: stage.path("a"), limits: LIMITS }]), TypeError);
});
