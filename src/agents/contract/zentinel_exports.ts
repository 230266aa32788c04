// Generated from wasm-agents/wit/zentinel-agent.wit by `deno task wit`; do not edit.

/** Calls of what an agent exports. */

import type { AbiInstance } from "../abi/instance.ts";
import { bindHandler } from "./zentinel_exports/handler.ts";
import { bindLifecycle } from "./zentinel_exports/lifecycle.ts";
import type { Exports } from "./zentinel_types.ts";
import type { Guest } from "../guest.ts";

/**
 * The interfaces that a guest exports, ready to be called. `instance` is the one that its imports were lowered
 * with, if it has any; every instance needs its own. Calls throw `AgentTrap`, or what the guest's functions throw
 * for a trap of their own. Throws `AgentLoadError` for an interface of which functions are missing.
 */
export function bindZentinel(guest: Guest, instance: AbiInstance): Exports {
  instance.attach(guest);
  return {
    handler: bindHandler(guest, instance),
    lifecycle: bindLifecycle(guest, instance),
  };
}
