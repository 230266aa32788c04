import { equal, ok } from "node:assert/strict";
import { compileProbe } from "../testing/compile_probe.ts";

const PIECES = [
  ..."aZ09%+&\\/.*#-\"'^,;<>!=() \t\n\v\0\x80\xa0\xc2\xff",
  "/*",
  "*/",
  "<!--",
  "-->",
  "--",
  "%41",
  "&lt;",
];

const NAMES = [
  "lowercase",
  "uppercase",
  "urlDecode",
  "urlDecodeUni",
  "urlEncode",
  "htmlEntityDecode",
  "jsDecode",
  "cssDecode",
  "escapeSeqDecode",
  "base64Decode",
  "base64DecodeExt",
  "base64Encode",
  "hexDecode",
  "hexEncode",
  "sqlHexDecode",
  "cmdLine",
  "compressWhitespace",
  "removeWhitespace",
  "removeNulls",
  "replaceNulls",
  "removeComments",
  "replaceComments",
  "removeCommentsChar",
  "normalizePath",
  "normalizePathWin",
  "normalisePath",
  "utf8toUnicode",
  "length",
  "md5",
  "sha1",
  "trim",
  "trimLeft",
  "trimRight",
  "parityEven7bit",
  "parityOdd7bit",
  "parityZero7bit",
];

Deno.test("byte classes: a transformation that acts on nothing in a text leaves it alone", async () => {
  const probe = await compileProbe("engine/byte_classes_probe.ts");
  let state = 20_260_101;
  const next = (below: number) => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) % below;
  let left = 0;
  for (let round = 0; round < 400; round++) {
    // Few kinds of pieces in a text, so that many transformations find nothing to act on.
    const kinds = Array.from({ length: 1 + next(3) }, () => PIECES[next(PIECES.length)]!);
    const text = Array.from({ length: next(12) }, () => kinds[next(kinds.length)]!).join("");
    for (const name of NAMES) {
      const id = probe.call("idOf", name);
      ok(id >= 0, name);
      const found = probe.call("isLeftAlone", id, text);
      equal(found === 2, false, `${name} changes ${JSON.stringify(text)}`);
      left += found;
    }
    probe.end();
  }
  ok(left > 3000, `only ${left} were left alone`);
});
