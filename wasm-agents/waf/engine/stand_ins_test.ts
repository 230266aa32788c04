/** What stands in for expressions of the Core Rule Set 3 against the host's engine, which can run them as they are written. */

import { equal, notEqual, ok } from "node:assert/strict";
import { SeededRandom, seedFromEnvironment } from "../../../tests/support/mutations.ts";
import { compileProbe } from "../testing/compile_probe.ts";

const probe = await compileProbe("engine/stand_ins_probe.ts");

const TEXTS = 20_000;

/** Of each expression what matters of it, as in the rule; and pieces of which texts are made that come near to matching. */
const PATTERNS = [
  {
    rule: 953120,
    pattern: String.raw`<\?(?!xml)`,
    pieces: ["<?", "<", "?", "x", "xm", "ml", "xml", " ", "php"],
  },
  {
    rule: 920120,
    pattern: String
      .raw`(?<!&(?:[aAoOuUyY]uml)|&(?:[aAeEiIoOuU]circ)|&(?:[eEiIoOuUyY]acute)|&(?:[aAeEiIoOuU]grave)|&(?:[cC]cedil)|&(?:[aAnNoO]tilde)|&(?:amp)|&(?:apos));|['"=]`,
    pieces: [
      ..."&;auymlcirtegvdsop A",
      ...[
        "uml",
        "circ",
        "acute",
        "grave",
        "cedil",
        "tilde",
        "&amp",
        "&apos",
        "&auml;",
        "&Ccedil;",
        "&yacute;",
        "=",
      ],
    ],
  },
  {
    rule: 942260,
    pattern: String.raw`["'${"`"}]\s*?(?:[^?\w\s=.,;)(]++\s*?[(@"'${"`"}]*?\s*?\w+\W+\w|\*\s*?\w+)`,
    pieces: [..."\"'`(@|-&)=?.; a1_", "* a", "\t"],
  },
  {
    rule: 920600,
    pattern: String
      .raw`^(?:(?:\*|[^"(),\/:;<=>?![\x5c\]{}]+)\/(?:\*|[^"(),\/:;<=>?![\x5c\]{}]+))(?:\s*+;\s*+(?:(?:charset\s*+=\s*+(?:"?(?:iso-8859-15?|utf-8)\b"?))|(?:(?:c(?:h(?:[^a"(),/:;<=>?![\x5c\]{}])|[^h"(),/:;<=>?![\x5c\]{}])|[^c"(),/:;<=>?![\x5c\]{}])[^"(),/:;<=>?![\x5c\]{}]*(?:)\s*+=\s*+[^(),/:;<=>?![\x5c\]{}]+)|;?))*(?:\s*+,\s*+(?:(?:\*|[^"(),\/:;<=>?![\x5c\]{}]+)\/(?:\*|[^"(),\/:;<=>?![\x5c\]{}]+))(?:\s*+;\s*+(?:(?:charset\s*+=\s*+(?:"?(?:iso-8859-15?|utf-8)\b"?))|(?:(?:c(?:h(?:[^a"(),/:;<=>?![\x5c\]{}])|[^h"(),/:;<=>?![\x5c\]{}])|[^c"(),/:;<=>?![\x5c\]{}])[^"(),/:;<=>?![\x5c\]{}]*(?:)\s*+=\s*+[^(),/:;<=>?![\x5c\]{}]+)|;?))*)*$`,
    pieces: [
      "text/html",
      "*/*",
      "/",
      "*",
      ";",
      "; ",
      " ",
      "\t",
      ",",
      ", ",
      "=",
      "q=1",
      "q",
      "charset=utf-8",
      "c",
      "ch",
      '"',
    ],
  },
];

/** The host's engine has no possessive repeats: what looks ahead gives nothing back either. */
function hostPattern(pattern: string): RegExp {
  let count = 0;
  const run = (text: string) =>
    text.replaceAll(/(\[(?:[^\]\\]|\\.)+\]|\\s)([+*])\+/g, (_, one, times) => {
      count++;
      return `(?=(?<p${count}>${one}${times}))\\k<p${count}>`;
    });
  const ends = pattern.replaceAll("\\A", "(?<![^])").replaceAll("\\z", "(?![^])");
  // An opening bracket in a class stands for itself there.
  return new RegExp(run(ends), "s");
}

