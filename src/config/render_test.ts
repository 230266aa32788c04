import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { Issue } from "../core/issue.ts";
import { LineIndex } from "./line_index.ts";
import { countIssues, renderIssues } from "./render.ts";

function render(text: string, part: string, more: Partial<Issue> = {}, color = { color: false }): string {
  const start = text.indexOf(part);
  const span = new LineIndex(text, "a.kdl").span(start, start + part.length);
  const issue: Issue = { severity: "error", message: "wrong", span, ...more };
  return renderIssues([issue], new Map([["a.kdl", text]]), color);
}

const cases: { name: string; text: string; part: string; want: string[] }[] = [
  { name: "first line", text: "abc def\n", part: "def", want: ["1 | abc def", "| " + "    ^^^"] },
  { name: "last line without a line break", text: "x\nabc", part: "abc", want: ["2 | abc", "| ^^^"] },
  {
    name: "tabs stay under each other",
    text: "\ta\tbad\n",
    part: "bad",
    want: ["1 | \ta\tbad", "| \t \t^^^"],
  },
  {
    name: "a span over several lines ends with its first",
    text: "a {\n b\n}\n",
    part: "{\n b\n}",
    want: ["| a {", "|   ^"],
  },
  { name: "CRLF", text: "a b\r\nc\r\n", part: "b", want: ["1 | a b\n", "|   ^\n"] },
];

for (const { name, text, part, want } of cases) {
  Deno.test(`excerpt: ${name}`, () => {
    const shown = render(text, part);
    for (const line of want) ok(shown.includes(line), `${JSON.stringify(line)} not in\n${shown}`);
  });
}

Deno.test("long lines are cut around the caret", () => {
  const shown = render(`${"x".repeat(5000)}bad${"y".repeat(5000)}`, "bad");
  ok(shown.split("\n").every((line) => line.length < 200));
  ok(shown.includes("xbady"));
});

Deno.test("control characters of a file cannot command a terminal", () => {
  const shown = render("a \x1b[2J\x07 bad", "bad", { message: "a\x1b[31m", hint: "b\x9b" });
  // deno-lint-ignore no-control-regex
  ok(!/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(shown), shown);
});

Deno.test("colours come only when asked for", () => {
  ok(!render("a b", "b").includes("\x1b"));
  ok(render("a b", "b", {}, { color: true }).includes("\x1b[1;31merror:\x1b[0m"));
});

Deno.test("issues without a file, with related places and hints", () => {
  const span = new LineIndex("one\ntwo", "a.kdl").span(4, 7);
  const issue: Issue = {
    severity: "warning",
    message: "m",
    hint: "h",
    related: [{ message: "there", span }],
  };
  const shown = renderIssues([issue], new Map([["a.kdl", "one\ntwo"]]), { color: false });
  equal(shown.split("\n"), [
    "warning: m",
    "   = there",
    "  --> a.kdl:2:1",
    "     |",
    "   2 | two",
    "     | ^^^",
    "   = hint: h",
    "",
    "1 warning",
    "",
  ]);
});

const counts: { name: string; errors: number; warnings: number; want: string }[] = [
  { name: "none", errors: 0, warnings: 0, want: "" },
  { name: "one error", errors: 1, warnings: 0, want: "1 error" },
  { name: "several of both", errors: 2, warnings: 3, want: "2 errors, 3 warnings" },
];

for (const { name, errors, warnings, want } of counts) {
  Deno.test(`counts: ${name}`, () => {
    const issues: Issue[] = [
      ...Array.from({ length: errors }, () => ({ severity: "error", message: "" }) as const),
      ...Array.from({ length: warnings }, () => ({ severity: "warning", message: "" }) as const),
    ];
    equal(countIssues(issues), want);
  });
}

Deno.test("no more than a hundred issues are shown, all are counted", () => {
  const issues = (count: number): Issue[] =>
    Array.from({ length: count }, () => ({ severity: "error", message: "m" }));
  const shown = (count: number) => renderIssues(issues(count), new Map(), { color: false });
  ok(!shown(100).includes("more"));
  ok(shown(101).includes("… and 1 more") && shown(101).endsWith("101 errors\n"));
  equal(renderIssues([], new Map(), { color: true }), "");
});
