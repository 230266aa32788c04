import assert from "node:assert/strict";
import {
  answer,
  DOWNSTREAM,
  GET,
  LIMITS,
  ManualBody,
  rig,
  statusOf,
} from "../../tests/support/connection_rig.ts";
import { FakeSocket, FakeTime, latin1, settle } from "../../tests/support/fake_socket.ts";
import { BufferPool } from "../core/buffer_pool.ts";
import type { ProxyError } from "../core/errors.ts";
import { Connection } from "./connection.ts";
import { HttpDate } from "./http_date.ts";

Deno.test("connection: requests are answered in order on one connection", async () => {
  const { socket, seen, finished, ended } = rig((context) => answer(context.head.target));
  socket.push("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHo");
  await settle();
  assert.equal(seen.length, 1);
  socket.push("st: a\r\n\r\n");
  await settle();
  assert.deepEqual(seen.map((context) => context.head.target), ["/1", "/2"]);
  assert.match(
    socket.written,
    /^HTTP\/1\.1 200 OK\r\nDate: [^\r]+\r\nContent-Length: 2\r\n\r\n\/1HTTP\/1\.1 200 OK/,
  );
  assert.equal(finished.length, 2);
  socket.end();
  await ended;
  assert.equal(socket.isClosed, true);
});

Deno.test("connection: what cannot be read is answered, and the connection closed", async () => {
  const cases = [
    { name: "bad", input: "GET / HTTP/1.1\r\n\r\n", want: 400 },
    { name: "version", input: "GET / HTTP/2.0\r\nHost: a\r\n\r\n", want: 505 },
    { name: "target", input: `GET /${"x".repeat(1200)} HTTP/1.1\r\n`, want: 414 },
    { name: "headers", input: `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(21)}`, want: 431 },
    { name: "one endless header", input: `GET / HTTP/1.1\r\nHost: ${"a".repeat(5000)}`, want: 431 },
  ];
  for (const { name, input, want } of cases) {
    const { socket, seen, finished, ended } = rig();
    socket.push(input + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    await settle();
    socket.end();
    await ended;
    assert.equal(statusOf(socket.written), want, name);
    assert.match(socket.written, /Connection: close/, name);
    assert.equal(socket.written.match(/HTTP\/1\.1 /g)?.length, 1, name);
    assert.equal(seen.length, 0, name);
    assert.equal(finished.length, 1, name);
  }
});

Deno.test("connection: time limits on head, idleness, body and sending", async (t) => {
  await t.step("a client that says nothing is closed without a word", async () => {
    const { time, socket, ended } = rig();
    await time.advance(2900);
    assert.equal(socket.isClosed, false);
    await time.advance(300);
    await ended;
    assert.equal(socket.written, "");
  });
  await t.step("half a head gets 408 at its bound, however it trickles", async () => {
    const { time, socket, ended } = rig();
    for (const piece of ["GET / HT", "TP/1.1\r\n", "Host: a\r\n"]) {
      socket.push(piece);
      await time.advance(900);
    }
    assert.equal(socket.written, "");
    await time.advance(500);
    assert.equal(statusOf(socket.written), 408);
    await time.advance(1500);
    await ended;
    assert.equal(socket.isClosed, true);
  });
  await t.step("an idle connection is closed at its bound", async () => {
    const { time, socket, ended } = rig();
    socket.push(GET);
    await settle();
    await time.advance(4800);
    assert.equal(socket.isClosed, false);
    await time.advance(400);
    await ended;
    assert.equal(socket.written.match(/HTTP/g)?.length, 1);
  });
  await t.step("a stalled body fails its reader after the grace", async () => {
    let failure = "";
    const { time, socket, ended } = rig(async (context) => {
      try {
        while (await context.body!.read() !== null);
      } catch (error) {
        failure = (error as ProxyError).code;
      }
      context.closeConnection = true;
      return answer(failure, 408);
    });
    socket.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + "x".repeat(100));
    await settle();
    await time.advance(2900);
    assert.equal(failure, "");
    await time.advance(300);
    assert.equal(failure, "request_body_timeout");
    assert.equal(statusOf(socket.written), 408);
    await time.advance(1500);
    await ended;
  });
  await t.step("a client that takes nothing is cut", async () => {
    const { time, socket, finished, ended } = rig();
    socket.isStalled = true;
    socket.push(GET);
    await settle();
    await time.advance(3800);
    assert.equal(socket.isClosed, false);
    await time.advance(400);
    await ended;
    assert.equal(finished[0]!.aborted, true);
  });
});

Deno.test("connection: a body faster than the minimum rate may take long", async () => {
  const { time, socket } = rig(async (context) => {
    while (await context.body!.read() !== null);
    return answer("done");
  });
  socket.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  for (let i = 0; i < 10; i++) {
    await time.advance(900);
    socket.push("x".repeat(100));
    await settle();
  }
  assert.equal(statusOf(socket.written), 200);
});

Deno.test("connection: the whole request has its bound too", async () => {
  let failure = "";
  const { time, socket } = rig(async (context) => {
    try {
      while (await context.body!.read() !== null);
    } catch (error) {
      failure = (error as ProxyError).code;
    }
    return answer();
  }, { bodyRateMin: 0 });
  socket.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  for (let i = 0; i < 21 && failure === ""; i++) {
    await time.advance(1000);
    if (i < 19) assert.equal(failure, "", `${i}`);
    socket.push("x");
    await settle();
  }
  assert.equal(failure, "request_body_timeout");
});

