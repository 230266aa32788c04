import type { Socket } from "../core/ports.ts";
import { CLOSE, encodeFrame } from "./frames.ts";

/** Sends whole frames to one side, one after the other, whoever wants to send: none is ever put into another. */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #mask: () => number | undefined;
  #tail: Promise<void>;
  #isClosed = false;
  /** Bytes of all frames sent. */
  bytes = 0;

  /** `ready`: nothing is sent before; null for at once. `mask`: a masking key towards servers, else undefined. */
  constructor(socket: Socket, mask: () => number | undefined, ready: Promise<void> | null) {
    this.#socket = socket;
    this.#mask = mask;
    this.#tail = ready ?? Promise.resolve();
  }

  /** A Close frame has been sent or is on its way: no other frame may follow (RFC 6455 §5.5.1). */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves once the frame is written; after a Close frame at once. Rejects when the connection broke. */
  send(opcode: number, payload: Uint8Array): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    if (opcode === CLOSE) this.#isClosed = true;
    const frame = encodeFrame(opcode, payload, this.#mask());
    return this.#tail = this.#tail.then(() => this.#write(frame));
  }

  /** Nothing more will be sent. Resolves once everything is; rejects when the connection broke. */
  end(): Promise<void> {
    this.#isClosed = true;
    return this.#tail;
  }

  async #write(frame: Uint8Array): Promise<void> {
    let rest = frame;
    while (rest.length > 0) rest = rest.subarray(await this.#socket.write(rest));
    this.bytes += frame.length;
  }
}
