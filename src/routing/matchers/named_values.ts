import { REDACTED } from "../../observe/redact.ts";
import { anyOf } from "./matcher.ts";

/** `header` and `query-param` values: a name that must be there, with a value when one is given. */
export interface NamedValue {
  readonly name: string;
  readonly value?: string | undefined;
}

/** What is wanted under one name. */
export interface NamedGroup {
  /** As first written. */
  readonly name: string;
  /** The values one of which is wanted; undefined when any will do. */
  readonly values: readonly string[] | undefined;
}

/** Values of the same name belong together: any of them will do. `keyOf` says what the same name is. */
export function groupByName(
  values: readonly NamedValue[],
  keyOf: (name: string) => string,
): readonly NamedGroup[] {
  const groups = new Map<string, { name: string; values: string[] | undefined }>();
  for (const { name, value } of values) {
    const group = groups.get(keyOf(name)) ?? { name, values: [] };
    // A name without a value is content with all of them.
    group.values = value === undefined ? undefined : group.values?.concat(value);
    groups.set(keyOf(name), group);
  }
  return [...groups.values()];
}

/** The group as explanations say it: `X-Tier "a" or "b"`; values of `secret` names are left out. */
export function wantedGroup(group: NamedGroup, secret: { readonly has: (key: string) => boolean }): string {
  if (group.values === undefined) return group.name;
  return `${group.name} ${secret.has(group.name.toLowerCase()) ? REDACTED : anyOf(group.values)}`;
}

/** What a request has under a name, as explanations say it. */
export function foundValues(values: readonly string[], isSecret: { readonly secret: boolean }): string {
  if (values.length === 0) return "none";
  return isSecret.secret ? REDACTED : anyOf(values);
}
