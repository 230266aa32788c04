// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `crypto`. */

import { core } from "../../abi/imported.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { nameOfHash, nameOfSignature } from "../sentinel_lift.ts";
import type { Crypto } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `crypto#digest`. */
export function cryptoDigest({ abi }: SentinelInstance, host: Crypto): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number): void => {
    try {
      const lift = abi.beginImport();
      const hashValue = nameOfHash(lift, a0);
      const dataValue = lift.data(a1, a2);
      const room = lift.record(a3, 8, 4);
      abi.beginHost();
      const result = host.digest(hashValue, dataValue);
      const lower = abi.beginResult();
      lower.pair(room, lower.bytes(result), result.length);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "crypto#digest");
    }
  });
}

/** `crypto#hmac`. */
export function cryptoHmac({ abi }: SentinelInstance, host: Crypto): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number, a4: number, a5: number): void => {
    try {
      const lift = abi.beginImport();
      const hashValue = nameOfHash(lift, a0);
      const keyValue = lift.data(a1, a2);
      const dataValue = lift.data(a3, a4);
      const room = lift.record(a5, 8, 4);
      abi.beginHost();
      const result = host.hmac(hashValue, keyValue, dataValue);
      const lower = abi.beginResult();
      lower.pair(room, lower.bytes(result), result.length);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "crypto#hmac");
    }
  });
}

/** `crypto#equal`. */
export function cryptoEqual({ abi }: SentinelInstance, host: Crypto): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number): number => {
    try {
      const lift = abi.beginImport();
      const aValue = lift.data(a0, a1);
      const bValue = lift.data(a2, a3);
      abi.beginHost();
      const result = host.equal(aValue, bValue);
      abi.beginResult();
      const flat = result ? 1 : 0;
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "crypto#equal");
    }
  });
}

/** `crypto#verify`. */
export function cryptoVerify({ abi }: SentinelInstance, host: Crypto): CoreFunction {
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
    ): void => {
      try {
        const lift = abi.beginImport();
        const signatureValue = nameOfSignature(lift, a0);
        const keyValue = lift.text(a1, a2);
        const dataValue = lift.data(a3, a4);
        const signedValue = lift.data(a5, a6);
        const room = lift.record(a7, 12, 4);
        abi.beginHost();
        const result = host.verify(signatureValue, keyValue, dataValue, signedValue);
        const lower = abi.beginResult();
        if (result.type === "ok") {
          lower.u8(room, 0);
          lower.u8(room + 4, result.value ? 1 : 0);
        } else {
          lower.u8(room, 1);
          lower.string(room + 4, result.value);
        }
        abi.endImport();
      } catch (error) {
        throw abi.failed(error, "crypto#verify");
      }
    },
  );
}
