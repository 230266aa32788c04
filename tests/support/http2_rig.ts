import { BufferPool } from "../../src/core/buffer_pool.ts";
import type { RequestContext } from "../../src/core/context.ts";
import { toProxyError } from "../../src/core/errors.ts";
import type { RequestHandler } from "../../src/downstream/handler.ts";
import { Http2ServerConnection } from "../../src/downstream/http2_connection.ts";
import { HttpDate } from "../../src/downstream/http_date.ts";
import type { ConnectionLimits } from "../../src/downstream/limits.ts";
import { answer, DOWNSTREAM, type Handle, LIMITS } from "./connection_rig.ts";
import { FakeSocket, FakeTime, settle } from "./fake_socket.ts";
import { FramePeer, HELLO, type SeenFrame } from "./http2_frames.ts";

/** A server's HTTP/2 connection over a fake socket and a virtual clock; the test is its client. */
export class Http2Rig {
  readonly time = new FakeTime();
  readonly socket = new FakeSocket();
  readonly peer = new FramePeer();
  readonly seen: RequestContext[] = [];
  readonly finished: RequestContext[] = [];
  readonly floods: string[] = [];
  open = 0;
  /** Streams refused for being too many. */
  refused = 0;
  readonly connection: Http2ServerConnection;
  readonly ended: Promise<void>;

  constructor(
    handle: Handle = () => answer(),
    { limits = {}, hello = HELLO }: { limits?: Partial<ConnectionLimits>; hello?: Uint8Array } = {},
  ) {
    const handler: RequestHandler = {
      handle: (context) => {
        this.seen.push(context);
        return handle(context);
      },
      respond: (context, response) => {
        context.status = response.status;
        return response;
      },
      fail: (context, cause) => {
        const error = toProxyError(cause);
        context.errorCode = error.code;
        if (error.code === "client_closed") context.aborted = true;
        return answer(error.code, error.status);
      },
      refuse: (_context, error) => answer(error.code, error.status),
      finish: (context) => void this.finished.push(context),
    };
    const { time } = this;
    const meter = {
      opened: () => void this.open++,
      closed: () => void this.open--,
      flooded: (kind: string) => void this.floods.push(kind),
      refused: () => void this.refused++,
    };
    const downstream = { ...DOWNSTREAM };
    this.connection = new Http2ServerConnection(
      this.socket,
      { downstream, limits: { ...LIMITS, ...limits }, meter },
      {
        handler,
        clock: time,
        deadlines: time.deadlines,
        date: new HttpDate(),
        inputBuffers: new BufferPool(4096, 2),
        largeBuffers: new BufferPool(65_536, 2),
        outputBuffers: new BufferPool(4096, 2),
      },
    );
    this.ended = this.connection.run(hello);
  }

  /** Sends frames, lets everything happen, and gives what was answered since the last time. */
  async send(...frames: readonly Uint8Array[]): Promise<SeenFrame[]> {
    for (const each of frames) this.socket.push(each);
    await settle();
    return this.peer.read(this.socket.written);
  }

  /** What happened without anything being sent. */
  async answers(): Promise<SeenFrame[]> {
    await settle();
    return this.peer.read(this.socket.written);
  }
}
