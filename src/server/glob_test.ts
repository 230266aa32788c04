import assert from "node:assert/strict";
import { matchesSegment } from "./glob.ts";

const CASES: readonly { name: string; pattern: string; input: string; want: boolean }[] = [
  { name: "plain text", pattern: "a.kdl", input: "a.kdl", want: true },
  { name: "plain text differs", pattern: "a.kdl", input: "b.kdl", want: false },
  { name: "star", pattern: "*.kdl", input: "routes.kdl", want: true },
  { name: "star matches nothing", pattern: "*.kdl", input: ".kdl", want: false },
  { name: "star within", pattern: "a*z", input: "az", want: true },
  { name: "star backtracks", pattern: "*ab*ab", input: "abxabab", want: true },
  { name: "two stars fail", pattern: "*a*b", input: "ba", want: false },
  { name: "question mark", pattern: "?.kdl", input: "a.kdl", want: true },
  { name: "question mark needs a character", pattern: "a?", input: "a", want: false },
  { name: "suffix is checked", pattern: "*.kdl", input: "a.kdl~", want: false },
  { name: "hidden files only when written out", pattern: ".*", input: ".hidden", want: true },
  { name: "empty pattern", pattern: "", input: "a", want: false },
];

Deno.test("glob: segments", () => {
  for (const { name, pattern, input, want } of CASES) {
    assert.equal(matchesSegment(pattern, input), want, name);
  }
});

Deno.test("glob: many stars stay fast", () => {
  const started = performance.now();
  assert.equal(matchesSegment("*a".repeat(50), "a".repeat(49) + "b".repeat(2000)), false);
  assert(performance.now() - started < 1000);
});
