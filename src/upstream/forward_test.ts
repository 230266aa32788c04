import assert from "node:assert/strict";
import { ProxyError } from "../core/errors.ts";
import { type Body, BytesBody } from "../core/message.ts";
import { type FakeDialer, type FakeSocket, octets, settle } from "../../tests/support/fake_socket.ts";
import { ProxyRig, readText, request } from "../../tests/support/proxy_rig.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A request body fed by the test. */
class FedBody implements Body {
  readonly length: number | undefined;
  isCancelled = false;
  /** Reads so far: how far the sender has pulled. */
  reads = 0;
  #pieces: (Uint8Array | null)[] = [];
  #waiting: { resolve: (piece: Uint8Array | null) => void; reject: (cause: unknown) => void } | null = null;

  constructor(length?: number) {
    this.length = length;
  }

  read(): Promise<Uint8Array | null> | Uint8Array | null {
    this.reads++;
    if (this.#pieces.length > 0) return this.#pieces.shift()!;
    return new Promise((resolve, reject) => this.#waiting = { resolve, reject });
  }

  feed(text: string | null): void {
    const piece = text === null ? null : octets(text);
    if (this.#waiting === null) this.#pieces.push(piece);
    else this.#waiting.resolve(piece);
    this.#waiting = null;
  }

  fail(cause: unknown): void {
    this.#waiting?.reject(cause);
  }

  cancel(): void {
    this.isCancelled = true;
    this.#waiting?.resolve(null);
  }
}

/** What went to the upstream behind the head. */
function sentBody(socket: FakeSocket): string {
  return socket.written.slice(socket.written.indexOf("\r\n\r\n") + 4);
}

function start(body: Body, prepare: (dialer: FakeDialer) => void = () => {}) {
  const rig = new ProxyRig();
  prepare(rig.dialer);
  const context = request({ method: "POST", body });
  const result: { status?: number; text?: string; code?: string } = {};
  (async () => {
    const response = await rig.service.serve(context);
    result.status = response.status;
    result.text = await readText(response.body);
  })().catch((cause) => result.code = (cause as ProxyError).code);
  return { rig, context, result, socket: () => rig.dialer.sockets[0]! };
}

Deno.test("forward: head and first piece go in one write, in every framing", async () => {
  const rows: [string, Body, string][] = [
    ["length", new BytesBody(octets("abc")), "abc"],
    ["empty", new BytesBody(new Uint8Array(0)), ""],
    ["chunked", Object.assign(new FedBody(), { read: takeAll("abc") }), "3\r\nabc\r\n"],
  ];
  for (const [name, body, first] of rows) {
    let firstWrite: string | undefined;
    const { result, socket } = start(body, (dialer) =>
      dialer.onSocket = (socket) => {
        socket.onWrite = (written) => {
          firstWrite ??= written.slice(written.indexOf("\r\n\r\n") + 4);
          if (written.endsWith("0\r\n\r\n") || name !== "chunked") socket.push(OK);
        };
      });
    await settle();
    assert.equal(firstWrite, first, name);
    assert.equal(result.text, "ok", name);
    assert.equal(sentBody(socket()), name === "chunked" ? "3\r\nabc\r\n0\r\n\r\n" : first, name);
  }
});

/** A `read` that gives one piece and then the end. */
function takeAll(text: string): () => Uint8Array | null {
  let piece: Uint8Array | null = octets(text);
  return () => {
    const taken = piece;
    piece = null;
    return taken;
  };
}

Deno.test("forward: bodies of all sizes arrive whole through partial writes", async () => {
  for (const size of [1, 4000, 16_384, 16_385, 65_536, 65_537, 200_000]) {
    for (const known of [true, false]) {
      const text = "0123456789abcdef".repeat(Math.ceil(size / 16)).slice(0, size);
      const body = new FedBody(known ? size : undefined);
      body.feed(text);
      body.feed(null);
      const { socket, result } = start(body, (dialer) => {
        dialer.answer = () => ({ writeMax: 10_000 });
        dialer.onSocket = (socket) => {
          let isAnswered = false;
          socket.onWrite = (written) => {
            const isWhole = known
              ? written.length >= size && written.endsWith(text.slice(-100))
              : written.endsWith("0\r\n\r\n");
            if (!isWhole || isAnswered || (known && sentBody(socket).length < size)) return;
            isAnswered = true;
            socket.push(OK);
          };
        };
      });
      await settle();
      assert.equal(result.text, "ok", `${size} ${known}`);
      const sent = sentBody(socket());
      assert.equal(known ? sent : unchunk(sent), text, `${size} ${known}`);
    }
  }
});

function unchunk(text: string): string {
  let data = "";
  for (let at = 0; at < text.length;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    data += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
  return data;
}

Deno.test("forward: the target's pace is the client's pace", async () => {
  const body = new FedBody(300);
  const { socket, rig } = start(body, (dialer) => dialer.onSocket = (socket) => socket.isStalled = true);
  body.feed("x".repeat(100));
  body.feed("y".repeat(100));
  await settle();
  assert.equal(body.reads, 1, "nothing more is pulled while a write waits");
  socket().resume();
  await settle();
  assert.equal(body.reads, 3);
  assert.equal(rig.dialer.open, 1);
});

Deno.test("forward: an early refusal stops the upload and closes both sides", async () => {
  const body = new FedBody(1000);
  const { socket, result, context, rig } = start(body);
  body.feed("a");
  await settle();
  socket().push("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
  await settle();
  assert.deepEqual([result.status, result.text], [413, "big"]);
  assert.equal(body.isCancelled, true);
  assert.equal(context.closeConnection, true);
  assert.equal(rig.dialer.open, 0);
});

for (const [close, idle] of [["", 1], ["Connection: close\r\n", 0]] as const) {
  Deno.test(`forward: a target that answers while it listens gets the rest, kept connections: ${idle}`, async () => {
    const body = new FedBody();
    const { socket, result, context, rig } = start(body);
    body.feed("ping");
    await settle();
    socket().push(`HTTP/1.1 200 OK\r\n${close}Transfer-Encoding: chunked\r\n\r\n4\r\npong\r\n`);
    await settle();
    assert.equal(result.status, 200);
    body.feed("more");
    body.feed(null);
    await settle();
    assert.equal(sentBody(socket()), "4\r\nping\r\n4\r\nmore\r\n0\r\n\r\n");
    socket().push("0\r\n\r\n");
    await settle();
    assert.equal(result.text, "pong");
    assert.equal(context.closeConnection, false);
    assert.deepEqual([rig.pools.stats()[0]!.idle, rig.dialer.open], [idle, idle]);
  });
}

Deno.test("forward: a response that ends before the upload closes the connection", async () => {
  const body = new FedBody(1000);
  const { socket, result, context, rig } = start(body);
  body.feed("a");
  await settle();
  socket().push(OK);
  await settle();
  assert.equal(result.text, "ok");
  assert.equal(body.isCancelled, true);
  assert.equal(context.closeConnection, true);
  assert.equal(rig.dialer.open, 0);
});

Deno.test("forward: a target that stops reading may still have answered", async () => {
  const body = new FedBody(1000);
  const { socket, result, context } = start(body);
  body.feed("a");
  await settle();
  socket().push("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
  socket().reset();
  body.feed("b");
  await settle();
  assert.deepEqual([result.status, result.text, context.closeConnection], [403, "no", true]);
});

Deno.test("forward: what the client's side throws is what the request fails with", async () => {
  const body = new FedBody(1000);
  const { result, rig } = start(body);
  body.feed("a");
  await settle();
  body.fail(new ProxyError("body_too_large", "more than allowed"));
  await settle();
  assert.equal(result.code, "body_too_large");
  assert.equal(rig.dialer.open, 0);
});

Deno.test("forward: a body that breaks its promised length never looks complete", async () => {
  for (const text of ["abcd", "ab"]) {
    const body = new FedBody(3);
    body.feed(text);
    body.feed(null);
    const { result, socket, rig } = start(body);
    await settle();
    assert.equal(result.code, "internal_bug", text);
    assert.ok(sentBody(socket()).length < 3);
    assert.equal(rig.dialer.open, 0);
  }
});

Deno.test("forward: reading has no limit while the client uploads, and one after", async () => {
  const body = new FedBody(2);
  const { result, rig } = start(body);
  body.feed("a");
  await rig.time.advance(20_000);
  assert.equal(result.code, undefined);
  body.feed("b");
  body.feed(null);
  await rig.time.advance(4900);
  assert.equal(result.code, undefined);
  await rig.time.advance(300);
  assert.equal(result.code, "upstream_read_timeout");
});

Deno.test("forward: a long head needs no more than a larger buffer, up to its bound", async () => {
  const rows: [number, string | undefined][] = [[20_000, "ok"], [60_000, "ok"], [70_000, undefined]];
  for (const [bytes, want] of rows) {
    const { socket, result, rig } = start(new BytesBody(octets("x")));
    await settle();
    socket().push(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ${"v".repeat(bytes)}\r\n\r\nok`);
    await settle();
    assert.equal(result.text, want, String(bytes));
    if (want === undefined) assert.equal(result.code, "upstream_head_too_large");
    assert.equal(rig.dialer.open, want === undefined ? 0 : 1);
  }
});
