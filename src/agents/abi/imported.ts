import type { CoreFunction } from "../guest.ts";
import type { Borrow } from "./borrows.ts";
import type { AbiInstance } from "./instance.ts";

/** A function with the parameters that its core signature has. */
export function core<A extends (number | bigint)[]>(
  fn: (...args: A) => number | bigint | void,
): CoreFunction {
  return fn as CoreFunction;
}

/** The core function with which a guest gives a borrowed handle back. */
export function dropping(abi: AbiInstance, borrow: Borrow<object>): CoreFunction {
  return core((handle: number): void => {
    try {
      abi.beginImport();
      borrow.drop(handle);
      abi.beginResult();
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "resource-drop");
    }
  });
}
