import { ProxyError } from "../core/errors.ts";
import type { Body } from "../core/message.ts";
import type { UpstreamConnection } from "./connection.ts";
import { READ_BYTES_LARGE } from "./connection.ts";

/** Pieces up to this size are copied behind the head, as copying is cheaper than another write. */
const COPY_BYTES_MAX = 16_384;
/** Room for a chunk-size line and the line end after the data: 8 hex digits and two CRLF. */
const CHUNK_EXTRA_BYTES = 12;

const LAST_CHUNK = new Uint8Array([0x30, 0x0d, 0x0a, 0x0d, 0x0a]);

/**
 * Writes one request with a body, piece by piece, never reading more of the body than the target takes.
 * The head lies in the connection's output buffer; the first piece goes with it in one write if it is
 * there already.
 */
export class RequestSender {
  /** Everything has been given to the socket, or is in the write under way. */
  isHandedOver = false;
  /** Given up: the rest of the body is cancelled. */
  isStopped = false;

  readonly #connection: UpstreamConnection;
  readonly #body: Body;
  readonly #writeTimeoutMs: number;
  readonly #length: number | undefined;
  #sent = 0;

  constructor(connection: UpstreamConnection, body: Body, writeTimeoutMs: number) {
    this.#connection = connection;
    this.#body = body;
    this.#writeTimeoutMs = writeTimeoutMs;
    this.#length = body.length;
    if (body.length === 0) this.isHandedOver = true;
  }

  /** Sends head and body. Rejects with what the body threw, or with the socket's error. */
  async run(headBytes: number): Promise<void> {
    let piece = this.#body.read();
    if (piece instanceof Promise) {
      // Whoever cancels the body answers for it; here only the write's error counts meanwhile.
      piece.catch(() => {});
      await this.#write(this.#connection.output.subarray(0, headBytes));
      headBytes = 0;
      piece = await piece;
    }
    while (piece !== null && !this.isStopped) {
      if (headBytes > 0 && piece.length > COPY_BYTES_MAX && this.#length !== undefined) {
        // Before the piece is counted: an answer that comes meanwhile must not find all handed over.
        await this.#write(this.#connection.output.subarray(0, headBytes));
        headBytes = 0;
        if (this.isStopped) return;
      }
      this.#count(piece.length);
      if (this.#length !== undefined) await this.#writePlain(piece, headBytes);
      else await this.#writeChunk(piece, headBytes);
      headBytes = 0;
      if (this.isStopped) return;
      const next = this.#body.read();
      piece = next instanceof Promise ? await next : next;
    }
    if (!this.isStopped) await this.#end(headBytes);
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.#body.cancel();
  }

  #count(bytes: number): void {
    this.#sent += bytes;
    if (this.#length === undefined) return;
    if (this.#sent > this.#length) {
      throw new ProxyError("internal_bug", `the request body is longer than its ${this.#length} bytes`);
    }
    if (this.#sent === this.#length) this.isHandedOver = true;
  }

  async #end(headBytes: number): Promise<void> {
    if (this.#length !== undefined && this.#sent < this.#length) {
      throw new ProxyError("internal_bug", `the request body is shorter than its ${this.#length} bytes`);
    }
    this.isHandedOver = true;
    if (this.#length === undefined) {
      const output = this.#output(headBytes, LAST_CHUNK.length);
      output.set(LAST_CHUNK, headBytes);
      await this.#write(output.subarray(0, headBytes + LAST_CHUNK.length));
    } else if (headBytes > 0) {
      await this.#write(this.#connection.output.subarray(0, headBytes));
    }
  }

  async #writePlain(piece: Uint8Array, headBytes: number): Promise<void> {
    if (headBytes === 0) return await this.#write(piece);
    const output = this.#output(headBytes, piece.length);
    output.set(piece, headBytes);
    await this.#write(output.subarray(0, headBytes + piece.length));
  }

  /** Frames the piece as chunks in the output buffer: one write each (RFC 9112 §7.1). */
  async #writeChunk(piece: Uint8Array, headBytes: number): Promise<void> {
    for (let from = 0, room = headBytes; from < piece.length && !this.isStopped; room = 0) {
      const data = piece.subarray(from, from + READ_BYTES_LARGE);
      from += data.length;
      const output = this.#output(room, data.length + CHUNK_EXTRA_BYTES);
      let at = room;
      for (const digit of data.length.toString(16)) output[at++] = digit.charCodeAt(0);
      output[at++] = 0x0d;
      output[at++] = 0x0a;
      output.set(data, at);
      at += data.length;
      output[at++] = 0x0d;
      output[at++] = 0x0a;
      await this.#write(output.subarray(0, at));
    }
  }

  /** The output buffer with room behind the `kept` bytes already in it. */
  #output(kept: number, room: number): Uint8Array {
    const connection = this.#connection;
    if (connection.output.length < kept + room) {
      const head = connection.output;
      connection.growOutput(kept + room);
      connection.output.set(head.subarray(0, kept));
    }
    return connection.output;
  }

  #write(bytes: Uint8Array): Promise<void> {
    return this.#connection.write(bytes, this.#writeTimeoutMs);
  }
}
