import { equal, ok } from "node:assert/strict";
import { SeededRandom, seedFromEnvironment } from "../../../tests/support/mutations.ts";
import { compileProbe } from "../testing/compile_probe.ts";
import { ModSecurity } from "./oracle/modsecurity.ts";
import { PIECES } from "./oracle/pieces.ts";

/** With values for which we mean to differ: zero bytes end the texts of C, and some of its slips are not worth having. */
const NAMES = new Map<string, (input: string) => boolean>([
  ...[
    "lowercase",
    "uppercase",
    "urlDecode",
    "urlDecodeUni",
    "urlEncode",
    "htmlEntityDecode",
    "jsDecode",
    "escapeSeqDecode",
    "base64Encode",
    "hexDecode",
    "hexEncode",
    "cmdLine",
    "compressWhitespace",
    "removeWhitespace",
    "removeNulls",
    "replaceNulls",
    "removeComments",
    "replaceComments",
    "removeCommentsChar",
    "normalizePath",
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
  ].map((name) => [name, () => false] as const),
  ["cssDecode", (input) => /\0|\\0/.test(input)],
  // A backslash behind a slash that it drops stays a backslash there.
  ["normalizePathWin", (input) => /[/\\]\.*[/\\]/.test(input)],
]);

const peer = ModSecurity.open([...NAMES.keys()]);
peer?.close();
if (peer === null) {
  console.log(
    "libmodsecurity.so.3 is not installed: transformations are not compared with it",
  );
}

Deno.test({
  name: "transforms: byte for byte those of libmodsecurity 3",
  ignore: peer === null && Deno.env.get("CI") === undefined,
  fn: async () => {
    const probe = await compileProbe("transforms/transforms_probe.ts");
    const library = ModSecurity.open([...NAMES.keys()])!;
    const random = new SeededRandom(seedFromEnvironment());
    let compared = 0;
    for (let round = 0; round < 600; round++) {
      let input = random.pick(PIECES);
      for (let left = random.below(9); left > 0; left--) {
        input += random.pick(PIECES);
      }
      if (input.length > 45) continue;
      for (const [name, want] of library.transformed(input)) {
        if (NAMES.get(name)!(input)) continue;
        compared++;
        const at = probe.call("run", probe.call("idOf", name), input);
        equal(
          String.fromCharCode(...probe.object(at)),
          want,
          `${name} ${JSON.stringify(input)}`,
        );
        probe.end();
      }
    }
    library.close();
    ok(compared > 10_000, String(compared));
  },
});
