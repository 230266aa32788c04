import { deepEqual } from "node:assert/strict";
import { dataUrlBytes } from "./data_url.ts";

Deno.test("data URL: its content, or that it is none", () => {
  const text = (url: string) => {
    const bytes = dataUrlBytes(url);
    return bytes && new TextDecoder().decode(bytes);
  };
  deepEqual(
    ["data:,a%20b,c", "data:text/plain;charset=utf-8,%C3%A9", "data:;base64,YWI=", "data:,", "file.conf"].map(
      text,
    ),
    ["a b,c", "é", "ab", "", undefined],
  );
  deepEqual(["data:,%", "data:;base64,*", "data:none"].map(text), [undefined, undefined, undefined]);
});
