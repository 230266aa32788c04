/** Ends of WebSockets that send exactly the frames they are told to, and read frames without believing them. */

import { encodeBase64, octetsOf, sha1Base64 } from "./websocket_bytes.ts";
import { within } from "./raw_client.ts";

const READ_BYTES = 65_536;
const WAIT_MS = 8000;

/** A frame as it stood on the wire, unmasked. */
export interface RawFrame {
  readonly fin: boolean;
  /** The three reserved bits as a number. */
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Uint8Array;
}

/** A frame to be sent; what is left out is as an honest peer would have it. */
export interface FrameSketch {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  readonly fin?: boolean;
  readonly rsv?: number;
  /** Bytes that the length field takes (0, 2 or 8), where it is not the shortest. */
  readonly lengthBytes?: 0 | 2 | 8;
  readonly masked?: boolean;
  /** What the length field says, where it lies. */
  readonly length?: number;
}

/** Puts a frame together. */
export function frameBytes(
  sketch: FrameSketch,
  isClient: { readonly client: boolean },
): Uint8Array<ArrayBuffer> {
  const { payload = new Uint8Array(0), fin = true, rsv = 0 } = sketch;
  const data = typeof payload === "string" ? octetsOf(payload) : payload;
  const length = sketch.length ?? data.length;
  const lengthBytes = sketch.lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8);
  const masked = sketch.masked ?? isClient.client;
  const head = new Uint8Array(2 + lengthBytes + (masked ? 4 : 0));
  const view = new DataView(head.buffer);
  head[0] = (fin ? 0x80 : 0) | rsv << 4 | sketch.opcode;
  head[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) view.setUint16(2, length);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  const mask = masked ? crypto.getRandomValues(new Uint8Array(4)) : new Uint8Array(4);
  if (masked) head.set(mask, head.length - 4);
  const whole = new Uint8Array(head.length + data.length);
  whole.set(head);
  for (let i = 0; i < data.length; i++) whole[head.length + i] = data[i]! ^ mask[i & 3]!;
  return whole;
}

/** The payload of a Close frame. */
export function closing(code: number, reason = ""): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(reason);
  const payload = new Uint8Array(2 + text.length);
  new DataView(payload.buffer).setUint16(0, code);
  payload.set(text, 2);
  return payload;
}

/** Code and reason of a Close frame's payload. */
export function closeOf(frame: RawFrame | null): { code: number; reason: string } | null {
  if (frame === null || frame.opcode !== 8) return null;
  if (frame.payload.length < 2) return { code: 1005, reason: "" };
  const code = frame.payload[0]! << 8 | frame.payload[1]!;
  return { code, reason: new TextDecoder().decode(frame.payload.subarray(2)) };
}

/** One end of a connection that speaks frames. */
export class WebSocketPeer {
  readonly socket: Deno.Conn;
  readonly #client: { readonly client: boolean };
  #bytes: Uint8Array<ArrayBuffer>;
  /** Set once the other end closed or reset. */
  end: "open" | "closed" | "reset" = "open";

  constructor(socket: Deno.Conn, isClient: { readonly client: boolean }, early: Uint8Array<ArrayBuffer>) {
    this.socket = socket;
    this.#client = isClient;
    this.#bytes = early;
  }

