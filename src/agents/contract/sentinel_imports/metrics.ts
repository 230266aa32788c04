// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `metrics`. */

import { core } from "../../abi/imported.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadLabelList } from "../sentinel_lift.ts";
import type { Metrics } from "../sentinel_types.ts";
import type { CoreFunction } from "../../guest.ts";

/** `metrics#add`. */
export function metricsAdd({ abi }: SentinelInstance, host: Metrics): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number, a4: number): void => {
    try {
      const lift = abi.beginImport();
      const nameValue = lift.text(a0, a1);
      const labelsValue = loadLabelList(lift, a2, a3);
      const amountValue = a4;
      abi.beginHost();
      host.add(nameValue, labelsValue, amountValue);
      abi.beginResult();
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "metrics#add");
    }
  });
}

/** `metrics#set`. */
export function metricsSet({ abi }: SentinelInstance, host: Metrics): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number, a4: number): void => {
    try {
      const lift = abi.beginImport();
      const nameValue = lift.text(a0, a1);
      const labelsValue = loadLabelList(lift, a2, a3);
      const valueValue = a4;
      abi.beginHost();
      host.set(nameValue, labelsValue, valueValue);
      abi.beginResult();
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "metrics#set");
    }
  });
}

/** `metrics#observe`. */
export function metricsObserve({ abi }: SentinelInstance, host: Metrics): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number, a4: number): void => {
    try {
      const lift = abi.beginImport();
      const nameValue = lift.text(a0, a1);
      const labelsValue = loadLabelList(lift, a2, a3);
      const valueValue = a4;
      abi.beginHost();
      host.observe(nameValue, labelsValue, valueValue);
      abi.beginResult();
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "metrics#observe");
    }
  });
}
