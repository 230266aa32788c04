// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `random`. */

import { core } from "../../abi/imported.ts";
import { inRange } from "../../abi/lower.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import type { Random } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `random#word`. */
export function randomWord({ abi }: SentinelInstance, host: Random): CoreFunction {
  return core((): number => {
    try {
      abi.beginImport();

      abi.beginHost();
      const result = host.word();
      abi.beginResult();
      const flat = inRange(result, 0xffff_ffff);
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "random#word");
    }
  });
}

/** `random#bytes`. */
export function randomBytes({ abi }: SentinelInstance, host: Random): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const countValue = a0 >>> 0;
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = host.bytes(countValue);
      const lower = abi.beginResult();
      lower.pair(room, lower.bytes(result), result.length);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "random#bytes");
    }
  });
}
