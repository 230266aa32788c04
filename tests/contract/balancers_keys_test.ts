/** Balancers that go by a key: spread, stability, bounded load, and the same answer everywhere. */

import assert from "node:assert/strict";
import type { RequestContext } from "../../src/core/context.ts";
import { maglevTable } from "../../src/balancers/maglev.ts";
import { Ring, RING_POINTS_MAX } from "../../src/balancers/ring.ts";
import type { LiveTarget } from "../../src/upstream/live_target.ts";
import { answer, BalancerRig, defaultAddress, manyClients } from "../support/balancer_rig.ts";
import { readFilter } from "../support/filter_fixture.ts";
import { findBalancer } from "../../src/balancers/find_balancer.ts";
import { request } from "../support/proxy_rig.ts";

const KEYED = ["consistent-hash", "maglev", "ip-hash"] as const;
const KEYS = 50_000;

function rig(type: string, count: number, options = ""): BalancerRig {
  return new BalancerRig(type, { targets: Array.from({ length: count }, () => ({})), options });
}

/** Index of each key's target. */
function places(given: BalancerRig, usable: readonly LiveTarget[], keys = KEYS): number[] {
  return Array.from({ length: keys }, (_, i) => given.balancer.pick(usable, manyClients(i), null)!.index);
}

for (const type of KEYED) {
  Deno.test(`balancer ${type}: keys spread within 10 % of even`, () => {
    for (const count of [2, 3, 10, 25]) {
      const given = rig(type, count);
      const counts = given.targets.map(() => 0);
      for (const place of places(given, given.usable)) counts[place]!++;
      for (const [i, got] of counts.entries()) {
        const even = KEYS / count;
        assert.ok(
          Math.abs(got - even) < even * 0.1,
          `target ${i} of ${count} has ${got} keys, even is ${even}`,
        );
      }
    }
  });

  Deno.test(`balancer ${type}: when one of n leaves, at most 1.3/n of the keys move, and come back with it`, () => {
    for (const count of [3, 10, 25]) {
      const given = rig(type, count);
      const before = places(given, given.usable);
      for (const gone of [0, count - 1]) {
        const left = given.usable.filter(({ index }) => index !== gone);
        const after = places(given, left);
        const moved = after.filter((place, i) => place !== before[i]).length;
        assert.ok(moved <= KEYS * 1.3 / count, `${moved} keys moved of ${KEYS}, with ${count} targets`);
        assert.ok(before.every((place, i) => place === gone || place === after[i]), "only its own keys");
        assert.deepEqual(places(given, given.usable, 1000), before.slice(0, 1000));
      }
    }
  });

  Deno.test(`balancer ${type}: a target that leaves the configuration takes its own keys with it, hardly more`, () => {
    const before = new BalancerRig(type, { targets: Array.from({ length: 10 }, () => ({})) });
    const after = new BalancerRig(type, {
      targets: Array.from({ length: 9 }, (_, i) => ({ address: defaultAddress(i + 1) })),
    });
    let moved = 0;
    for (let i = 0; i < KEYS; i++) {
      const context = manyClients(i);
      if (before.pick(context).address !== after.pick(context).address) moved++;
    }
    // Maglev gives up a little stability for evenness: §5.3 of its paper.
    assert.ok(moved <= KEYS / 10 * (type === "maglev" ? 1.6 : 1.3), `${moved} of ${KEYS}`);
  });

  Deno.test(`balancer ${type}: the same in every thread and instance, whatever the order of the targets`, () => {
    const addresses = Array.from({ length: 7 }, (_, i) => defaultAddress(i));
    const one = new BalancerRig(type, { targets: addresses.map((address) => ({ address })), seed: 1 });
    const two = new BalancerRig(type, {
      targets: addresses.toReversed().map((address) => ({ address })),
      seed: 2,
      instance: "other",
      threads: 2,
    });
    for (let i = 0; i < 2000; i++) {
      const context = manyClients(i);
      const { address } = one.pick(context);
      for (const { balancer, targets } of two.threads) {
        assert.equal(balancer.pick(targets, context, null)!.address, address);
      }
    }
  });

  Deno.test(`balancer ${type}: in slow start a target takes more and more of its keys, and nobody else's`, () => {
    const given = rig(type, 4);
    const whole = places(given, given.usable, 20_000);
    let had = new Set<number>();
    for (const ramp of [0.1, 0.5, 0.9, 1]) {
      given.targets[2]!.ramp = ramp;
      const now = places(given, [...given.usable], 20_000);
      const has = new Set(now.flatMap((place, i) => place === 2 ? [i] : []));
      const due = whole.filter((place) => place === 2).length * ramp;
      assert.ok(Math.abs(has.size - due) < due * 0.15 + 20, `${has.size} keys at ${ramp}, due are ${due}`);
      for (const key of had) assert.ok(has.has(key), "it gives none back");
      assert.ok(now.every((place, i) => place === whole[i] || whole[i] === 2));
      had = has;
    }
  });
}

