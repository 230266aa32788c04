import type { Schema } from "../core/schema.ts";

/** The options of a kind as they are when nothing is written. */
export function defaultsOf<T>({ shape }: Schema<T>): T {
  const fields = shape.type === "block" ? Object.entries(shape.fields) : [];
  const values = fields.map(([key, field]) => [key, field.default] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as T;
}
