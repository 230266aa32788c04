/**
 * Parts of expressions of the Core Rule Set 3 that look around, give nothing back or refer to what was found before, and others
 * in their place that match the same texts and take linear time. They are known by their very words: of anybody else's
 * expressions nothing is guessed, they are refused.
 */

import { ByteWriter } from "sentinel/byte_writer";
import { Bytes, Text } from "sentinel/text";
import { findBytes } from "../operators/search";

/** By turns: what is written, and what is run. */
const FRAGMENTS: StaticArray<string> = [
  // 953120: an opening `<?` that is none of XML.
  "<\\?(?!xml)",
  "<\\?(?:[^x]|x(?:[^m]|m(?:[^l]|\\z)|\\z)|\\z)",
  // 920600: blanks, and then something that does not begin with one.
  '\\s*+,\\s*+(?:(?:\\*|[^"(),\\/:;<=>?![\\x5c\\]{}]+)\\/',
  '\\s*,\\s*(?:(?:\\*|[^\\s"(),\\/:;<=>?![\\x5c\\]{}][^"(),\\/:;<=>?![\\x5c\\]{}]*)\\/',
  "\\s*+;\\s*+(?:(?:charset",
  "\\s*;\\s*(?:(?:charset",
  '|[^c"(),/:;<=>?![\\x5c\\]{}])[^"(),/:;<=>?![\\x5c\\]{}]*(?:)\\s*+=',
  '|[^\\sc"(),/:;<=>?![\\x5c\\]{}])[^"(),/:;<=>?![\\x5c\\]{}]*(?:)\\s*=',
  "=\\s*+[^(),/:;<=>?![\\x5c\\]{}]+",
  "=\\s*[^\\s(),/:;<=>?![\\x5c\\]{}][^(),/:;<=>?![\\x5c\\]{}]*",
  // 942260: what follows can only go on with what the run would give back.
  "[^?\\w\\s=.,;)(]++\\s*?[(@",
  "[^?\\w\\s=.,;)(]+\\s*?[(@",
  // 920120: not behind one of these; each character of them from the last one on, and any other one before it.
  "(?<!&(?:[aAoOuUyY]uml)|&(?:[aAeEiIoOuU]circ)|&(?:[eEiIoOuUyY]acute)|&(?:[aAeEiIoOuU]grave)|&(?:[cC]cedil)" +
  "|&(?:[aAnNoO]tilde)|&(?:amp)|&(?:apos))",
  "(?:\\A|[^celps]|(?:\\A|[^im]|(?:\\A|[^u]|(?:\\A|[^AOUYaouy]|(?:\\A|[^&])[aAoOuUyY])u)m" +
  "|(?:\\A|[^d]|(?:\\A|[^e]|(?:\\A|[^c]|(?:\\A|[^Cc]|(?:\\A|[^&])[cC])c)e)d)i)l" +
  "|(?:\\A|[^r]|(?:\\A|[^i]|(?:\\A|[^c]|(?:\\A|[^AEIOUaeiou]|(?:\\A|[^&])[aAeEiIoOuU])c)i)r)c" +
  "|(?:\\A|[^dtv]|(?:\\A|[^u]|(?:\\A|[^c]|(?:\\A|[^a]|(?:\\A|[^EIOUYeiouy]|(?:\\A|[^&])[eEiIoOuUyY])a)c)u)t" +
  "|(?:\\A|[^a]|(?:\\A|[^r]|(?:\\A|[^g]|(?:\\A|[^AEIOUaeiou]|(?:\\A|[^&])[aAeEiIoOuU])g)r)a)v" +
  "|(?:\\A|[^l]|(?:\\A|[^i]|(?:\\A|[^t]|(?:\\A|[^ANOano]|(?:\\A|[^&])[aAnNoO])t)i)l)d)e" +
  "|(?:\\A|[^m]|(?:\\A|[^a]|(?:\\A|[^&])a)m)p|(?:\\A|[^o]|(?:\\A|[^p]|(?:\\A|[^a]|(?:\\A|[^&])a)p)o)s)",
];

/** 942130, which is an operator of its own: see `operators/word_comparison.ts`. */
const FILLER = "[\\s'\"`()]*?";
const OTHER = FILLER + "(?!\\b\\1\\b)[\\d\\w]+";
const SAME = FILLER + "(?:\\b\\1\\b)";
const COMPARISON = "(?i:" + FILLER + "\\b([\\d\\w]+)\\b" + FILLER + "(?:<(?:=(?:" + OTHER + "|>" + SAME +
  ")|>?" + OTHER +
  ")|(?:not\\s+(?:regexp|like)|is\\s+not|>=?|!=|\\^)" + OTHER + "|(?:(?:sounds\\s+)?like|r(?:egexp|like)|=)" +
  SAME + "))";

/** Whether an expression is the one for which `WordComparison` stands in. */
export function isWordComparison(pattern: Bytes): bool {
  return pattern.equals(Text.of(COMPARISON));
}

/** An expression with all that can be put in place of its parts; itself when there is nothing. */
export function withStandIns(pattern: Bytes): Bytes {
  let done = pattern;
  for (let index = 0; index < FRAGMENTS.length; index += 2) {
    done = replaced(done, Text.of(FRAGMENTS[index]), FRAGMENTS[index + 1]);
  }
  return done;
}

function replaced(text: Bytes, wanted: Bytes, by: string): Bytes {
  let at = findBytes(text, wanted, 0);
  if (at < 0) return text;
  const writer = new ByteWriter(text.length + 256);
  let from = 0;
  while (at >= 0) {
    writer.bytes(new Bytes(text.at + from, at - from));
    writer.bytes(Text.of(by));
    from = at + wanted.length;
    at = findBytes(text, wanted, from);
  }
  writer.bytes(new Bytes(text.at + from, text.length - from));
  return writer.text;
}
