import { wireText } from "../../core/wire_text.ts";
import { SECRET_HEADERS } from "../../observe/redact.ts";
import type { Matcher } from "./matcher.ts";
import { foundValues, groupByName, wantedGroup } from "./named_values.ts";

const SECRETS: ReadonlySet<string> = new Set(SECRET_HEADERS);

/** A request header by presence or exact value; names without case. Different headers must all be there. */
export const header: Matcher<"header"> = {
  type: "header",
  key: "header",
  summary: "The request has these headers; of several values for one name, one is enough.",
  cacheable: false,
  cost: 5,
  compile(values) {
    return groupByName(values, (name) => name.toLowerCase()).map((group) => {
      const key = group.name.toLowerCase();
      const wanted = group.values?.map(wireText);
      return {
        type: "header",
        specificity: wanted === undefined ? 20 : 30,
        test: ({ head: { headers } }) => {
          if (wanted === undefined) return headers.has(key);
          for (let i = 0; i < headers.size; i++) {
            if (headers.keyAt(i) === key && wanted.includes(headers.valueAt(i))) return true;
          }
          return false;
        },
        wanted: wantedGroup(group, SECRETS),
        found: ({ head: { headers } }) => foundValues(headers.getAll(key), { secret: SECRETS.has(key) }),
      };
    });
  },
};
