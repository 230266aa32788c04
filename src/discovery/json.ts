/** Reading JSON that others sent: every access says what it expects, and nothing is believed. */

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses a text that must hold an object; throws otherwise. `what` names it in the message. */
export function parseObject(text: string, what: string): JsonObject {
  const value = parseJson(text, what);
  if (!isObject(value)) throw new Error(`${what} is no JSON object`);
  return value;
}

/** Parses a text that must hold a list; throws otherwise. */
export function parseList(text: string, what: string): readonly unknown[] {
  const value = parseJson(text, what);
  if (!Array.isArray(value)) throw new Error(`${what} is no JSON list`);
  return value;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${what} is no JSON`, { cause });
  }
}

/** Whether a value is an object, and neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member that is an object; empty when it is missing or something else. */
export function objectAt(value: unknown, key: string): JsonObject {
  const member = isObject(value) ? value[key] : undefined;
  return isObject(member) ? member : {};
}

/** A member that is a list; empty when it is missing or something else. */
export function listAt(value: unknown, key: string): readonly unknown[] {
  const member = isObject(value) ? value[key] : undefined;
  return Array.isArray(member) ? member : [];
}

/** A member that is a text that is not empty. */
export function textAt(value: unknown, key: string): string | undefined {
  const member = isObject(value) ? value[key] : undefined;
  return typeof member === "string" && member !== "" ? member : undefined;
}

/** A member that is a port from 1 to 65535. */
export function portAt(value: unknown, key: string): number | undefined {
  const member = isObject(value) ? value[key] : undefined;
  const isPort = typeof member === "number" && Number.isInteger(member) && member >= 1 && member <= 65_535;
  return isPort ? member : undefined;
}
