import { checkCookieName } from "../core/cookies.ts";
import { checkHeaderName } from "../core/header_edits.ts";
import { Problem } from "../core/reading.ts";
import { scalar } from "../core/schema.ts";
import type { Schema } from "../core/schema.ts";

/** A header or cookie that must be there, with this value when one is given. */
export interface WantedValue {
  readonly name: string;
  readonly value: string | undefined;
}

const CHECKS = { header: checkHeaderName, cookie: checkCookieName } as const;

/** A header as `"Name"` or `"Name:value"`, a cookie as `"name"` or `"name=value"`. */
export function wantedValue(
  kind: keyof typeof CHECKS,
  summary: string,
): Schema<WantedValue | undefined> {
  const separator = kind === "header" ? ":" : "=";
  const expected = `"${kind === "header" ? "Name" : "name"}" or "${
    kind === "header" ? "Name: value" : "name=value"
  }"`;
  const shape = { type: "value", expected, json: { type: "string" } } as const;
  return scalar<WantedValue, { summary: string }>({ summary }, shape, (value) => {
    if (typeof value !== "string" || value === "") return new Problem(`expects ${expected}`);
    const at = value.indexOf(separator);
    const name = (at < 0 ? value : value.slice(0, at)).trim();
    const problem = CHECKS[kind](name);
    if (problem !== undefined) return new Problem(`names "${name}", which ${problem}`, `write ${expected}`);
    return { name, value: at < 0 ? undefined : value.slice(at + 1).trim() };
  });
}
