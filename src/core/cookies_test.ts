import { equal, ok } from "node:assert/strict";
import { checkCookieName, cookieValue } from "./cookies.ts";
import { HeaderList } from "./headers.ts";

const CASES: readonly {
  name: string;
  lines: readonly string[];
  cookie?: string;
  want: string | undefined;
}[] = [
  { name: "none", lines: [], want: undefined },
  { name: "only one", lines: ["a=1"], want: "1" },
  { name: "among others", lines: ["x=0; a=1; y=2"], want: "1" },
  { name: "without a space", lines: ["x=0;a=1"], want: "1" },
  { name: "several spaces and tabs", lines: ["x=0; \t a=1"], want: "1" },
  { name: "on a second line", lines: ["x=0", "a=1"], want: "1" },
  { name: "the first of two", lines: ["a=1; a=2"], want: "1" },
  { name: "empty", lines: ["a=; b=2"], want: "" },
  { name: "with an equals sign", lines: ["a=b=c"], want: "b=c" },
  { name: "quoted, as it stands", lines: ['a="1"'], want: '"1"' },
  { name: "another name that ends alike", lines: ["ba=1"], want: undefined },
  { name: "another name that begins alike", lines: ["ab=1"], want: undefined },
  { name: "a value that looks like a pair", lines: ["b=a=1"], want: undefined },
  { name: "a value with a space in it", lines: ["b=x a=1"], want: undefined },
  { name: "behind such a value", lines: ["b=x a=1; a=2"], want: "2" },
  { name: "another case", lines: ["A=1"], want: undefined },
];

for (const { name, lines, want } of CASES) {
  Deno.test(`cookieValue: ${name}`, () => {
    equal(cookieValue(HeaderList.from(lines.map((line) => ["Cookie", line])), "a"), want);
  });
}

Deno.test("cookieValue: a long header of near misses is read in linear time", () => {
  const look = (pairs: number): number => {
    const headers = HeaderList.from([["Cookie", "b=x a=1; ".repeat(pairs)]]);
    const startMs = performance.now();
    equal(cookieValue(headers, "a"), undefined);
    return performance.now() - startMs;
  };
  look(1000);
  ok(look(100_000) < 500);
});

Deno.test("checkCookieName: tokens alone", () => {
  equal(checkCookieName("canary_1"), undefined);
  for (const name of ["", "a b", "a=b", "a;b", "é"]) ok(checkCookieName(name) !== undefined, name);
});
