import { wireText } from "../../core/wire_text.ts";
import { SECRET_QUERY_PARAMS } from "../../observe/redact.ts";
import { hexDigit } from "../path.ts";
import type { Matcher } from "./matcher.ts";
import { foundValues, groupByName, wantedGroup } from "./named_values.ts";

const SECRETS: ReadonlySet<string> = new Set(SECRET_QUERY_PARAMS);

/** A query parameter by presence or exact value, after form decoding. Different names must all be there. */
export const queryParam: Matcher<"queryParam"> = {
  type: "query-param",
  key: "queryParam",
  summary: "The query has these parameters; of several values for one name, one is enough.",
  cacheable: false,
  cost: 5,
  compile(values) {
    return groupByName(values, (name) => name).map((group) => {
      const name = wireText(group.name);
      const wanted = group.values?.map(wireText);
      return {
        type: "query-param",
        specificity: wanted === undefined ? 15 : 25,
        test: (input) => someParameter(input.query, name, (value) => wanted?.includes(value) ?? true),
        wanted: wantedGroup(group, SECRETS),
        found: (input) => {
          const found: string[] = [];
          someParameter(input.query, name, (value) => found.push(value) < 0);
          return foundValues(found, { secret: SECRETS.has(group.name.toLowerCase()) });
        },
      };
    });
  },
};

/** Whether a parameter of that name has a value that passes. Names and values are decoded to bytes. */
function someParameter(query: string, name: string, passes: (value: string) => boolean): boolean {
  for (let start = 0; start < query.length;) {
    const ampersand = query.indexOf("&", start);
    const end = ampersand < 0 ? query.length : ampersand;
    const equals = query.indexOf("=", start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (decodeForm(query.slice(start, nameEnd)) === name) {
      if (passes(decodeForm(query.slice(nameEnd + 1, end)))) return true;
    }
    start = end + 1;
  }
  return false;
}

/** Decodes `+` and percent escapes (application/x-www-form-urlencoded); broken escapes stay as they are. */
function decodeForm(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const high = c === 0x25 ? hexDigit(text.charCodeAt(i + 1)) : -1;
    const low = high < 0 ? -1 : hexDigit(text.charCodeAt(i + 2));
    if (low >= 0) {
      out += String.fromCharCode(high * 16 + low);
      i += 2;
    } else {
      out += c === 0x2b ? " " : text[i];
    }
  }
  return out;
}
