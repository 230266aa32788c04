import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { MinTree } from "./min_tree.ts";

Deno.test("min tree: always the least, ties by the second score, whatever changes", () => {
  const changes = fc.array(
    fc.record({ player: fc.nat(12), score: fc.nat(3), tie: fc.nat(3) }),
    { minLength: 1, maxLength: 100 },
  );
  fc.assert(fc.property(fc.integer({ min: 1, max: 13 }), changes, (players, all) => {
    const tree = new MinTree(players);
    const scores = Array.from({ length: players }, () => [Infinity, 0] as [number, number]);
    for (const { player, score, tie } of all) {
      const who = player % players;
      const value = score === 3 ? Infinity : score;
      tree.set(who, value, tie);
      scores[who] = [value, tie];
      const least = scores.toSorted((a, b) => a[0] === b[0] ? a[1] - b[1] : a[0] - b[0])[0]!;
      assert.deepEqual([
        tree.score(tree.first),
        tree.score(tree.first) === Infinity ? 0 : tree.tie(tree.first),
      ], [
        least[0],
        least[0] === Infinity ? 0 : least[1],
      ]);
    }
  }));
});
