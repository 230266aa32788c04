import type { Socket } from "../core/ports.ts";
import type { HeaderList } from "../core/headers.ts";
import { ChunkedDecoder } from "../http1/chunked.ts";
import { type ParsedResponse, ResponseHeadParser } from "../http1/response_head.ts";
import type { Probe } from "./check.ts";

/** Bytes of a status line; what is longer is no answer. */
const STATUS_LINE_BYTES_MAX = 1024;
/** Bytes of a whole answer's head. */
const HEAD_BYTES_MAX = 65_536;
const LF = 0x0a;

/** A request of a check. */
export interface ProbeRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** Beside Host, User-Agent, Accept and what frames the body. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** JSON text. */
  readonly body: string | undefined;
}

/** What came back. */
export interface ProbeAnswer {
  readonly status: number;
  /** Undefined where only the status line was read. */
  readonly headers: HeaderList | undefined;
  /** As far as it was read. */
  readonly text: string;
}

/** The Host header of a check's requests. */
export function hostOf({ address, options }: Probe): string {
  return options.host ?? (address.startsWith("unix:") ? "localhost" : address);
}

/**
 * Sends a request and reads the answer, of its body at most `bodyBytesMax`; with 0 nothing behind the status
 * line. The connection must not be used again. Rejects with the reason when there is no proper answer.
 */
export async function exchange(
  socket: Socket,
  request: ProbeRequest,
  bodyBytesMax: number,
): Promise<ProbeAnswer> {
  await writeAll(socket, formatRequest(request));
  if (bodyBytesMax === 0) {
    return { status: statusIn(await readLine(socket)), headers: undefined, text: "" };
  }
  const reader = new AnswerReader(socket);
  const head = await reader.head(request.method);
  return { status: head.status, headers: head.headers, text: await reader.body(head, bodyBytesMax) };
}

function formatRequest({ method, path, host, headers, body }: ProbeRequest): Uint8Array {
  const own = new Set(headers.map(([name]) => name.toLowerCase()));
  const bytes = new TextEncoder().encode(body ?? "");
  const standard = [["User-Agent", "Sentinel-HealthCheck"], ["Accept", "*/*"]] as const;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...standard.filter(([name]) => !own.has(name.toLowerCase())).map((line) => line.join(": ")),
    ...headers.map((line) => line.join(": ")),
    "Connection: close",
  ];
  if (body !== undefined) lines.push("Content-Type: application/json", `Content-Length: ${bytes.length}`);
  const head = new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n");
  const whole = new Uint8Array(head.length + bytes.length);
  whole.set(head);
  whole.set(bytes, head.length);
  return whole;
}

async function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await socket.write(rest));
}

function statusIn(line: string): number {
  const match = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/.exec(line);
  if (match === null) throw new Error("the answer is not HTTP/1");
  return Number(match[1]);
}

/** The first line, without its line end. */
async function readLine(socket: Socket): Promise<string> {
  const bytes = new Uint8Array(STATUS_LINE_BYTES_MAX);
  let end = 0;
  while (end < bytes.length) {
    const count = await socket.read(bytes.subarray(end));
    if (count === 0) throw new Error("the connection closed without an answer");
    const newline = bytes.subarray(0, end + count).indexOf(LF, end);
    end += count;
    if (newline >= 0) return new TextDecoder().decode(bytes.subarray(0, newline)).trimEnd();
  }
  throw new Error("the status line is too long");
}

/** Reads one whole answer. */
class AnswerReader {
  readonly #socket: Socket;
  #bytes = new Uint8Array(8192);
  #start = 0;
  #end = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The final head; informational ones are skipped. */
  async head(method: string): Promise<ParsedResponse> {
    const parser = new ResponseHeadParser();
    parser.reset(0);
    while (true) {
      if (!parser.scan(this.#bytes, this.#end)) {
        if (this.#end >= HEAD_BYTES_MAX) throw new Error("the head of the answer is too long");
        if (!await this.#more()) throw new Error("the connection closed without an answer");
        continue;
      }
      const parsed = parser.parse(this.#bytes, method);
      this.#start = parser.end;
      if (parsed.status >= 200) return parsed;
      parser.reset(this.#start);
    }
  }

  /** The text of the body, cut off at `bytesMax`. */
  async body(head: ParsedResponse, bytesMax: number): Promise<string> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    const take = (piece: Uint8Array): boolean => {
      pieces.push(piece.slice(0, bytesMax - size));
      size += Math.min(piece.length, bytesMax - size);
      return size < bytesMax;
    };
    if (head.framing === "chunked") await this.#chunks(take);
    else if (head.framing !== "none") await this.#plain(head, take);
    const whole = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return new TextDecoder().decode(whole);
  }

  async #plain(head: ParsedResponse, take: (piece: Uint8Array) => boolean): Promise<void> {
    let left = head.framing === "length" ? head.length : Infinity;
    while (left > 0) {
      if (this.#start === this.#end && !await this.#refill()) {
        if (left === Infinity) return;
        throw new Error("the body of the answer is cut off");
      }
      const piece = this.#bytes.subarray(this.#start, Math.min(this.#end, this.#start + left));
      this.#start += piece.length;
      left -= piece.length;
      if (!take(piece)) return;
    }
  }

  async #chunks(take: (piece: Uint8Array) => boolean): Promise<void> {
    const decoder = new ChunkedDecoder("upstream_protocol");
    while (true) {
      const found = decoder.decode(this.#bytes, this.#start, this.#end);
      this.#start = decoder.position;
      if (found === "done") return;
      if (found === "data") {
        if (!take(this.#bytes.subarray(decoder.dataStart, decoder.dataEnd))) return;
      } else if (!await this.#refill()) throw new Error("the body of the answer is cut off");
    }
  }

  /** Reads behind what is there. */
  async #more(): Promise<boolean> {
    if (this.#end === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const count = await this.#socket.read(this.#bytes.subarray(this.#end));
    this.#end += count;
    return count > 0;
  }

  /** Reads in place of what has been used. */
  #refill(): Promise<boolean> {
    this.#start = this.#end = 0;
    return this.#more();
  }
}
