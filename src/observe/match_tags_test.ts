import { deepEqual, equal } from "node:assert/strict";
import { RuleMatch } from "../core/rule_match.ts";
import { KNOWN_MAX, MatchTags } from "./match_tags.ts";

function tagsOf(list: string, reader = new MatchTags()): readonly string[] {
  return reader.of(RuleMatch.list(list)!);
}

Deno.test("match tags: each tag once, whatever is in it and however it is written", () => {
  const cases = [
    { list: '[{"id":1}]', want: [] },
    { list: '[{"id":1,"tags":[]}]', want: [] },
    { list: '[{"id":1,"tags":["b","a","b"]}]', want: ["b", "a"] },
    { list: '[{"id":1, "tags":["b","a","b"]}]', want: ["b", "a"] },
    { list: '[{"id":1,"tags":["a","b"]},{"id":2},{"id":3,"tags":["b","c"]}]', want: ["a", "b", "c"] },
    { list: '[{"id":1,"tags":["]"]}]', want: ["]"] },
    { list: '[{"id":1,"tags":["a","]b","","[c]"]}]', want: ["a", "]b", "", "[c]"] },
    { list: '[{"id":1,"tags":["a\\"]","b"]}]', want: ['a"]', "b"] },
    { list: '[{"id":1,"tags":["a"],"tags":["b"]}]', want: ["b"] },
    { list: '[{"id":1,"tags":["a"],"tags":7}]', want: [] },
  ];
  for (const { list, want } of cases) {
    const reader = new MatchTags();
    for (const round of ["read", "remembered"]) deepEqual(tagsOf(list, reader), want, `${list} ${round}`);
  }
});

Deno.test("match tags: so many of a request, so many lists remembered", () => {
  const many = Array.from({ length: 70 }, (_, index) => `"t${index}"`).join(",");
  equal(tagsOf(`[{"id":1,"tags":[${many}]}]`).length, 64);
  equal(tagsOf(`[{"id":1,"tags":[${many}]},{"id":2,"tags":["x"]}]`).length, 64);
  const reader = new MatchTags();
  for (let round = 0; round < 3 * KNOWN_MAX; round++) {
    deepEqual(tagsOf(`[{"id":1,"tags":["t${round}"]}]`, reader), [`t${round}`]);
    equal(reader.known <= KNOWN_MAX, true);
  }
  const before = reader.known;
  tagsOf(`[{"id":1,"tags":["${"x".repeat(2000)}"]}]`, reader);
  equal(reader.known, before, "a long one is not kept");
});