function textOf(random: SeededRandom, pieces: readonly string[]): string {
  return Array.from({ length: random.below(9) }, () => pieces[random.below(pieces.length)]).join("");
}

Deno.test("stand-ins: match the same texts as what is written in the rules", () => {
  const seed = seedFromEnvironment();
  const random = new SeededRandom(seed);
  for (const { rule, pattern, pieces } of PATTERNS) {
    const standIn = new TextDecoder().decode(probe.object(probe.call("standIns", pattern)));
    probe.end();
    notEqual(standIn, pattern, String(rule));
    ok(!/\(\?<?[!=]/.test(standIn), `${rule}: ${standIn}`);
    const [written, run] = [hostPattern(pattern), hostPattern(standIn)];
    let matches = 0;
    for (let done = 0; done < TEXTS; done++) {
      const text = textOf(random, pieces);
      const want = written.test(text);
      equal(run.test(text), want, `${rule} ${JSON.stringify(text)} seed ${seed}`);
      if (want) matches++;
    }
    ok(matches > TEXTS / 100 && matches < TEXTS, `${rule}: ${matches} matches`);
  }
});

const COMPARISON = String
  .raw`(?i:[\s'"${"`"}()]*?\b([\d\w]+)\b[\s'"${"`"}()]*?(?:<(?:=(?:[\s'"${"`"}()]*?(?!\b\1\b)[\d\w]+|>[\s'"${"`"}()]*?(?:\b\1\b))|>?[\s'"${"`"}()]*?(?!\b\1\b)[\d\w]+)|(?:not\s+(?:regexp|like)|is\s+not|>=?|!=|\^)[\s'"${"`"}()]*?(?!\b\1\b)[\d\w]+|(?:(?:sounds\s+)?like|r(?:egexp|like)|=)[\s'"${"`"}()]*?(?:\b\1\b)))`;

const WORDS = [
  ..."<>=!^ '\"`()1a_;",
  ...[
    "like",
    "not",
    "regexp",
    "is",
    "is not",
    "not like",
    "sounds like",
    "rlike",
    "LIKE",
    "<=>",
    "<>",
    "1=1",
    "ab",
    "AB",
  ],
];

Deno.test("stand-ins: the operator that compares words finds what the expression with references finds", () => {
  equal(probe.call("make", COMPARISON.slice(1)), 0);
  equal(probe.call("make", COMPARISON), 1);
  // The outer group only says that letters of either case are the same.
  const written = new RegExp(COMPARISON.slice("(?i:".length, -1), "is");
  const seed = seedFromEnvironment();
  const random = new SeededRandom(seed);
  let matches = 0;
  for (let done = 0; done < 5 * TEXTS; done++) {
    const text = textOf(random, WORDS);
    const want = written.exec(text);
    equal(probe.call("test", text), want === null ? 0 : 1, `${JSON.stringify(text)} seed ${seed}`);
    if (want !== null) {
      matches++;
      equal(
        probe.call("matchedTo"),
        want.index + want[0].length,
        `${JSON.stringify(text)} seed ${seed}`,
      );
    }
    probe.end();
  }
  ok(matches > TEXTS / 10, `${matches} matches`);
});

Deno.test("stand-ins: the operator that compares words takes linear time", () => {
  equal(probe.call("make", COMPARISON), 1);
  const timeMs = (text: string) => {
    let best = Infinity;
    for (let round = 0; round < 3; round++) {
      const startMs = performance.now();
      equal(probe.call("test", text), 0);
      probe.end();
      best = Math.min(best, performance.now() - startMs);
    }
    return best;
  };
  for (const piece of ["a ", "a=b ", "is ", "not ", "((", "aa", "a like b "]) {
    ok(timeMs(piece.repeat(400_000).slice(0, 400_000)) < 200, piece);
  }
  ok(timeMs(`a${" ".repeat(400_000)}`) < 200);
});