Deno.test("balancer consistent-hash, maglev: weights decide how many keys a target has", () => {
  for (const type of ["consistent-hash", "maglev"]) {
    const given = new BalancerRig(type, { targets: [{ weight: 3 }, { weight: 1 }, { weight: 0 }] });
    const counts = [0, 0, 0];
    for (const place of places(given, given.usable)) counts[place]!++;
    assert.equal(counts[2], 0);
    assert.ok(Math.abs(counts[0]! / KEYS - 0.75) < 0.03, `${type}: ${counts}`);
  }
});

Deno.test("balancer consistent-hash: nobody has more than its bound of the requests in flight, in any thread", () => {
  const given = new BalancerRig("consistent-hash", {
    targets: Array.from({ length: 8 }, () => ({})),
    threads: 2,
  });
  for (let i = 0; i < 2000; i++) {
    const { balancer, targets } = given.threads[i % 2]!;
    // Half of all requests have the same key.
    const context = i % 4 < 2 ? manyClients(7) : manyClients(i);
    balancer.pick(targets, context, null)!.begin(context);
    const total = i + 1;
    const most = Math.max(...given.targets.map(({ record }) => record.inFlight));
    assert.ok(most <= Math.ceil(total / 8 * 1.25), `${most} of ${total} on one target`);
  }
});

Deno.test("balancer consistent-hash: without a bound a key stays where it is, whatever the load", () => {
  const given = rig("consistent-hash", 8, "load-bound 0");
  const context = manyClients(7);
  const first = given.pick(context);
  for (let i = 0; i < 200; i++) given.pick(context).begin(context);
  assert.equal(first.record.inFlight, 200);
});

Deno.test("ring: points are bounded, and every hash finds one", () => {
  const targets = Array.from(
    { length: 1000 },
    (_, index) => ({ address: defaultAddress(index), index, weight: 7 }),
  );
  const ring = new Ring(targets as never, 10_000);
  assert.ok(ring.size <= RING_POINTS_MAX);
  for (const hash of [0, 1, 2 ** 31, 2 ** 32 - 1]) assert.ok(ring.pointAt(hash) < ring.size);
  assert.equal(ring.next(ring.size - 1), 0);
  const single = new Ring(targets.slice(0, 1) as never, 1);
  for (const hash of [0, 2 ** 31, 2 ** 32 - 1]) assert.equal(single.owner(single.pointAt(hash)), 0);
});

Deno.test("maglev: the table is full, and targets of one weight differ by one place at most", () => {
  const targets = Array.from(
    { length: 10 },
    (_, index) => ({ address: defaultAddress(index), index, weight: 1 }),
  );
  const counts = targets.map(() => 0);
  for (const index of maglevTable(targets as never, 65_537)) counts[index]!++;
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
});

