// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `kv`. */

import { core } from "../../abi/imported.ts";
import { inRange, signed } from "../../abi/lower.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import type { Kv } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `kv#get`. */
export function kvGet({ abi }: SentinelInstance, host: Kv): CoreFunction {
  return core((a0: number, a1: number, a2: number): void => {
    try {
      const lift = abi.beginImport();
      const keyValue = lift.text(a0, a1);
      const room = lift.record(a2, 12, 4);
      abi.beginHost();
      const result = host.get(keyValue);
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        lower.pair(room + 4, lower.bytes(result), result.length);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "kv#get");
    }
  });
}

/** `kv#set`. */
export function kvSet({ abi }: SentinelInstance, host: Kv): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number, a4: number): number => {
    try {
      const lift = abi.beginImport();
      const keyValue = lift.text(a0, a1);
      const valueValue = lift.data(a2, a3);
      const ttlMsValue = a4 >>> 0;
      abi.beginHost();
      const result = host.set(keyValue, valueValue, ttlMsValue);
      abi.beginResult();
      const flat = result ? 1 : 0;
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "kv#set");
    }
  });
}

/** `kv#delete`. */
export function kvDelete({ abi }: SentinelInstance, host: Kv): CoreFunction {
  return core((a0: number, a1: number): number => {
    try {
      const lift = abi.beginImport();
      const keyValue = lift.text(a0, a1);
      abi.beginHost();
      const result = host.delete(keyValue);
      abi.beginResult();
      const flat = result ? 1 : 0;
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "kv#delete");
    }
  });
}

/** `kv#incr`. */
export function kvIncr({ abi }: SentinelInstance, host: Kv): CoreFunction {
  return core((a0: number, a1: number, a2: bigint, a3: number): bigint => {
    try {
      const lift = abi.beginImport();
      const keyValue = lift.text(a0, a1);
      const byValue = a2;
      const ttlMsValue = a3 >>> 0;
      abi.beginHost();
      const result = host.incr(keyValue, byValue, ttlMsValue);
      abi.beginResult();
      const flat = signed(result);
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "kv#incr");
    }
  });
}

/** `kv#compare-and-set`. */
export function kvCompareAndSet({ abi }: SentinelInstance, host: Kv): CoreFunction {
  return core(
    (
      a0: number,
      a1: number,
      a2: number,
      a3: number,
      a4: number,
      a5: number,
      a6: number,
      a7: number,
    ): number => {
      try {
        const lift = abi.beginImport();
        const keyValue = lift.text(a0, a1);
        const expectedValue = lift.some(a2) ? lift.data(a3, a4) : undefined;
        const valueValue = lift.data(a5, a6);
        const ttlMsValue = a7 >>> 0;
        abi.beginHost();
        const result = host.compareAndSet(keyValue, expectedValue, valueValue, ttlMsValue);
        abi.beginResult();
        const flat = result ? 1 : 0;
        abi.endImport();
        return flat;
      } catch (error) {
        throw abi.failed(error, "kv#compare-and-set");
      }
    },
  );
}

/** `kv#take`. */
export function kvTake({ abi }: SentinelInstance, host: Kv): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number, a4: number): number => {
    try {
      const lift = abi.beginImport();
      const keyValue = lift.text(a0, a1);
      const costValue = a2;
      const rateValue = a3;
      const burstValue = a4;
      abi.beginHost();
      const result = host.take(keyValue, costValue, rateValue, burstValue);
      abi.beginResult();
      const flat = inRange(result, 0xffff_ffff);
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "kv#take");
    }
  });
}
