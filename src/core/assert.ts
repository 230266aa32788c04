/** Stops on a bug of ours: never for bad input, which has its own errors. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