Deno.test("maglev: the size of the table must be a prime", () => {
  const { problems } = readFilter(findBalancer("maglev") as never, "table-size 65536");
  assert.deepEqual(problems, [`"table-size" must be a prime, found 65536 (the next one is 65537)`]);
});

Deno.test("hash keys: what decides, and what does not", () => {
  type Init = Parameters<typeof request>[0] & { ip?: string };
  const of = ({ ip = "192.0.2.1", ...init }: Init): RequestContext =>
    request({ ...init, downstream: { peerIp: ip } });
  const rows: { key: string; same: [Init, Init]; other: Init }[] = [
    { key: "client-ip", same: [{ target: "/a" }, { target: "/b" }], other: { ip: "192.0.2.9" } },
    {
      key: "uri",
      same: [{ target: "/a?x" }, { target: "/a?x", ip: "192.0.2.9" }],
      other: { target: "/a?y" },
    },
    { key: "path", same: [{ target: "/a?x" }, { target: "/a?y" }], other: { target: "/b?x" } },
    {
      key: "host",
      same: [{ authority: "a.test" }, { authority: "a.test:81" }],
      other: { authority: "b.test" },
    },
    {
      key: "header:X-User",
      same: [{ headers: [["x-user", "u1"]] }, { headers: [["X-User", "u1"]], ip: "192.0.2.9" }],
      other: { headers: [["X-User", "u2"]] },
    },
    {
      key: "cookie:sid",
      same: [{ headers: [["Cookie", "a=1; sid=u1; b=2"]] }, {
        headers: [["Cookie", "b=1"], ["Cookie", "sid=u1"]],
      }],
      other: { headers: [["Cookie", "xsid=u1; sid=u2"]] },
    },
    {
      key: "query:q",
      same: [{ target: "/?q=1&r=2" }, { target: "/x?r=3&q=1" }],
      other: { target: "/?qq=1&q=2" },
    },
    {
      key: "header:X-Absent",
      same: [{ target: "/a" }, { target: "/b" }],
      other: { ip: "192.0.2.9" },
    },
  ];
  for (const { key, same: [a, b], other } of rows) {
    // So many targets that two keys hardly ever meet at one.
    const given = rig("maglev", 500, `hash-key "${key}"`);
    assert.equal(given.pick(of(a)), given.pick(of(b)), key);
    assert.notEqual(given.pick(of(a)), given.pick(of(other)), key);
  }
  for (const wrong of ["header:", "cookie:a b", "method", "header:é"]) {
    assert.equal(
      readFilter(findBalancer("maglev") as never, `hash-key "${wrong}"`).problems.length,
      1,
      wrong,
    );
  }
});

Deno.test("balancer deterministic-subset: few targets, the same in all threads, others on other machines", () => {
  const targets = Array.from({ length: 60 }, () => ({}));
  const usedBy = (instance: string, options = "subset-size 6") => {
    const given = new BalancerRig("deterministic-subset", { targets, instance, options, threads: 2 });
    const used = given.threads.map(({ balancer, targets: all }) =>
      new Set(Array.from({ length: 200 }, () => balancer.pick(all, request(), null)!.address))
    );
    assert.deepEqual([...used[0]!].sort(), [...used[1]!].sort(), "both threads");
    return used[0]!;
  };
  const all = new Set<string>();
  for (let machine = 0; machine < 40; machine++) {
    const used = usedBy(`machine-${machine}`);
    assert.equal(used.size, 6);
    for (const address of used) all.add(address);
  }
  assert.ok(all.size > 54, `together they use ${all.size} of 60`);
  assert.deepEqual(usedBy("a", `subset-size 6\nsubset-id "x"`), usedBy("b", `subset-size 6\nsubset-id "x"`));
});

