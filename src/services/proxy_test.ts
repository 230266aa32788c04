import assert from "node:assert/strict";
import { ProxyError } from "../core/errors.ts";
import { type Body, BytesBody } from "../core/message.ts";
import { type FakeSocket, octets, settle } from "../../tests/support/fake_socket.ts";
import {
  answering,
  answeringThen,
  failure,
  OK,
  ProxyRig,
  readText,
  request,
  serve,
  targetConfig,
  upstreamConfig,
} from "../../tests/support/proxy_rig.ts";

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

Deno.test("proxy: a large body is read through large buffers, a huge one through huge ones, byte for byte", async () => {
  for (
    const { length, want } of [{ length: 200_000, want: 65_536 }, { length: 2_500_000, want: 1_048_576 }]
  ) {
    const rig = new ProxyRig();
    const bytes = new Uint8Array(length).map((_, i) => (i * 31 + (i >> 8)) & 0xff);
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
    assert.equal(largest, want);
    assert.equal(rig.pools.stats()[0]!.idle, 1);
  }
});

Deno.test("proxy: huge buffers are bounded, and those of broken downloads are not counted for ever", async () => {
  const rig = new ProxyRig();
  rig.dialer.onSocket = (socket) => {
    socket.onWrite = () => {
      socket.onWrite = null;
      socket.push("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n");
      socket.push(new Uint8Array(1_500_000));
    };
  };
  for (let i = 0; i < 40; i++) {
    const response = await rig.service.serve(request());
    const first = await response.body!.read();
    assert.equal(first!.length, 1_048_576, `download ${i}`);
    response.body!.cancel();
  }
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
    ["half, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 0],
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

Deno.test("proxy: malformed chunks are 502 when they come with the head, and break the body off later", async () => {
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const rig = new ProxyRig();
  rig.dialer.onSocket = answering(head + "2\r\nabX");
  assert.equal((await failure(rig.service.serve(request()))).code, "upstream_protocol");
  assert.equal(rig.dialer.open, 0);
  rig.dialer.onSocket = answering(head + "2\r\nab");
  const response = await rig.service.serve(request());
  await response.body!.read();
  rig.dialer.sockets[1]!.push("X");
  assert.equal((await failure(readText(response.body))).code, "upstream_protocol");
  assert.equal(rig.dialer.open, 0);
});

Deno.test("proxy: the length of a chunked body is known when all of it came with the head", async () => {
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const rows: [string, number | undefined][] = [
    ["2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 3],
    ["0\r\n\r\n", 0],
    ["2\r\nab\r\n0\r\n", undefined],
    ["", undefined],
  ];
  for (const [body, want] of rows) {
    const rig = new ProxyRig();
    rig.dialer.onSocket = answering(head + body);
    const response = await rig.service.serve(request());
    assert.equal(response.body!.length, want, body);
    if (want !== undefined) assert.equal((await readText(response.body)).length, want);
    response.body!.cancel();
    assert.equal(rig.dialer.open, want === undefined ? 0 : 1, body);
  }
});

Deno.test("proxy: cancelling wakes a read that waits, without blaming the upstream", async () => {
  const rig = new ProxyRig();
  rig.dialer.onSocket = answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  const response = await rig.service.serve(request());
  const piece = response.body!.read();
  response.body!.cancel();
  assert.equal(await piece, null);
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
  const targets = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].map((address) => targetConfig(address));
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
  const targets = ["10.0.0.1:80", "10.0.0.2:80"].map((address) => targetConfig(address));
  const rig = new ProxyRig(upstreamConfig({ targets }));
  rig.dialer.onSocket = answering(OK);
  rig.judge(0, "unhealthy");
  for (let i = 0; i < 4; i++) {
    const context = request();
    await serve(rig, context);
    assert.equal(context.targetAddress, "10.0.0.2:80");
  }
  rig.judge(1, "unhealthy");
  const error = await failure(serve(rig));
  assert.equal(error.code, "upstream_unavailable");
  assert.equal(error.status, 503);
  rig.judge(0, "healthy");
  const context = request();
  await serve(rig, context);
  assert.equal(context.targetAddress, "10.0.0.1:80");
});
