import type { BufferPool } from "../core/buffer_pool.ts";
import type { RequestContext } from "../core/context.ts";
import type { Deadlines, Watch } from "../core/deadlines.ts";
import { ProxyError, toProxyError } from "../core/errors.ts";
import type { Body, MaybePromise, Response } from "../core/message.ts";
import type { Clock, Socket } from "../core/ports.ts";
import type { HttpDate } from "./http_date.ts";
import {
  formatResponseHead,
  formatSwitchHead,
  type ResponseFraming,
  responseFraming,
} from "./response_head.ts";

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");
const LAST_CHUNK = new TextEncoder().encode("0\r\n\r\n");
/** Longest chunk-size line: eight hex digits and CRLF. */
const CHUNK_LINE_BYTES = 10;
/** Room around the data of one chunk: its size line and its closing CRLF. */
const CHUNK_FRAME_BYTES = CHUNK_LINE_BYTES + 2;

const encoder = new TextEncoder();

/** What a writer shares with the other connections of its thread. */
export interface WriterDeps {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly date: HttpDate;
  readonly outputBuffers: BufferPool;
}

/**
 * Sends the responses of one connection. The head and as much of the body as is at hand go out in one
 * write; a longer body is passed through without a copy where its framing allows.
 */
export class ResponseWriter {
  readonly #socket: Socket;
  readonly #watch: Watch;
  readonly #timeoutMs: number;
  readonly #deps: WriterDeps;
  #body: Body | null = null;
  #aborted = false;
  #writing = false;
  #head = "";
  #framing: ResponseFraming = "none";
  /** A piece of the body that `begin` has read. */
  #first: MaybePromise<Uint8Array | null> | undefined = undefined;
  #buffer: Uint8Array<ArrayBuffer> | null = null;
  /** The connection ends after the response that is begun next. */
  closes = false;
  /** A body whose end nobody can foretell is being sent. */
  isStreaming = false;

  constructor(
    socket: Socket,
    { watch, timeoutMs }: { readonly watch: Watch; readonly timeoutMs: number },
    deps: WriterDeps,
  ) {
    this.#socket = socket;
    this.#watch = watch;
    this.#timeoutMs = timeoutMs;
    this.#deps = deps;
  }

  async sendContinue(): Promise<void> {
    await this.#write(CONTINUE);
  }

  /** Sends the head of a 101, or without a protocol that of a 200 to CONNECT, whole. Rejects when the connection breaks. */
  async sendSwitch(response: Response, protocol: string | null): Promise<void> {
    this.#head = formatSwitchHead(response, protocol);
    await this.#writeHead();
    this.#head = "";
  }

  /** The client is gone: stops waiting for the rest of the body. */
  abort(): void {
    this.#aborted = true;
    // The piece being written may lie in a buffer that cancelling gives away; `send` cancels afterwards.
    if (!this.#writing) this.#body?.cancel();
  }

  /**
   * Starts a response. When it has no body, or all of it is at hand and small, the result is the whole
   * response as one piece, to be written by the caller and then given to `recycle`; otherwise null,
   * and `send` does the rest. Most responses take the first way, which spares an asynchronous call.
   */
  begin(context: RequestContext, response: Response): Uint8Array | null {
    const framing = this.#framing = responseFraming(context, response);
    const { clock, date, deadlines, outputBuffers } = this.#deps;
    const head = this.#head = formatResponseHead(context, response, {
      framing,
      close: this.closes,
      date: date.now(deadlines.coarseMs, clock),
    });
    const body = response.body;
    const bodyBytes = framing === "none" ? 0 : body!.length;
    if (bodyBytes === undefined || bodyBytes + head.length > outputBuffers.size) return null;
    const buffer = outputBuffers.acquire();
    const headBytes = encodeHead(head, buffer);
    if (headBytes < 0 || (bodyBytes > 0 && !this.#takeWhole(body!, buffer, headBytes))) {
      outputBuffers.release(buffer);
      return null;
    }
    body?.cancel();
    context.bodyBytesSent = bodyBytes;
    this.#buffer = buffer;
    this.#watch.dueMs = deadlines.coarseMs + this.#timeoutMs;
    return buffer.subarray(0, headBytes + bodyBytes);
  }

