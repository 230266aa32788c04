// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `log`. */

import { core } from "../../abi/imported.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadFieldList, nameOfLogLevel } from "../sentinel_lift.ts";
import type { Log } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `log#write`. */
export function logWrite({ abi }: SentinelInstance, host: Log): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number, a4: number): void => {
    try {
      const lift = abi.beginImport();
      const levelValue = nameOfLogLevel(lift, a0);
      const messageValue = lift.text(a1, a2);
      const fieldsValue = loadFieldList(lift, a3, a4);
      abi.beginHost();
      host.write(levelValue, messageValue, fieldsValue);
      abi.beginResult();
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "log#write");
    }
  });
}
