import type { HeadLimits } from "../../src/http1/head_lines.ts";

/** Limits of heads for tests that are not about them. */
export const HEAD_LIMITS: HeadLimits = {
  targetBytesMax: 1000,
  headerBytesMax: 10_000,
  headerCountMax: 100,
  headerNameBytesMax: 1000,
  headerValueBytesMax: 1000,
};