  /** Writes what a first write left over; always true. */
  async writeRest(bytes: Uint8Array): Promise<true> {
    await this.#write(bytes);
    return true;
  }

  /** The bytes that `begin` gave out have been written. */
  recycle(): void {
    this.#watch.dueMs = Infinity;
    if (this.#buffer !== null) this.#deps.outputBuffers.release(this.#buffer);
    this.#buffer = null;
  }

  /**
   * Sends the response that `begin` started and closes its body; false when it could not be completed,
   * so that the connection must be cut: an early end has to look like one.
   */
  async send(context: RequestContext, response: Response): Promise<boolean> {
    const framing = this.#framing;
    const body = response.body;
    if (framing === "none" || body === null) {
      body?.cancel();
      await this.#writeHead();
      return true;
    }
    this.#body = body;
    this.isStreaming = framing !== "length";
    try {
      if (framing === "chunked") await this.#sendChunked(context, body);
      else await this.#sendPlain(context, body);
      // A body shorter than announced leaves the client waiting for the rest.
      return !this.#aborted && (framing !== "length" || context.bodyBytesSent === body.length);
    } catch (cause) {
      context.errorCode ??= toProxyError(cause).code;
      context.errorDetail ??= toProxyError(cause).message;
      return false;
    } finally {
      body.cancel();
      this.#body = null;
      this.#first = undefined;
      this.isStreaming = false;
      this.#watch.dueMs = Infinity;
    }
  }

  /** Copies a body that is wholly at hand to `at`; false, with its first piece remembered, when it is not. */
  #takeWhole(body: Body, buffer: Uint8Array, at: number): boolean {
    const data = readOrReject(body);
    if (data instanceof Promise || data === null || data.length !== body.length) {
      this.#first = data;
      return false;
    }
    buffer.set(data, at);
    // Reading past the last byte tells the body that it was read to its end.
    const end = body.read();
    if (end instanceof Promise) end.catch(ignore);
    return true;
  }

