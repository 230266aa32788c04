import { refused } from "../core/refused.ts";
import { block, bytes, duration, flag, type Infer, integer } from "../core/schema.ts";

/** Options of a route's WebSockets. `websocket #true` is the short form of a block without options. */
export const websocketOptions = block({
  summary:
    "WebSocket upgrades: `websocket #true`, or a block with bounds. Left out, they are refused with 403.",
  args: ["enabled"],
  fields: {
    enabled: flag({ summary: "Whether upgrades are let through.", default: true }),
    idleTimeoutSecs: duration({
      summary: "Longest silence in both directions; then Close 1001.",
      aliases: ["idle-timeout"],
      unit: "s",
      min: 0.1,
      max: 604_800,
      default: 3600,
    }),
    handshakeTimeoutSecs: duration({
      summary: "Time for the upstream's answer to the upgrade; left out, the upstream's own limits.",
      aliases: ["handshake-timeout"],
      unit: "s",
      min: 0.001,
      max: 3600,
    }),
    maxMessageSize: bytes({
      summary:
        "Payload of one message on the wire; beyond it Close 1009. Left out, any, or 1 MB with inspection.",
      aliases: ["max-message-size-bytes"],
      min: 1,
      max: 1024 ** 3,
    }),
    maxConnections: integer({
      summary: "Open WebSockets of the route, all threads together; beyond it 503.",
      min: 1,
      max: 1_000_000,
    }),
    maxConnectionsPerIp: integer({
      summary: "Open WebSockets of one client address on the route, all threads together; beyond it 429.",
      aliases: ["max-connections-per-client"],
      min: 1,
      max: 1_000_000,
    }),
    maxMessagesPerSecond: integer({
      summary:
        "Frames a client may send per second, control frames and fragments included; beyond it Close 1008.",
      aliases: ["max-message-rate"],
      min: 1,
      max: 1_000_000,
    }),
    messageBurst: integer({
      summary: "Frames at once; left out, those of one second.",
      min: 1,
      max: 1_000_000,
    }),
    pingIntervalSecs: refused({
      summary: "Pings of the proxy's own.",
      hint: "remove it; pings of both sides pass, and idle-timeout ends what is silent",
    }),
    pingTimeoutSecs: refused({
      summary: "Time for the answer to a ping.",
      hint: "remove it; idle-timeout ends what is silent",
    }),
    observeFrames: flag({
      summary: "Follow frame headers for metrics, close codes in logs, and a Close 1001 when the proxy ends.",
      default: true,
    }),
  },
  check(value, report) {
    if (value.messageBurst !== undefined && value.maxMessagesPerSecond === undefined) {
      report("messageBurst", '"message-burst" needs "max-messages-per-second"');
    }
  },
});

/** Options of a route's WebSockets as read. */
export type WebSocketOptions = NonNullable<Infer<typeof websocketOptions>>;
