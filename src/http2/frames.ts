/** The frame layer's numbers and fixed-size parts (RFC 9113 §4, §6, §7). */

/** Octets of every frame header: length, type, flags, stream. */
export const FRAME_HEADER_BYTES = 9;

/** Largest frame payload that needs no agreement; we neither announce nor send larger ones. */
export const FRAME_BYTES_MAX = 16_384;

/** What a client sends first (RFC 9113 §3.4). */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Frame types (RFC 9113 §6). */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags; `ack` is what END_STREAM's bit means on SETTINGS and PING. */
export const FLAG = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Settings (RFC 9113 §6.5.2). */
export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Error codes (RFC 9113 §7). */
export const H2_ERROR = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const;

/** The peer broke the protocol so that the whole connection must end (RFC 9113 §5.4.1). */
export class ConnectionFault extends Error {
  override readonly name = "ConnectionFault";
  /** One of `H2_ERROR`: what GOAWAY says. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Ends the connection: throws a `ConnectionFault`. */
export function fault(code: number, message: string): never {
  throw new ConnectionFault(code, message);
}

/** Reads 32 bits, highest octet first. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Writes 32 bits, highest octet first. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** What stands in a frame's header. */
export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Octets of the payload. */
  readonly length: number;
}

/** Writes a frame header at `at`, where there is room. */
export function writeFrameHeader(bytes: Uint8Array, at: number, header: FrameHeader): void {
  const { length } = header;
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = header.type;
  bytes[at + 4] = header.flags;
  writeU32(bytes, at + 5, header.streamId);
}
