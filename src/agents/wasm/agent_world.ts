import { AgentLoadError } from "../guest.ts";

/** The contract that a component was built against. */
export interface AgentWorld {
  /** `sentinel:agent` or `zentinel:agent`. */
  readonly package: string;
  readonly version: string;
}

/** Packages whose components can be agents. To add one: a row, its WIT, and glue. */
const AGENT_PACKAGES: readonly { readonly name: string; readonly major: number }[] = [
  { name: "sentinel:agent", major: 1 },
  { name: "zentinel:agent", major: 2 },
];

/** The name of an interface, taken apart: `wasi:io/streams@0.2.3`. */
export interface InterfaceName {
  readonly package: string;
  readonly interface: string;
  readonly version: string;
}

const INTERFACE = /^([a-z0-9-]+:[a-z0-9-]+)\/([a-z0-9-]+)(?:@([0-9][0-9A-Za-z.+-]*))?$/;

/** Takes an interface's name apart; undefined when it is none. */
export function interfaceName(text: string): InterfaceName | undefined {
  const match = INTERFACE.exec(text);
  if (!match) return undefined;
  return { package: match[1]!, interface: match[2]!, version: match[3] ?? "" };
}

/**
 * What the host calls an interface: its bare name when it is of an agent's package, else with its package
 * (`wasi:random/random`), and without version.
 */
export function interfaceKey(name: InterfaceName): string {
  const own = AGENT_PACKAGES.some((each) => each.name === name.package);
  return own ? name.interface : `${name.package}/${name.interface}`;
}

function known(): string {
  return AGENT_PACKAGES.map((each) => `${each.name}/*@${each.major}.x`).join(" or ");
}

/**
 * Finds the world of a component from the interfaces that it exports and imports. All are of one version of one
 * agent's package; imports may be of WASI as well, which the host denies where it does not serve it.
 */
export function recogniseWorld(
  exports: readonly string[],
  imports: readonly string[],
): AgentWorld {
  let world: AgentWorld | undefined;
  const take = (text: string, side: "exports" | "imports"): void => {
    const name = interfaceName(text);
    if (side === "imports" && name?.package.startsWith("wasi:")) return;
    const row = AGENT_PACKAGES.find((each) => each.name === name?.package);
    if (!name || !row || name.version.split(".")[0] !== String(row.major)) {
      throw new AgentLoadError(`the component ${side} "${text}", but an agent has interfaces of ${known()}`);
    }
    if (world && (world.package !== name.package || world.version !== name.version)) {
      throw new AgentLoadError(
        `the component ${side} "${text}" next to interfaces of ${world.package}@${world.version}`,
      );
    }
    world = { package: name.package, version: name.version };
  };
  for (const each of exports) take(each, "exports");
  if (!world) {
    throw new AgentLoadError(`the component exports no interface; an agent exports those of ${known()}`);
  }
  for (const each of imports) take(each, "imports");
  return world;
}
