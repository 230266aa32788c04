import assert from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { hostKey, matchingPath } from "./path.ts";

const PATHS: readonly { name: string; input: string; want: string | undefined }[] = [
  { name: "plain", input: "/a/b", want: "/a/b" },
  { name: "root", input: "/", want: "/" },
  { name: "asterisk form", input: "*", want: "*" },
  { name: "empty", input: "", want: undefined },
  { name: "no slash", input: "a/b", want: undefined },
  { name: "dots inside names stay", input: "/a.b/c..d/e.", want: "/a.b/c..d/e." },
  { name: "dot segment", input: "/a/./b", want: "/a/b" },
  { name: "dot-dot segment", input: "/x/../admin", want: "/admin" },
  { name: "hidden file", input: "/.well-known/x", want: "/.well-known/x" },
  { name: "three dots", input: "/.../x", want: "/.../x" },
  { name: "last dot keeps the slash", input: "/a/b/.", want: "/a/b/" },
  { name: "last dot-dot keeps the slash", input: "/a/b/..", want: "/a/" },
  { name: "up to the root", input: "/a/..", want: "/" },
  { name: "above the root", input: "/..", want: undefined },
  { name: "above the root later", input: "/a/../../b", want: undefined },
  { name: "escaped letter", input: "/%61dmin", want: "/admin" },
  { name: "escaped dots", input: "/x/%2e%2E/admin", want: "/admin" },
  { name: "half-escaped dots above the root", input: "/.%2e/admin", want: undefined },
  { name: "reserved stays escaped, digits upper", input: "/a%20b%3f", want: "/a%20b%3F" },
  { name: "escaped percent is not decoded twice", input: "/%2561", want: "/%2561" },
  { name: "encoded slash alone", input: "/a%2fb", want: "/a%2Fb" },
  { name: "dots before an encoded slash", input: "/a/..%2fadmin", want: undefined },
  { name: "dots after an encoded slash", input: "/a%2F..", want: undefined },
  { name: "dots between encoded slashes", input: "/a%2f%2e%2e%2fb", want: undefined },
  { name: "dots beside an encoded backslash", input: "/a/..%5cadmin", want: undefined },
  { name: "dots beside a backslash", input: "/a\\..\\admin", want: undefined },
  { name: "backslash alone", input: "/a\\b", want: "/a\\b" },
  { name: "path parameter on dots", input: "/a/..;x=1/admin", want: undefined },
  { name: "NUL", input: "/a%00", want: undefined },
  { name: "cut escape", input: "/a%2", want: undefined },
  { name: "bare percent", input: "/a%", want: undefined },
  { name: "escape of no digits", input: "/a%zz", want: undefined },
  { name: "empty segments are merged", input: "//a///b//", want: "/a/b/" },
  { name: "empty segments and dots", input: "//a//./b", want: "/a/b" },
  { name: "an empty segment before dots", input: "/a//../b", want: undefined },
  { name: "slashes alone", input: "//", want: "/" },
];

Deno.test("the matching path", async (t) => {
  for (const { name, input, want } of PATHS) {
    await t.step(name, () => assert.equal(matchingPath(input), want));
  }
});

Deno.test("a matching path is its own matching path and holds no dot segment", () => {
  const piece = fc.constantFrom(
    "a",
    ".",
    "..",
    "%2e",
    "%2F",
    "%61",
    "%25",
    "/",
    "\\",
    ";",
    "%7e",
    "b.c",
    "%",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const once = matchingPath(`/${pieces.join("")}`);
      if (once === undefined) return;
      assert.equal(matchingPath(once), once);
      assert.ok(!once.split("/").some((segment) => segment === "." || segment === ".."));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("hosts are compared in one form", () => {
  const cases = [
    { input: "a.example", want: "a.example" },
    { input: "a.example.", want: "a.example" },
    { input: "[0:0:0:0:0:0:0:1]", want: "[::1]" },
    { input: "[2001:db8::0:1]", want: "[2001:db8::1]" },
    { input: "", want: "" },
  ];
  for (const { input, want } of cases) assert.equal(hostKey(input), want, input);
});
