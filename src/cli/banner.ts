import { resolveConfig } from "../config/resolve.ts";
import type { Supervisor } from "../server/supervisor.ts";

/** What a person wants to know at the start: what listens where, on which configuration, and where to look. */
export function banner(supervisor: Supervisor, version: string): string {
  const { config, fleet, sourceName } = supervisor;
  const listeners = resolveConfig(config).listeners.map(({ id, address, protocol }) =>
    `${id} on ${urlOf(address, protocol)}`
  );
  const { metrics } = config.observability;
  const lines = [
    `sentinel ${version} serving ${listeners.join(", ")}`,
    `  config ${sourceName}, ${fleet.size} ${fleet.size === 1 ? "worker" : "workers"}, ` +
    (metrics.enabled ? `admin ${urlOf(metrics.address, "http")}` : "no admin listener"),
  ];
  return lines.join("\n");
}

/** An address one can open: a listener on every address is shown as localhost. */
function urlOf(address: string, protocol: string): string {
  if (address.startsWith("unix:")) return address;
  return `${protocol === "https" ? "https" : "http"}://${
    address.replace(/^(?:0\.0\.0\.0|\[::\]):/, "localhost:")
  }`;
}
