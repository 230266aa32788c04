/** Bytes in the forms that handshakes of WebSockets want, by the platform's own means. */

/** A byte string (one UTF-16 unit per byte) as bytes. */
export function octetsOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** The SHA-1 digest of an ASCII text in base64. */
export async function sha1Base64(text: string): Promise<string> {
  return encodeBase64(new Uint8Array(await crypto.subtle.digest("SHA-1", octetsOf(text))));
}
