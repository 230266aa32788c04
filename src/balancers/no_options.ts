import { block } from "../core/schema.ts";

/** For balancers that have nothing to set. */
export const noOptions = block({ summary: "No options.", always: true, fields: {} });

/** The values of `noOptions`. */
export type NoOptions = Readonly<Record<never, never>>;
