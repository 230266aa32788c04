import assert from "node:assert/strict";
import { octets } from "../../tests/support/fake_socket.ts";
import { readText } from "../../tests/support/proxy_rig.ts";
import type { Body } from "../core/message.ts";
import { ReplayBody } from "./replay_body.ts";

/** A body whose pieces come when the test says so. */
class HandFedBody implements Body {
  readonly length: number | undefined = undefined;
  reads = 0;
  cancelled = 0;
  #ready: (Uint8Array | null)[] = [];
  #wake: ((piece: Uint8Array | null) => void) | null = null;

  feed(...texts: (string | null)[]): void {
    for (const text of texts) {
      const piece = text === null ? null : octets(text);
      const wake = this.#wake;
      this.#wake = null;
      if (wake !== null) wake(piece);
      else this.#ready.push(piece);
    }
  }

  read(): Uint8Array | null | Promise<Uint8Array | null> {
    assert.equal(this.#wake, null, "one read at a time");
    this.reads++;
    const piece = this.#ready.shift();
    if (piece !== undefined) return piece;
    return new Promise((resolve) => this.#wake = resolve);
  }

  cancel(): void {
    this.cancelled++;
  }
}

const text = async (body: Body, pieces: number): Promise<string> => {
  let all = "";
  for (let i = 0; i < pieces; i++) {
    const piece = await body.read();
    if (piece === null) break;
    all += String.fromCharCode(...piece);
  }
  return all;
};

Deno.test("replay: a second reader gets what the first one had, and then the rest", async () => {
  const source = new HandFedBody();
  const replay = new ReplayBody(source, 100);
  source.feed("ab", "cd");
  const first = replay.rewind();
  assert.equal(await text(first, 2), "abcd");
  first.cancel();
  assert.equal(source.cancelled, 0, "there may be another attempt");
  assert.ok(replay.isRepeatable);
  source.feed("ef", null);
  assert.equal(await readText(replay.rewind()), "abcdef");
  assert.equal(await readText(replay.rewind()), "abcdef", "once more, all from memory");
  assert.equal(source.reads, 4);
});

Deno.test("replay: the source's own buffer may be used again after the piece was handed out", async () => {
  const buffer = octets("ab");
  const source: Body = { length: undefined, read: () => buffer, cancel() {} };
  const replay = new ReplayBody(source, 100);
  await replay.rewind().read();
  buffer.set(octets("XY"));
  assert.equal(await text(replay.rewind(), 1), "ab");
});

Deno.test("replay: a body that comes byte by byte is kept in one piece", async () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  let at = 0;
  const source: Body = {
    length: undefined,
    read: () => at < bytes.length ? bytes.slice(at, ++at) : null,
    cancel() {},
  };
  const replay = new ReplayBody(source, 5000);
  const first = replay.rewind();
  while (await first.read() !== null);
  const second = replay.rewind();
  const piece = await second.read();
  assert.deepEqual(piece, bytes);
  assert.ok(piece!.buffer.byteLength <= 5000, "no more room than the bound");
  assert.equal(await second.read(), null);
});

Deno.test("replay: a piece handed out stays as it is while more is kept behind it", async () => {
  const source = new HandFedBody();
  source.feed("ab");
  const replay = new ReplayBody(source, 100);
  await replay.rewind().read();
  const second = replay.rewind();
  const early = await second.read();
  source.feed("cd");
  assert.deepEqual(await second.read(), octets("cd"));
  assert.deepEqual(early, octets("ab"));
});

Deno.test("replay: a piece under way when the answer stands is not lost to the attempt that waits for it", async () => {
  const source = new HandFedBody();
  const replay = new ReplayBody(source, 100);
  void replay.rewind().read();
  const second = replay.rewind();
  const waiting = second.read();
  replay.settle();
  source.feed("ab", null);
  assert.deepEqual(await waiting, octets("ab"));
  assert.equal(await second.read(), null);
});

Deno.test("replay: at the bound a body is repeatable, above it no more", async () => {
  for (const [bound, want] of [[3, false], [4, true], [5, true]] as const) {
    const source = new HandFedBody();
    source.feed("ab", "cd", null);
    const replay = new ReplayBody(source, bound);
    assert.equal(await readText(replay.rewind()), "abcd", "the attempt at hand gets all of it");
    assert.equal(replay.isRepeatable, want, `bound ${bound}`);
  }
});

Deno.test("replay: a piece that an attempt waited for when it failed goes to the next one, once", async () => {
  for (const bound of [100, 3]) {
    const source = new HandFedBody();
    const replay = new ReplayBody(source, bound);
    const first = replay.rewind();
    source.feed("ab");
    await first.read();
    const late = first.read();
    first.cancel();
    const second = replay.rewind();
    assert.equal(await text(second, 1), "ab");
    const waiting = second.read();
    source.feed("cd");
    assert.equal(await late, null, "the attempt that failed gets nothing any more");
    assert.deepEqual(await waiting, octets("cd"));
    source.feed("ef", null);
    assert.equal(await readText(second), "ef");
    assert.equal(replay.isRepeatable, bound === 100);
  }
});

Deno.test("replay: the piece is kept although the next attempt asks for it later", async () => {
  const source = new HandFedBody();
  const replay = new ReplayBody(source, 1);
  const first = replay.rewind();
  const late = first.read();
  first.cancel();
  const second = replay.rewind();
  source.feed("abc");
  assert.equal(await late, null);
  source.feed(null);
  assert.equal(await readText(second), "abc");
});

Deno.test("replay: once the answer stands, cancelling reaches the source and nothing more is kept", async () => {
  const source = new HandFedBody();
  const replay = new ReplayBody(source, 100);
  const reader = replay.rewind();
  source.feed("ab");
  await reader.read();
  replay.settle();
  assert.equal(source.cancelled, 0);
  assert.equal(replay.isRepeatable, false);
  source.feed("cd", null);
  assert.equal(await readText(reader), "cd", "an upload goes on after its answer's head");
  reader.cancel();
  reader.cancel();
  assert.equal(source.cancelled, 1);
});

Deno.test("replay: what the attempt gave up before the answer stood is cancelled when it does", () => {
  const source = new HandFedBody();
  const replay = new ReplayBody(source, 100);
  replay.rewind().cancel();
  assert.equal(source.cancelled, 0);
  replay.settle();
  replay.settle();
  assert.equal(source.cancelled, 1);
});

Deno.test("replay: a failing source fails every reader", async () => {
  const source: Body = {
    length: undefined,
    read: () => Promise.reject(new Error("the client is gone")),
    cancel() {},
  };
  const replay = new ReplayBody(source, 100);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(async () => await replay.rewind().read(), /client is gone/);
  }
});