  /** The next piece of the body: the one that `begin` read already, or a new one. */
  #next(body: Body): MaybePromise<Uint8Array | null> {
    const first = this.#first;
    if (first === undefined) return body.read();
    this.#first = undefined;
    return first;
  }

  async #writeHead(): Promise<void> {
    const head = this.#head;
    const buffer = this.#deps.outputBuffers.acquire();
    const length = encodeHead(head, buffer);
    if (length < 0) await this.#write(latin1Bytes(head));
    else await this.#write(buffer.subarray(0, length));
    this.#deps.outputBuffers.release(buffer);
  }

  async #sendPlain(context: RequestContext, body: Body): Promise<void> {
    let next = this.#next(body);
    if (next instanceof Promise) {
      // The body may be long in coming; the client should not wait for the head because of it.
      next.catch(ignore);
      await this.#writeHead();
      next = await next;
    } else if (next !== null) {
      await this.#writeHeadWith(next);
      context.bodyBytesSent += next.length;
      next = body.read();
      if (next instanceof Promise) next = await next;
    } else {
      await this.#writeHead();
    }
    while (next !== null && !this.#aborted) {
      await this.#write(next);
      context.bodyBytesSent += next.length;
      const following = body.read();
      next = following instanceof Promise ? await following : following;
    }
  }

  async #writeHeadWith(data: Uint8Array): Promise<void> {
    const head = this.#head;
    const buffer = this.#deps.outputBuffers.acquire();
    const length = encodeHead(head, buffer);
    if (length >= 0 && length + data.length <= buffer.length) {
      buffer.set(data, length);
      await this.#write(buffer.subarray(0, length + data.length));
    } else {
      await this.#write(length < 0 ? latin1Bytes(head) : buffer.subarray(0, length));
      await this.#write(data);
    }
    this.#deps.outputBuffers.release(buffer);
  }

  /** Chunks are put together in an output buffer, the first one behind the head, the last one before the end. */
  async #sendChunked(context: RequestContext, body: Body): Promise<void> {
    const buffer = this.#deps.outputBuffers.acquire();
    let filled = encodeHead(this.#head, buffer);
    if (filled < 0) {
      await this.#write(latin1Bytes(this.#head));
      filled = 0;
    }
    while (!this.#aborted) {
      const next = this.#next(body);
      if (next instanceof Promise && filled > 0) {
        next.catch(ignore);
        await this.#write(buffer.subarray(0, filled));
        filled = 0;
      }
      const data = next instanceof Promise ? await next : next;
      if (data === null) break;
      for (let from = 0; from < data.length;) {
        if (buffer.length - filled < CHUNK_FRAME_BYTES + 1) {
          await this.#write(buffer.subarray(0, filled));
          filled = 0;
        }
        const take = Math.min(data.length - from, buffer.length - filled - CHUNK_FRAME_BYTES);
        filled = putChunk(buffer, filled, data.subarray(from, from + take));
        from += take;
      }
      context.bodyBytesSent += data.length;
    }
    if (!this.#aborted) {
      const end = lastChunk(context, body);
      if (buffer.length - filled < end.length) {
        await this.#write(buffer.subarray(0, filled));
        filled = 0;
      }
      if (end.length > buffer.length) {
        await this.#write(end);
      } else {
        buffer.set(end, filled);
        await this.#write(buffer.subarray(0, filled + end.length));
      }
    }
    this.#deps.outputBuffers.release(buffer);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { deadlines } = this.#deps;
    let left = bytes;
    this.#writing = true;
    while (true) {
      this.#watch.dueMs = deadlines.coarseMs + this.#timeoutMs;
      const count = await this.#socket.write(left);
      if (count === left.length) break;
      left = left.subarray(count);
    }
    this.#writing = false;
    this.#watch.dueMs = Infinity;
  }
}

/** A read that fails while the head is being written is seen when it is awaited. */
function ignore(): void {}

/** The next piece; a body that throws at once is as one that fails later, so that `send` ends it. */
function readOrReject(body: Body): MaybePromise<Uint8Array | null> {
  try {
    return body.read();
  } catch (cause) {
    const failed = Promise.reject(cause);
    failed.catch(ignore);
    return failed;
  }
}

/** Writes a byte string into the buffer; the length, or -1 when it has octets above 0x7f or does not fit. */
function encodeHead(head: string, buffer: Uint8Array<ArrayBuffer>): number {
  const { read, written } = encoder.encodeInto(head, buffer);
  return read === head.length && written === head.length ? written : -1;
}

function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Cut to eight bits, some letters would become line ends.
    if (unit > 0xff) throw new ProxyError("internal_bug", "a header holds a character that is no octet");
    bytes[i] = unit;
  }
  return bytes;
}

/** The end of a chunked body: with its trailers, if the client takes any (RFC 9110 §6.5.1). */
function lastChunk({ acceptsTrailers }: RequestContext, { trailers }: Body): Uint8Array {
  if (trailers === undefined || !acceptsTrailers) return LAST_CHUNK;
  let text = "0\r\n";
  for (const [name, value] of trailers) text += name + ": " + value + "\r\n";
  return latin1Bytes(text + "\r\n");
}

/** Appends one chunk of the chunked coding (RFC 9112 §7.1); the new fill. */
function putChunk(buffer: Uint8Array, at: number, data: Uint8Array): number {
  const line = data.length.toString(16) + "\r\n";
  for (let i = 0; i < line.length; i++) buffer[at++] = line.charCodeAt(i);
  buffer.set(data, at);
  at += data.length;
  buffer[at++] = 0x0d;
  buffer[at++] = 0x0a;
  return at;
}