  /** Sends frames or raw bytes in one write; false when the other end is gone. */
  async send(...parts: (FrameSketch | Uint8Array)[]): Promise<boolean> {
    const pieces = parts.map((part) => part instanceof Uint8Array ? part : frameBytes(part, this.#client));
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    try {
      for (let sent = 0; sent < whole.length;) sent += await this.socket.write(whole.subarray(sent));
      return true;
    } catch {
      return false;
    }
  }

  text(text: string): Promise<boolean> {
    return this.send({ opcode: 1, payload: new TextEncoder().encode(text) });
  }

  /** The next frame; null at the end of the connection. Throws when neither comes in time. */
  async next(): Promise<RawFrame | null> {
    while (true) {
      const frame = this.#take();
      if (frame !== undefined) return frame;
      if (!await this.#more()) return null;
    }
  }

  /** The text of the next frame, which must be a text frame. */
  async nextText(): Promise<string> {
    const frame = await this.next();
    if (frame === null || frame.opcode !== 1) {
      throw new Error(`no text but ${JSON.stringify(frame)} (${this.end})`);
    }
    return new TextDecoder().decode(frame.payload);
  }

  /** Frames until the end of the connection. */
  async rest(): Promise<RawFrame[]> {
    const frames: RawFrame[] = [];
    for (let frame = await this.next(); frame !== null; frame = await this.next()) frames.push(frame);
    return frames;
  }

  /** Bytes that have arrived and were not taken. */
  get buffered(): number {
    return this.#bytes.length;
  }

  /** At least `count` raw bytes, or what there is at the end. */
  async raw(count: number): Promise<Uint8Array> {
    while (this.#bytes.length < count && await this.#more());
    const taken = this.#bytes.slice(0, count);
    this.#bytes = this.#bytes.slice(count);
    return taken;
  }

  finishSending(): Promise<void> {
    return this.socket.closeWrite().catch(() => undefined);
  }

  close(): void {
    try {
      this.socket.close();
    } catch {
      // It was closed by a reset already.
    }
  }

  /** Closes with a reset, as a crashed peer's kernel does. */
  reset(): void {
    // Deno sets no SO_LINGER; unread bytes make the kernel answer with a reset.
    this.close();
  }

  #take(): RawFrame | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const short = bytes[1]! & 0x7f;
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
    const masked = bytes[1]! >= 0x80;
    const dataAt = 2 + lengthBytes + (masked ? 4 : 0);
    if (bytes.length < dataAt) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const length = lengthBytes === 0
      ? short
      : lengthBytes === 2
      ? view.getUint16(2)
      : Number(view.getBigUint64(2));
    if (bytes.length < dataAt + length) return undefined;
    const payload = bytes.slice(dataAt, dataAt + length);
    if (masked) { for (let i = 0; i < length; i++) payload[i]! ^= bytes[dataAt - 4 + (i & 3)]!; }
    this.#bytes = bytes.slice(dataAt + length);
    const first = bytes[0]!;
    return { fin: first >= 0x80, rsv: first >> 4 & 7, opcode: first & 15, masked, payload };
  }

  async #more(): Promise<boolean> {
    if (this.end !== "open") return false;
    const buffer = new Uint8Array(READ_BYTES);
    const reading = this.socket.read(buffer).catch(() => -1);
    const count = await within(WAIT_MS, reading, "late" as const);
    if (count === "late") throw new Error(`nothing came within ${WAIT_MS} ms`);
    if (count === null || count < 0) {
      this.end = count === null ? "closed" : "reset";
      return false;
    }
    const whole = new Uint8Array(this.#bytes.length + count);
    whole.set(this.#bytes);
    whole.set(buffer.subarray(0, count), this.#bytes.length);
    this.#bytes = whole;
    return true;
  }
}

/** What a handshake may have besides the usual. */
export interface HandshakeSketch {
  readonly target?: string;
  readonly method?: string;
  readonly version?: "HTTP/1.1" | "HTTP/1.0";
  /** Header lines in place of the usual ones, by lower-case name; null leaves one out. */
  readonly lines?: Readonly<Record<string, string | null>>;
  /** Further header lines. */
  readonly more?: readonly string[];
  /** Bytes in the same write, right behind the head. */
  readonly behind?: Uint8Array;
}

/** What came of a handshake. */
export interface Handshake {
  readonly status: number;
  readonly head: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly key: string;
  /** Speaks frames where the status is 101, and brings the body otherwise. */
  readonly peer: WebSocketPeer;
}

/** Opens a WebSocket on a port of 127.0.0.1. */
export async function openWebSocket(port: number, sketch: HandshakeSketch = {}): Promise<Handshake> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  socket.setNoDelay(true);
  const key = encodeBase64(crypto.getRandomValues(new Uint8Array(16)));
  const usual: Record<string, string | null> = {
    "host": "Host: example.test",
    "connection": "Connection: Upgrade",
    "upgrade": "Upgrade: websocket",
    "sec-websocket-version": "Sec-WebSocket-Version: 13",
    "sec-websocket-key": `Sec-WebSocket-Key: ${key}`,
    ...sketch.lines,
  };
  const lines = [...Object.values(usual).filter((line) => line !== null), ...sketch.more ?? []];
  const { method = "GET", target = "/", version = "HTTP/1.1" } = sketch;
  const head = octetsOf(`${method} ${target} ${version}\r\n${lines.join("\r\n")}\r\n\r\n`);
  const { behind = new Uint8Array(0) } = sketch;
  const whole = new Uint8Array(head.length + behind.length);
  whole.set(head);
  whole.set(behind, head.length);
  for (let sent = 0; sent < whole.length;) sent += await socket.write(whole.subarray(sent));
  const answer = await readHead(socket);
  const [first = "", ...rest] = answer.head.split("\r\n");
  const headers = new Map(rest.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  }));
  const peer = new WebSocketPeer(socket, { client: true }, answer.rest);
  return { status: Number(first.split(" ")[1]), head: answer.head, headers, key, peer };
}

/** What an origin does with a connection once the handshake's head has come. */
export type OriginScript = (peer: WebSocketPeer, head: string) => Promise<void>;

/** A server of WebSockets whose every byte the test decides. */
export class WebSocketOrigin implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Promise<void>>();
  readonly #sockets = new Set<Deno.Conn>();
  readonly #accepting: Promise<void>;
  /** Heads received so far. */
  readonly heads: string[] = [];
  /** Replaceable between cases. */
  script: OriginScript;

  constructor(script: OriginScript = echo) {
    this.script = script;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections open now. */
  get openCount(): number {
    return this.#open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const socket of this.#sockets) {
      try {
        socket.close();
      } catch {
        // The script has closed it.
      }
    }
    await this.#accepting;
    await Promise.allSettled(this.#open);
  }

  async #accept(): Promise<void> {
    try {
      for await (const socket of this.#listener) {
        const serving: Promise<void> = this.#serve(socket).catch(() => {}).finally(() => {
          this.#open.delete(serving);
          this.#sockets.delete(socket);
        });
        this.#open.add(serving);
        this.#sockets.add(socket);
      }
    } catch {
      // The listener was closed.
    }
  }

  async #serve(socket: Deno.TcpConn): Promise<void> {
    socket.setNoDelay(true);
    const { head, rest } = await readHead(socket);
    this.heads.push(head);
    const peer = new WebSocketPeer(socket, { client: false }, rest);
    try {
      await this.script(peer, head);
    } finally {
      peer.close();
    }
  }
}

