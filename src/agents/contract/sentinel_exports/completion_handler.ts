// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `completion-handler`. */

import { exported } from "../../abi/exported.ts";
import { inRange, unsigned } from "../../abi/lower.ts";
import type { Promised } from "../../abi/promised.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { storeAgentVerdictList } from "../sentinel_lower.ts";
import type { CompletionHandler } from "../sentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `completion-handler`; undefined when the guest does not export it. */
export function bindCompletionHandler(
  guest: Guest,
  instance: SentinelInstance,
): CompletionHandler | undefined {
  return exported(guest, "completion-handler", (at) => ({
    onRequestComplete: onRequestComplete(instance, at("on-request-complete")),
  }));
}

/** The interface `completion-handler`, to be awaited; undefined when the guest does not export it. */
export function bindCompletionHandlerAsync(
  guest: Guest,
  instance: SentinelInstance,
): Promised<CompletionHandler> | undefined {
  return exported(guest, "completion-handler", (at) => ({
    onRequestComplete: onRequestCompleteAsync(instance, at("on-request-complete")),
  }));
}

function onRequestComplete(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): CompletionHandler["onRequestComplete"] {
  return (request, summary) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      const summaryFlatStatus = inRange(summary.status, 0xffff);
      const summaryFlatDurationMs = summary.durationMs;
      const summaryFlatRequestBytes = unsigned(summary.requestBytes);
      const summaryFlatResponseBytes = unsigned(summary.responseBytes);
      const summaryFlatUpstreamAttempts = inRange(summary.upstreamAttempts, 0xffff_ffff);
      let summaryFlatErrorTag = 0;
      let summaryFlatError = -1;
      if (summary.error !== undefined) {
        summaryFlatErrorTag = 1;
        summaryFlatError = lower.string(-1, summary.error);
      }
      const summaryFlatAgents = storeAgentVerdictList(lower, summary.agents);
      const summaryFlatAgentsLength = summary.agents.length;
      abi.beginGuest();
      fn.call(
        requestFlat,
        summaryFlatStatus,
        summaryFlatDurationMs,
        summaryFlatRequestBytes,
        summaryFlatResponseBytes,
        summaryFlatUpstreamAttempts,
        summaryFlatErrorTag,
        lower.pointer(summaryFlatError),
        lower.length(summaryFlatError),
        summaryFlatAgents,
        summaryFlatAgentsLength,
      );
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "completion-handler#on-request-complete");
    } finally {
      requests.end();
      abi.endCall();
    }
  };
}

function onRequestCompleteAsync(
  { abi, requests }: SentinelInstance,
  fn: GuestFunction,
): Promised<CompletionHandler>["onRequestComplete"] {
  return async (request, summary) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const requestFlat = requests.lend(request);
      const summaryFlatStatus = inRange(summary.status, 0xffff);
      const summaryFlatDurationMs = summary.durationMs;
      const summaryFlatRequestBytes = unsigned(summary.requestBytes);
      const summaryFlatResponseBytes = unsigned(summary.responseBytes);
      const summaryFlatUpstreamAttempts = inRange(summary.upstreamAttempts, 0xffff_ffff);
      let summaryFlatErrorTag = 0;
      let summaryFlatError = -1;
      if (summary.error !== undefined) {
        summaryFlatErrorTag = 1;
        summaryFlatError = lower.string(-1, summary.error);
      }
      const summaryFlatAgents = storeAgentVerdictList(lower, summary.agents);
      const summaryFlatAgentsLength = summary.agents.length;
      abi.beginGuest();
      await fn.call(
        requestFlat,
        summaryFlatStatus,
        summaryFlatDurationMs,
        summaryFlatRequestBytes,
        summaryFlatResponseBytes,
        summaryFlatUpstreamAttempts,
        summaryFlatErrorTag,
        lower.pointer(summaryFlatError),
        lower.length(summaryFlatError),
        summaryFlatAgents,
        summaryFlatAgentsLength,
      );
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "completion-handler#on-request-complete");
    } finally {
      requests.end();
      abi.endCall();
    }
  };
}
