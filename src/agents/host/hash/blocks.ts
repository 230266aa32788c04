/** How a hash function fills up its last block. */
export interface Padding {
  readonly blockBytes: 64 | 128;
  /** Bytes of the length at the end. */
  readonly lengthBytes: 8 | 16;
  readonly littleEndian?: boolean;
}

/**
 * The data followed by one bit, zeros, and its length in bits, which makes whole blocks (RFC 1321 §3.1 and §3.2,
 * FIPS 180-4 §5.1). Lengths are below 2^53, so of the length field only the last eight bytes are written.
 */
export function paddedBlocks(data: Uint8Array, padding: Padding): DataView {
  const { blockBytes, lengthBytes, littleEndian } = padding;
  const blocks = Math.ceil((data.length + 1 + lengthBytes) / blockBytes);
  const bytes = new Uint8Array(blocks * blockBytes);
  bytes.set(data);
  bytes[data.length] = 0x80;
  const view = new DataView(bytes.buffer);
  const low = (data.length * 8) >>> 0;
  const high = Math.floor(data.length / 0x2000_0000);
  view.setUint32(bytes.length - 8, littleEndian === true ? low : high, littleEndian);
  view.setUint32(bytes.length - 4, littleEndian === true ? high : low, littleEndian);
  return view;
}

/** The first `count` words as bytes, most significant first. */
export function bytesOfWords(words: Int32Array, count: number): Uint8Array {
  const bytes = new Uint8Array(count * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setInt32(i * 4, words[i]!);
  return bytes;
}
