import type { CoreFunction } from "../guest.ts";

/** The part of the JavaScript promise integration that the types of WebAssembly do not have yet. */
interface PromiseIntegration {
  readonly Suspending: new (fn: unknown) => unknown;
}

/**
 * An import that suspends the guest until its promise is settled. It can be imported like a function, but only below
 * a promising export called.
 */
export function suspending<A extends (number | bigint)[]>(
  fn: (...args: A) => Promise<number | bigint | void>,
): CoreFunction {
  const { Suspending } = WebAssembly as unknown as PromiseIntegration;
  return new Suspending(fn) as CoreFunction;
}
