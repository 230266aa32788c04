/** Reading what an authority answers: every access says what it expects. */

import { AcmeError } from "./acme_error.ts";

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Members of lists that are looked at; orders have at most as many names as certificates may. */
export const LIST_MAX = 200;

/** Parses a text that must hold an object. Throws `AcmeError`. `what` names it in the message. */
export function parseObject(text: string, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AcmeError("protocol", `${what} is no JSON`, { cause });
  }
  if (!isObject(value)) throw new AcmeError("protocol", `${what} is no JSON object`);
  return value;
}

/** A member that must be a text that is not empty. Throws `AcmeError`. */
export function textAt(value: JsonObject, key: string, what: string): string {
  const member = value[key];
  if (typeof member === "string" && member !== "") return member;
  throw new AcmeError("protocol", `${what} has no "${key}"`);
}

/** A member that is a text; undefined otherwise. */
export function maybeText(value: JsonObject, key: string): string | undefined {
  const member = value[key];
  return typeof member === "string" && member !== "" ? member : undefined;
}

/** A member that must be a list; of bounded length. Throws `AcmeError`. */
export function listAt(value: JsonObject, key: string, what: string): readonly unknown[] {
  const member = value[key];
  if (!Array.isArray(member)) throw new AcmeError("protocol", `${what} has no list "${key}"`);
  if (member.length > LIST_MAX) throw new AcmeError("protocol", `"${key}" of ${what} is too long`);
  return member;
}

/** A member that is an object; empty otherwise. */
export function objectAt(value: JsonObject, key: string): JsonObject {
  const member = value[key];
  return isObject(member) ? member : {};
}

/** Whether a value is an object, and neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
