import assert from "node:assert/strict";
import { ProxyError } from "../core/errors.ts";
import { type Body, BytesBody, type Response } from "../core/message.ts";
import { type FakeSocket, type FakeSocketOptions, octets, settle } from "../../tests/support/fake_socket.ts";
import { ProxyRig, readText, request, upstreamConfig } from "../../tests/support/proxy_rig.ts";
import type { RequestContext } from "../core/context.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers every complete head it is sent with the next of `answers` (the last one for ever). */
function answering(...answers: string[]): (socket: FakeSocket) => void {
  return answeringThen(() => {}, ...answers);
}

/** As `answering`, and then does something to the socket. */
function answeringThen(then: (socket: FakeSocket) => void, ...answers: string[]) {
  return (socket: FakeSocket) => {
    let seen = 0;
    socket.onWrite = (written) => {
      const heads = written.split("\r\n\r\n").length - 1;
      while (seen < heads) {
        socket.push(answers[Math.min(seen++, answers.length - 1)]!);
        then(socket);
      }
    };
  };
}

async function serve(rig: ProxyRig, context = request()): Promise<{ response: Response; text: string }> {
  const response = await rig.service.serve(context);
  return { response, text: await readText(response.body) };
}

async function failure(promise: unknown): Promise<ProxyError> {
  try {
    await promise;
  } catch (cause) {
    assert.ok(cause instanceof ProxyError, `not a ProxyError: ${cause}`);
    return cause;
  }
  throw new Error("it did not fail");
}

Deno.test("proxy: a response goes through, and its connection serves the next request", async () => {
  const rig = new ProxyRig();
  rig.dialer.onSocket = answering(OK);
  const first = request({ target: "/a?b=%2F" });
  const { response, text } = await serve(rig, first);
  assert.equal(response.status, 200);
  assert.equal(text, "ok");
  assert.equal(first.connectionReused, false);
  assert.equal(first.targetAddress, "10.0.0.1:80");
  assert.equal(first.onAbort, null);
  const second = request();
  await serve(rig, second);
  assert.equal(second.connectionReused, true);
  assert.equal(rig.dialer.sockets.length, 1);
  assert.deepEqual(rig.pools.stats().map(({ idle, busy }) => ({ idle, busy })), [{ idle: 1, busy: 0 }]);
  assert.ok(rig.dialer.sockets[0]!.written.startsWith("GET /a?b=%2F HTTP/1.1\r\nHost: shop.example\r\n"));
});

