import assert from "node:assert/strict";
import { HeaderList } from "../core/headers.ts";
import { cookieValue } from "./cookie.ts";

Deno.test("cookie: the value of a name among others", () => {
  const rows: { lines: readonly string[]; want: string | undefined }[] = [
    { lines: [], want: undefined },
    { lines: ["sid=1"], want: "1" },
    { lines: ["a=b; sid=1; c=d"], want: "1" },
    { lines: ["a=b;sid=1"], want: "1" },
    { lines: ["a=b", "c=d; sid=1"], want: "1" },
    { lines: ["sid=1; sid=2"], want: "1" },
    { lines: ["xsid=1; sid2=2; SID=3"], want: undefined },
    { lines: ["x=sid=9; sid=1"], want: "1" },
    { lines: ["sid"], want: undefined },
    { lines: ["sid=; a=b"], want: "" },
    { lines: ["sid sid=1"], want: "1" },
  ];
  for (const { lines, want } of rows) {
    const headers = HeaderList.from(lines.map((line) => ["Cookie", line] as const));
    assert.equal(cookieValue(headers, "sid"), want, lines.join(" | "));
  }
});
