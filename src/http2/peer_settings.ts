import { ConnectionFault, FRAME_BYTES_MAX, H2_ERROR, readU32, SETTING } from "./frames.ts";
import { STREAMS_MAX } from "./limits.ts";

/** Octets of one setting. */
export const SETTING_BYTES = 6;
/** Largest flow-control window (RFC 9113 §6.9.1). */
export const WINDOW_BYTES_MAX = 0x7fffffff;
/** Window that streams begin with until settings say otherwise (RFC 9113 §6.5.2). */
export const WINDOW_BYTES_DEFAULT = 65_535;
/** Streams that are tried before the peer has said how many it takes (RFC 9113 §6.5.2 recommends not fewer). */
const STREAMS_DEFAULT = 100;

/** What the other side has asked of us. */
export class PeerSettings {
  headerTableBytes = 4096;
  concurrentStreams = STREAMS_DEFAULT;
  initialWindow = WINDOW_BYTES_DEFAULT;
  /** Octets of a frame's payload: never more than `FRAME_BYTES_MAX`, as longer frames gain nothing. */
  readonly frameBytes = FRAME_BYTES_MAX;
  /** Frames of settings received. */
  received = 0;

  /** Takes the payload of a SETTINGS frame over. Throws `ConnectionFault` (RFC 9113 §6.5.2). */
  apply(payload: Uint8Array, from: "client" | "server"): void {
    const { length } = payload;
    if (length % SETTING_BYTES !== 0) {
      throw new ConnectionFault(H2_ERROR.frameSizeError, "a SETTINGS frame has a broken length");
    }
    // A first frame that does not bound the streams means that there is no bound.
    if (this.received++ === 0) this.concurrentStreams = STREAMS_MAX;
    for (let at = 0; at < length; at += SETTING_BYTES) {
      this.#set((payload[at]! << 8) | payload[at + 1]!, readU32(payload, at + 2), from);
    }
  }

  #set(id: number, value: number, from: "client" | "server"): void {
    switch (id) {
      case SETTING.headerTableSize:
        this.headerTableBytes = value;
        return;
      case SETTING.enablePush:
        if (value > 1 || (value === 1 && from === "server")) {
          throw new ConnectionFault(H2_ERROR.protocolError, "ENABLE_PUSH has a value it cannot have");
        }
        return;
      case SETTING.maxConcurrentStreams:
        this.concurrentStreams = Math.min(value, STREAMS_MAX);
        return;
      case SETTING.initialWindowSize:
        if (value > WINDOW_BYTES_MAX) {
          throw new ConnectionFault(H2_ERROR.flowControlError, "INITIAL_WINDOW_SIZE is too large");
        }
        this.initialWindow = value;
        return;
      case SETTING.maxFrameSize:
        if (value < FRAME_BYTES_MAX || value > 0xffffff) {
          throw new ConnectionFault(H2_ERROR.protocolError, "MAX_FRAME_SIZE is out of range");
        }
        return;
    }
  }
}
