// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `conn-info`. */

import { core } from "../../abi/imported.ts";
import { inRange } from "../../abi/lower.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { storeTlsInfo } from "../sentinel_lower.ts";
import type { ConnInfo } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `conn-info#client-address`. */
export function connInfoClientAddress({ abi, requests }: SentinelInstance, host: ConnInfo): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const requestValue = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = host.clientAddress(requestValue);
      const lower = abi.beginResult();
      lower.string(room, result);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "conn-info#client-address");
    }
  });
}

/** `conn-info#client-port`. */
export function connInfoClientPort({ abi, requests }: SentinelInstance, host: ConnInfo): CoreFunction {
  return core((a0: number): number => {
    try {
      abi.beginImport();
      const requestValue = requests.value(a0);
      abi.beginHost();
      const result = host.clientPort(requestValue);
      abi.beginResult();
      const flat = inRange(result, 0xffff);
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "conn-info#client-port");
    }
  });
}

/** `conn-info#tls`. */
export function connInfoTls({ abi, requests }: SentinelInstance, host: ConnInfo): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const requestValue = requests.value(a0);
      const room = lift.record(a1, 60, 4);
      abi.beginHost();
      const result = host.tls(requestValue);
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        storeTlsInfo(lower, room + 4, result);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "conn-info#tls");
    }
  });
}
