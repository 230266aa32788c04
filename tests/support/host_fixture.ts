/** For tests: everything imports are made from, with a clock that stands still and a meter that remembers. */

import type { LogLevel } from "../../src/core/ports.ts";
import type { Result } from "../../src/agents/contract/sentinel_types.ts";
import type { HostDeps } from "../../src/agents/host/grant_imports.ts";
import { MetricStore } from "../../src/agents/host/metric_store.ts";

/** What the meter was told: `call log 12`, `refused fetch origin`. */
export type MeterLine = string;

/** A line that an agent wrote. */
export interface WrittenLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What is made from fakes, and what they saw. */
export interface HostFixture {
  readonly deps: HostDeps;
  readonly time: { nowMs: number; wallMs: number };
  readonly metered: MeterLine[];
  readonly lines: WrittenLine[];
}

/** Fakes for all that is needed; `parts` replaces some of them. */
export function hostFixture(parts: Partial<HostDeps> = {}): HostFixture {
  const time = { nowMs: 1000, wallMs: 1_700_000_000_000 };
  const metered: MeterLine[] = [];
  const lines: WrittenLine[] = [];
  let word = 0;
  const deps: HostDeps = {
    agent: "waf",
    meter: {
      call: (capability, bytes) => void metered.push(`call ${capability} ${bytes}`),
      work: (capability, nanoseconds) => void metered.push(`work ${capability} ${Math.round(nanoseconds)}`),
      answer: (capability, bytes) => void metered.push(`answer ${capability} ${bytes}`),
      refused: (capability, reason) => void metered.push(`refused ${capability} ${reason}`),
    },
    clock: { nowMs: () => time.nowMs, wallMs: () => time.wallMs },
    random: { u32: () => (word += 0x01020304) >>> 0 },
    log: (level, message, fields = {}) => void lines.push({ level, message, fields }),
    metrics: new MetricStore(),
    assets: new Map(),
    kv: undefined,
    verifier: {
      verify: (): Result<boolean, string> => ({ type: "error", value: "The key is not looked at" }),
    },
    fetch: undefined,
    connections: { of: () => undefined },
    ...parts,
  };
  return { deps, time, metered, lines };
}
