import type { Address, Socket } from "../core/ports.ts";
import { readServerHello, type ServerHello } from "../tls/server_hello.ts";
import type { EngineConnection } from "./tls_engine.ts";

/** Clear bytes encrypted at once: three full records, which is what the engine buffers. */
const PIECE_BYTES_MAX = 49_152;
/** The engine reports completions of what it has done at once. */
const REQUEST = { oncomplete() {} };

/**
 * A TLS connection over a socket. The engine knows no sockets: wire bytes are read into the buffer of whoever
 * reads, decrypted in place, and answered in one write. So an idle connection holds no buffer.
 */
export class TlsSocket implements Socket {
  readonly remote: Address;
  readonly #socket: Socket;
  readonly #engine: EngineConnection;
  /** Clear bytes that no reader has taken yet. */
  #clear: Uint8Array | null = null;
  #ended = false;
  #failure: Error | null = null;
  #established = false;
  #settled: ServerHello | undefined = undefined;
  #closed = false;
  /** Farewell was said. */
  #finished = false;
  /** Bytes for the wire are being written. */
  #writing = false;
  /** Those that wait to write theirs: a reader that answers and a writer, so they are few. */
  readonly #turns: (() => void)[] = [];

  constructor(socket: Socket, engine: EngineConnection) {
    this.#socket = socket;
    this.#engine = engine;
    this.remote = socket.remote;
    engine.setOnread((bytes) => this.#decrypted(bytes));
    engine.onhandshakedone = () => this.#established = true;
    engine.onerror = (cause) => this.#failure ??= cause;
  }

  /** What the handshake settled, where the engine's first bytes say it. */
  get settled(): ServerHello | undefined {
    return this.#settled;
  }

  /**
   * Shakes hands; the first `filled` bytes of the buffer came already, and more is read into it. Rejects with what
   * the engine, or the socket, says.
   */
  async handshake(buffer: Uint8Array, filled: number): Promise<void> {
    let count = filled;
    while (true) {
      if (!this.#closed) this.#engine.readBuffer(buffer.subarray(0, count));
      const records = this.#drain();
      if (records !== null) {
        this.#settled ??= readServerHello(records);
        await this.#send(records);
      }
      this.#assertUsable();
      if (this.#established) return;
      count = await this.#socket.read(buffer);
      if (count === 0 || this.#ended) throw new HandshakeEnded();
    }
  }

  async read(buffer: Uint8Array): Promise<number> {
    while (true) {
      if (this.#clear !== null) return this.#take(this.#clear, buffer);
      this.#assertUsable();
      if (this.#ended) return 0;
      let count: number;
      try {
        count = await this.#socket.read(buffer);
      } catch (cause) {
        throw this.#broken(cause);
      }
      if (count === 0) this.#ended = true;
      else if (!this.#closed) this.#engine.readBuffer(buffer.subarray(0, count));
      // Answers of the protocol itself: new tickets, new keys, alerts.
      const answer = this.#drain();
      if (answer !== null) await this.#send(answer);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#closed) return Promise.reject(this.#failure ?? new Error("the connection is closed"));
    const piece = bytes.length > PIECE_BYTES_MAX ? bytes.subarray(0, PIECE_BYTES_MAX) : bytes;
    if (this.#engine.writeBuffer(REQUEST, piece) !== 0) {
      return Promise.reject(this.#failure ?? new Error("the connection takes nothing more"));
    }
    const records = this.#drain();
    return records === null ? Promise.resolve(piece.length) : this.#send(records, piece.length);
  }

  async closeWrite(): Promise<void> {
    if (!this.#closed && !this.#finished) {
      this.#finished = true;
      this.#engine.shutdown(REQUEST);
      await this.#flush();
    }
    await this.#socket.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Says farewell if that takes no waiting; without it a client that is still there cannot tell the end from a cut.
    const isHeard = this.#established && !this.#ended && this.#failure === null;
    if (isHeard && !this.#finished && !this.#writing) {
      this.#engine.shutdown(REQUEST);
      const farewell = this.#engine.drainEncOut();
      if (farewell) this.#socket.write(new Uint8Array(farewell)).catch(() => {});
    }
    this.#engine.destroySsl();
    this.#socket.close();
  }

  /** Throws why nothing can be read. The error is made when somebody asks: most connections just close. */
  #assertUsable(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed) throw new Error("the connection is closed");
  }

  /** Nobody is left to say farewell to. */
  #broken(cause: unknown): unknown {
    this.#failure ??= cause instanceof Error ? cause : new Error(String(cause));
    return cause;
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

  /** Writes records whole, after those that are being written: they have an order. Resolves with `result`. */
  async #send(records: Uint8Array, result = 0): Promise<number> {
    // Whoever ends hands the turn on, so that nobody who comes meanwhile is before those who wait.
    if (this.#writing) await new Promise<void>((resolve) => this.#turns.push(resolve));
    this.#writing = true;
    try {
      let count = await this.#socket.write(records);
      for (let rest = records; count < rest.length;) {
        rest = rest.subarray(count);
        count = await this.#socket.write(rest);
      }
      return result;
    } catch (cause) {
      throw this.#broken(cause);
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#writing = false;
      else next();
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
