import { block, duration, type Infer, integer, texts } from "../core/schema.ts";
import { connectTargetProblem } from "./connect_targets.ts";

/** Options of a route's tunnels that clients ask for with CONNECT. */
export const connectOptions = block({
  summary:
    "Tunnels for clients that use the proxy with CONNECT (HTTP/1.1 alone): bytes pass both ways, unseen.",
  fields: {
    targets: texts({
      summary:
        "Hosts and ports that may be asked for; `*.` in front stands for any subdomain. Private addresses, " +
        "those of this machine among them, only when listed as addresses themselves.",
      check: connectTargetProblem,
      example: "*.example.com:443",
    }),
    connectTimeoutSecs: duration({
      summary: "Time to look the target up and to connect; then 504.",
      aliases: ["connect-timeout"],
      unit: "s",
      min: 0.001,
      max: 3600,
      default: 10,
    }),
    idleTimeoutSecs: duration({
      summary: "Longest silence in both directions.",
      aliases: ["idle-timeout"],
      unit: "s",
      min: 0.1,
      max: 604_800,
      default: 3600,
    }),
    maxConnections: integer({
      summary: "Such tunnels of the route at a time, all threads together; beyond it 503.",
      min: 1,
      max: 1_000_000,
    }),
  },
  check(value, report) {
    if (value.targets.length === 0) {
      report("targets", '"connect" lists no targets', 'add: targets "example.com:443"');
    }
  },
});

/** Options of a route's CONNECT as read. */
export type ConnectTunnelOptions = NonNullable<Infer<typeof connectOptions>>;
