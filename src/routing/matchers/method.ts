import { anyOf, type Matcher } from "./matcher.ts";

/** The request method. Methods are case-sensitive on the wire; configured ones are meant in upper case. */
export const method: Matcher<"method"> = {
  type: "method",
  key: "method",
  summary: "The method is one of these.",
  cacheable: true,
  cost: 1,
  compile(values) {
    const methods = values.map((value) => value.toUpperCase());
    return [{
      type: "method",
      specificity: 10,
      test: (input) => methods.includes(input.head.method),
      wanted: anyOf(methods),
      found: (input) => JSON.stringify(input.head.method),
    }];
  },
};
