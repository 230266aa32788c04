import type { Clock, Socket } from "../core/ports.ts";
import { RESPONSE_HEAD_LIMITS } from "../http1/response_head.ts";
import { Session } from "../http2/session.ts";
import type { SessionOwner } from "../http2/session_owner.ts";
import type { HeaderBlock } from "../http2/header_block.ts";
import type { Breakage, Http2Stream, StreamOwner } from "../http2/stream.ts";
import type { HealthCheckKind, Probe } from "./check.ts";
import { hostOf } from "./http_exchange.ts";

/** Octets of an answer; a `HealthCheckResponse` has two. */
const ANSWER_BYTES_MAX = 4096;
/** What the target may send at once. */
const WINDOW_BYTES = 65_535;
/** Octets before a gRPC message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
const PATH = "/grpc.health.v1.Health/Check";

/** Names of `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const SERVING = 1;

/** Well is who says SERVING (gRPC Health Checking Protocol, `grpc.health.v1`), over HTTP/2. */
export const grpcCheck: HealthCheckKind<"grpc"> = {
  type: "grpc",
  summary: "The target's grpc.health.v1 service says SERVING, over HTTP/2.",
  async examine(dial, probe, clock) {
    const answer = await new HealthCall(await dial({ alpn: ["h2"] }), probe, clock).done;
    const status = servingStatus(answer);
    if (status !== SERVING) throw new Error(STATUSES[status] ?? `status ${status} of the health service`);
  },
};

/** `HealthCheckRequest { service = 1 }` behind its prefix. */
export function encodeRequest(service: string): Uint8Array {
  const name = new TextEncoder().encode(service);
  const field = name.length === 0 ? [] : [0x0a, ...varint(name.length), ...name];
  const { length } = field;
  return Uint8Array.from([0, length >>> 24, length >>> 16, length >>> 8, length, ...field]);
}

function varint(value: number): number[] {
  const octets: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) octets.push((rest & 0x7f) | 0x80);
  return [...octets, rest];
}

/** Field 1 of a `HealthCheckResponse` behind its prefix; 0 (UNKNOWN) when it is left out. Throws on anything else. */
export function servingStatus(answer: Uint8Array): number {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
  if (answer.length < PREFIX_BYTES) throw new Error("the health service sent no message");
  if (answer[0] !== 0) throw new Error("the health service sent a compressed message");
  if (view.getUint32(1) !== answer.length - PREFIX_BYTES) {
    throw new Error("the health service sent a broken message");
  }
  let status = 0;
  for (let at = PREFIX_BYTES; at < answer.length;) {
    const [tag, afterTag] = readVarint(answer, at);
    const [value, afterValue] = readVarint(answer, afterTag);
    const wireType = tag & 7;
    if (wireType === 0) at = afterValue;
    else if (wireType === 2) at = afterValue + value;
    else throw new Error("the health service sent a broken message");
    if (tag === 0x08) status = value;
  }
  return status;
}

function readVarint(bytes: Uint8Array, start: number): [value: number, next: number] {
  let value = 0;
  for (let at = start, factor = 1; at < bytes.length && at < start + 5; at++, factor *= 128) {
    value += (bytes[at]! & 0x7f) * factor;
    if (bytes[at]! < 0x80) return [value, at + 1];
  }
  throw new Error("the health service sent a broken message");
}

/** One unary call on a connection of its own, which ends with it. */
class HealthCall implements SessionOwner, StreamOwner {
  /** The message with its prefix. */
  readonly done: Promise<Uint8Array>;
  readonly #session: Session;
  readonly #stream: Http2Stream;
  #resolve!: (answer: Uint8Array) => void;
  #reject!: (reason: Error) => void;
  #block: HeaderBlock | undefined;

  constructor(socket: Socket, probe: Probe, clock: Clock) {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#session = new Session(socket, {
      side: "client",
      clock,
      limits: RESPONSE_HEAD_LIMITS,
      windows: { stream: WINDOW_BYTES, connection: WINDOW_BYTES },
      concurrentStreams: 0,
    }, this);
    void this.#session.run();
    this.#stream = this.#session.open();
    this.#stream.owner = this;
    this.#send(probe);
  }

  opened(stream: Http2Stream): void {
    // Never called on a client: the session refuses pushes.
    stream.cancel();
  }

  changed(): void {}

  leaving(): void {
    if (this.#session.isOver) this.#reject(new Error("the connection closed without an answer"));
  }

  ponged(): void {}

  flooded(): void {
    // The connection fails with it, which `broken` reports.
  }

  head(block: HeaderBlock): void {
    if (block.status?.startsWith("1")) return;
    this.#stream.hasHead = true;
    this.#block = block;
  }

  received(): void {
    if (this.#stream.bytesReceived > ANSWER_BYTES_MAX) this.#reject(new Error("the answer is too long"));
    if (this.#stream.remoteEnded) void this.#finish();
  }

  broken({ message }: Breakage): void {
    this.#reject(new Error(message));
  }

  check(): void {
    // The check as a whole has its time limit.
  }

  over(): void {
    // What it ended with has been told by `received` or `broken`.
  }

  #send(probe: Probe): void {
    const { sender } = this.#session;
    const { output, encoder } = sender;
    const fields = [
      [":method", "POST"],
      [":scheme", probe.tls === undefined ? "http" : "https"],
      [":path", PATH],
      [":authority", hostOf(probe)],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ["user-agent", "Sentinel-HealthCheck"],
      ...probe.options.headers.map(([name, value]) => [name.toLowerCase(), value] as const),
    ] as const;
    sender.beginHeaders(this.#stream, { isLast: false });
    for (const [name, value] of fields) encoder.field(output, name, value);
    sender.endHeaders(this.#stream);
    sender.data(this.#stream, encodeRequest(probe.options.service ?? ""));
    sender.endWithLastData(this.#stream);
    this.#session.localEnd(this.#stream);
  }

  async #finish(): Promise<void> {
    try {
      this.#resolve(await this.#read());
    } catch (cause) {
      this.#reject(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  async #read(): Promise<Uint8Array> {
    const { headers, status } = this.#block ?? {};
    if (headers === undefined) throw new Error("the connection closed without an answer");
    if (status !== "200") throw new Error(`status ${status}`);
    // Without a message the trailers are the head (gRPC over HTTP/2, "Trailers-Only").
    const trailers = this.#stream.trailers ?? headers;
    const code = trailers.joined("grpc-status");
    if (code !== "0") throw new Error(`grpc-status ${code ?? "missing"}`);
    const answer = new Uint8Array(Math.min(this.#stream.bytesReceived, ANSWER_BYTES_MAX));
    for (let at = 0;;) {
      const piece = await this.#stream.read();
      if (piece === null) return answer.subarray(0, at);
      answer.set(piece.subarray(0, answer.length - at), at);
      at = Math.min(answer.length, at + piece.length);
    }
  }
}
