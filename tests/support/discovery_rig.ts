/** Sources of targets under test: their options from configuration text, and worlds to run them in. */

import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/load.ts";
import { parseText } from "../../src/config/parse_text.ts";
import type { DiscoveryPorts, Finder } from "../../src/discovery/discovery.ts";
import { findDiscovery } from "../../src/discovery/followers.ts";
import { createDialer } from "../../src/server/dialer.ts";
import { createDiscoveryPorts } from "../../src/server/discovery_ports.ts";
import { createClock, createRandom, createTimers } from "../../src/server/platform.ts";
import type { DiscoveryConfig } from "../../src/upstream/upstream.ts";
import { FakeDialer, FakeTime } from "./fake_socket.ts";

/** The options of a `discovery` node, as the configuration reads them. */
export function discoveryOf(kdl: string): DiscoveryConfig {
  const { config, issues } = parseConfig(
    `system {}\nlisteners { listener "l" { address "127.0.0.1:1" } }\nupstreams { upstream "u" { ${kdl} } }\n`,
  );
  const discovery = config?.upstreams[0]?.discovery;
  assert(discovery !== undefined, issues.map(({ message }) => message).join("\n"));
  return discovery;
}

/** The source that a `discovery` node asks for. */
export function finderOf(kdl: string, ports: DiscoveryPorts = realPorts()): Finder {
  const { type, options } = discoveryOf(kdl);
  return findDiscovery(type).create(options, ports);
}

/** The machine itself, without a log. */
export function realPorts(): DiscoveryPorts {
  return createDiscoveryPorts({
    clock: createClock(),
    timers: createTimers(),
    random: createRandom(),
    dialer: createDialer(),
    log: () => {},
  });
}

/** A world with a virtual clock in which everything fails that is not replaced. */
export function fakePorts(
  replaced: Partial<DiscoveryPorts> = {},
): DiscoveryPorts & { readonly time: FakeTime } {
  const time = new FakeTime();
  const fails = () => Promise.reject(new Error("the world is gone"));
  return {
    time,
    clock: time,
    timers: time,
    random: { u32: () => 2 ** 31 },
    log: () => {},
    dialer: new FakeDialer(),
    datagrams: { exchange: fails },
    http: fails,
    files: { readText: fails, watch: () => () => {} },
    parse: parseText,
    ...replaced,
  };
}

/** Asks a source once, with nobody calling it off; addresses alone, in order. */
export async function addressesFrom(finder: Finder): Promise<string[]> {
  const { targets } = await finder.next(new AbortController().signal);
  return targets.map(({ address }) => address).sort();
}
