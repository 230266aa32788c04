// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `assets`. */

import { core } from "../../abi/imported.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import type { Assets } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `assets#read`. */
export function assetsRead({ abi }: SentinelInstance, host: Assets): CoreFunction {
  return core((a0: number, a1: number, a2: number): void => {
    try {
      const lift = abi.beginImport();
      const nameValue = lift.text(a0, a1);
      const room = lift.record(a2, 12, 4);
      abi.beginHost();
      const result = host.read(nameValue);
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        lower.pair(room + 4, lower.bytes(result), result.length);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "assets#read");
    }
  });
}

/** `assets#version`. */
export function assetsVersion({ abi }: SentinelInstance, host: Assets): CoreFunction {
  return core((a0: number, a1: number, a2: number): void => {
    try {
      const lift = abi.beginImport();
      const nameValue = lift.text(a0, a1);
      const room = lift.record(a2, 12, 4);
      abi.beginHost();
      const result = host.version(nameValue);
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        lower.string(room + 4, result);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "assets#version");
    }
  });
}
