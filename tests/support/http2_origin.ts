import assert from "node:assert/strict";
import type { UpstreamConfig } from "../../src/upstream/upstream.ts";
import { ProxyRig, upstreamConfig } from "./proxy_rig.ts";
import { FRAME, PREFACE } from "../../src/http2/frames.ts";
import { type FakeSocket, settle } from "./fake_socket.ts";
import { type Fields, frame, FramePeer, join, type SeenFrame, settings, u32 } from "./http2_frames.ts";

/** The other end of a connection that the proxy opened: the test answers in its place. */
export class Http2Origin {
  readonly peer = new FramePeer();
  readonly socket: FakeSocket;
  /** Frames of the proxy so far. */
  readonly seen: SeenFrame[] = [];

  constructor(socket: FakeSocket, ...first: readonly (readonly [id: number, value: number])[]) {
    this.socket = socket;
    this.peer.skip(PREFACE.length);
    socket.push(settings(...first));
  }

  /** Lets everything happen; what the proxy sent since the last time. */
  async frames(): Promise<SeenFrame[]> {
    await settle();
    const frames = this.peer.read(this.socket.written);
    this.seen.push(...frames);
    return frames;
  }

  /** Heads of requests that came since the last call of `frames`. */
  async requests(): Promise<SeenFrame[]> {
    return (await this.frames()).filter(({ type, fields }) => type === FRAME.headers && ":method" in fields);
  }

  async send(...pieces: readonly Uint8Array[]): Promise<SeenFrame[]> {
    for (const piece of pieces) this.socket.push(piece);
    return await this.frames();
  }

  /** A whole answer. */
  answer(streamId: number, body: string, more: Fields = []): Promise<SeenFrame[]> {
    return this.send(join(
      this.peer.headers(streamId, [[":status", "200"], ...more], { isLast: false }),
      this.peer.data(streamId, body, { isLast: true }),
    ));
  }

  goaway(lastId: number, code = 0): Promise<SeenFrame[]> {
    return this.send(frame(FRAME.goaway, 0, 0, [...u32(lastId), ...u32(code)]));
  }

  reset(streamId: number, code: number): Promise<SeenFrame[]> {
    return this.send(frame(FRAME.rstStream, 0, streamId, u32(code)));
  }
}

/** A proxy to one target that speaks HTTP/2 alone. */
export function h2Rig(
  over: Partial<UpstreamConfig> = {},
  httpVersion: Partial<UpstreamConfig["httpVersion"]> = {},
) {
  const version = { minVersion: 2, maxVersion: 2, h2PingInterval: 0, maxH2Streams: 100, ...httpVersion };
  const rig = new ProxyRig(upstreamConfig({ httpVersion: version, ...over }));
  const origins: Http2Origin[] = [];
  let first: readonly (readonly [number, number])[] = [];
  rig.dialer.onSocket = (socket) => origins.push(new Http2Origin(socket, ...first));
  return { rig, origins, announce: (...pairs: readonly (readonly [number, number])[]) => first = pairs };
}

/** Nothing of any request is left. */
export function assertQuiet(rig: ProxyRig): void {
  assert.deepEqual(rig.inFlight, rig.inFlight.map(() => 0));
}
