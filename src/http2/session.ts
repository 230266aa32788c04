import type { Clock, Socket } from "../core/ports.ts";
import { permittedTrailers } from "../core/trailers.ts";
import { FloodGuard } from "./flood_guard.ts";
import { FrameReader } from "./frame_reader.ts";
import { checkShape } from "./frame_shape.ts";
import { ConnectionFault, fault, FLAG, FRAME, H2_ERROR, PREFACE, readU32 } from "./frames.ts";
import { HeaderAssembly, headerFragment } from "./header_assembly.ts";
import { type BlockKind, HeaderBlock } from "./header_block.ts";
import { HpackDecoder } from "./hpack_decoder.ts";
import { HEADER_TABLE_BYTES, SETTINGS_MAX } from "./limits.ts";
import { PeerSettings, SETTING_BYTES, WINDOW_BYTES_MAX } from "./peer_settings.ts";
import { FrameOutput } from "./output.ts";
import type { SessionInit, SessionOwner } from "./session_owner.ts";
import { SessionSender } from "./session_sender.ts";
import { type Breakage, Http2Stream, type StreamHost } from "./stream.ts";

/** Window updates below this are counted as bringing nothing. */
const WINDOW_UPDATE_SMALL = 1024;

/**
 * One HTTP/2 connection, whichever side we are (RFC 9113): frames in, streams between, frames out. It knows
 * nothing of requests; a peer that breaks the rules ends the connection with GOAWAY.
 */
export class Session implements StreamHost {
  readonly side: "client" | "server";
  readonly peer = new PeerSettings();
  readonly streams = new Map<number, Http2Stream>();
  readonly sender: SessionSender;
  readonly guard: FloodGuard;
  /** `Clock.nowMs` when the peer was last heard of. */
  heardMs: number;
  /** Highest stream id that the peer has opened. */
  lastPeerId = 0;
  /** The highest of our streams that the peer has promised to look at; above it they are refused. */
  peerGoawayId = Infinity;
  isOver = false;
  /** A header block has begun and is not whole. */
  assemblingSinceMs = Infinity;

  readonly #socket: Socket;
  readonly #init: SessionInit;
  readonly #owner: SessionOwner;
  readonly #reader: FrameReader;
  readonly #decoder = new HpackDecoder(HEADER_TABLE_BYTES);
  #receiveWindow: number;
  #unacknowledged = 0;
  #assembly: HeaderAssembly | null = null;
  #nextId = 1;

  constructor(socket: Socket, init: SessionInit, owner: SessionOwner) {
    this.side = init.side;
    this.#socket = socket;
    this.#init = init;
    this.#owner = owner;
    this.heardMs = init.clock.nowMs();
    this.#receiveWindow = init.windows.connection;
    this.#reader = new FrameReader(socket);
    this.guard = new FloodGuard(init.clock, (kind) => owner.flooded(kind));
    const output = new FrameOutput(socket, init.clock, () => this.close("the connection broke"));
    this.sender = new SessionSender(this.peer, output);
  }

  get clock(): Clock {
    return this.#init.clock;
  }

  /** Whether another stream can be opened by us, as far as ids go. */
  get hasIds(): boolean {
    return this.#nextId < WINDOW_BYTES_MAX;
  }

