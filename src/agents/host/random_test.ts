import { deepEqual, equal, throws } from "node:assert/strict";
import { hostFixture } from "../../../tests/support/host_fixture.ts";
import { RANDOM_BYTES_MAX, randomCapability } from "./random.ts";

Deno.test("random: words and bytes come from the port", () => {
  const { deps, metered } = hostFixture();
  const random = randomCapability.create(deps);
  equal(random.word(), 0x01020304);
  deepEqual([...random.bytes(6)], [8, 6, 4, 2, 12, 9]);
  deepEqual([...random.bytes(0)], []);
  deepEqual(metered, [
    ...["call random 0", "work random 50"],
    ...["call random 0", "work random 62", "answer random 6"],
    ...["call random 0", "work random 50", "answer random 0"],
  ]);
});

Deno.test("random: bytes below, at and above the bound", () => {
  const random = randomCapability.create(hostFixture().deps);
  for (const count of [1, 3, RANDOM_BYTES_MAX - 1, RANDOM_BYTES_MAX]) {
    equal(random.bytes(count).length, count);
  }
  throws(() => random.bytes(RANDOM_BYTES_MAX + 1), {
    name: "AgentTrap",
    kind: "malformed",
    message: "random#bytes: 65537 bytes asked for, 65536 are allowed",
  });
});
