import { Problem } from "./reading.ts";
import { list } from "./schema.ts";
import type { Schema } from "./schema.ts";

/** Statuses from one to another, both ends included. */
export type StatusRange = readonly [from: number, to: number];

/** A list of statuses and ranges of them, as written `200`, `"200-299"` or `"200,204"`. */
export function statusRanges(options: {
  readonly summary: string;
  readonly aliases?: readonly string[];
  /** What counts when the option is left out, and how the reference page writes it. */
  readonly default?: { readonly ranges: readonly StatusRange[]; readonly shown: readonly number[] };
}): Schema<readonly StatusRange[]> {
  const { summary, aliases } = options;
  const standard = options.default ?? { ranges: [], shown: [] };
  const lists = list<readonly StatusRange[], { summary: string; default: readonly StatusRange[][] }>(
    { summary, default: [[...standard.ranges]] },
    {
      type: "value",
      expected: `a status, or text such as "200-299" or "200,204"`,
      json: { type: ["integer", "string"] },
    },
    decodeStatus,
  );
  return {
    ...lists,
    ...(aliases === undefined ? {} : { aliases }),
    default: standard.shown,
    read: (nodes, site) => lists.read(nodes, site).flat(),
  };
}

function decodeStatus(value: unknown): StatusRange[] | Problem {
  const ranges: StatusRange[] = [];
  for (const part of String(value).split(",")) {
    const match = /^\s*(\d{3})\s*(?:-\s*(\d{3})\s*)?$/.exec(part);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? from);
    if (match === null || from < 100 || to > 599 || to < from) {
      return new Problem(
        `expects statuses from 100 to 599 such as 200, "200-299" or "200,204", found "${value}"`,
      );
    }
    ranges.push([from, to]);
  }
  return ranges;
}
