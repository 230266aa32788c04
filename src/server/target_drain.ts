import { resolveConfig } from "../config/resolve.ts";
import type { Clock, Log } from "../core/ports.ts";
import { openRecords } from "../upstream/target_record.ts";
import type { Supervisor } from "./supervisor.ts";

/** What an administrator wants of a target. */
export interface DrainOrder {
  readonly upstreamId: string;
  readonly address: string;
  readonly action: "drain" | "undrain";
  /** Drain it even if it is the last one in service. */
  readonly force: boolean;
}

/** What came of it. */
export interface DrainResult {
  readonly outcome: "changed" | "unchanged" | "unknown" | "last";
  readonly upstream: string;
  readonly target: string;
  readonly draining: boolean;
  /** Requests it still has, all threads together. */
  readonly inFlight: number;
}

/** Takes targets out of service and puts them back, by the memory that all threads share: the next request knows. */
export class TargetDrains {
  readonly #supervisor: Supervisor;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(supervisor: Supervisor, ports: { readonly clock: Clock; readonly log: Log }) {
    this.#supervisor = supervisor;
    this.#clock = ports.clock;
    this.#log = ports.log;
  }

  apply({ upstreamId, address, action, force }: DrainOrder): DrainResult {
    const { config, shared } = this.#supervisor;
    const about = { upstream: upstreamId, target: address };
    const upstream = resolveConfig(config).upstreams.find(({ id }) => id === upstreamId);
    const at = upstream?.targets.findIndex((target) => target.address === address) ?? -1;
    if (upstream === undefined || at < 0) {
      return { outcome: "unknown", ...about, draining: false, inFlight: 0 };
    }
    // Nobody counts through these, so whose row they have does not matter.
    const records = openRecords(upstream, shared, 0).targets;
    const record = records[at]!;
    const othersServe = upstream.targets.some(({ weight, drain }, i) =>
      i !== at && weight > 0 && !drain && !records[i]!.draining
    );
    const isLast = action === "drain" && !record.draining && !othersServe;
    if (isLast && !force) {
      return { outcome: "last", ...about, draining: false, inFlight: record.inFlight };
    }
    const changed = action === "drain" ? record.drain() : record.undrain(this.#clock.nowMs());
    if (changed) this.#log("warn", `An administrator told a target to ${action}`, about);
    const outcome = changed ? "changed" : "unchanged";
    return { outcome, ...about, draining: record.draining, inFlight: record.inFlight };
  }
}

/** The order in an admin path such as `/-/upstreams/api/targets/10.0.0.1%3A80/drain`, or undefined. */
export function drainOrder({ pathname, searchParams }: URL): DrainOrder | undefined {
  const match = /^\/-\/upstreams\/([^/]+)\/targets\/(.+)\/(drain|undrain)$/.exec(pathname);
  if (match === null) return undefined;
  try {
    return {
      upstreamId: decodeURIComponent(match[1]!),
      address: decodeURIComponent(match[2]!),
      action: match[3] as "drain" | "undrain",
      force: searchParams.get("force") === "true",
    };
  } catch {
    return undefined;
  }
}
