import type { SeenClose, Violation } from "./frame_scanner.ts";

/** Bytes of the buffer in which an idle direction waits: little, as most connections are idle most of the time. */
export const WAIT_BYTES = 256;

/** Why a tunnel ended that neither side closed by itself; a field of logs. */
export type TunnelCause =
  | Violation["cause"]
  | "websocket_inspection_closed"
  | "tunnel_idle"
  | "shutting_down";

/** One of the two directions of a tunnel. */
export interface Direction {
  /** Bytes passed on so far. */
  readonly bytes: number;
  /** Data messages passed on so far; 0 where frames are not looked at. */
  readonly messages: number;
  /** What the source sends makes no sense any more, so that its Close frame would not be recognised. */
  readonly isLost: boolean;
  start(): void;
  /** Sends a Close frame as soon as no other frame is under way, and passes nothing on behind it. */
  close(code: number, reason: string): void;
  /** Both sockets are closed. */
  dispose(): void;
}

/** What the directions of a tunnel tell it. */
export interface DirectionHost {
  /** Bytes moved. */
  touch(): void;
  /** The source will send nothing more, and everything has been passed on. */
  ended(direction: Direction): void;
  /** The source broke; what it had sent has been passed on. */
  broke(direction: Direction): void;
  /** Where the bytes go takes no more. */
  refused(direction: Direction): void;
  /** The source has sent something that must not be passed on. */
  violated(direction: Direction, violation: Violation): void;
  /** Somebody else than the peers has decided to close both sides. */
  stop(close: SeenClose, cause: TunnelCause): void;
  /** A Close frame of the source passes. */
  sawClose(direction: Direction, close: SeenClose): void;
  /** Our own Close frame has been written. */
  left(direction: Direction): void;
  /** Our own Close frame was sent, and the source has sent its own. */
  parted(direction: Direction): void;
}
