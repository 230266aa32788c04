/** A client that speaks HTTP/2 frame by frame, over TLS or without, and may break every rule. */

import { FRAME } from "../../src/http2/frames.ts";
import { FramePeer, HELLO, type SeenFrame } from "./http2_frames.ts";
import { within } from "./raw_client.ts";

const WAIT_MS = 10_000;

/** One connection: frames out, frames in. */
export class FrameClient implements Disposable {
  readonly peer = new FramePeer();
  /** Every frame of the server so far. */
  readonly seen: SeenFrame[] = [];
  /** The server has closed, or reset, the connection. */
  isClosed = false;
  readonly #connection: Deno.Conn;
  readonly #reading: Promise<void>;
  #written = "";
  #wake = () => {};

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.#reading = this.#read();
  }

  /** Connects; over TLS, with `h2` as the only protocol offered, when there is an authority to believe. */
  static async connect(port: number, ca?: string, hello: Uint8Array = HELLO): Promise<FrameClient> {
    const plain = await Deno.connect({ hostname: "127.0.0.1", port });
    plain.setNoDelay(true);
    if (ca === undefined) return await FrameClient.#begin(plain, hello);
    const options = { hostname: "www.example", caCerts: [ca], alpnProtocols: ["h2"] };
    const secure = await Deno.startTls(plain, options);
    const { alpnProtocol } = await secure.handshake();
    if (alpnProtocol !== "h2") throw new Error(`the server chose ${alpnProtocol}`);
    return await FrameClient.#begin(secure, hello);
  }

  static async #begin(connection: Deno.Conn, hello: Uint8Array): Promise<FrameClient> {
    const client = new FrameClient(connection);
    await client.send(hello);
    return client;
  }

  /** Sends as much as the server takes; what it says to it may come before all was taken. */
  async send(...pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      try {
        for (let rest = piece; rest.length > 0 && !this.isClosed;) {
          rest = rest.subarray(await this.#connection.write(rest));
        }
      } catch {
        // Cut off in the middle: what was said before is what counts.
        return;
      }
    }
  }

  /** Waits for a frame of the server; undefined when the connection ends without it, or it takes too long. */
  async frame(wanted: (frame: SeenFrame) => boolean): Promise<SeenFrame | undefined> {
    const dueMs = performance.now() + WAIT_MS;
    while (true) {
      const found = this.seen.find(wanted);
      const leftMs = dueMs - performance.now();
      if (found !== undefined || this.isClosed || leftMs <= 0) return found;
      await within(leftMs, new Promise<void>((resolve) => this.#wake = resolve), undefined);
    }
  }

  /** The status that a stream was answered with; undefined when it was not. */
  async status(streamId: number): Promise<string | undefined> {
    const head = await this.frame((each) =>
      each.streamId === streamId && (each.type === FRAME.headers || each.type === FRAME.rstStream)
    );
    return head?.fields[":status"];
  }

  /** Waits until the server has closed the connection; false when it does not. */
  async closed(): Promise<boolean> {
    await within(WAIT_MS, this.#reading, undefined);
    return this.isClosed;
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // The server was first.
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      while (true) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        let text = "";
        for (const octet of buffer.subarray(0, count)) text += String.fromCharCode(octet);
        this.#written += text;
        this.seen.push(...this.peer.read(this.#written));
        this.#wake();
      }
    } catch {
      // A reset is an end too.
    }
    this.isClosed = true;
    this.#wake();
  }
}
