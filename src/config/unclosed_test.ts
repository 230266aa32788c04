import { strictEqual as equal } from "node:assert/strict";
import { findUnclosed } from "./unclosed.ts";

/** `‹` marks the brace that should be found. */
const cases: { name: string; text: string }[] = [
  { name: "the first of two blocks", text: "a ‹{\n    b 1\nc {\n    d 1\n}\n" },
  { name: "an inner block", text: "a {\n    b ‹{\n        c 1\n    d 1\n}\n" },
  { name: "the last block", text: "a {\n}\nb ‹{\n    c 1\n" },
  { name: "one line", text: "a ‹{ b { c 1 }" },
  { name: "braces in texts and comments do not count", text: 'a ‹{\n    b "}" // }\n    /* } */ c #"}"#\n' },
  { name: "none", text: "a {\n    b { c 1 }\n}\n" },
];

for (const { name, text } of cases) {
  Deno.test(`unclosed: ${name}`, () => {
    const mark = text.indexOf("‹");
    equal(findUnclosed(text.replace("‹", "")), mark < 0 ? undefined : mark);
  });
}