/** The 101 that answers a handshake, with further header lines. */
export async function acceptHead(head: string, more: readonly string[] = []): Promise<string> {
  const key = /^sec-websocket-key: *(.*)$/im.exec(head)?.[1] ?? "";
  const accept = await sha1Base64(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const lines = ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`, ...more];
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`;
}

/** Accepts, sends every frame back as it came, and answers a Close. */
export async function echo(peer: WebSocketPeer, head: string): Promise<void> {
  await peer.send(octetsOf(await acceptHead(head)));
  for (let frame = await peer.next(); frame !== null; frame = await peer.next()) {
    const { opcode, payload, fin, rsv } = frame;
    if (opcode === 9) await peer.send({ opcode: 10, payload });
    else if (opcode !== 10) await peer.send({ opcode, payload, fin, rsv });
    if (opcode === 8) return;
  }
}

async function readHead(socket: Deno.Conn): Promise<{ head: string; rest: Uint8Array<ArrayBuffer> }> {
  let bytes = new Uint8Array(0);
  const buffer = new Uint8Array(4096);
  while (true) {
    const count = await within(WAIT_MS, socket.read(buffer).catch(() => null), null);
    if (count === null) throw new Error(`no head but ${new TextDecoder().decode(bytes)}`);
    const whole = new Uint8Array(bytes.length + count);
    whole.set(bytes);
    whole.set(buffer.subarray(0, count), bytes.length);
    bytes = whole;
    const text = String.fromCharCode(...bytes.subarray(0, 8192));
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return { head: text.slice(0, end), rest: bytes.slice(end + 4) };
  }
}
