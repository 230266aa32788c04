/**
 * Reads a ClientHello: RFC 8446 §4.1.2 and §5.1, RFC 5246 §7.4.1.2, RFC 6066 §3 (server name), RFC 7301
 * (application protocols). The engine reads it again and decides by itself; this reading comes first, so that
 * the certificate can be chosen, and so that what is no TLS never costs more than a look.
 */

/** Handshake bytes of the longest ClientHello that is read; real ones, post-quantum keys included, have 2 KB. */
const HELLO_BYTES_MAX = 16_384;
/** Bytes of all records around it: cut into tiny records it would grow without end. */
export const HELLO_RECORDS_BYTES_MAX = 18_432;
/** A record's largest plain text (RFC 8446 §5.1). */
const RECORD_BYTES_MAX = 16_384;
const RECORD_HEAD_BYTES = 5;
const HANDSHAKE_HEAD_BYTES = 4;

const TLS_1_2 = 0x0303;
const TLS_1_3 = 0x0304;

const EXTENSION_SERVER_NAME = 0;
const EXTENSION_SIGNATURE_ALGORITHMS = 13;
const EXTENSION_PROTOCOLS = 16;
const EXTENSION_SUPPORTED_VERSIONS = 43;

/** What a client offers. */
export interface ClientHello {
  /** The name it asks for as sent; null when it names none. */
  readonly serverName: string | null;
  readonly offersTls12: boolean;
  readonly offersTls13: boolean;
  /** Numbers, the client's favourite first. */
  readonly cipherSuites: readonly number[];
  readonly signatureSchemes: readonly number[];
  /** Application protocols, the client's favourite first. */
  readonly protocols: readonly string[];
}

/** What the first bytes of a connection are. */
export type HelloReading =
  | { readonly type: "more" }
  | { readonly type: "hello"; readonly hello: ClientHello }
  | { readonly type: "not_tls" }
  | { readonly type: "plain_http" }
  | { readonly type: "malformed"; readonly reason: string };

const NOTHING = new Uint8Array(0);
const MORE: HelloReading = { type: "more" };

class Malformed extends Error {}

/** Reads from the beginning of a connection's bytes; call it again with more when it asks for more. Never throws. */
export function readClientHello(bytes: Uint8Array): HelloReading {
  try {
    const message = handshakeMessage(bytes);
    if (!(message instanceof Uint8Array)) return message;
    return { type: "hello", hello: parseHello(message) };
  } catch (cause) {
    if (cause instanceof Malformed) return { type: "malformed", reason: cause.message };
    throw cause;
  }
}

/** The body of the first handshake message, put together from as many records as it takes. */
function handshakeMessage(bytes: Uint8Array): Uint8Array | HelloReading {
  if (bytes.length === 0) return MORE;
  if (bytes[0] !== 22) return { type: looksLikeHttp(bytes) ? "plain_http" : "not_tls" };
  if (bytes.length > 1 && bytes[1] !== 3) return { type: "not_tls" };
  let whole: Uint8Array<ArrayBufferLike> = NOTHING;
  // Made for the second record, and large enough for all: a client may cut its hello into thousands.
  let buffer: Uint8Array | null = null;
  for (let at = 0; at + RECORD_HEAD_BYTES <= bytes.length;) {
    if (bytes[at] !== 22 || bytes[at + 1] !== 3) {
      throw new Malformed("a record of another type inside the hello");
    }
    const length = bytes[at + 3]! << 8 | bytes[at + 4]!;
    if (length === 0 || length > RECORD_BYTES_MAX) throw new Malformed("a record of a forbidden length");
    const from = at + RECORD_HEAD_BYTES;
    const piece = bytes.subarray(from, from + length);
    if (whole.length === 0) whole = piece;
    else {
      if (buffer === null) {
        buffer = new Uint8Array(bytes.length);
        buffer.set(whole);
      }
      buffer.set(piece, whole.length);
      whole = buffer.subarray(0, whole.length + piece.length);
    }
    if (whole.length >= HANDSHAKE_HEAD_BYTES) {
      if (whole[0] !== 1) throw new Malformed("the first message is no ClientHello");
      const size = whole[1]! << 16 | whole[2]! << 8 | whole[3]!;
      if (size > HELLO_BYTES_MAX) throw new Malformed("the hello is too long");
      const end = HANDSHAKE_HEAD_BYTES + size;
      if (whole.length >= end) return whole.subarray(HANDSHAKE_HEAD_BYTES, end);
    }
    at = from + length;
  }
  if (bytes.length >= HELLO_RECORDS_BYTES_MAX) throw new Malformed("the hello is cut into too many records");
  return MORE;
}

