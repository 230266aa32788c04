import { deepEqual, equal } from "node:assert/strict";
import { RuleMatch } from "./rule_match.ts";

Deno.test("rule match: what is plain, and what is read first", () => {
  const long = `[{"id":1,"msg":"${"x".repeat(9000)}"}]`;
  const cases = [
    { text: '[{"id":7}]', ids: ["7"], isPlain: true },
    {
      text: '[{"id":942100,"msg":"a]}\\"","n":0,"tags":["a","b"],"none":[]},{"id":0}]',
      ids: ["942100", "0"],
      isPlain: true,
    },
    { text: '[{"id":1,"msg":"\\u00e4\\\\"}]', ids: ["1"], isPlain: true },
    { text: "[]", ids: [], isPlain: false },
    { text: '[{"id": 7}]', ids: ["7"], isPlain: false },
    { text: '[{"msg":"m","id":7}]', ids: ["7"], isPlain: false },
    { text: '[{"id":1,"id":7}]', ids: ["7"], isPlain: false },
    { text: '[{"id":1,"idle":7}]', ids: ["1"], isPlain: true },
    { text: '[{"id":"x-1"}]', ids: ["x-1"], isPlain: false },
    { text: '[{"id":1.5,"s":-1}]', ids: ["1.5"], isPlain: false },
    { text: '[{"id":1,"msg":"\u2028"}]', ids: ["1"], isPlain: false },
    { text: '[{"id":1,"deep":{"a":1}}]', ids: ["1"], isPlain: false },
    { text: '[{"id":1,"list":[1]}]', ids: ["1"], isPlain: false },
    { text: '[{"id":1},null,7,{}]', ids: ["1", ""], isPlain: false },
    { text: long, ids: ["1"], isPlain: false },
    { text: '[{"id":["1"]},{"id":null}]', ids: ["", ""], isPlain: false },
  ];
  for (const { text, ids, isPlain } of cases) {
    const list = RuleMatch.list(text)!;
    deepEqual(list.map(({ id }) => id), ids, text);
    equal(list.length > 0 && list.every(({ plainText }) => plainText !== undefined), isPlain, text);
  }
  const bad = [
    "",
    "7",
    "{}",
    '[{"id":1}',
    '[{"id":1}]]',
    '[{"id":1},]',
    '[{"id":01}]',
    '[{"id":1,"msg":"a\nb"}]',
    '[{"id":1,"msg":"\\x"}]',
    '[{"id":1,"msg":"\\u12g4"}]',
    '[{"id":1,"tags":["a",]}]',
    '[{"id":1"a":2}]',
    '[{"id":1,"a":}]',
  ];
  for (const text of bad) equal(RuleMatch.list(text), undefined, text);
});

Deno.test("rule match: the tags as they are written", () => {
  const cases = [
    { text: '{"id":1,"tags":["a","b, c"],"msg":"x"}', plain: '["a","b, c"]', tags: ["a", "b, c"] },
    { text: '{"id":1,"tags":[]}', plain: "[]", tags: [] },
    { text: '{"id":1,"tags":["]","a"]}', plain: '["]","a"]', tags: ["]", "a"] },
    { text: '{"id":1,"tags":["a"],"tags":["b"]}', plain: undefined, tags: ["b"] },
    { text: '{"id":1,"tags":["a"],"tags":7}', plain: undefined, tags: [] },
    { text: '{"id":1,"tags":["[x]"]}', plain: '["[x]"]', tags: ["[x]"] },
    { text: '{"id":1,"tags":["a\\"]","b"]}', plain: undefined, tags: ['a"]', "b"] },
    { text: '{"id":1,"msg":",\\"tags\\":[","tags":["a"]}', plain: '["a"]', tags: ["a"] },
    { text: '{"id":1,"tags":"a"}', plain: undefined, tags: [] },
    { text: '{"id":1}', plain: undefined, tags: [] },
    { text: '{"id":1, "tags":["a",7,null,["b"]]}', plain: undefined, tags: ["a", "7"] },
  ];
  for (const { text, plain, tags } of cases) {
    const match = RuleMatch.list(`[${text}]`)![0]!;
    equal(match.plainTags, plain, text);
    deepEqual(match.tags, tags, text);
  }
});

Deno.test("rule match: texts that somebody has damaged are read as JSON is, or not at all", () => {
  const parts = [
    '{"id":',
    "1",
    "942100",
    ',"msg":',
    '"a"',
    '"\\""',
    '"\\u00e4"',
    ',"tags":[',
    ',"tags":["b"]',
    ',"id":2',
    '"]"',
    '"]b"',
    '"[,"',
    "]",
    "}",
    "[",
    ",",
    '"',
    "\\",
    "0",
  ];
  let state = 7;
  const dice = (below: number) => (state = state * 48271 % 2147483647) % below;
  const isReadable = (text: string) => {
    try {
      return Array.isArray(JSON.parse(text));
    } catch {
      return false;
    }
  };
  let readable = 0;
  let tagged = 0;
  for (let round = 0; round < 50_000; round++) {
    const whole = ["[", '{"id":', "1", ',"tags":[', '"a"', "]", ',"msg":', '"a"', "}", "]"];
    for (let edits = dice(3); edits >= 0; edits--) {
      whole.splice(dice(whole.length), dice(2), parts[dice(parts.length)]!);
    }
    const text = whole.join("");
    const list = RuleMatch.list(text);
    equal(list !== undefined, isReadable(text), text);
    if (list === undefined) continue;
    readable++;
    deepEqual(
      list.map(({ fields }) => fields),
      JSON.parse(text).filter((item: unknown) => typeof item === "object"),
      text,
    );
    for (const { id, fields, plainText, plainTags } of list) {
      if (plainText !== undefined) equal(id, String(fields["id"]), text);
      if (plainTags === undefined) continue;
      deepEqual(JSON.parse(plainTags), fields["tags"], text);
      tagged++;
    }
  }
  equal(readable > 500 && tagged > 500, true, `${readable} could be read, ${tagged} with tags`);
});
