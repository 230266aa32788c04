// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `fetch`. */

import { suspending } from "../../abi/suspending.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadHeaderList } from "../sentinel_lift.ts";
import { storeFetchResponse } from "../sentinel_lower.ts";
import type { Fetch } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `fetch#send`. */
export function fetchSend({ abi }: SentinelInstance, host: Fetch): CoreFunction {
  return suspending(
    async (
      a0: number,
      a1: number,
      a2: number,
      a3: number,
      a4: number,
      a5: number,
      a6: number,
      a7: number,
      a8: number,
      a9: number,
      a10: number,
    ): Promise<void> => {
      try {
        const lift = abi.beginImport();
        const requestValue = {
          method: lift.text(a0, a1),
          url: lift.text(a2, a3),
          headers: loadHeaderList(lift, a4, a5),
          body: lift.some(a6) ? lift.data(a7, a8) : undefined,
          timeoutMs: a9 >>> 0,
        };
        const room = lift.record(a10, 24, 4);
        abi.beginHost();
        const result = await host.send(requestValue);
        const lower = abi.beginResult();
        if (result.type === "ok") {
          lower.u8(room, 0);
          storeFetchResponse(lower, room + 4, result.value);
        } else {
          lower.u8(room, 1);
          lower.string(room + 4, result.value);
        }
        abi.endImport();
      } catch (error) {
        throw abi.failed(error, "fetch#send");
      }
    },
  );
}
