import assert from "node:assert/strict";
import { discoveryOf, fakePorts } from "../../tests/support/discovery_rig.ts";
import type { DiscoveryPorts } from "./discovery.ts";
import { Followers, type WantedDiscovery } from "./followers.ts";

/** Sources in files that the test holds. */
function setUp(files: Record<string, string>) {
  let changes = 0;
  const watched = new Map<string, number>();
  const refreshed: string[] = [];
  const ports: DiscoveryPorts & ReturnType<typeof fakePorts> = fakePorts({
    files: {
      readText: (path) =>
        files[path] === undefined ? Promise.reject(new Error(`no ${path}`)) : Promise.resolve(files[path]),
      watch(path) {
        watched.set(path, (watched.get(path) ?? 0) + 1);
        return () => watched.set(path, watched.get(path)! - 1);
      },
    },
  });
  const followers = new Followers({
    ports,
    changed: () => changes++,
    refreshed: (...what) => refreshed.push(what.join(" ")),
  });
  const counts = () => [...watched.values()].reduce((sum, count) => sum + count, 0);
  return { followers, ports, counts, refreshed, changes: () => changes };
}

function wanted(upstreamId: string, kdl: string, hasOthers = false): WantedDiscovery {
  return { upstreamId, ...discoveryOf(`discovery "file" { ${kdl} }`), hasOthers };
}

const addresses = (followers: Followers, id: string) =>
  followers.targets(id)?.map(({ address }) => address).join();

Deno.test("followers: first answers are there when a configuration is prepared, and outlive reloads", async () => {
  const { followers, counts, refreshed } = setUp({ "/a": "a:1", "/b": "b:1" });
  await followers.prepare([wanted("api", 'path "/a"'), wanted("web", 'path "/b"')]);
  followers.commit();
  assert.deepEqual([addresses(followers, "api"), addresses(followers, "web")], ["a:1", "b:1"]);
  const before = refreshed.length;
  await followers.prepare([wanted("api", 'path "/a"'), wanted("web", 'path "/b"')]);
  followers.commit();
  assert.deepEqual([refreshed.length, counts()], [before, 2], "nobody is asked anew");
  await followers.prepare([wanted("web", 'path "/b"')]);
  followers.commit();
  assert.deepEqual([followers.states().length, counts(), addresses(followers, "api")], [1, 1, undefined]);
  followers.stop();
  assert.equal(counts(), 0);
});

Deno.test("followers: a reload that fails leaves the old source at work, and ends the new one", async () => {
  const { followers, counts } = setUp({ "/a": "a:1", "/b": "b:1" });
  await followers.prepare([wanted("api", 'path "/a"')]);
  followers.commit();
  await followers.prepare([wanted("api", 'path "/b"')]);
  assert.equal(addresses(followers, "api"), "b:1", "what is prepared is what is asked for");
  followers.abandon();
  assert.deepEqual([addresses(followers, "api"), counts()], ["a:1", 1]);
  followers.stop();
});

Deno.test("followers: changed options keep the last answer about the same thing, and only that", async () => {
  const files: Record<string, string> = { "/a": "a:1", "/b": "b:1" };
  const { followers } = setUp(files);
  await followers.prepare([wanted("api", 'path "/a"')]);
  followers.commit();
  delete files["/a"];
  delete files["/b"];
  await followers.prepare([wanted("api", 'path "/a"; max-targets 5')]);
  assert.equal(addresses(followers, "api"), "a:1");
  followers.abandon();
  await followers.prepare([wanted("api", 'path "/b"', true)]);
  assert.equal(addresses(followers, "api"), undefined, "of another file nothing is known");
  followers.stop();
});