  /**
   * Says hello and serves the connection until it ends. Never rejects. `early` was read from the socket
   * before, and begins with the client's preface on a server.
   */
  async run(early: Uint8Array | null = null): Promise<void> {
    if (early !== null) this.#reader.preload(early);
    this.sender.hello(this.#init);
    try {
      if (this.side === "client" || await this.#receivePreface()) await this.#receive();
      this.close("the peer closed the connection");
    } catch (cause) {
      if (cause instanceof ConnectionFault) await this.fail(cause);
      else this.close(cause instanceof Error ? cause.message : String(cause));
    }
  }

  /** Opens a stream of ours. Call `sender.headers` for it at once: ids must appear in their order. */
  open(): Http2Stream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new Http2Stream(id, this, {
      receive: this.#init.windows.stream,
      send: this.peer.initialWindow,
    });
    this.streams.set(id, stream);
    return stream;
  }

  /** Takes a stream back that was opened and never used. */
  abandon(stream: Http2Stream): void {
    this.#forget(stream);
  }

  credit(stream: Http2Stream, bytes: number): void {
    if (this.isOver) return;
    this.#giveBack(bytes);
    if (stream.remoteEnded || stream.isReset) return;
    stream.unacknowledged += bytes;
    if (stream.unacknowledged < this.#init.windows.stream / 2) return;
    stream.receiveWindow += stream.unacknowledged;
    this.sender.windowUpdate(stream.id, stream.unacknowledged);
    stream.unacknowledged = 0;
  }

  dropped(bytes: number): void {
    if (!this.isOver) this.#giveBack(bytes);
  }

  unwanted(stream: Http2Stream): void {
    // A client whose request nobody reads any more still gets its answer, on the same stream.
    if (this.side === "client") this.reset(stream, H2_ERROR.cancel);
  }

  /** Ends a stream at once. */
  reset(stream: Http2Stream, code: number): void {
    if (stream.isReset || (stream.remoteEnded && stream.localEnded)) return;
    this.sender.rstStream(stream.id, code);
    this.#forget(stream);
  }

  /** Our part of a stream has ended: its last frame has been put into the output. */
  localEnd(stream: Http2Stream): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.#complete(stream);
  }

  /** Closes once everything that was put into the output has been sent. */
  closeGently(): void {
    void this.sender.output.flushed().then(() => this.close("the connection is not needed any more"));
  }

  /**
   * Ends the connection because the peer broke a rule: says so, as far as that can still be written. Resolves
   * when the socket is closed, which is up to the owner while the peer reads nothing.
   */
  async fail(fault: ConnectionFault): Promise<void> {
    if (this.isOver) return;
    this.sender.goaway(this.lastPeerId, fault.code);
    this.#breakStreams({ type: "violation", code: fault.code, message: fault.message });
    this.isOver = true;
    this.#owner.leaving();
    await this.sender.output.flushed();
    this.close(fault.message);
  }

  /** Closes at once; streams are told the message. Safe to call twice. */
  close(message: string): void {
    if (!this.isOver) {
      this.isOver = true;
      this.#breakStreams({ type: "lost", code: H2_ERROR.connectError, message });
      this.#owner.leaving();
    }
    this.sender.output.stop();
    this.#socket.close();
  }

  #breakStreams(why: Breakage): void {
    const broken = [...this.streams.values()];
    this.streams.clear();
    for (const stream of broken) this.#break(stream, why);
  }

