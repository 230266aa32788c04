import assert from "node:assert/strict";
import type { DiscoveredTarget } from "./discovery.ts";
import fc from "../../tests/support/seeded_check.ts";
import { sameTargets, targetList } from "./target_list.ts";

const list = (...targets: DiscoveredTarget[]) => targetList({ targets, againAfterMs: 0 }, 100);

Deno.test("target list: doubles are one, with the larger weight and the lower priority", () => {
  const cases: { name: string; targets: DiscoveredTarget[]; want: DiscoveredTarget[] }[] = [
    {
      name: "in order",
      targets: [{ address: "b:1", weight: 1 }, { address: "a:1", weight: 2 }],
      want: [{ address: "a:1", weight: 2 }, { address: "b:1", weight: 1 }],
    },
    {
      name: "doubles",
      targets: [{ address: "a:1", weight: 2, priority: 3 }, {
        address: "a:1",
        weight: 5,
        priority: 1,
        zone: "x",
      }],
      want: [{ address: "a:1", weight: 5, priority: 1, zone: "x" }],
    },
    {
      name: "a double without a priority is of the first one",
      targets: [{ address: "a:1", weight: 2, priority: 3 }, { address: "a:1", weight: 1 }],
      want: [{ address: "a:1", weight: 2 }],
    },
    {
      name: "numbers out of bounds",
      targets: [
        { address: "a:1", weight: -3, priority: 99_999 },
        { address: "b:1", weight: 1e9 },
        { address: "c:1", weight: NaN, zone: "" },
        { address: "d:1", weight: 1.6, zone: "z".repeat(129) },
      ],
      want: [
        { address: "a:1", weight: 0, priority: 65_535 },
        { address: "b:1", weight: 1_000_000 },
        { address: "c:1", weight: 1 },
        { address: "d:1", weight: 2 },
      ],
    },
  ];
  for (const { name, targets, want } of cases) assert.deepEqual(list(...targets).targets, want, name);
});

Deno.test("target list: bad addresses are left out and counted", () => {
  const bad = ["", "host", "10.0.0.1:0", "10.0.0.1:65536", "fd00::1:80", "a b:1", "x:1\r\ny"];
  const { targets, rejected, firstRejected } = list(
    { address: "ok:1", weight: 1 },
    ...bad.map((address) => ({ address, weight: 1 })),
  );
  assert.deepEqual([targets.length, rejected], [1, bad.length]);
  assert.match(firstRejected!, /the address needs a host and a port/);
});

Deno.test("target list: the same whatever the order they came in", () => {
  const target = fc.record({
    address: fc.constantFrom("a:1", "b:1", "c:2", "10.0.0.1:80", "[fd00::1]:80"),
    weight: fc.nat(5),
    priority: fc.nat(2),
  });
  fc.assert(
    fc.property(
      fc.array(target, { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (targets, keys) => {
        const shuffled = targets.map((each, index) => ({ each, key: keys[index] ?? index }))
          .sort((a, b) => a.key - b.key).map(({ each }) => each);
        const [one, other] = [list(...targets), list(...shuffled)];
        assert.deepEqual(one, other);
        assert(sameTargets(one.targets, other.targets));
      },
    ),
  );
});

Deno.test("target list: sameness looks at everything that is served", () => {
  const base = [{ address: "a:1", weight: 1, priority: 0 }];
  assert(sameTargets(base, [{ address: "a:1", weight: 1 }]));
  for (const other of [{ weight: 2 }, { priority: 1 }, { zone: "z" }, { address: "b:1" }]) {
    assert.equal(sameTargets(base, [{ ...base[0]!, ...other }]), false, JSON.stringify(other));
  }
  assert.equal(sameTargets(base, []), false);
});