Deno.test("connection: bodies by length and in chunks, then the next request", async () => {
  const bodies: string[] = [];
  const { socket } = rig(async (context) => {
    let text = "";
    for (let piece = await context.body?.read(); piece; piece = await context.body!.read()) {
      text += latin1(piece);
    }
    bodies.push(text);
    return answer();
  });
  socket.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + GET);
  socket.push("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n");
  await settle();
  socket.push("0\r\n\r\n" + GET);
  await settle();
  assert.deepEqual(bodies, ["hello", "", "abc", ""]);
});

Deno.test("connection: a body above the limit fails its reader while it streams", async () => {
  for (const { length, want } of [{ length: 10, want: "" }, { length: 11, want: "body_too_large" }]) {
    let failure = "";
    const { socket } = rig(async (context) => {
      context.bodyBytesMax = 10;
      try {
        while (await context.body!.read() !== null);
      } catch (error) {
        failure = (error as ProxyError).code;
      }
      return answer();
    });
    const size = length.toString(16);
    socket.push(
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${
        "x".repeat(length)
      }\r\n0\r\n\r\n`,
    );
    await settle();
    assert.equal(failure, want, `${length}`);
  }
});

Deno.test("connection: 100 Continue is sent when the body is asked for, and only then", async () => {
  const reads = rig(async (context) => {
    while (await context.body!.read() !== null);
    return answer("read");
  });
  const head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  reads.socket.push(head);
  await settle();
  assert.equal(reads.socket.written, "HTTP/1.1 100 Continue\r\n\r\n");
  reads.socket.push("ab");
  await settle();
  assert.match(reads.socket.written, /Continue\r\n\r\nHTTP\/1\.1 200 OK/);

  const refuses = rig(() => answer("no", 403));
  refuses.socket.push(head);
  await settle();
  assert.equal(statusOf(refuses.socket.written), 403);
  assert.match(refuses.socket.written, /Connection: close/);
});

Deno.test("connection: an unread body is skipped when it is short, else the connection ends", async () => {
  const short = rig(() => answer("no", 404));
  short.socket.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  await settle();
  short.socket.push("lo" + GET);
  await settle();
  assert.equal(short.seen.length, 2);

  const long = rig(() => answer("no", 404));
  long.socket.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\nhel");
  await settle();
  assert.match(long.socket.written, /Connection: close/);
  assert.equal(long.socket.isFinished, true);
});

Deno.test("connection: a client that leaves is noticed while its answer is awaited", async () => {
  for (const leave of ["end", "reset"] as const) {
    const causes: string[] = [];
    const { socket, finished, ended } = rig((context) =>
      new Promise((resolve) => {
        context.onAbort = (cause) => {
          causes.push(cause);
          resolve(answer("too late", 499));
        };
      })
    );
    socket.push(GET);
    await settle();
    socket[leave]();
    await ended;
    assert.deepEqual(causes, ["client_closed"], leave);
    assert.equal(finished.length, 1);
    assert.equal(finished[0]!.aborted, true);
  }
});

Deno.test("connection: a client that leaves during a stream cancels the body", async () => {
  const body = new ManualBody();
  const { socket, finished, ended } = rig(() => answer(body));
  socket.push(GET);
  await settle();
  socket.end();
  await ended;
  assert.equal(body.cancelled, true);
  assert.equal(finished.length, 1);
});

Deno.test("connection: the last request allowed, and draining, say close", async () => {
  const limited = rig(() => answer(), { requestsMax: 2 });
  limited.socket.push(GET + GET + GET);
  await settle();
  assert.equal(limited.seen.length, 2);
  assert.match(limited.socket.written, /Connection: close/);

  const idle = rig();
  idle.socket.push(GET);
  await settle();
  idle.connection.drain();
  await idle.ended;
  assert.equal(idle.socket.isClosed, true);

  const asks = rig();
  asks.connection.drain();
  await asks.time.advance(500);
  asks.socket.push(GET);
  await settle();
  assert.match(
    asks.socket.written,
    /200 OK[^]*Connection: close/,
    "a client that has just connected is served",
  );

  const silent = rig();
  silent.connection.drain();
  await silent.time.advance(1200);
  await silent.ended;
  assert.equal(silent.socket.written, "");

  const body = new ManualBody();
  const busy = rig(() => answer(body));
  busy.socket.push(GET);
  await settle();
  busy.connection.drain();
  body.give("bye");
  body.give(null);
  await settle();
  assert.match(busy.socket.written, /3\r\nbye\r\n0\r\n\r\n$/);
});

Deno.test("connection: failing the N-th read or write never hangs, leaks or answers twice", async () => {
  for (let fail = 1; fail <= 12; fail++) {
    let calls = 0;
    const time = new FakeTime();
    const socket = new FakeSocket({
      readMax: 7,
      writeMax: 50,
      onCall: () => {
        if (++calls === fail) throw new Error("I/O failed");
      },
    });
    let finished = 0;
    const largeBuffers = new BufferPool(65_536, 2);
    const connection = new Connection(socket, {
      downstream: { ...DOWNSTREAM, requestsServed: 0 },
      limits: LIMITS,
    }, {
      handler: {
        handle: () => answer("x".repeat(100)),
        respond: (_context, response) => response,
        fail: () => answer("failed", 500),
        refuse: () => answer("no", 400),
        finish: () => finished++,
      },
      clock: time,
      deadlines: time.deadlines,
      date: new HttpDate(),
      inputBuffers: new BufferPool(4096, 2),
      largeBuffers,
      outputBuffers: new BufferPool(4096, 2),
    });
    const ended = connection.run();
    socket.push(GET);
    socket.end();
    await time.advance(10_000);
    await ended;
    assert.equal(socket.isClosed, true, `call ${fail}`);
    assert.equal(time.deadlines.size, 0, `call ${fail}`);
    assert.ok(finished <= 1, `call ${fail}`);
  }
});
