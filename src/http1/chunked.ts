import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import { permittedTrailers } from "../core/trailers.ts";
import { FIELD_VALUE, TOKEN } from "./tables.ts";

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const COLON = 0x3a;

/** Bytes of one chunk-size line, extension included: nobody uses extensions but attackers. */
export const CHUNK_LINE_BYTES_MAX = 256;
/** Bytes of all trailer lines of one body. */
export const TRAILER_BYTES_MAX = 8192;
/** Hex digits of a chunk size: 2^52 bytes, still exact as a number. */
const SIZE_DIGITS_MAX = 13;

type State =
  | "size"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailer"
  | "trailer-name"
  | "trailer-value"
  | "trailer-lf"
  | "end-lf"
  | "done";

/**
 * Decodes the chunked transfer coding (RFC 9112 §7.1) in place: it is shown bytes and points at the
 * data among them. Line ends must be CRLF, sizes plain hex digits; chunk extensions are skipped and
 * trailers checked and kept, both within bounds.
 */
export class ChunkedDecoder {
  /** Offset up to which the last `decode` used the bytes. */
  position = 0;
  /** The data that the last `decode` found, when it returned "data". */
  dataStart = 0;
  dataEnd = 0;

  #state: State = "size";
  #size = 0;
  #digits = 0;
  #lineBytes = 0;
  #trailerBytes = 0;
  #trailerText = "";
  readonly #code: "bad_request" | "upstream_protocol";

  constructor(code: "bad_request" | "upstream_protocol") {
    this.#code = code;
  }

  /**
   * Looks at `bytes[start, end)`: "data" with `dataStart`/`dataEnd` set, "more" when all was used and
   * the body goes on, or "done". Throws a `ProxyError` of the constructor's code.
   */
  decode(bytes: Uint8Array, start: number, end: number): "data" | "more" | "done" {
    let at = start;
    while (at < end && this.#state !== "done") {
      if (this.#state === "data") {
        const take = Math.min(this.#size, end - at);
        this.dataStart = at;
        this.dataEnd = this.position = at + take;
        this.#size -= take;
        if (this.#size === 0) this.#state = "data-cr";
        return "data";
      }
      this.#step(bytes[at++]!);
    }
    this.position = at;
    return this.#state === "done" ? "done" : "more";
  }

  /** The fields behind the last chunk that may stand there, once "done" was returned; undefined for none. */
  get trailers(): HeaderList | undefined {
    if (this.#trailerText === "") return undefined;
    const list = new HeaderList();
    for (const line of this.#trailerText.split("\r\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) list.append(line.slice(0, colon), trimBlanks(line.slice(colon + 1)));
    }
    return permittedTrailers(list);
  }

  #step(octet: number): void {
    switch (this.#state) {
      case "size":
        return this.#sizeOctet(octet);
      case "extension":
        if (++this.#lineBytes > CHUNK_LINE_BYTES_MAX) this.#fail("a chunk extension is too long");
        if (octet === CR) this.#state = "size-lf";
        else if (FIELD_VALUE[octet] === 0) this.#fail("a chunk extension holds a control character");
        return;
      case "size-lf":
        if (octet !== LF) this.#fail("a chunk size does not end in CRLF");
        this.#state = this.#size === 0 ? "trailer" : "data";
        return;
      case "data-cr":
        if (octet !== CR) this.#fail("chunk data is longer than its size");
        this.#state = "data-lf";
        return;
      case "data-lf":
        if (octet !== LF) this.#fail("chunk data does not end in CRLF");
        this.#state = "size";
        this.#digits = this.#size = this.#lineBytes = 0;
        return;
      default:
        return this.#trailerOctet(octet);
    }
  }

  #sizeOctet(octet: number): void {
    const digit = hexDigit(octet);
    if (digit >= 0) {
      if (++this.#digits > SIZE_DIGITS_MAX) this.#fail("a chunk size is too large");
      this.#size = this.#size * 16 + digit;
      return;
    }
    if (this.#digits === 0) this.#fail("a chunk has no size");
    if (octet === CR) this.#state = "size-lf";
    else if (octet === SEMICOLON) this.#state = "extension";
    else this.#fail("a chunk size is not a hexadecimal number");
  }

  /** Trailers are `name: value` lines, then an empty line. */
  #trailerOctet(octet: number): void {
    if (++this.#trailerBytes > TRAILER_BYTES_MAX) this.#fail("the trailer section is too long");
    if (this.#state !== "trailer" || octet !== CR) this.#trailerText += String.fromCharCode(octet);
    switch (this.#state) {
      case "trailer":
        if (octet === CR) this.#state = "end-lf";
        else if (TOKEN[octet] === 1) this.#state = "trailer-name";
        else this.#fail("a trailer line has no valid name");
        return;
      case "trailer-name":
        if (octet === COLON) this.#state = "trailer-value";
        else if (TOKEN[octet] === 0) this.#fail("a trailer line has no valid name");
        return;
      case "trailer-value":
        if (octet === CR) this.#state = "trailer-lf";
        else if (FIELD_VALUE[octet] === 0) this.#fail("a trailer value holds a control character");
        return;
      default:
        if (octet !== LF) this.#fail("a trailer line does not end in CRLF");
        this.#state = this.#state === "end-lf" ? "done" : "trailer";
    }
  }

  #fail(message: string): never {
    throw new ProxyError(this.#code, message);
  }
}

/** Without spaces and tabs around it (RFC 9110 §5.5). */
function trimBlanks(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, "");
}

function hexDigit(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