  #break(stream: Http2Stream, why: Breakage): void {
    stream.isReset = true;
    stream.wakeSender();
    stream.owner?.broken(why);
    stream.owner?.over();
  }

  #complete(stream: Http2Stream): void {
    if (!this.streams.delete(stream.id)) return;
    this.guard.message();
    stream.owner?.over();
    this.#owner.changed();
  }

  /** Takes a stream that was reset out; `why` is what its owner is told, unless the owner did it. */
  #forget(stream: Http2Stream, why?: Breakage): void {
    stream.isReset = true;
    stream.wakeSender();
    if (!this.streams.delete(stream.id)) return;
    if (why !== undefined) stream.owner?.broken(why);
    stream.owner?.over();
    this.#owner.changed();
  }

  async #receivePreface(): Promise<boolean> {
    while (true) {
      const accepted = this.#reader.accept(PREFACE);
      if (accepted === true) return true;
      if (accepted === false) {
        throw new ConnectionFault(H2_ERROR.protocolError, "the connection does not begin with the preface");
      }
      if (!await this.#reader.more()) return false;
    }
  }

  async #receive(): Promise<void> {
    const reader = this.#reader;
    const { output } = this.sender;
    while (!this.isOver) {
      while (reader.next()) {
        this.#frame();
        if (this.isOver) return;
        if (output.isFull) await output.drained();
      }
      if (this.streams.size === 0) reader.shrink();
      if (!await reader.more()) return;
      this.heardMs = this.clock.nowMs();
    }
  }

  #frame(): void {
    const { type } = this.#reader;
    if (this.#assembly !== null && type !== FRAME.continuation) {
      fault(H2_ERROR.protocolError, "a header block is interrupted by another frame");
    }
    if (this.peer.received === 0 && type !== FRAME.settings) {
      fault(H2_ERROR.protocolError, "the first frame is not SETTINGS");
    }
    checkShape(this.#reader);
    switch (type) {
      case FRAME.data:
        return this.#data();
      case FRAME.headers:
        return this.#headers();
      case FRAME.continuation:
        return this.#continuation();
      case FRAME.windowUpdate:
        return this.#windowUpdate();
      case FRAME.rstStream:
        return this.#rstStream();
      case FRAME.settings:
        return this.#settings();
      case FRAME.ping:
        return this.#ping();
      case FRAME.goaway:
        return this.#goaway();
      case FRAME.priority:
        return this.guard.spend("priority");
      case FRAME.pushPromise:
        return fault(H2_ERROR.protocolError, "PUSH_PROMISE was not asked for");
      default:
        return this.guard.spend("unknown");
    }
  }

  #data(): void {
    const { flags, streamId, bytes, start, end } = this.#reader;
    const length = end - start;
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) fault(H2_ERROR.flowControlError, "the connection's window is overrun");
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.#isIdle(streamId)) fault(H2_ERROR.protocolError, "DATA on a stream that was never opened");
      // Sent before our reset arrived, most likely: dropped, but the connection's window must be given back.
      this.#late();
      return this.#giveBack(length);
    }
    if (stream.remoteEnded) return this.#streamFault(stream, H2_ERROR.streamClosed, length);
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) return this.#streamFault(stream, H2_ERROR.flowControlError, length);
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) {
      const padding = bytes[start];
      if (length === 0 || padding! >= length) {
        fault(H2_ERROR.protocolError, "padding is longer than its frame");
      }
      from = start + 1;
      to = end - padding!;
      this.credit(stream, length - (to - from));
    }
    if (!stream.hasHead) return this.#streamFault(stream, H2_ERROR.protocolError, to - from);
    // More than was announced must not even begin to pass: what is behind it could be taken for another message.
    if (stream.length !== undefined && stream.bytesReceived + to - from > stream.length) {
      return this.#streamFault(stream, H2_ERROR.protocolError, to - from);
    }
    const isLast = (flags & FLAG.endStream) !== 0;
    if (to > from) {
      this.guard.data();
      stream.push(bytes, from, to);
    } else if (!isLast) this.guard.spend("empty");
    if (isLast) this.#remoteEnd(stream);
    stream.owner?.received();
  }

  #remoteEnd(stream: Http2Stream): void {
    const { length, bytesReceived } = stream;
    if (length !== undefined && length !== bytesReceived) {
      return this.#streamFault(stream, H2_ERROR.protocolError, 0);
    }
    stream.end();
    if (stream.localEnded) this.#complete(stream);
  }

  /** A frame of a stream that is over. Only clients are held to account: we cancel what upstreams still send. */
  #late(): void {
    if (this.side === "server") this.guard.spend("closed");
  }

  /** Resets a stream on which the peer broke a rule, and gives back what its last frame took of the window. */
  #streamFault(stream: Http2Stream, code: number, bytes: number): void {
    this.sender.rstStream(stream.id, code);
    this.#giveBack(bytes);
    this.#forget(stream, { type: "violation", code, message: "the peer broke the rules of HTTP/2" });
    this.guard.spend("closed");
  }

  /** Opens the connection's window again by what has been taken, or dropped. */
  #giveBack(bytes: number): void {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged < this.#init.windows.connection / 2) return;
    this.#receiveWindow += this.#unacknowledged;
    this.sender.windowUpdate(0, this.#unacknowledged);
    this.#unacknowledged = 0;
  }

  #headers(): void {
    const { flags, streamId } = this.#reader;
    const block = headerFragment(this.#reader);
    const isLast = (flags & FLAG.endStream) !== 0;
    if ((flags & FLAG.endHeaders) !== 0) return this.#block({ streamId, isLast }, block);
    this.#assembly = new HeaderAssembly({ streamId, isLast }, block);
    this.assemblingSinceMs = this.clock.nowMs();
  }

  #continuation(): void {
    const { flags, streamId, bytes, start, end } = this.#reader;
    const assembly = this.#assembly;
    if (assembly === null || assembly.streamId !== streamId) {
      return fault(H2_ERROR.protocolError, "CONTINUATION continues nothing");
    }
    if (!assembly.add(bytes.subarray(start, end))) {
      this.#owner.flooded("continuation");
      fault(H2_ERROR.enhanceYourCalm, "a header block is too long");
    }
    if ((flags & FLAG.endHeaders) === 0) return;
    this.#assembly = null;
    this.assemblingSinceMs = Infinity;
    this.#block(assembly, assembly.bytes.subarray(0, assembly.length));
  }

  /** A whole header block: a new stream, an answer, or trailers. */
  #block(
    { streamId, isLast }: { readonly streamId: number; readonly isLast: boolean },
    coded: Uint8Array,
  ): void {
    const stream = this.streams.get(streamId);
    const isNew = stream === undefined && this.side === "server" && streamId > this.lastPeerId;
    const kind: BlockKind = stream?.hasHead ? "trailers" : this.side === "server" ? "request" : "response";
    const block = new HeaderBlock(kind, { isLast, limits: this.#init.limits });
    this.#decoder.decode(coded, block);
    block.finish();
    if (isNew) return this.#openedByPeer(streamId, block);
    if (stream === undefined) {
      if (this.#isIdle(streamId)) fault(H2_ERROR.protocolError, "HEADERS on a stream that was never opened");
      // Trailers may have been under way to a stream that was reset; a request means that ids go backwards (§5.1.1).
      if (kind === "request" && block.method !== undefined) {
        fault(H2_ERROR.protocolError, "a request comes on a stream that is over");
      }
      return this.#late();
    }
    if (stream.remoteEnded) return this.#streamFault(stream, H2_ERROR.streamClosed, 0);
    if (kind !== "trailers") return this.#head(stream, block);
    if (!isLast || block.problem !== undefined || block.excess !== undefined) {
      return this.#streamFault(stream, H2_ERROR.protocolError, 0);
    }
    stream.trailers = permittedTrailers(block.headers);
    this.#remoteEnd(stream);
    stream.owner?.received();
  }

  #openedByPeer(streamId: number, block: HeaderBlock): void {
    if (streamId % 2 === 0) fault(H2_ERROR.protocolError, "a client opened a stream with an even id");
    this.lastPeerId = streamId;
    const stream = new Http2Stream(streamId, this, {
      receive: this.#init.windows.stream,
      send: this.peer.initialWindow,
    });
    stream.hasHead = true;
    stream.remoteEnded = block.isLast;
    this.streams.set(streamId, stream);
    this.#owner.opened(stream, block);
  }

  #head(stream: Http2Stream, block: HeaderBlock): void {
    stream.owner?.head(block);
    if (stream.isReset || !block.isLast) return;
    this.#remoteEnd(stream);
    stream.owner?.received();
  }

  #windowUpdate(): void {
    const { streamId, bytes, start } = this.#reader;
    const more = readU32(bytes, start) & 0x7fffffff;
    if (more < WINDOW_UPDATE_SMALL) this.guard.spend("window");
    if (streamId === 0) {
      if (more === 0) fault(H2_ERROR.protocolError, "WINDOW_UPDATE by nothing");
      this.sender.window += more;
      if (this.sender.window > WINDOW_BYTES_MAX) fault(H2_ERROR.flowControlError, "a window is too large");
      for (const stream of this.streams.values()) stream.wakeSender();
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.#isIdle(streamId)) fault(H2_ERROR.protocolError, "WINDOW_UPDATE on an idle stream");
      return this.#late();
    }
    if (more === 0) return this.#streamFault(stream, H2_ERROR.protocolError, 0);
    stream.sendWindow += more;
    if (stream.sendWindow > WINDOW_BYTES_MAX) return this.#streamFault(stream, H2_ERROR.flowControlError, 0);
    stream.wakeSender();
  }

  #rstStream(): void {
    const { streamId, bytes, start } = this.#reader;
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.#isIdle(streamId)) fault(H2_ERROR.protocolError, "RST_STREAM on an idle stream");
      return this.#late();
    }
    this.guard.spend("reset");
    const code = readU32(bytes, start);
    // What came before it is still good: an answer may be complete while the request is given up.
    if (code === H2_ERROR.noError && stream.remoteEnded) return this.#forget(stream);
    const type = code === H2_ERROR.refusedStream ? "refused" : "reset";
    this.#forget(stream, { type, code, message: `reset with code ${code}` });
  }

  #settings(): void {
    const { flags, bytes, start, end } = this.#reader;
    if ((flags & FLAG.ack) !== 0) {
      if (start !== end) fault(H2_ERROR.frameSizeError, "an acknowledgement of SETTINGS holds some");
      return;
    }
    if (end - start > SETTINGS_MAX * SETTING_BYTES) {
      this.#owner.flooded("settings");
      fault(H2_ERROR.enhanceYourCalm, `more than ${SETTINGS_MAX} settings in one frame`);
    }
    const { peer } = this;
    if (peer.received > 0) this.guard.spend("settings");
    const before = peer.initialWindow;
    peer.apply(bytes.subarray(start, end), this.side === "client" ? "server" : "client");
    const change = peer.initialWindow - before;
    for (const stream of change === 0 ? [] : this.streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > WINDOW_BYTES_MAX) fault(H2_ERROR.flowControlError, "a window is too large");
      stream.wakeSender();
    }
    this.sender.settingsAck();
    this.#owner.changed();
  }

  #ping(): void {
    const { flags, bytes, start, end } = this.#reader;
    if ((flags & FLAG.ack) !== 0) return this.#owner.ponged();
    this.guard.spend("ping");
    this.sender.ping(bytes.subarray(start, end), FLAG.ack);
  }

  #goaway(): void {
    const { bytes, start } = this.#reader;
    const lastId = readU32(bytes, start) & 0x7fffffff;
    if (lastId > this.peerGoawayId) {
      fault(H2_ERROR.protocolError, "GOAWAY takes back streams it had given up");
    }
    this.peerGoawayId = lastId;
    if (this.side === "client") {
      for (const stream of [...this.streams.values()]) {
        if (stream.id <= lastId) continue;
        this.streams.delete(stream.id);
        this.#break(stream, { type: "refused", code: H2_ERROR.refusedStream, message: "refused by GOAWAY" });
      }
    }
    this.#owner.leaving();
  }

  /** Whether nobody has opened the stream yet. */
  #isIdle(streamId: number): boolean {
    const isOurs = (streamId % 2 === 1) === (this.side === "client");
    return isOurs ? streamId >= this.#nextId : streamId > this.lastPeerId;
  }
}
