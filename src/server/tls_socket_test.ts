import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { FakeSocket, type FakeSocketOptions, latin1, settle } from "../../tests/support/fake_socket.ts";
import type { EngineConnection } from "./tls_engine.ts";
import { HandshakeEnded, TlsSocket } from "./tls_socket.ts";

/**
 * An engine whose records are letters: `h` is a hello, `f` the client's last word, `+text;` data, `.` farewell,
 * `?` something that wants an answer, `!` something that is wrong. What it encrypts is `[text]`.
 */
class LetterEngine {
  onhandshakedone = () => {};
  onerror = (_cause: Error) => {};
  #onread = (_bytes: ArrayBuffer | undefined) => {};
  #out = "";
  #partial = "";
  destroyed = 0;
  refuses = false;

  setOnread(onread: (bytes: ArrayBuffer | undefined) => void): void {
    this.#onread = onread;
  }

  readBuffer(bytes: Uint8Array): void {
    equal(this.destroyed, 0, "a destroyed engine is left alone");
    const all = this.#partial + latin1(bytes);
    const rest = /\+[^;]*$/.exec(all)?.[0] ?? "";
    this.#partial = rest;
    for (const piece of all.slice(0, all.length - rest.length).match(/\+[^;]*;|./g) ?? []) {
      if (piece === "h") this.#out += "H";
      else if (piece === "f") this.onhandshakedone();
      else if (piece === "?") this.#out += "A";
      else if (piece === ".") this.#onread(undefined);
      else if (piece === "!") {
        this.#out += "X";
        this.onerror(new Error("wrong"));
      } else this.#onread(new TextEncoder().encode(piece.slice(1, -1)).buffer);
    }
  }

  writeBuffer(_request: object, bytes: Uint8Array): number {
    if (this.refuses) return -1;
    this.#out += bytes.length > 20 ? `[${bytes.length}]` : `[${latin1(bytes)}]`;
    return 0;
  }

  drainEncOut(): ArrayBuffer | null {
    const out = this.#out;
    this.#out = "";
    return out === "" ? null : new TextEncoder().encode(out).buffer;
  }

  shutdown(): number {
    this.#out += ".";
    return 0;
  }

  destroySsl(): void {
    this.destroyed++;
  }
}

function rig(options: FakeSocketOptions = {}) {
  const below = new FakeSocket(options);
  const engine = new LetterEngine();
  const socket = new TlsSocket(below, engine as unknown as EngineConnection);
  return { below, engine, socket };
}

const text = (value: string) => new TextEncoder().encode(value);

async function established(options: FakeSocketOptions = {}) {
  const made = rig(options);
  made.below.push("f");
  const buffer = new Uint8Array(64);
  buffer.set(text("h"));
  await made.socket.handshake(buffer, 1);
  made.below.written = "";
  return made;
}

async function readText(socket: TlsSocket, size = 64): Promise<string> {
  const buffer = new Uint8Array(size);
  return latin1(buffer.subarray(0, await socket.read(buffer)));
}

Deno.test("TLS socket: the handshake answers, and keeps what came after it", async () => {
  const { below, socket } = rig();
  below.push("f+early;");
  const buffer = new Uint8Array(64);
  buffer.set(text("h"));
  await socket.handshake(buffer, 1);
  equal(below.written, "H");
  equal(await readText(socket), "early");
});

Deno.test("TLS socket: handshakes that come to nothing", async () => {
  const left = rig();
  left.below.end();
  await rejects(left.socket.handshake(text("h"), 1), HandshakeEnded);
  const wrong = rig();
  await rejects(wrong.socket.handshake(text("!"), 1), /wrong/);
  equal(wrong.below.written, "X", "the alert is sent");
  const broken = rig();
  broken.below.reset();
  await rejects(broken.socket.handshake(text("h"), 1), /reset/);
});

Deno.test("TLS socket: reading in any pieces", async () => {
  for (const readMax of [1, 3, 64]) {
    const { below, socket } = await established({ readMax });
    below.push("+hello;+world;.");
    let all = "";
    for (let piece = await readText(socket, 4); piece !== ""; piece = await readText(socket, 4)) all += piece;
    equal(all, "helloworld");
    equal(await readText(socket), "", "the end stays the end");
  }
});

Deno.test("TLS socket: large writes are taken in part, and written whole", async () => {
  const { below, socket } = await established({ writeMax: 2 });
  equal(await socket.write(new Uint8Array(100_000)), 49_152);
  equal(below.written, "[49152]");
  equal(await socket.write(text("a")), 1);
  equal(below.written, "[49152][a]");
});

Deno.test("TLS socket: records keep their order, whoever sends them", async () => {
  const { below, socket } = await established({ writeMax: 1 });
  below.isStalled = true;
  const writing = socket.write(text("one"));
  below.push("?+in;");
  const reading = readText(socket);
  const second = socket.write(text("two"));
  await settle();
  equal(below.written, "");
  below.resume();
  deepEqual(await Promise.all([writing, reading, second]), [3, "in", 3]);
  ok(["[one]A[two]", "[one][two]A"].includes(below.written), below.written);
});

Deno.test("TLS socket: the end", async () => {
  const closing = await established();
  closing.socket.close();
  closing.socket.close();
  deepEqual([closing.below.written, closing.below.isClosed, closing.engine.destroyed], [".", true, 1]);
  await rejects(closing.socket.write(text("a")), /closed/);
  await rejects(readText(closing.socket), /closed/);

  const half = await established();
  await half.socket.closeWrite();
  deepEqual([half.below.written, half.below.isFinished], [".", true]);
  half.below.push("+still;");
  equal(await readText(half.socket), "still");
  half.socket.close();
  equal(half.below.written, ".", "farewell is said once");

  const gone = await established();
  gone.below.reset();
  await rejects(readText(gone.socket), /reset/);
  gone.socket.close();
  equal(gone.below.written, "", "nobody is there to hear it");

  const early = rig();
  early.socket.close();
  deepEqual(
    [early.below.written, early.engine.destroyed],
    ["", 1],
    "memory is given back without a handshake too",
  );
});

Deno.test("TLS socket: what breaks a write breaks the connection", async () => {
  const { below, engine, socket } = await established();
  engine.refuses = true;
  await rejects(socket.write(text("a")), /takes nothing more/);
  engine.refuses = false;
  below.reset();
  await rejects(socket.write(text("a")), /reset/);
  await rejects(readText(socket), /reset/);
});

Deno.test("TLS socket: closing while a read waits", async () => {
  const { below, socket } = await established();
  const reading = readText(socket);
  await settle();
  socket.close();
  await rejects(reading, /closed/);
  below.push("+late;");
});
