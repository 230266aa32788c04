/** Reads what a server settled: RFC 8446 §4.1.3, RFC 5246 §7.4.1.3. Its own engine's words, so only what must be looked at is. */

const RECORD_HANDSHAKE = 22;
const MESSAGE_SERVER_HELLO = 2;
/** Record head, message head, version and random: where the session id begins with its length. */
const SESSION_ID_AT = 5 + 4 + 2 + 32;
const EXTENSION_SUPPORTED_VERSIONS = 43;
const TLS_1_3 = 0x0304;

/** What a connection goes by. */
export interface ServerHello {
  readonly version: "TLSv1.2" | "TLSv1.3";
  readonly cipherSuite: number;
}

/** Reads a server's first bytes; undefined when they begin with no whole hello. A retry request says the same as the hello behind it. */
export function readServerHello(bytes: Uint8Array): ServerHello | undefined {
  if (bytes[0] !== RECORD_HANDSHAKE || bytes[5] !== MESSAGE_SERVER_HELLO) return undefined;
  const end = 9 + (bytes[6]! << 16 | bytes[7]! << 8 | bytes[8]!);
  let at = SESSION_ID_AT + 1 + (bytes[SESSION_ID_AT] ?? 0);
  // Cut off, or in several records: nobody does, and then the engine can be asked.
  if (at + 3 > end || end > bytes.length || end > 5 + u16(bytes, 3)) return undefined;
  const cipherSuite = u16(bytes, at);
  // Behind the compression and the length of all extensions.
  at += 5;
  while (at + 4 <= end) {
    const length = u16(bytes, at + 2);
    if (u16(bytes, at) === EXTENSION_SUPPORTED_VERSIONS && length === 2 && at + 6 <= end) {
      return { version: u16(bytes, at + 4) === TLS_1_3 ? "TLSv1.3" : "TLSv1.2", cipherSuite };
    }
    at += 4 + length;
  }
  return { version: "TLSv1.2", cipherSuite };
}

function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}
