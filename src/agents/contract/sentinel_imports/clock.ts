// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `clock`. */

import { core } from "../../abi/imported.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import type { Clock } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `clock#wall-ms`. */
export function clockWallMs({ abi }: SentinelInstance, host: Clock): CoreFunction {
  return core((): number => {
    try {
      abi.beginImport();

      abi.beginHost();
      const result = host.wallMs();
      abi.beginResult();
      const flat = result;
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "clock#wall-ms");
    }
  });
}

/** `clock#monotonic-ms`. */
export function clockMonotonicMs({ abi }: SentinelInstance, host: Clock): CoreFunction {
  return core((): number => {
    try {
      abi.beginImport();

      abi.beginHost();
      const result = host.monotonicMs();
      abi.beginResult();
      const flat = result;
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "clock#monotonic-ms");
    }
  });
}
