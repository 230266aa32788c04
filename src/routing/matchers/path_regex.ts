import { LinearRegex } from "../regex.ts";
import { RegexSyntaxError } from "../regex_parse.ts";
import { anyOf, type Matcher } from "./matcher.ts";

/** A regular expression found anywhere in the path; anchor it with `^` and `$`. */
export const pathRegex: Matcher<"pathRegex"> = {
  type: "path-regex",
  key: "pathRegex",
  summary: "One of these regular expressions (RE2 syntax) is found in the path.",
  cacheable: true,
  cost: 6,
  compile(values) {
    const regexes = values.map((value) => new LinearRegex(value));
    return [{
      type: "path-regex",
      specificity: 5000,
      costly: true,
      test: (input) => regexes.some((regex) => regex.test(input.path)),
      wanted: anyOf(values),
      found: (input) => JSON.stringify(input.path),
    }];
  },
};

/** What is wrong with a regular expression, completing `"path-regex" …`; undefined when nothing is. */
export function regexProblem(pattern: string): string | undefined {
  try {
    new LinearRegex(pattern);
    return undefined;
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return `is no usable regular expression: ${error.message} (at character ${error.index + 1})`;
  }
}
