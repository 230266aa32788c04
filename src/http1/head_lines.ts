import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import { byteString, commonName, FIELD_VALUE, TOKEN } from "./tables.ts";

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const OFFSETS_PER_LINE = 5;

/** Bounds of one head. A request past them is answered 431 or 414, an upstream's answer becomes 502. */
export interface HeadLimits {
  /** Bytes of the request target; not used for responses. */
  readonly targetBytesMax: number;
  /** Bytes of the header block, from after the first line to the empty line. */
  readonly headerBytesMax: number;
  /** Header lines. */
  readonly headerCountMax: number;
  /** Bytes of one header name. */
  readonly headerNameBytesMax: number;
  /** Bytes of one header value. */
  readonly headerValueBytesMax: number;
}

/** What a side of the proxy expects of a first line, and how it names the ways in which a head can be wrong. */
export interface HeadErrors {
  /** Octets that may stand in the first line, as a table of 256. */
  readonly firstLine: Uint8Array;
  readonly malformed: "bad_request" | "upstream_protocol";
  readonly tooLarge: "headers_too_large" | "upstream_head_too_large";
}

/**
 * Finds and checks the lines of one message head as its bytes arrive. Every line ends in CRLF; a lone
 * CR or LF, a folded line, white space before the colon, or an octet outside the grammar is refused
 * (RFC 9112 §2.2, §5), for each of these has been used to make two parsers disagree.
 *
 * Use: `scan` until it returns true, then read `firstLine` and `headers`. `reset` before the next head.
 */
export class HeadLines {
  /** Offset just past the empty line, once `scan` returned true. */
  end = 0;
  /** Header lines found so far. */
  #count = 0;
  /**
   * Five offsets per header line, relative to the head: name start, name end, value start, value end, and
   * the start of a line in the usual form or -1.
   */
  readonly #offsets: number[] = [];
  #start = 0;
  #next = 0;
  #firstLineEnd = -1;
  #ascii = true;
  readonly #limits: HeadLimits;
  readonly #errors: HeadErrors;

  constructor(limits: HeadLimits, errors: HeadErrors) {
    this.#limits = limits;
    this.#errors = errors;
  }

  /** Forgets the last head; the next one begins at `start`. */
  reset(start: number): void {
    this.#start = this.#next = start;
    this.#firstLineEnd = -1;
    this.#count = 0;
    this.#ascii = true;
  }

