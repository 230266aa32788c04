/** Values of the contract that the language has no form for. */

/** A number that may be absent. */
export class Some<T> {
  constructor(readonly value: T) {}
}

/** Two values together. */
export class Pair<A, B> {
  constructor(readonly first: A, readonly second: B) {}
}

/** How something ended that can fail: look at `isError` before you take `value` or `error`. */
export class Result<T, E> {
  constructor(readonly isError: bool, readonly value: T, readonly error: E) {}
}

/** A result that is good. */
export function succeeded<T, E>(value: T): Result<T, E> {
  return new Result<T, E>(false, value, nothing<E>());
}

/** A result that is an error. */
export function failed<T, E>(error: E): Result<T, E> {
  return new Result<T, E>(true, nothing<T>(), error);
}

function nothing<T>(): T {
  if (isReference<T>()) return changetype<T>(0);
  return <T> 0;
}

/** How many elements a list has, null being an empty one. */
export function countOf<T>(list: T[] | null): i32 {
  return list === null ? 0 : list.length;
}
