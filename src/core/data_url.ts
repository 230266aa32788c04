/**
 * The content of a `data:` URL (RFC 2397), percent-encoded or in base64; undefined when it is none, or not well formed.
 */
export function dataUrlBytes(url: string): Uint8Array<ArrayBuffer> | undefined {
  const match = /^data:([^,]*),(.*)$/s.exec(url);
  if (match === null) return undefined;
  const [, type = "", content = ""] = match;
  try {
    if (!/;base64$/i.test(type)) return new TextEncoder().encode(decodeURIComponent(content));
    return Uint8Array.fromBase64(content);
  } catch {
    return undefined;
  }
}
