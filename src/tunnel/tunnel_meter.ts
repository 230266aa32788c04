/** What is counted of tunnels; `observe/tunnel_meters.ts` has the real ones. */

/** Counts the frames of one direction. */
export interface FrameMeter {
  /** A frame passes; `bytes` is its payload. */
  frame(opcode: number, bytes: number): void;
}

/** What became of a message that filters looked at. */
export type FrameVerdict = "allow" | "drop" | "replace" | "answer" | "close";

/** Counts the tunnels of one route. */
export interface TunnelMeter {
  opened(): void;
  /** `code` is that of the Close frame, undefined when there was none. */
  closed(end: TunnelEnd): void;
  readonly fromClient: FrameMeter;
  readonly fromUpstream: FrameMeter;
  /** A message was looked at. */
  inspected(message: InspectedMessage): void;
}

/** How a tunnel ended. */
export interface TunnelEnd {
  readonly code: number | undefined;
  readonly by: "client" | "upstream" | "proxy" | "none";
  readonly bytesFromClient: number;
  readonly bytesFromUpstream: number;
}

/** One message that filters looked at. */
export interface InspectedMessage {
  readonly isFromClient: boolean;
  readonly opcode: number;
  readonly verdict: FrameVerdict;
  readonly ms: number;
}
