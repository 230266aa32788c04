import assert from "node:assert/strict";
import { fakePorts } from "../../tests/support/discovery_rig.ts";
import { goodConfig } from "../../tests/support/simulated_dataplane.ts";
import { DiscoveryCompanion } from "./discovery_companion.ts";

const CONFIG = goodConfig(`
system { }
listeners { listener "l" { address "127.0.0.1:80" } }
routes { route "r" { matches { path "/" }; upstream "api" } }
upstreams { upstream "api" { discovery "file" { path "/targets" }; target "10.0.0.9:80" } }
`);

/** A companion over one file, with the test as its supervisor. */
function setUp(first: string) {
  let content = first;
  let tell = () => {};
  const lines: string[] = [];
  const updates: string[] = [];
  const served: string[] = [];
  const ports = fakePorts({
    files: {
      readText: () => Promise.resolve(content),
      watch: (_path, changed) => {
        tell = changed;
        return () => {};
      },
    },
    log: (level, message) => lines.push(`${level} ${message}`),
  });
  const stage = {
    problems: [] as string[],
    /** What the supervisor does when a configuration is read anew, or targets have changed. */
    async apply(): Promise<readonly string[]> {
      const { upstreams } = await companion.discover(CONFIG);
      if (stage.problems.length > 0) {
        companion.abandon();
        return stage.problems;
      }
      served.push(upstreams[0]!.targets.map(({ address }) => address).join());
      companion.commit();
      return [];
    },
  };
  const companion: DiscoveryCompanion = new DiscoveryCompanion({
    ports,
    metrics: { countRefresh: () => {}, countUpdate: (result) => updates.push(result) },
    retarget: () => stage.apply(),
  });
  const write = async (next: string) => {
    // A source rests for a moment after each answer.
    await ports.time.advance(60);
    content = next;
    tell();
    await ports.time.advance(0);
  };
  return { companion, stage, write, lines, updates, served, time: ports.time };
}

Deno.test("discovery companion: changes are served at once, then at most once a second, and the last one counts", async () => {
  const { stage, write, served, time, companion } = setUp("a:1");
  await stage.apply();
  assert.deepEqual(served, ["a:1"]);
  await write("b:1");
  await time.advance(60);
  assert.deepEqual(served, ["a:1", "b:1"]);
  for (const next of ["c:1", "d:1", "e:1"]) {
    await write(next);
    await time.advance(100);
  }
  assert.equal(served.length, 2);
  await time.advance(1000);
  assert.deepEqual(served, ["a:1", "b:1", "e:1"]);
  await time.advance(10_000);
  assert.equal(served.length, 3, "and then there is nothing to do");
  await companion.close();
});

Deno.test("discovery companion: what could not be served is tried again, and told once", async () => {
  const { stage, write, served, updates, lines, time, companion } = setUp("a:1");
  await stage.apply();
  stage.problems = ["a worker is busy"];
  await write("b:1");
  await time.advance(11_000);
  assert.deepEqual(updates, ["failed", "failed", "failed"]);
  assert.equal(lines.filter((line) => line.startsWith("error")).length, 1);
  stage.problems = [];
  await time.advance(5000);
  assert.deepEqual([served, updates.at(-1)], [["a:1", "b:1"], "applied"]);
  await companion.close();
});

Deno.test("discovery companion: a reload takes the targets along, also one that fails", async () => {
  const { stage, write, served, updates, time, companion } = setUp("a:1");
  await stage.apply();
  await write("b:1");
  await stage.apply();
  await time.advance(5000);
  assert.deepEqual([served, updates], [["a:1", "b:1"], []], "nothing is left to do");
  await write("c:1");
  stage.problems = ["the new file has errors"];
  await stage.apply();
  stage.problems = [];
  await time.advance(5000);
  assert.deepEqual([served, updates], [["a:1", "b:1", "c:1"], ["applied"]]);
  await companion.close();
});

Deno.test("discovery companion: nothing happens after the end", async () => {
  const { stage, write, served, time, companion } = setUp("a:1");
  const before = time.pending;
  await stage.apply();
  await write("b:1");
  await companion.close();
  await time.advance(10_000);
  assert.deepEqual([served, time.pending], [["a:1"], before]);
  assert.deepEqual(companion.states(), []);
});

Deno.test("discovery companion: upstreams show how their source is doing", async () => {
  const { stage, companion, time } = setUp("a:1\nb:1");
  await stage.apply();
  await time.advance(1234);
  const states = [{ id: "api", loadBalancing: "x", targets: [] }, {
    id: "other",
    loadBalancing: "x",
    targets: [],
  }];
  const [api, other] = companion.describe(states);
  assert.deepEqual(api!.discovery, {
    type: "file",
    subject: "/targets",
    targets: 2,
    ageSecs: 1.2,
    failuresInARow: 0,
    lastError: null,
    keepsOld: false,
    rejected: 0,
  });
  assert.equal(other!.discovery, undefined);
  await companion.close();
});
