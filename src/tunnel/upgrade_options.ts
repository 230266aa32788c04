import { Problem } from "../core/reading.ts";
import { block, duration, type Infer, integer, list } from "../core/schema.ts";

/** Protocols that must not be let through unseen: what follows would be requests that no rule has looked at. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["websocket", 'use the option "websocket"'],
  ["h2c", "HTTP/2 inside would pass by every rule of this proxy"],
]);

const protocols = list<string, { summary: string }>(
  { summary: 'Names of the Upgrade header that are let through, such as `"tunnel/1"`.' },
  { type: "text", example: "tunnel/1" },
  (value) => {
    if (
      typeof value !== "string" ||
      !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?$/.test(value)
    ) {
      return new Problem(`expects protocol names such as "tunnel/1"`);
    }
    const name = value.toLowerCase();
    const why = REFUSED.get(name.split("/")[0]!) ??
      (/^(?:http|tls)(?:\/|$)/.test(name) ? REFUSED.get("h2c") : undefined);
    return why === undefined ? name : new Problem(`must not be "${value}": ${why}`);
  },
);

/** Options of a route's upgrades to protocols that the proxy does not understand. */
export const upgradeOptions = block({
  summary: "Other protocols than WebSocket that a request may go on in: bytes pass both ways, unseen.",
  fields: {
    protocols,
    idleTimeoutSecs: duration({
      summary: "Longest silence in both directions.",
      aliases: ["idle-timeout"],
      unit: "s",
      min: 0.1,
      max: 604_800,
      default: 3600,
    }),
    maxConnections: integer({
      summary: "Open tunnels of the route, all threads together; beyond it 503.",
      min: 1,
      max: 1_000_000,
    }),
  },
  check(value, report) {
    if (value.protocols.length === 0) {
      report("protocols", '"upgrade" names no protocol', 'add: protocols "tunnel/1"');
    }
  },
});

/** Options of a route's other upgrades as read. */
export type UpgradeOptions = NonNullable<Infer<typeof upgradeOptions>>;