Deno.test("proxy: bodies of every framing arrive whole, however they are cut", async () => {
  const rows: { name: string; answer: string; want: string; end?: boolean; reused: boolean }[] = [
    {
      name: "length",
      answer: "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
      want: "hello world",
      reused: true,
    },
    {
      name: "chunked",
      answer:
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: v\r\n\r\n",
      want: "hello world",
      reused: true,
    },
    {
      name: "close",
      answer: "HTTP/1.1 200 OK\r\n\r\nhello world",
      want: "hello world",
      end: true,
      reused: false,
    },
    { name: "1.0", answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", want: "hi", reused: false },
    {
      name: "behind 100 and 103",
      answer: "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n" + OK,
      want: "ok",
      reused: true,
    },
    { name: "204", answer: "HTTP/1.1 204 No Content\r\n\r\n", want: "", reused: true },
    { name: "304", answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", want: "", reused: true },
  ];
  for (const row of rows) {
    for (const readMax of [1, 2, 7, 100_000]) {
      const rig = new ProxyRig();
      rig.dialer.answer = () => ({ readMax, writeMax: readMax });
      rig.dialer.onSocket = answeringThen((socket) => row.end && socket.end(), row.answer);
      const { text } = await serve(rig);
      await settle();
      assert.equal(text, row.want, `${row.name} by ${readMax}`);
      assert.equal(rig.pools.stats()[0]!.idle, row.reused ? 1 : 0, `${row.name} by ${readMax}: pooled`);
      assert.equal(rig.dialer.open, row.reused ? 1 : 0);
    }
  }
});

Deno.test("proxy: a large body is read through large buffers, byte for byte", async () => {
  const rig = new ProxyRig();
  const bytes = new Uint8Array(500_000).map((_, i) => (i * 31 + (i >> 8)) & 0xff);
  rig.dialer.onSocket = (socket) => {
    socket.onWrite = () => {
      socket.onWrite = null;
      socket.push(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      socket.push(bytes);
    };
  };
  const response = await rig.service.serve(request());
  let at = 0;
  let largest = 0;
  for (let piece = await response.body!.read(); piece !== null; piece = await response.body!.read()) {
    assert.deepEqual(piece, bytes.subarray(at, at + piece.length));
    at += piece.length;
    largest = Math.max(largest, piece.length);
  }
  assert.equal(at, bytes.length);
  assert.equal(largest, 65_536);
  assert.equal(rig.pools.stats()[0]!.idle, 1);
});

Deno.test("proxy: a body that came with its head is read without waiting", async () => {
  const rig = new ProxyRig();
  rig.dialer.onSocket = answering(OK);
  const response = await rig.service.serve(request());
  const piece = response.body!.read();
  assert.ok(piece instanceof Uint8Array);
  assert.equal(response.body!.read(), null);
});

Deno.test("proxy: a cancelled body closes the connection, unless all of it was there", async () => {
  const rows: [string, string, number][] = [
    ["half", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", 0],
    ["whole", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", 1],
    ["whole, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 1],
  ];
  for (const [name, answer, idle] of rows) {
    const rig = new ProxyRig();
    rig.dialer.onSocket = answering(answer);
    const response = await rig.service.serve(request());
    await response.body!.read();
    response.body!.cancel();
    response.body!.cancel();
    assert.equal(rig.pools.stats()[0]!.idle, idle, name);
    assert.equal(rig.dialer.open, idle, name);
  }
});

Deno.test("proxy: malformed answers are 502 and nothing of a next response leaks", async () => {
  const next = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSECRET";
  const rows: Record<string, string> = {
    "CL and TE": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next,
    "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na" + next,
    "gzip coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" + next,
    "bare LF": "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n" + next,
    "no HTTP": "hello" + next,
    "switching": "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" + next,
    "for ever 100": "HTTP/1.1 100 C\r\n\r\n".repeat(40) + next,
  };
  for (const [name, answer] of Object.entries(rows)) {
    const rig = new ProxyRig();
    rig.dialer.onSocket = answering(answer);
    const error = await failure(rig.service.serve(request()));
    assert.equal(error.code, "upstream_protocol", name);
    assert.equal(rig.dialer.open, 0, name);
  }
});

Deno.test("proxy: bytes behind a response close the connection and reach nobody", async () => {
  const next = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSECRET";
  const rows: Record<string, string> = {
    "length": OK + next,
    "chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + next,
    "304": "HTTP/1.1 304 Not Modified\r\n\r\n" + next,
    "204": "HTTP/1.1 204 No Content\r\n\r\nx",
  };
  for (const [name, answer] of Object.entries(rows)) {
    const rig = new ProxyRig();
    rig.dialer.onSocket = answering(answer);
    const { text } = await serve(rig);
    assert.ok(!text.includes("SECRET"), name);
    await settle();
    assert.equal(rig.dialer.open, 0, `${name}: closed`);
    rig.dialer.onSocket = answering(OK);
    assert.equal((await serve(rig)).text, "ok", name);
  }
});

Deno.test("proxy: an idle connection that speaks or closes is dropped at once", async () => {
  for (
    const speak of [(s: FakeSocket) => s.push("HTTP/1.1 408 Timeout\r\n\r\n"), (s: FakeSocket) => s.end()]
  ) {
    const rig = new ProxyRig();
    rig.dialer.onSocket = answering(OK);
    await serve(rig);
    assert.equal(rig.dialer.open, 1);
    speak(rig.dialer.sockets[0]!);
    await settle();
    assert.equal(rig.dialer.open, 0);
    const again = request();
    assert.equal((await serve(rig, again)).text, "ok");
    assert.equal(again.attempts, 1);
  }
});

Deno.test("proxy: a truncated body never looks complete", async () => {
  const rows: Record<string, string> = {
    "length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "chunk data": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "no last chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n",
  };
  for (const [name, answer] of Object.entries(rows)) {
    for (const breaks of [(s: FakeSocket) => s.end(), (s: FakeSocket) => s.reset()]) {
      const rig = new ProxyRig();
      rig.dialer.onSocket = answeringThen(breaks, answer);
      const response = await rig.service.serve(request());
      const error = await failure(readText(response.body));
      assert.equal(error.code, "upstream_body_aborted", name);
      assert.equal(
        (await failure((async () => await response.body!.read())())).code,
        "upstream_body_aborted",
      );
      response.body!.cancel();
      assert.equal(rig.dialer.open, 0, name);
    }
  }
});

Deno.test("proxy: malformed chunks break the body off", async () => {
  const rig = new ProxyRig();
  rig.dialer.onSocket = answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX");
  const response = await rig.service.serve(request());
  assert.equal((await failure(readText(response.body))).code, "upstream_protocol");
  assert.equal(rig.dialer.open, 0);
});

Deno.test("proxy: a kept-alive connection that dies unanswered is replaced once, for safe requests", async () => {
  const rows: { method: string; body?: () => Body; want: string }[] = [
    { method: "GET", want: "ok" },
    { method: "DELETE", want: "ok" },
    { method: "POST", want: "upstream_reset" },
    { method: "PUT", body: () => new BytesBody(octets("x")), want: "upstream_reset" },
  ];
  for (const row of rows) {
    for (const dies of [(s: FakeSocket) => s.end(), (s: FakeSocket) => s.reset()]) {
      const rig = new ProxyRig();
      rig.dialer.onSocket = (socket) => {
        const first = rig.dialer.sockets.length === 1;
        let heads = 0;
        socket.onWrite = () => ++heads > 1 && first ? dies(socket) : socket.push(OK);
      };
      await serve(rig);
      const context = request({ method: row.method, body: row.body?.() ?? null });
      const promise = serve(rig, context).then(({ text }) => text, (cause) => (cause as ProxyError).code);
      assert.equal(await promise, row.want, row.method);
      assert.equal(context.attempts, row.want === "ok" ? 2 : 1);
      if (row.want === "ok") assert.equal(context.connectionReused, false);
    }
  }
});

Deno.test("proxy: no retry on a new connection, nor after the first byte", async () => {
  const rig = new ProxyRig();
  rig.dialer.onSocket = (socket) => socket.onWrite = () => socket.end();
  assert.equal((await failure(serve(rig))).code, "upstream_reset");
  assert.equal(rig.dialer.dials.length, 1);
  rig.dialer.onSocket = (socket) => {
    let heads = 0;
    socket.onWrite = () => {
      if (++heads === 1) return socket.push(OK);
      socket.push("HTTP/1.1 2");
      socket.end();
    };
  };
  await serve(rig);
  assert.equal((await failure(serve(rig))).code, "upstream_reset");
  assert.equal(rig.dialer.dials.length, 2);
});

Deno.test("proxy: unreachable targets are each tried once", async () => {
  const targets = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map((address) => ({ address, weight: 1 }));
  const rig = new ProxyRig(upstreamConfig({ targets }));
  const refused = () => new ProxyError("upstream_connect_failed", "refused");
  rig.dialer.onSocket = answering(OK);
  rig.dialer.answer = ({ address }) => address.type === "ip" && address.host === "10.0.0.3" ? {} : refused();
  const context = request({ method: "POST", body: new BytesBody(octets("x")) });
  assert.equal((await serve(rig, context)).text, "ok");
  assert.equal(context.attempts, 3);
  assert.equal(context.targetAddress, "10.0.0.3:80");
  rig.dialer.answer = refused;
  rig.dialer.sockets[0]!.end();
  await settle();
  const lost = request();
  assert.equal((await failure(serve(rig, lost))).code, "upstream_connect_failed");
  assert.equal(lost.attempts, 3);
  assert.deepEqual(rig.meter.failures, Array(5).fill("upstream_connect_failed"));
});

Deno.test("proxy: unhealthy targets get nothing; none left is 503", async () => {
  const targets = ["10.0.0.1:80", "10.0.0.2:80"].map((address) => ({ address, weight: 1 }));
  const rig = new ProxyRig(upstreamConfig({ targets }));
  rig.dialer.onSocket = answering(OK);
  rig.health.set(0, "unhealthy");
  for (let i = 0; i < 4; i++) {
    const context = request();
    await serve(rig, context);
    assert.equal(context.targetAddress, "10.0.0.2:80");
  }
  rig.health.set(1, "unhealthy");
  const error = await failure(serve(rig));
  assert.equal(error.code, "upstream_unavailable");
  assert.equal(error.status, 503);
  rig.health.set(0, "healthy");
  const context = request();
  await serve(rig, context);
  assert.equal(context.targetAddress, "10.0.0.1:80");
});

Deno.test("proxy: every wait has its bound and its code", async () => {
  const silent = (_: FakeSocket) => {};
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
  const rows: {
    name: string;
    dial?: () => Promise<FakeSocketOptions>;
    onSocket: (socket: FakeSocket) => void;
    prepare?: (context: RequestContext) => void;
    body?: Body;
    afterMs: number;
    want: string;
  }[] = [
    {
      name: "connect",
      dial: () => new Promise(() => {}),
      onSocket: silent,
      afterMs: 1000,
      want: "upstream_connect_timeout",
    },
    { name: "head", onSocket: silent, afterMs: 5000, want: "upstream_read_timeout" },
    { name: "body", onSocket: answering(head + "abc"), afterMs: 5000, want: "upstream_read_timeout" },
    {
      name: "route's read limit",
      onSocket: silent,
      prepare: (c) => c.readTimeoutMs = 300,
      afterMs: 300,
      want: "upstream_read_timeout",
    },
    {
      name: "deadline",
      onSocket: silent,
      prepare: (c) => c.deadlineMs = 2000,
      afterMs: 1000,
      want: "request_timeout",
    },
    {
      name: "deadline in the body",
      onSocket: answering(head),
      prepare: (c) => c.deadlineMs = 2000,
      afterMs: 1000,
      want: "request_timeout",
    },
    {
      name: "write",
      onSocket: (socket) => socket.isStalled = true,
      body: new BytesBody(new Uint8Array(100)),
      afterMs: 3000,
      want: "upstream_write_timeout",
    },
  ];
  for (const row of rows) {
    const rig = new ProxyRig();
    if (row.dial !== undefined) rig.dialer.answer = row.dial;
    rig.dialer.onSocket = row.onSocket;
    const context = request({ method: "POST", body: row.body ?? null });
    row.prepare?.(context);
    let code: string | undefined;
    serve(rig, context).catch((cause) => code = (cause as ProxyError).code);
    await rig.time.advance(row.afterMs - 100);
    assert.equal(code, undefined, `${row.name}: not before its time`);
    await rig.time.advance(300);
    assert.equal(code, row.want, row.name);
    assert.equal(rig.dialer.open, 0, row.name);
    assert.equal(rig.pools.stats()[0]!.waiting, 0, row.name);
  }
});

Deno.test("proxy: the whole time for a head is bounded too", async () => {
  const timeouts = { connectSecs: 1, requestSecs: 2, readSecs: 5, writeSecs: 5 };
  const rig = new ProxyRig(upstreamConfig({ timeouts }));
  let code: string | undefined;
  serve(rig).catch((cause) => code = (cause as ProxyError).code);
  await rig.time.advance(1900);
  assert.equal(code, undefined);
  await rig.time.advance(300);
  assert.equal(code, "request_timeout");
});

Deno.test("proxy: an abort at any stage releases everything", async () => {
  const stages: [string, (rig: ProxyRig) => void, boolean][] = [
    ["connecting", (rig) => rig.dialer.answer = () => new Promise(() => {}), false],
    ["waiting for the head", () => {}, false],
    ["within the head", (rig) => rig.dialer.onSocket = (s) => s.push("HTTP/1.1 200"), false],
    [
      "within the body",
      (rig) => rig.dialer.onSocket = answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na"),
      true,
    ],
  ];
  for (const [name, prepare, readsBody] of stages) {
    const rig = new ProxyRig();
    prepare(rig);
    const context = request();
    const result = failure(readsBody ? serve(rig, context) : rig.service.serve(context));
    await settle();
    assert.notEqual(context.onAbort, null, name);
    context.aborted = true;
    context.onAbort!("client_closed");
    assert.equal((await result).code, "client_closed", name);
    assert.equal(context.onAbort, null, name);
    assert.equal(rig.dialer.open, 0, name);
    assert.equal(rig.pools.stats()[0]!.busy, 0, name);
    assert.equal(rig.pools.stats()[0]!.waiting, 0, name);
  }
});

Deno.test("proxy: fail the n-th call: no leak, no hang, and the next request is served", async () => {
  const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (let n = 1; n <= 40; n++) {
    const rig = new ProxyRig();
    let calls = 0;
    rig.dialer.answer = () => ({
      readMax: 9,
      writeMax: 50,
      onCall: (call) => {
        if (++calls === n) throw new Error(`call ${n}, a ${call}, fails`);
      },
    });
    rig.dialer.onSocket = (socket) => {
      let answered = false;
      socket.onWrite = (written) => {
        if (answered || !written.includes("\r\n\r\n")) return;
        answered = true;
        socket.push(answer);
      };
    };
    const context = request({ method: "POST", body: new BytesBody(new Uint8Array(200)) });
    let text = "pending";
    serve(rig, context).then((r) => text = r.text, (cause) => text = (cause as ProxyError).code);
    await rig.time.advance(1200);
    assert.ok(["hello", "upstream_reset", "upstream_body_aborted"].includes(text), `${n}: ${text}`);
    await settle();
    const stats = rig.pools.stats()[0]!;
    assert.equal(stats.busy, 0, `call ${n}: nothing busy`);
    assert.equal(rig.dialer.open, stats.idle, `call ${n}: no socket leaked`);
    rig.dialer.answer = () => ({});
    rig.dialer.onSocket = answering(OK);
    for (const socket of rig.dialer.sockets) socket.end();
    await settle();
    assert.equal((await serve(rig)).text, "ok", `call ${n}: the next request`);
  }
});
