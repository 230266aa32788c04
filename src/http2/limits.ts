/** Every bound of an HTTP/2 connection that no option sets. */

/** Dynamic table of either direction: the protocol's own default (RFC 7541 §4.2). */
export const HEADER_TABLE_BYTES = 4096;

/** Octets of one coded header block, continuations included: it is buffered until it is whole. */
export const HEADER_BLOCK_BYTES_MAX = 131_072;

/** CONTINUATION frames of one header block: what fits the bound above in full frames, and some more. */
export const CONTINUATIONS_MAX = 16;

/** Settings in one SETTINGS frame. */
export const SETTINGS_MAX = 64;

/** Body octets that a peer may send on one stream before they are taken. */
export const STREAM_WINDOW_BYTES = 262_144;

/** The same for all streams of a connection to an upstream together, however many it has. */
export const CONNECTION_WINDOW_BYTES_MAX = 67_108_864;

/** A client gets less: whoever it is, it can make us hold this much per connection. */
export const SERVER_STREAM_WINDOW_BYTES = 131_072;
export const SERVER_CONNECTION_WINDOW_BYTES = 1_048_576;

/** Frames waiting to be written above which no more body is taken for sending. */
export const OUTPUT_BYTES_HIGH = 131_072;

/**
 * Above which nothing more is read either, for what is read may have to be answered: so a peer that sends and
 * does not read ends up waiting, not us holding its acknowledgements.
 */
export const OUTPUT_BYTES_FULL = 524_288;

/** Output buffers larger than this are not kept once they are empty. */
export const OUTPUT_BYTES_KEPT = 16_384;

/** Bytes of a connection's read buffer, at first and for bulk. */
export const INPUT_BYTES_INITIAL = 4096;
export const INPUT_BYTES_LARGE = 65_536;

/** The most that a peer may let us announce it as concurrent streams, whatever its settings say. */
export const STREAMS_MAX = 1_000_000;
