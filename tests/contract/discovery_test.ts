/** What holds for every way to find targets; a new row in the registry is under test the moment it exists. */

import assert from "node:assert/strict";
import { findDiscovery } from "../../src/discovery/followers.ts";
import { DISCOVERIES } from "../../src/discovery/registry.ts";
import { discoveryOf, fakePorts, finderOf } from "../support/discovery_rig.ts";

type DiscoveryType = (typeof DISCOVERIES)[number]["type"];

/** The least that each kind must be told, and what its subject has to name. */
const EXAMPLES: Readonly<Record<DiscoveryType, { readonly kdl: string; readonly names: string }>> = {
  "static-list": { kdl: 'target "10.0.0.1:80"', names: "1 listed" },
  dns: { kdl: 'name "api.test"; port 80', names: "api.test:80" },
  "dns-srv": { kdl: 'name "_http._tcp.api.test"', names: "_http._tcp.api.test" },
  file: { kdl: 'path "/targets.json"', names: "/targets.json" },
  consul: { kdl: 'service "api"', names: "api" },
  kubernetes: { kdl: 'service "api"; namespace "shop"', names: "shop/api" },
  etcd: { kdl: 'prefix "/services/api/"', names: "/services/api/" },
};

const FILES: Readonly<Record<string, string>> = {
  "/etc/resolv.conf": "nameserver 127.0.0.1",
  "/var/run/secrets/kubernetes.io/serviceaccount/token": "secret",
};

/** Kinds that need nothing of the outside world. */
const CANNOT_FAIL: ReadonlySet<string> = new Set(["static-list"]);

for (const kind of DISCOVERIES) {
  const { kdl, names } = EXAMPLES[kind.type];
  const node = (more = "") => `discovery "${kind.type}" { ${kdl}; ${more} }`;

  Deno.test(`discovery ${kind.type}: is read in every spelling, with the common options`, () => {
    for (const word of [kind.type, ...(kind as { aliases?: readonly string[] }).aliases ?? []]) {
      const read = discoveryOf(`discovery "${word}" { ${kdl} }`);
      assert.equal(read.type, kind.type);
      const { onEmpty, initialWaitSecs, maxTargets } = read.options;
      assert.deepEqual([onEmpty, initialWaitSecs, maxTargets], ["keep", 5, 1000]);
      assert.deepEqual(discoveryOf(`discovery { type "${word}"; ${kdl} }`), read, "the type as an option");
    }
    const { options } = discoveryOf(node('on-empty "apply"; initial-wait 0; max-targets 7'));
    assert.deepEqual([options.onEmpty, options.initialWaitSecs, options.maxTargets], ["apply", 0, 7]);
  });

  Deno.test(`discovery ${kind.type}: its subject says what is looked up`, () => {
    const { options } = discoveryOf(node());
    assert(
      findDiscovery(kind.type).subject(options).includes(names),
      findDiscovery(kind.type).subject(options),
    );
  });

  Deno.test(`discovery ${kind.type}: options cross to other threads`, () => {
    const read = discoveryOf(node());
    assert.deepEqual(structuredClone(read), read);
  });

  Deno.test(`discovery ${kind.type}: a dead world is a failure that says what is wrong`, async () => {
    const finder = finderOf(node(), fakePorts());
    const asked = finder.next(new AbortController().signal);
    if (CANNOT_FAIL.has(kind.type)) assert.equal((await asked).targets.length, 1);
    else await assert.rejects(asked, { message: /the world is gone/ });
    finder.close();
    finder.close();
  });

  Deno.test(`discovery ${kind.type}: ends soon when it is called off, and leaves no timer`, async () => {
    const abort = new AbortController();
    const calledOff = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const ports = fakePorts({
      http: ({ signal }) => calledOff(signal),
      datagrams: { exchange: () => calledOff(abort.signal) },
      files: {
        readText: (path) => Promise.resolve(FILES[path] ?? "[]"),
        watch: () => () => {},
      },
    });
    const timersBefore = ports.time.pending;
    const finder = finderOf(node(), ports);
    // A source may have one answer at hand; the next one is waited for.
    const asking = finder.next(abort.signal).then(() => finder.next(abort.signal)).then(
      () => "answered",
      () => "ended",
    );
    await ports.time.advance(0);
    abort.abort();
    assert.equal(await asking, CANNOT_FAIL.has(kind.type) ? "answered" : "ended");
    finder.close();
    assert.equal(ports.time.pending, timersBefore);
  });
}
