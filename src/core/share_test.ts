import { equal, notEqual, ok } from "node:assert/strict";
import { shareOf } from "./share.ts";

const TEXTS = 20_000;

Deno.test("shareOf: a text stays where it is, whatever the thread", () => {
  // Fixed numbers: a change of the function would move every client to another branch.
  equal(shareOf("", 0), shareOf("", 0));
  equal(shareOf("req-1", 1).toFixed(6), "0.680820");
  notEqual(shareOf("req-1", 1), shareOf("req-1", 2));
});

for (
  const [name, text] of [["counted", (i: number) => `${i}`], [
    "long",
    (i: number) => `abcdef-${i}-xyz`,
  ]] as const
) {
  Deno.test(`shareOf: ${name} texts are spread evenly over twenty places`, () => {
    const places = new Array<number>(20).fill(0);
    for (let i = 0; i < TEXTS; i++) {
      const share = shareOf(text(i), 7);
      ok(share >= 0 && share < 1);
      places[Math.floor(share * 20)]!++;
    }
    // 1000 in each place with a standard deviation of 31: five of them.
    for (const count of places) ok(Math.abs(count - 1000) < 155, `${places}`);
  });
}

Deno.test("shareOf: decisions of two salts are independent", () => {
  let both = 0;
  for (let i = 0; i < TEXTS; i++) if (shareOf(`${i}`, 1) < 0.5 && shareOf(`${i}`, 2) < 0.5) both++;
  ok(Math.abs(both - TEXTS / 4) < 310, `${both}`);
});
