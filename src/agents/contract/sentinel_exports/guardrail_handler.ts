// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `guardrail-handler`. */

import { exported } from "../../abi/exported.ts";
import type { Promised } from "../../abi/promised.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadFinding } from "../sentinel_lift.ts";
import { numberOfInspection, storeStringList } from "../sentinel_lower.ts";
import type { Finding, GuardrailHandler } from "../sentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `guardrail-handler`; undefined when the guest does not export it. */
export function bindGuardrailHandler(guest: Guest, instance: SentinelInstance): GuardrailHandler | undefined {
  return exported(guest, "guardrail-handler", (at) => ({
    guardrailInspect: guardrailInspect(instance, at("guardrail-inspect")),
  }));
}

/** The interface `guardrail-handler`, to be awaited; undefined when the guest does not export it. */
export function bindGuardrailHandlerAsync(
  guest: Guest,
  instance: SentinelInstance,
): Promised<GuardrailHandler> | undefined {
  return exported(guest, "guardrail-handler", (at) => ({
    guardrailInspect: guardrailInspectAsync(instance, at("guardrail-inspect")),
  }));
}

function guardrailInspect(
  { abi }: SentinelInstance,
  fn: GuestFunction,
): GuardrailHandler["guardrailInspect"] {
  return (subject) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const subjectFlatInspection = numberOfInspection(subject.inspection);
      const subjectFlatContent = lower.string(-1, subject.content);
      let subjectFlatModelTag = 0;
      let subjectFlatModel = -1;
      if (subject.model !== undefined) {
        subjectFlatModelTag = 1;
        subjectFlatModel = lower.string(-1, subject.model);
      }
      const subjectFlatCategories = storeStringList(lower, subject.categories);
      const subjectFlatCategoriesLength = subject.categories.length;
      let subjectFlatRouteTag = 0;
      let subjectFlatRoute = -1;
      if (subject.route !== undefined) {
        subjectFlatRouteTag = 1;
        subjectFlatRoute = lower.string(-1, subject.route);
      }
      abi.beginGuest();
      const returned = fn.call(
        subjectFlatInspection,
        lower.pointer(subjectFlatContent),
        lower.length(subjectFlatContent),
        subjectFlatModelTag,
        lower.pointer(subjectFlatModel),
        lower.length(subjectFlatModel),
        subjectFlatCategories,
        subjectFlatCategoriesLength,
        subjectFlatRouteTag,
        lower.pointer(subjectFlatRoute),
        lower.length(subjectFlatRoute),
      );
      const lift = abi.beginLift();
      const at = lift.record(returned, 28, 4);
      const result: Finding = loadFinding(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "guardrail-handler#guardrail-inspect");
    } finally {
      abi.endCall();
    }
  };
}

function guardrailInspectAsync(
  { abi }: SentinelInstance,
  fn: GuestFunction,
): Promised<GuardrailHandler>["guardrailInspect"] {
  return async (subject) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const subjectFlatInspection = numberOfInspection(subject.inspection);
      const subjectFlatContent = lower.string(-1, subject.content);
      let subjectFlatModelTag = 0;
      let subjectFlatModel = -1;
      if (subject.model !== undefined) {
        subjectFlatModelTag = 1;
        subjectFlatModel = lower.string(-1, subject.model);
      }
      const subjectFlatCategories = storeStringList(lower, subject.categories);
      const subjectFlatCategoriesLength = subject.categories.length;
      let subjectFlatRouteTag = 0;
      let subjectFlatRoute = -1;
      if (subject.route !== undefined) {
        subjectFlatRouteTag = 1;
        subjectFlatRoute = lower.string(-1, subject.route);
      }
      abi.beginGuest();
      const returned = await fn.call(
        subjectFlatInspection,
        lower.pointer(subjectFlatContent),
        lower.length(subjectFlatContent),
        subjectFlatModelTag,
        lower.pointer(subjectFlatModel),
        lower.length(subjectFlatModel),
        subjectFlatCategories,
        subjectFlatCategoriesLength,
        subjectFlatRouteTag,
        lower.pointer(subjectFlatRoute),
        lower.length(subjectFlatRoute),
      );
      const lift = abi.beginLift();
      const at = lift.record(returned, 28, 4);
      const result: Finding = loadFinding(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "guardrail-handler#guardrail-inspect");
    } finally {
      abi.endCall();
    }
  };
}
