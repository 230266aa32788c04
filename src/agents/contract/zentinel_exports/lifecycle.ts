// Generated from wasm-agents/wit/zentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of `lifecycle`. */

import { exported } from "../../abi/exported.ts";
import type { AbiInstance } from "../../abi/instance.ts";
import type { Lifecycle, Result } from "../zentinel_types.ts";
import type { Guest, GuestFunction } from "../../guest.ts";

/** The interface `lifecycle`; undefined when the guest does not export it. */
export function bindLifecycle(guest: Guest, instance: AbiInstance): Lifecycle | undefined {
  return exported(guest, "lifecycle", (at) => ({
    healthCheck: healthCheck(instance, at("health-check")),
    shutdown: shutdown(instance, at("shutdown")),
  }));
}

function healthCheck(abi: AbiInstance, fn: GuestFunction): Lifecycle["healthCheck"] {
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
      throw abi.failed(error, "lifecycle#health-check");
    } finally {
      abi.endCall();
    }
  };
}

function shutdown(abi: AbiInstance, fn: GuestFunction): Lifecycle["shutdown"] {
  return () => {
    abi.beginCall();
    try {
      abi.beginGuest();
      fn.call();
      abi.beginLift();
    } catch (error) {
      throw abi.failed(error, "lifecycle#shutdown");
    } finally {
      abi.endCall();
    }
  };
}
