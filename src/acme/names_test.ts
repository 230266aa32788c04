import { equal } from "node:assert/strict";
import { asciiDomain, folderOf } from "./names.ts";

const CASES: readonly { readonly written: string; readonly want: string | undefined }[] = [
  { written: "Example.ORG", want: "example.org" },
  { written: "example.org.", want: "example.org" },
  { written: "*.example.org", want: "*.example.org" },
  { written: "bücher.example", want: "xn--bcher-kva.example" },
  { written: "*.BÜCHER.example", want: "*.xn--bcher-kva.example" },
  { written: "localhost", want: "localhost" },
  { written: "*.*.example.org", want: undefined },
  { written: "a.*.example.org", want: undefined },
  { written: "*", want: undefined },
  { written: "", want: undefined },
  { written: "192.0.2.1", want: undefined },
  { written: "0x7f.1", want: undefined },
  { written: "[::1]", want: undefined },
  { written: "../etc", want: undefined },
  { written: "a/b", want: undefined },
  { written: "a..b", want: undefined },
  { written: "under_score.example", want: undefined },
  { written: "a b", want: undefined },
  { written: "a@b", want: undefined },
  { written: "a:80", want: undefined },
  { written: `${"a".repeat(64)}.example`, want: undefined },
];

for (const { written, want } of CASES) {
  Deno.test(`acme names: "${written.slice(0, 30)}" is ${want ?? "none"}`, () =>
    equal(asciiDomain(written), want));
}

Deno.test("acme names: a wildcard has a folder that no other name has", () => {
  equal(folderOf("*.example.org"), "_wildcard.example.org");
  equal(asciiDomain("_wildcard.example.org"), undefined);
});
