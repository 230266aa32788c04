/** Keys and values as the JSON gateway carries them: bytes in base64 (RFC 4648 §4). */

/** The UTF-8 bytes of a text, in base64. */
export function encodeBase64(text: string): string {
  return base64(new TextEncoder().encode(text));
}

/** The UTF-8 text in base64. Undefined when it is neither. */
export function decodeBase64(encoded: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(encoded), (unit) => unit.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The end of the range of all keys that begin with a prefix, in base64: the prefix with its last byte one higher
 * (etcd.io/docs, "Key ranges").
 */
export function prefixEnd(prefix: string): string {
  const bytes = new TextEncoder().encode(prefix);
  // UTF-8 has no byte 0xff, so the last one can always be raised.
  bytes[bytes.length - 1]!++;
  return base64(bytes);
}

function base64(bytes: Uint8Array): string {
  let units = "";
  for (const byte of bytes) units += String.fromCharCode(byte);
  return btoa(units);
}
