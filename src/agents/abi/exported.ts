import { AgentLoadError, type Guest, type GuestFunction } from "../guest.ts";

/**
 * Binds one interface, if the guest exports it: all of its functions, or none. `bind` is given a look-up of the
 * interface's functions by name.
 */
export function exported<T>(
  guest: Guest,
  name: string,
  bind: (at: (func: string) => GuestFunction) => T,
): T | undefined {
  if (!hasAny(guest, name)) return undefined;
  return bind((func) => {
    const found = guest.functions.get(`${name}#${func}`);
    if (found === undefined) throw new AgentLoadError(`The agent exports "${name}" without "${func}"`);
    return found;
  });
}

/** The function as it is: it has the parameters that the WIT gives it. */
export function given<F>(fn: F): F {
  return fn;
}

function hasAny({ functions }: Guest, name: string): boolean {
  for (const key of functions.keys()) if (key.startsWith(`${name}#`)) return true;
  return false;
}
