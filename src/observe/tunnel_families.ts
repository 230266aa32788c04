import type { MetricsRegistry } from "./metrics.ts";

/** Bounds of frame sizes, bytes of payload. */
const FRAME_BUCKETS = Object.freeze([64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576]);
/** Bounds of how long filters look at a message, seconds. */
const INSPECTION_BUCKETS = Object.freeze([0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5]);

/** Metrics of WebSockets and other tunnels. */
export function tunnelFamilies(registry: MetricsRegistry) {
  return {
    websocketConnections: registry.counter({
      name: "sentinel_websocket_connections_total",
      help: "WebSockets opened.",
      labels: ["route"],
    }),
    websocketOpen: registry.gauge({
      name: "sentinel_websocket_open",
      help: "WebSockets open now.",
      labels: ["route"],
    }),
    websocketCloses: registry.counter({
      name: "sentinel_websocket_closes_total",
      help: "WebSockets closed, by the code of the first Close frame and who sent it.",
      labels: ["route", "code", "by"],
    }),
    websocketBytes: registry.counter({
      name: "sentinel_websocket_bytes_total",
      help: "Bytes passed on in WebSockets that have ended.",
      labels: ["route", "direction"],
    }),
    websocketFrames: registry.counter({
      name: "sentinel_websocket_frames_total",
      help: "Frames received, where frames are looked at; other decisions than allow are counted once more.",
      labels: ["route", "direction", "opcode", "decision"],
    }),
    websocketFrameSize: registry.histogram({
      name: "sentinel_websocket_frame_size_bytes",
      help: "Payload of frames received, where frames are looked at.",
      labels: ["route", "direction", "opcode"],
      buckets: FRAME_BUCKETS,
    }),
    websocketInspection: registry.histogram({
      name: "sentinel_websocket_inspection_duration_seconds",
      help: "Time that filters took for a message.",
      labels: ["route"],
      buckets: INSPECTION_BUCKETS,
    }),
    tunnels: registry.counter({
      name: "sentinel_tunnels_total",
      help: "Connections that went on in another protocol than HTTP and WebSocket.",
      labels: ["route"],
    }),
    tunnelsOpen: registry.gauge({
      name: "sentinel_tunnels_open",
      help: "Such connections open now.",
      labels: ["route"],
    }),
    tunnelBytes: registry.counter({
      name: "sentinel_tunnel_bytes_total",
      help: "Bytes passed on in such connections that have ended.",
      labels: ["route", "direction"],
    }),
  };
}
