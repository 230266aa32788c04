import { AgentTrap } from "../guest.ts";

/** What is known about an instance when a call into it has thrown. */
export interface TrapCircumstances {
  /** Whether a tank is below zero. */
  readonly outOfFuel: boolean;
  /** Whether a memory has grown to its limit. */
  readonly outOfMemory: boolean;
}

const OUT_OF_BOUNDS = /out of bounds/;
const UNREACHABLE = /unreachable/;
const CALL_STACK = /call stack/i;

/**
 * Says why a call ended, from what it threw. The engine's errors tell the kind of trap by their message alone.
 * An empty tank comes first, for a trap by the charge is an `unreachable` like any other.
 */
export function classifyTrap(cause: unknown, circumstances: TrapCircumstances): AgentTrap {
  if (circumstances.outOfFuel) {
    return cause instanceof AgentTrap && cause.kind === "fuel"
      ? cause
      : new AgentTrap("fuel", "it used up its fuel", { cause });
  }
  if (cause instanceof AgentTrap) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof RangeError && CALL_STACK.test(message)) {
    return new AgentTrap("stack", "its calls are nested too deep", { cause });
  }
  if (cause instanceof WebAssembly.RuntimeError) {
    if (OUT_OF_BOUNDS.test(message)) return new AgentTrap("memory", message, { cause });
    if (!UNREACHABLE.test(message)) return new AgentTrap("unreachable", message, { cause });
    return circumstances.outOfMemory
      ? new AgentTrap("memory", "it gave up with its memory at the limit", { cause })
      : new AgentTrap("unreachable", "it gave up", { cause });
  }
  if (isGuestException(cause)) return new AgentTrap("unreachable", "it threw an exception", { cause });
  return new AgentTrap("host", `an import failed: ${message}`, { cause });
}

/** An exception that a guest threw and did not catch; the standard typings lack its class. */
export function isGuestException(cause: unknown): boolean {
  const { Exception } = WebAssembly as unknown as { Exception?: new (...parts: never[]) => object };
  return Exception !== undefined && cause instanceof Exception;
}
