import { strictEqual as equal } from "node:assert/strict";
import { editDistance, nearest } from "./nearest.ts";

const distances: { a: string; b: string; want: number }[] = [
  { a: "", b: "", want: 0 },
  { a: "abc", b: "", want: 3 },
  { a: "abc", b: "abc", want: 0 },
  { a: "abc", b: "abd", want: 1 },
  { a: "abc", b: "acb", want: 1 },
  { a: "listner", b: "listener", want: 1 },
  { a: "kitten", b: "sitting", want: 3 },
];

for (const { a, b, want } of distances) {
  Deno.test(`distance ${a || "(nothing)"} to ${b || "(nothing)"}`, () => {
    equal(editDistance(a, b), want);
    equal(editDistance(b, a), want);
  });
}

const names: { input: string; want: string | undefined }[] = [
  { input: "listner", want: "listener" },
  { input: "UPSTREAM", want: "upstream" },
  { input: "up", want: undefined },
  { input: "something", want: undefined },
  { input: "l".repeat(65), want: undefined },
];

for (const { input, want } of names) {
  Deno.test(`nearest to ${input}`, () => equal(nearest(input, ["listener", "upstream", "route"]), want));
}
