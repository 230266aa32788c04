import { matchingPath } from "../path.ts";
import { anyOf, type Matcher } from "./matcher.ts";

/** The exact path, case-sensitive, without the query. */
export const path: Matcher<"path"> = {
  type: "path",
  key: "path",
  summary: "The whole path is one of these.",
  cacheable: true,
  cost: 2,
  compile(values) {
    const paths = values.map(configuredPath);
    return [{
      type: "path",
      specificity: 10_000,
      test: (input) => paths.includes(input.path),
      wanted: anyOf(values),
      found: (input) => JSON.stringify(input.path),
    }];
  },
};

/** A path from the configuration in the form of `matchingPath`, so that `/café` means `/caf%C3%A9`. */
export function configuredPath(path: string): string {
  let wire = "";
  for (const byte of new TextEncoder().encode(path)) {
    const escaped = byte <= 0x20 || byte >= 0x7f;
    wire += escaped ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}` : String.fromCharCode(byte);
  }
  return matchingPath(wire) ?? wire;
}