  /** The buffer was compacted: everything now lies `by` bytes further to the front. */
  shift(by: number): void {
    this.#start -= by;
    this.#next -= by;
    if (this.#firstLineEnd >= 0) this.#firstLineEnd -= by;
  }

  /** True once the first line is whole, so that what is missing are headers. */
  get hasFirstLine(): boolean {
    return this.#firstLineEnd >= 0;
  }

  /** Looks at the bytes up to `end`; true when the head is complete. Throws `ProxyError` on bad ones. */
  scan(bytes: Uint8Array, end: number): boolean {
    while (true) {
      const newline = bytes.indexOf(LF, this.#next);
      if (newline < 0 || newline >= end) {
        this.#checkSize(end);
        return false;
      }
      const lineEnd = newline - 1;
      if (lineEnd < this.#next || bytes[lineEnd] !== CR) this.#malformed("a line does not end in CRLF");
      if (this.#firstLineEnd < 0) {
        this.#checkFirstLine(bytes, lineEnd);
        this.#firstLineEnd = lineEnd;
      } else if (lineEnd === this.#next) {
        this.#checkSize(newline);
        this.end = newline + 1;
        return true;
      } else {
        this.#headerLine(bytes, this.#next, lineEnd);
      }
      this.#next = newline + 1;
      this.#checkSize(newline);
    }
  }

  /** The whole head as one byte string, from which `firstLine` and `headers` take slices. */
  text(bytes: Uint8Array): string {
    return byteString(bytes.subarray(this.#start, this.end - 2), { ascii: this.#ascii });
  }

  /** Length of the first line, without its line end. */
  get firstLineLength(): number {
    return this.#firstLineEnd - this.#start;
  }

  /** The header lines; `text` is what `text` returned for the same bytes. */
  headers(bytes: Uint8Array, text: string): HeaderList {
    const list = new HeaderList(text, this.#count);
    const offsets = this.#offsets;
    const start = this.#start;
    for (let i = 0, at = 0; i < this.#count; i++, at += OFFSETS_PER_LINE) {
      const nameStart = offsets[at]!;
      const nameEnd = offsets[at + 1]!;
      const common = commonName(bytes, start + nameStart, start + nameEnd);
      if (common === undefined) {
        const name = text.slice(nameStart, nameEnd);
        list.appendRead(name, name.toLowerCase());
      } else {
        const name = bytes[start + nameStart] === common.keyBytes[0] ? common.key : common.name;
        list.appendRead(name, common.key);
      }
      list.placeLast(offsets[at + 2]!, offsets[at + 3]!, offsets[at + 4]!);
    }
    return list;
  }

  #checkFirstLineSize(end: number): void {
    // Room for the longest method and the version beside the target.
    const bytesMax = this.#limits.targetBytesMax + FIRST_LINE_EXTRA_BYTES;
    if (end - this.#start <= bytesMax) return;
    const code = this.#errors.malformed === "bad_request" ? "target_too_long" : "upstream_protocol";
    throw new ProxyError(code, `the first line is longer than ${bytesMax} bytes`);
  }

  #checkFirstLine(bytes: Uint8Array, lineEnd: number): void {
    this.#checkFirstLineSize(lineEnd);
    const allowed = this.#errors.firstLine;
    let high = 0;
    for (let at = this.#next; at < lineEnd; at++) {
      const octet = bytes[at]!;
      high |= octet;
      if (allowed[octet] === 0) this.#malformed("the first line holds an octet that is not allowed");
    }
    if (high > 0x7f) this.#ascii = false;
  }

  #headerLine(bytes: Uint8Array, from: number, lineEnd: number): void {
    let at = from;
    while (TOKEN[bytes[at]!] === 1) at++;
    const nameEnd = at;
    if (bytes[at] !== COLON || at === from) this.#malformed("a header line has no valid name");
    at++;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    const valueStart = at < lineEnd ? at : lineEnd;
    let high = 0;
    for (at = valueStart; at < lineEnd; at++) {
      const octet = bytes[at]!;
      high |= octet;
      if (FIELD_VALUE[octet] === 0) this.#malformed("a header value holds a control character");
    }
    if (high > 0x7f) this.#ascii = false;
    let valueEnd = lineEnd;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) {
      valueEnd--;
    }
    this.#checkLine(nameEnd - from, valueEnd - valueStart);
    const offsets = this.#offsets;
    const slot = this.#count++ * OFFSETS_PER_LINE;
    const start = this.#start;
    offsets[slot] = from - start;
    offsets[slot + 1] = nameEnd - start;
    offsets[slot + 2] = valueStart - start;
    offsets[slot + 3] = valueEnd - start;
    // A line in the usual form can later be written as it stands.
    const isUsual = valueStart === nameEnd + 2 && bytes[nameEnd + 1] === SPACE && valueEnd === lineEnd;
    offsets[slot + 4] = isUsual ? from - start : -1;
  }

  #checkLine(nameBytes: number, valueBytes: number): void {
    const limits = this.#limits;
    if (this.#count >= limits.headerCountMax) {
      this.#tooLarge(`more than ${limits.headerCountMax} header lines`);
    }
    if (nameBytes > limits.headerNameBytesMax) {
      this.#tooLarge(`a header name is longer than ${limits.headerNameBytesMax} bytes`);
    }
    if (valueBytes > limits.headerValueBytesMax) {
      this.#tooLarge(`a header value is longer than ${limits.headerValueBytesMax} bytes`);
    }
  }

  #checkSize(end: number): void {
    const limits = this.#limits;
    if (this.#firstLineEnd < 0) {
      this.#checkFirstLineSize(end);
    } else if (end - this.#firstLineEnd - 2 > limits.headerBytesMax) {
      this.#tooLarge(`the header block is longer than ${limits.headerBytesMax} bytes`);
    }
  }

  #malformed(message: string): never {
    throw new ProxyError(this.#errors.malformed, message);
  }

  #tooLarge(message: string): never {
    throw new ProxyError(this.#errors.tooLarge, message);
  }
}

/** What a first line may hold beside the target: method, two spaces, version. */
const FIRST_LINE_EXTRA_BYTES = 64;