Deno.test("balancer deterministic-subset: who drops out is replaced by one", () => {
  const given = new BalancerRig("deterministic-subset", {
    targets: Array.from({ length: 30 }, () => ({})),
    options: "subset-size 5",
  });
  const used = (usable: readonly LiveTarget[]) =>
    new Set(Array.from({ length: 50 }, () => given.balancer.pick(usable, request(), null)!));
  const before = used(given.usable);
  const [gone] = before;
  const after = used(given.usable.filter((target) => target !== gone));
  assert.equal(after.size, 5);
  assert.equal([...after].filter((target) => before.has(target)).length, 4);
});

Deno.test("balancer sticky: the cookie brings a client back, and nothing else does", () => {
  const given = rig("sticky", 5, `secret "a secret of some length"`);
  const marked = (target: LiveTarget, context: RequestContext) => {
    const response = { status: 200, reason: "", headers: context.head.headers.clone(), body: null };
    const before = response.headers.getAll("set-cookie").length;
    given.balancer.mark!(target, context, response);
    return response.headers.getAll("set-cookie")[before];
  };
  const withCookie = (cookie: string) => request({ headers: [["Cookie", `x=1; SERVERID=${cookie}`]] });
  const first = given.pick();
  const line = marked(first, request())!;
  assert.match(line, /^SERVERID=[\w-]{16}\.\w+; Path=\/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax$/);
  const cookie = /=([^;]*)/.exec(line)![1]!;
  for (let i = 0; i < 20; i++) {
    assert.equal(given.pick(withCookie(cookie)), first);
    assert.equal(marked(first, withCookie(cookie)), undefined, "a young cookie is not given again");
  }
  for (
    const wrong of [
      cookie.slice(1),
      `${cookie[0] === "A" ? "B" : "A"}${cookie.slice(1)}`,
      "",
      "0.1",
      first.address,
    ]
  ) {
    const seen = new Set(Array.from({ length: 10 }, () => given.pick(withCookie(wrong))));
    assert.equal(seen.size, 5, `"${wrong}" means nothing`);
    assert.ok(marked(first, withCookie(wrong)) !== undefined, "and is replaced");
  }
  const others = given.usable.filter((target) => target !== first);
  const second = given.balancer.pick(others, withCookie(cookie), null)!;
  assert.notEqual(second, first);
  assert.ok(marked(second, withCookie(cookie)) !== undefined, "another target, another cookie");
  given.time.now += 1_900_000;
  assert.equal(given.pick(withCookie(cookie)), first);
  assert.ok(marked(first, withCookie(cookie)) !== undefined, "an old cookie is renewed");
});

Deno.test("balancer sticky: cookies hold on other instances of the same secret, and no others", () => {
  const cookieOf = (options: string, address = 0) => {
    const given = rig("sticky", 3, options);
    const headers = request().head.headers;
    given.balancer.mark!(given.targets[address]!, request(), {
      status: 200,
      reason: "",
      headers,
      body: null,
    });
    return headers.get("set-cookie")!.split(".")[0];
  };
  const secret = `secret "0123456789abcdef"`;
  assert.equal(cookieOf(secret), cookieOf(secret));
  assert.equal(cookieOf(""), cookieOf(""));
  const all = [cookieOf(secret), cookieOf(secret, 1), cookieOf(`secret "0123456789abcdeF"`), cookieOf("")];
  assert.equal(new Set(all).size, all.length);
  const { problems } = readFilter(findBalancer("sticky") as never, `secret "short"\nfallback "sticky"`);
  assert.equal(problems.length, 2);
});

Deno.test("balancer sticky: attributes of the cookie", () => {
  const options = `cookie-name "srv"\ncookie-ttl 0\ncookie-path "/app"\ncookie-domain "a.test"
cookie-http-only #false\ncookie-same-site "none"`;
  const given = rig("sticky", 1, options);
  const { headers } = request().head;
  given.balancer.mark!(given.targets[0]!, request(), { status: 200, reason: "", headers, body: null });
  assert.match(headers.get("set-cookie")!, /^srv=[^;]+; Path=\/app; Domain=a\.test; Secure; SameSite=None$/);
  answer(given.targets[0]!, request(), 1);
});
