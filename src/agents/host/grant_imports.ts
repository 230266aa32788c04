import { nearest } from "../../core/nearest.ts";
import type { Imports } from "../contract/sentinel_types.ts";
import { AgentLoadError } from "../guest.ts";
import type { AssetsDeps } from "./assets.ts";
import type { Capability } from "./capability.ts";
import type { ClockDeps } from "./clock.ts";
import type { ConnInfoDeps } from "./conn_info.ts";
import type { CryptoDeps } from "./crypto.ts";
import type { FetchDeps } from "./fetch.ts";
import type { KvDeps } from "./kv.ts";
import type { LogDeps } from "./log.ts";
import type { MetricsDeps } from "./metrics.ts";
import type { RandomDeps } from "./random.ts";
import { CAPABILITIES } from "./registry.ts";

/** What imports are made from. A part that may be undefined must be there when its capability is granted. */
export type HostDeps =
  & LogDeps
  & ClockDeps
  & RandomDeps
  & MetricsDeps
  & AssetsDeps
  & KvDeps
  & CryptoDeps
  & FetchDeps
  & ConnInfoDeps;

/**
 * The imports of one agent on one thread: just what is granted, by the names of `CAPABILITIES`. Limits such as lines a
 * second hold for the result, so all instances of the agent share it. Throws `AgentLoadError` for an unknown name.
 */
export function grantImports(granted: ReadonlySet<string>, deps: HostDeps): Imports {
  const imports: { -readonly [Key in keyof Imports]: unknown } = {};
  const rows: readonly Capability<keyof Imports, HostDeps>[] = CAPABILITIES;
  for (const name of granted) {
    const row = rows.find((each) => each.name === name);
    if (row === undefined) throw unknownCapability(name, deps.agent);
    imports[row.key] = row.create(deps);
  }
  return imports as Imports;
}

function unknownCapability(name: string, agent: string): AgentLoadError {
  const names = CAPABILITIES.map((row) => row.name);
  const near = nearest(name, names);
  const hint = near === undefined ? `there are ${names.join(", ")}` : `did you mean "${near}"?`;
  return new AgentLoadError(`Cannot grant "${name}" to agent "${agent}": there is no such import; ${hint}`);
}
