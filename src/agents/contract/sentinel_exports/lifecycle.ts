// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `lifecycle`. */

import { exported } from "../../abi/exported.ts";
import type { Promised } from "../../abi/promised.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { loadConfigProblemList, loadDescription } from "../sentinel_lift.ts";
import { numberOfReason } from "../sentinel_lower.ts";
import type { ConfigProblem, Description, Lifecycle, Result } from "../sentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `lifecycle`; undefined when the guest does not export it. */
export function bindLifecycle(guest: Guest, instance: SentinelInstance): Lifecycle | undefined {
  return exported(guest, "lifecycle", (at) => ({
    describe: describe(instance, at("describe")),
    configure: configure(instance, at("configure")),
    health: health(instance, at("health")),
    drain: drain(instance, at("drain")),
    shutdown: shutdown(instance, at("shutdown")),
  }));
}

/** The interface `lifecycle`, to be awaited; undefined when the guest does not export it. */
export function bindLifecycleAsync(
  guest: Guest,
  instance: SentinelInstance,
): Promised<Lifecycle> | undefined {
  return exported(guest, "lifecycle", (at) => ({
    describe: describeAsync(instance, at("describe")),
    configure: configureAsync(instance, at("configure")),
    health: healthAsync(instance, at("health")),
    drain: drainAsync(instance, at("drain")),
    shutdown: shutdownAsync(instance, at("shutdown")),
  }));
}

function describe({ abi }: SentinelInstance, fn: GuestFunction): Lifecycle["describe"] {
  return () => {
    abi.beginCall();
    try {
      abi.beginGuest();
      const returned = fn.call();
      const lift = abi.beginLift();
      const at = lift.record(returned, 24, 4);
      const result: Description = loadDescription(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "lifecycle#describe");
    } finally {
      abi.endCall();
    }
  };
}

function configure({ abi }: SentinelInstance, fn: GuestFunction): Lifecycle["configure"] {
  return (config) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const configFlat = lower.string(-1, config);
      abi.beginGuest();
      const returned = fn.call(lower.pointer(configFlat), lower.length(configFlat));
      const lift = abi.beginLift();
      const at = lift.record(returned, 12, 4);
      const result: Result<undefined, readonly ConfigProblem[]> = lift.ok(lift.u8(at))
        ? { type: "ok", value: undefined }
        : { type: "error", value: loadConfigProblemList(lift, lift.u32(at + 4), lift.u32(at + 8)) };
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "lifecycle#configure");
    } finally {
      abi.endCall();
    }
  };
}

function health({ abi }: SentinelInstance, fn: GuestFunction): Lifecycle["health"] {
  return () => {
    abi.beginCall();
    try {
      abi.beginGuest();
      const returned = fn.call();
      const lift = abi.beginLift();
      const at = lift.record(returned, 12, 4);
      const result: Result<string, string> = lift.ok(lift.u8(at))
        ? { type: "ok", value: lift.string(at + 4) }
        : { type: "error", value: lift.string(at + 4) };
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "lifecycle#health");
    } finally {
      abi.endCall();
    }
  };
}

function drain({ abi }: SentinelInstance, fn: GuestFunction): Lifecycle["drain"] {
  return (reason) => {
    abi.beginCall();
    try {
      const reasonFlat = numberOfReason(reason);
      abi.beginGuest();
      fn.call(reasonFlat);
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "lifecycle#drain");
    } finally {
      abi.endCall();
    }
  };
}

function shutdown({ abi }: SentinelInstance, fn: GuestFunction): Lifecycle["shutdown"] {
  return (reason) => {
    abi.beginCall();
    try {
      const reasonFlat = numberOfReason(reason);
      abi.beginGuest();
      fn.call(reasonFlat);
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "lifecycle#shutdown");
    } finally {
      abi.endCall();
    }
  };
}

function describeAsync({ abi }: SentinelInstance, fn: GuestFunction): Promised<Lifecycle>["describe"] {
  return async () => {
    abi.beginCall();
    try {
      abi.beginGuest();
      const returned = await fn.call();
      const lift = abi.beginLift();
      const at = lift.record(returned, 24, 4);
      const result: Description = loadDescription(lift, at);
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "lifecycle#describe");
    } finally {
      abi.endCall();
    }
  };
}

function configureAsync({ abi }: SentinelInstance, fn: GuestFunction): Promised<Lifecycle>["configure"] {
  return async (config) => {
    abi.beginCall();
    try {
      const { lower } = abi;
      const configFlat = lower.string(-1, config);
      abi.beginGuest();
      const returned = await fn.call(lower.pointer(configFlat), lower.length(configFlat));
      const lift = abi.beginLift();
      const at = lift.record(returned, 12, 4);
      const result: Result<undefined, readonly ConfigProblem[]> = lift.ok(lift.u8(at))
        ? { type: "ok", value: undefined }
        : { type: "error", value: loadConfigProblemList(lift, lift.u32(at + 4), lift.u32(at + 8)) };
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "lifecycle#configure");
    } finally {
      abi.endCall();
    }
  };
}

function healthAsync({ abi }: SentinelInstance, fn: GuestFunction): Promised<Lifecycle>["health"] {
  return async () => {
    abi.beginCall();
    try {
      abi.beginGuest();
      const returned = await fn.call();
      const lift = abi.beginLift();
      const at = lift.record(returned, 12, 4);
      const result: Result<string, string> = lift.ok(lift.u8(at))
        ? { type: "ok", value: lift.string(at + 4) }
        : { type: "error", value: lift.string(at + 4) };
      abi.postReturn(fn, returned);
      return result;
    } catch (error) {
      throw abi.failed(error, "lifecycle#health");
    } finally {
      abi.endCall();
    }
  };
}

function drainAsync({ abi }: SentinelInstance, fn: GuestFunction): Promised<Lifecycle>["drain"] {
  return async (reason) => {
    abi.beginCall();
    try {
      const reasonFlat = numberOfReason(reason);
      abi.beginGuest();
      await fn.call(reasonFlat);
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "lifecycle#drain");
    } finally {
      abi.endCall();
    }
  };
}

function shutdownAsync({ abi }: SentinelInstance, fn: GuestFunction): Promised<Lifecycle>["shutdown"] {
  return async (reason) => {
    abi.beginCall();
    try {
      const reasonFlat = numberOfReason(reason);
      abi.beginGuest();
      await fn.call(reasonFlat);
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "lifecycle#shutdown");
    } finally {
      abi.endCall();
    }
  };
}
