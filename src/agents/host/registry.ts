/**
 * What agents can be granted.
 *
 * To add a capability: describe its interface in `wasm-agents/wit/sentinel-agent.wit` and regenerate the types, write
 * `<name>.ts` here with a `Capability` constant and the interface of what it is made from, add its import and its row,
 * and that interface to `HostDeps` in `grant_imports.ts`.
 */

import { assetsCapability } from "./assets.ts";
import { clockCapability } from "./clock.ts";
import { connInfoCapability } from "./conn_info.ts";
import { cryptoCapability } from "./crypto.ts";
import { fetchCapability } from "./fetch.ts";
import { kvCapability } from "./kv.ts";
import { logCapability } from "./log.ts";
import { metricsCapability } from "./metrics.ts";
import { randomCapability } from "./random.ts";

export const CAPABILITIES = [
  logCapability,
  clockCapability,
  randomCapability,
  metricsCapability,
  assetsCapability,
  kvCapability,
  cryptoCapability,
  fetchCapability,
  connInfoCapability,
] as const;