/** A method is what every HTTP request begins with. */
function looksLikeHttp(bytes: Uint8Array): boolean {
  const text = String.fromCharCode(...bytes.subarray(0, 3));
  return ["GET", "HEA", "POS", "PUT", "DEL", "OPT", "PAT", "CON", "TRA", "PRI"].some((method) =>
    method.startsWith(text)
  );
}

function parseHello(message: Uint8Array): ClientHello {
  const reader = new Reader(message);
  const legacyVersion = reader.u16();
  reader.skip(32);
  reader.skipVector(1);
  const cipherSuites = reader.vector(2).numbers();
  reader.skipVector(1);
  const hello = {
    serverName: null as string | null,
    offersTls12: legacyVersion >= TLS_1_2,
    offersTls13: false,
    cipherSuites,
    signatureSchemes: [] as readonly number[],
    protocols: [] as readonly string[],
  };
  if (reader.isAtEnd) return hello;
  const extensions = reader.vector(2);
  if (!reader.isAtEnd) throw new Malformed("bytes after the extensions");
  while (!extensions.isAtEnd) {
    const type = extensions.u16();
    if (type === EXTENSION_SERVER_NAME) hello.serverName = serverName(extensions.vector(2));
    else if (type === EXTENSION_SIGNATURE_ALGORITHMS) {
      hello.signatureSchemes = extensions.vector(2).vector(2).numbers();
    } else if (type === EXTENSION_PROTOCOLS) hello.protocols = protocols(extensions.vector(2));
    else if (type === EXTENSION_SUPPORTED_VERSIONS) {
      const versions = extensions.vector(2).vector(1).numbers();
      hello.offersTls12 = versions.includes(TLS_1_2);
      hello.offersTls13 = versions.includes(TLS_1_3);
    } else extensions.skipVector(2);
  }
  return hello;
}

/** The first name of type `host_name`; there is no other type. */
function serverName(body: Reader): string | null {
  const list = body.vector(2);
  while (!list.isAtEnd) {
    const type = list.u8();
    const name = list.vector(2);
    if (type === 0) return name.text();
  }
  return null;
}

function protocols(body: Reader): string[] {
  const list = body.vector(2);
  const names: string[] = [];
  while (!list.isAtEnd) names.push(list.vector(1).text());
  return names;
}

/** Reads numbers and length-prefixed parts, never past the end. Every handshake does, so no part is made a view. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  u8(): number {
    return this.#bytes[this.#pass(1)]!;
  }

  u16(): number {
    const at = this.#pass(2);
    return this.#bytes[at]! << 8 | this.#bytes[at + 1]!;
  }

  skip(count: number): void {
    this.#pass(count);
  }

  /** Passes over a part whose length stands before it in so many bytes. */
  skipVector(lengthBytes: 1 | 2): void {
    this.#pass(lengthBytes === 1 ? this.u8() : this.u16());
  }

  /** A part whose length stands before it in so many bytes. */
  vector(lengthBytes: 1 | 2): Reader {
    const from = this.#pass(lengthBytes === 1 ? this.u8() : this.u16());
    return new Reader(this.#bytes, from, this.#at);
  }

  /** The rest as numbers of two bytes. */
  numbers(): number[] {
    const numbers: number[] = [];
    while (!this.isAtEnd) numbers.push(this.u16());
    return numbers;
  }

  /** The rest, a character for a byte. */
  text(): string {
    let text = "";
    while (!this.isAtEnd) text += String.fromCharCode(this.u8());
    return text;
  }

  /** Goes so far; where it was. */
  #pass(count: number): number {
    const from = this.#at;
    if (count > this.#end - from) throw new Malformed("a length points past the end");
    this.#at = from + count;
    return from;
  }
}
