import type { Clock } from "../core/ports.ts";
import type { Direction, DirectionHost } from "./direction.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { BINARY, CLOSE, closePayload, INTERNAL_ERROR, PING, PONG, TEXT } from "./frames.ts";
import type { MessageJudge, PassingMessage, Ruling, SocketMessage } from "./message.ts";
import { closeSaid, FrameError, type Incoming, type MessageReader } from "./message_reader.ts";
import type { FrameVerdict, TunnelMeter } from "./tunnel_meter.ts";

const NO_STATUS = 1005;

/** What an inspected direction is made of. */
export interface InspectedInit {
  readonly host: DirectionHost;
  readonly isFromClient: boolean;
  readonly reader: MessageReader;
  /** Where messages go. */
  readonly forth: FrameWriter;
  /** Where answers go: to where the messages come from. */
  readonly back: FrameWriter;
  readonly judge: MessageJudge;
  readonly meter: TunnelMeter;
  readonly clock: Clock;
}

/**
 * Passes messages on one by one, each when filters have let it pass, so their order is kept. Control frames go on
 * as they come, without being shown.
 */
export class Inspected implements Direction {
  messages = 0;
  isLost = false;
  readonly #init: InspectedInit;
  #index = 0;
  #isOver = false;
  /** Our own Close frame is on its way. */
  #isLeaving = false;

  constructor(init: InspectedInit) {
    this.#init = init;
    init.reader.onBytes = () => init.host.touch();
  }

  get bytes(): number {
    return this.#init.forth.bytes;
  }

  start(): void {
    void this.#run();
  }

  close(code: number, reason: string): void {
    if (this.#isLeaving || this.#isOver) return;
    this.#isLeaving = true;
    // Where the other side has closed already there is nothing left to be said.
    this.#init.forth.send(CLOSE, closePayload(code, reason)).then(
      () => this.#init.host.left(this),
      () => this.#refused(),
    );
  }

  dispose(): void {
    this.#isOver = true;
    this.#init.reader.dispose();
  }

  async #run(): Promise<void> {
    const { host, reader } = this.#init;
    try {
      for (let incoming = await reader.next(); incoming !== null; incoming = await reader.next()) {
        if (incoming.opcode < CLOSE) await this.#message(incoming);
        else if (this.#isOver) return;
        else if (await this.#control(incoming) === "parted") return this.#parted();
      }
      this.#ended();
    } catch (cause) {
      if (this.#isOver) return;
      if (!(cause instanceof FrameError)) {
        this.#isOver = true;
        return host.broke(this);
      }
      this.isLost = true;
      host.violated(this, cause.violation);
      await this.#waitForEnd();
    }
  }

  /** What follows a broken frame cannot be told apart, so only the end can be waited for. */
  async #waitForEnd(): Promise<void> {
    await this.#init.reader.drain().catch(() => {});
    this.#parted();
  }

  #parted(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#init.host.parted(this);
  }

  #ended(): void {
    if (this.#isOver) return;
    if (this.#isLeaving) return this.#parted();
    this.#isOver = true;
    const { forth, host } = this.#init;
    forth.end().then(() => host.ended(this), () => host.refused(this));
  }

  #refused(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#init.host.refused(this);
  }

  async #control({ opcode, payload }: Incoming): Promise<"parted" | undefined> {
    const { host, forth } = this.#init;
    if (opcode === CLOSE) {
      const said = closeSaid(payload);
      host.sawClose(this, said ?? { code: NO_STATUS, reason: "" });
      if (this.#isLeaving) return "parted";
    }
    if (!this.#isLeaving && (opcode === CLOSE || opcode === PING || opcode === PONG)) {
      await this.#send(forth, opcode, payload);
    }
    return undefined;
  }

  async #message({ opcode, payload }: Incoming): Promise<void> {
    try {
      if (!this.#isOver && !this.#isLeaving && !this.#init.forth.isClosed) await this.#judge(opcode, payload);
    } finally {
      this.#init.reader.release(payload.length);
    }
  }

  async #judge(opcode: number, payload: Uint8Array): Promise<void> {
    const { judge, clock, isFromClient, meter } = this.#init;
    const startedMs = clock.nowMs();
    const message: PassingMessage = {
      isFromClient,
      index: this.#index++,
      opcode: opcode === TEXT ? "text" : "binary",
      data: payload,
    };
    let ruling: Ruling;
    try {
      const pending = judge.judge(message);
      ruling = pending instanceof Promise ? await pending : pending;
    } catch {
      ruling = undefined;
      if (this.#isOver) return;
      meter.inspected({ isFromClient, opcode, verdict: "close", ms: clock.nowMs() - startedMs });
      this.#init.host.stop(
        { code: INTERNAL_ERROR, reason: "a required check could not be made" },
        "websocket_inspection_failed",
      );
      return;
    }
    const verdict: FrameVerdict = ruling?.type ?? "allow";
    meter.inspected({ isFromClient, opcode, verdict, ms: clock.nowMs() - startedMs });
    // The tunnel may have been closed while the filters looked.
    if (!this.#isOver && !this.#isLeaving) await this.#obey(ruling, { opcode, payload });
  }

  async #obey(ruling: Ruling, { opcode, payload }: Incoming): Promise<void> {
    const { forth, back, host } = this.#init;
    switch (ruling?.type) {
      case undefined:
        this.messages++;
        return await this.#send(forth, opcode, payload);
      case "replace":
        this.messages++;
        return await this.#send(forth, opcodeOf(ruling.value), ruling.value.data);
      case "answer":
        for (const answer of ruling.value) await this.#send(back, opcodeOf(answer), answer.data);
        return;
      case "close":
        return host.stop({ code: ruling.code, reason: ruling.reason }, "websocket_inspection_closed");
      case "drop":
        return;
    }
  }

  async #send(writer: FrameWriter, opcode: number, payload: Uint8Array): Promise<void> {
    try {
      await writer.send(opcode, payload);
      this.#init.host.touch();
    } catch {
      this.#refused();
    }
  }
}

function opcodeOf(message: SocketMessage): number {
  return message.opcode === "text" ? TEXT : BINARY;
}
