import type { AcmePorts } from "../acme/ports.ts";
import { createStorage } from "./acme_storage.ts";
import { createDiscoveryPorts } from "./discovery_ports.ts";

/** Everything that getting certificates needs, on this machine. */
export function createAcmePorts(
  base: Pick<AcmePorts, "clock" | "timers" | "random" | "log" | "dialer">,
): AcmePorts {
  const { datagrams, http, files } = createDiscoveryPorts(base);
  return { ...base, datagrams, http, files, storage: createStorage(), env: variable };
}

function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new Error(`the environment variable ${name} may not be read: name it ACME_…, or use a file`, {
      cause,
    });
  }
}
