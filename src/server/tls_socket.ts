import type { Address, Socket } from "../core/ports.ts";
import type { EngineConnection } from "./tls_engine.ts";

/** Clear bytes encrypted at once: three full records, which is what the engine buffers. */
const PIECE_BYTES_MAX = 49_152;
/** Wire bytes read at once while a handshake goes on. */
const HANDSHAKE_READ_BYTES = 4096;

/** The engine reports completions of what it has done at once. */
const REQUEST = { oncomplete() {} };

/**
 * A TLS connection over a socket. The engine knows no sockets: wire bytes are read into the buffer of whoever
 * reads, decrypted in place, and answered in one write. So an idle connection holds no buffer.
 */
export class TlsSocket implements Socket {
  readonly remote: Address;
  readonly local: Address;
  readonly #socket: Socket;
  readonly #engine: EngineConnection;
  /** Clear bytes that no reader has taken yet. */
  #clear: Uint8Array | null = null;
  #ended = false;
  #failure: Error | null = null;
  #established = false;
  #closed = false;
  /** Set while bytes for the wire are being written; only one may do that, as records have an order. */
  #flushing: Promise<void> | null = null;

  constructor(socket: Socket, engine: EngineConnection) {
    this.#socket = socket;
    this.#engine = engine;
    this.remote = socket.remote;
    this.local = socket.local;
    engine.setOnread((bytes) => this.#decrypted(bytes));
    engine.onhandshakedone = () => this.#established = true;
    engine.onerror = (cause) => this.#failure ??= cause;
  }

  /** Shakes hands; `hello` is what came already. Rejects with what the engine, or the socket, says. */
  async handshake(hello: Uint8Array): Promise<void> {
    this.#engine.readBuffer(hello);
    await this.#flush();
    if (this.#established && this.#failure === null) return;
    const buffer = new Uint8Array(HANDSHAKE_READ_BYTES);
    while (true) {
      if (this.#failure !== null) throw this.#failure;
      if (this.#established) return;
      const count = await this.#socket.read(buffer);
      if (count === 0 || this.#ended) throw new HandshakeEnded();
      this.#feed(buffer.subarray(0, count));
      await this.#flush();
    }
  }

  async read(buffer: Uint8Array): Promise<number> {
    while (true) {
      if (this.#clear !== null) return this.#take(this.#clear, buffer);
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended) return 0;
      const count = await this.#socket.read(buffer);
      if (count === 0) this.#ended = true;
      else this.#feed(buffer.subarray(0, count));
      // Answers of the protocol itself: new tickets, new keys, alerts.
      const answer = this.#drain();
      if (answer !== null) await this.#send(answer);
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#closed) throw new Error("the connection is closed");
    const piece = bytes.length > PIECE_BYTES_MAX ? bytes.subarray(0, PIECE_BYTES_MAX) : bytes;
    if (this.#engine.writeBuffer(REQUEST, piece) !== 0) {
      throw this.#failure ?? new Error("the connection takes nothing more");
    }
    const records = this.#drain();
    if (records !== null) await this.#send(records);
    return piece.length;
  }

  async closeWrite(): Promise<void> {
    if (!this.#closed) {
      this.#engine.shutdown(REQUEST);
      await this.#flush();
    }
    await this.#socket.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure ??= new Error("the connection is closed");
    // Says farewell if that takes no waiting; without it a client cannot tell the end from a cut.
    if (this.#established && this.#flushing === null) {
      this.#engine.shutdown(REQUEST);
      const farewell = this.#engine.drainEncOut();
      if (farewell) this.#socket.write(new Uint8Array(farewell)).catch(() => {});
    }
    this.#engine.destroySsl();
    this.#socket.close();
  }

  #feed(bytes: Uint8Array): void {
    if (!this.#closed) this.#engine.readBuffer(bytes);
  }

  #decrypted(bytes: ArrayBuffer | undefined): void {
    if (bytes === undefined) {
      this.#ended = true;
      return;
    }
    if (bytes.byteLength === 0) return;
    const piece = new Uint8Array(bytes);
    const before = this.#clear;
    if (before === null) {
      this.#clear = piece;
      return;
    }
    const joined = new Uint8Array(before.length + piece.length);
    joined.set(before);
    joined.set(piece, before.length);
    this.#clear = joined;
  }

  #take(clear: Uint8Array, buffer: Uint8Array): number {
    const count = Math.min(clear.length, buffer.length);
    if (count === clear.length) {
      buffer.set(clear);
      this.#clear = null;
    } else {
      buffer.set(clear.subarray(0, count));
      this.#clear = clear.subarray(count);
    }
    return count;
  }

  /** What the engine has for the wire. */
  #drain(): Uint8Array | null {
    if (this.#closed) return null;
    const bytes = this.#engine.drainEncOut();
    return bytes === null || bytes === undefined || bytes.byteLength === 0 ? null : new Uint8Array(bytes);
  }

  /** Writes records, after those that are being written. */
  #send(records: Uint8Array): Promise<void> {
    const before = this.#flushing;
    const sending = before === null ? this.#write(records) : before.then(() => this.#write(records));
    this.#flushing = sending;
    const done = () => {
      if (this.#flushing === sending) this.#flushing = null;
    };
    return sending.then(done, (cause) => {
      done();
      throw cause;
    });
  }

  async #write(records: Uint8Array): Promise<void> {
    let rest = records;
    while (true) {
      const count = await this.#socket.write(rest);
      if (count === rest.length) return;
      rest = rest.subarray(count);
    }
  }

  async #flush(): Promise<void> {
    const records = this.#drain();
    if (records !== null) await this.#send(records);
  }
}

/** The client went away in the middle of a handshake. */
export class HandshakeEnded extends Error {
  override readonly name = "HandshakeEnded";

  constructor() {
    super("the client closed the connection during the handshake");
  }
}
