import type { Families } from "./families.ts";
import type { Counter, Gauge, Histogram } from "./metrics.ts";

/** Opcode labels by opcode; what RFC 6455 has no name for is `other`. */
const OPCODES: readonly string[] = Array.from({ length: 16 }, (_, opcode) => {
  const names: Readonly<Record<number, string>> = {
    0: "continuation",
    1: "text",
    2: "binary",
    8: "close",
    9: "ping",
    10: "pong",
  };
  return names[opcode] ?? "other";
});

/** From the client to the upstream, or back. */
type DirectionLabel = "c2s" | "s2c";

/** Label for a Close frame's code: the registered ones as they are, the others by their range, so that they are few. */
export function closeCodeLabel(code: number | undefined): string {
  if (code === undefined) return "none";
  if (code >= 1000 && code <= 1015) return String(code);
  if (code >= 3000 && code <= 3999) return "3xxx";
  return code >= 4000 && code <= 4999 ? "4xxx" : "other";
}

/** Counts the frames of one direction of a route's WebSockets. */
export class RouteFrameMeter {
  readonly #families: Families;
  readonly #route: string;
  readonly #direction: DirectionLabel;
  readonly #frames: (Counter | undefined)[] = OPCODES.map(() => undefined);
  readonly #sizes: (Histogram | undefined)[] = OPCODES.map(() => undefined);

  constructor(families: Families, route: string, direction: DirectionLabel) {
    this.#families = families;
    this.#route = route;
    this.#direction = direction;
  }

  /** A frame has come; `bytes` is its payload. */
  frame(opcode: number, bytes: number): void {
    (this.#frames[opcode] ??= this.#framesOf(opcode)).inc();
    (this.#sizes[opcode] ??= this.#sizesOf(opcode)).observe(bytes);
  }

  #framesOf(opcode: number): Counter {
    return this.#families.websocketFrames.labels(this.#route, this.#direction, OPCODES[opcode]!, "allow");
  }

  #sizesOf(opcode: number): Histogram {
    return this.#families.websocketFrameSize.labels(this.#route, this.#direction, OPCODES[opcode]!);
  }
}

/** Counts the WebSockets of one route. Build one per route and snapshot. */
export class WebSocketMeter {
  readonly fromClient: RouteFrameMeter;
  readonly fromUpstream: RouteFrameMeter;
  readonly #families: Families;
  readonly #route: string;
  readonly #total: Counter;
  readonly #open: Gauge;
  readonly #closes = new Map<string, Counter>();
  readonly #bytesFromClient: Counter;
  readonly #bytesFromUpstream: Counter;
  readonly #inspections: Histogram;

  constructor(families: Families, route: string) {
    this.#families = families;
    this.#route = route;
    this.fromClient = new RouteFrameMeter(families, route, "c2s");
    this.fromUpstream = new RouteFrameMeter(families, route, "s2c");
    this.#total = families.websocketConnections.labels(route);
    this.#open = families.websocketOpen.labels(route);
    this.#bytesFromClient = families.websocketBytes.labels(route, "c2s");
    this.#bytesFromUpstream = families.websocketBytes.labels(route, "s2c");
    this.#inspections = families.websocketInspection.labels(route);
  }

  opened(): void {
    this.#total.inc();
    this.#open.inc();
  }

  /** Every `opened` is followed by one of these. */
  closed(end: {
    readonly code: number | undefined;
    readonly by: string;
    readonly bytesFromClient: number;
    readonly bytesFromUpstream: number;
  }): void {
    this.#open.dec();
    this.#bytesFromClient.inc(end.bytesFromClient);
    this.#bytesFromUpstream.inc(end.bytesFromUpstream);
    const key = `${closeCodeLabel(end.code)} ${end.by}`;
    let counter = this.#closes.get(key);
    if (counter === undefined) {
      counter = this.#families.websocketCloses.labels(this.#route, closeCodeLabel(end.code), end.by);
      this.#closes.set(key, counter);
    }
    counter.inc();
  }

  /** Filters looked at a message for `ms` milliseconds. What they let pass is counted with the frames. */
  inspected(message: {
    readonly isFromClient: boolean;
    readonly opcode: number;
    readonly verdict: string;
    readonly ms: number;
  }): void {
    this.#inspections.observe(message.ms / 1000);
    if (message.verdict === "allow") return;
    const direction: DirectionLabel = message.isFromClient ? "c2s" : "s2c";
    this.#families.websocketFrames.labels(this.#route, direction, OPCODES[message.opcode]!, message.verdict)
      .inc();
  }
}

/** Counts the other tunnels of one route. Build one per route and snapshot. */
export class RouteTunnelMeter {
  readonly #total: Counter;
  readonly #open: Gauge;
  readonly #bytesFromClient: Counter;
  readonly #bytesFromUpstream: Counter;

  constructor(families: Families, route: string) {
    this.#total = families.tunnels.labels(route);
    this.#open = families.tunnelsOpen.labels(route);
    this.#bytesFromClient = families.tunnelBytes.labels(route, "c2s");
    this.#bytesFromUpstream = families.tunnelBytes.labels(route, "s2c");
  }

  opened(): void {
    this.#total.inc();
    this.#open.inc();
  }

  /** Every `opened` is followed by one of these. */
  closed(end: { readonly bytesFromClient: number; readonly bytesFromUpstream: number }): void {
    this.#open.dec();
    this.#bytesFromClient.inc(end.bytesFromClient);
    this.#bytesFromUpstream.inc(end.bytesFromUpstream);
  }
}
