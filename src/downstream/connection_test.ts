import assert from "node:assert/strict";
import { FakeSocket, FakeTime, latin1, settle } from "../../tests/support/fake_socket.ts";
import { BufferPool } from "../core/buffer_pool.ts";
import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import { type Body, BytesBody, type MaybePromise, type Response } from "../core/message.ts";
import { Connection } from "./connection.ts";
import type { RequestHandler } from "./handler.ts";
import { HttpDate } from "./http_date.ts";
import type { ConnectionLimits } from "./limits.ts";

const LIMITS: ConnectionLimits = {
  head: {
    targetBytesMax: 1000,
    headerBytesMax: 2000,
    headerCountMax: 20,
    headerNameBytesMax: 100,
    headerValueBytesMax: 1000,
  },
  headTimeoutMs: 3000,
  idleTimeoutMs: 5000,
  requestTimeoutMs: 20_000,
  sendTimeoutMs: 4000,
  bodyRateMin: 100,
  bodyGraceMs: 2000,
  requestsMax: Infinity,
};

type Handle = (context: RequestContext) => MaybePromise<Response>;

function answer(body: string | Body | null = "ok", status = 200): Response {
  const bytes = typeof body === "string" ? new BytesBody(new TextEncoder().encode(body)) : body;
  return { status, reason: "", headers: new HeaderList(), body: bytes };
}

function rig(handle: Handle = () => answer(), limits: Partial<ConnectionLimits> = {}) {
  const time = new FakeTime();
  const socket = new FakeSocket();
  const seen: RequestContext[] = [];
  const finished: RequestContext[] = [];
  const handler: RequestHandler = {
    handle(context) {
      seen.push(context);
      return handle(context);
    },
    refuse: (_context, error) => answer(error.code, error.status),
    finish: (context) => finished.push(context),
  };
  const downstream = {
    listenerId: "test",
    namespace: undefined,
    scheme: "http" as const,
    localPort: 80,
    peerIp: "192.0.2.1",
    peerPort: 5,
    peerTrusted: false,
    requestsServed: 0,
  };
  const connection = new Connection(socket, downstream, { ...LIMITS, ...limits }, {
    handler,
    clock: time,
    deadlines: time.deadlines,
    date: new HttpDate(),
    largeBuffers: new BufferPool(65_536, 2),
    outputBuffers: new BufferPool(4096, 2),
  });
  const ended = connection.run();
  return { time, socket, seen, finished, connection, ended };
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const bodyOf = (written: string) => written.slice(written.indexOf("\r\n\r\n") + 4);
const statusOf = (written: string) => Number(written.split(" ")[1]);

/** A body that hands out what the test gives it. */
class ManualBody implements Body {
  readonly length: number | undefined;
  cancelled = false;
  #pieces: (string | null)[] = [];
  #wake: (() => void) | null = null;

  constructor(length?: number) {
    this.length = length;
  }

  give(piece: string | null): void {
    this.#pieces.push(piece);
    this.#wake?.();
  }

  async read(): Promise<Uint8Array | null> {
    while (this.#pieces.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    const piece = this.#pieces.shift()!;
    if (piece === "fail") throw new ProxyError("upstream_body_aborted", "cut");
    return piece === null ? null : new TextEncoder().encode(piece);
  }

  cancel(): void {
    this.cancelled = true;
    this.give(null);
  }
}

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

Deno.test("connection: framing of responses", async () => {
  const cases: { name: string; request: string; response: () => Response; want: RegExp; body: string }[] = [
    {
      name: "known length",
      request: GET,
      response: () => answer("hello"),
      want: /Content-Length: 5\r\n/,
      body: "hello",
    },
    { name: "no body", request: GET, response: () => answer(null), want: /Content-Length: 0\r\n/, body: "" },
    {
      name: "204",
      request: GET,
      response: () => answer(null, 204),
      want: /^(?!.*Content-Length)/s,
      body: "",
    },
    {
      name: "204 with a body",
      request: GET,
      response: () => answer("x", 204),
      want: /^(?!.*Content-Length)/s,
      body: "",
    },
    {
      name: "304 keeps its length",
      request: GET,
      response: () => ({ ...answer(null, 304), headers: HeaderList.from([["Content-Length", "77"]]) }),
      want: /Content-Length: 77\r\n/,
      body: "",
    },
    {
      name: "HEAD keeps its length",
      request: GET.replace("GET", "HEAD"),
      response: () => ({ ...answer(null), headers: HeaderList.from([["Content-Length", "77"]]) }),
      want: /Content-Length: 77\r\n/,
      body: "",
    },
    {
      name: "HEAD of a generated body",
      request: GET.replace("GET", "HEAD"),
      response: () => answer("hello"),
      want: /Content-Length: 5\r\n/,
      body: "",
    },
    {
      name: "framing headers of the response are ignored",
      request: GET,
      response: () => ({
        ...answer("hello"),
        headers: HeaderList.from([["Content-Length", "3"], ["Transfer-Encoding", "chunked"], [
          "Connection",
          "x",
        ]]),
      }),
      want: /^(?!.*chunked).*Content-Length: 5\r\n/s,
      body: "hello",
    },
    {
      name: "keep-alive for HTTP/1.0",
      request: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      response: () => answer("hello"),
      want: /Connection: keep-alive\r\n/,
      body: "hello",
    },
  ];
  for (const { name, request, response, want, body } of cases) {
    const { socket } = rig(response);
    socket.push(request);
    await settle();
    assert.match(socket.written, want, name);
    assert.equal(bodyOf(socket.written), body, name);
  }
});

Deno.test("connection: a body of unknown length is chunked, or ends with an HTTP/1.0 connection", async () => {
  for (const minor of [1, 0]) {
    const body = new ManualBody();
    const { socket, ended } = rig(() => answer(body));
    socket.push(`GET / HTTP/1.${minor}\r\nHost: a\r\n\r\n`);
    await settle();
    assert.match(socket.written, /\r\n\r\n$/, "the head does not wait for the body");
    body.give("hello");
    await settle();
    body.give("worlds");
    body.give(null);
    await settle();
    if (minor === 1) {
      assert.equal(bodyOf(socket.written), "5\r\nhello\r\n6\r\nworlds\r\n0\r\n\r\n");
    } else {
      assert.equal(bodyOf(socket.written), "helloworlds");
      socket.end();
      await ended;
    }
  }
});

Deno.test("connection: a large body passes through whole", async () => {
  const text = "0123456789".repeat(5000);
  const { socket } = rig(() => answer(text));
  socket.push(GET + GET);
  await settle();
  const [, first, second] = socket.written.split(/HTTP\/1\.1 200 OK/);
  assert.equal(bodyOf(first!), text);
  assert.equal(bodyOf(second!), text);
});

Deno.test("connection: a body that fails or falls short cuts the connection", async () => {
  for (const pieces of [["hel", "fail"], ["hel", null]]) {
    const body = new ManualBody(5);
    const { socket, finished, ended } = rig(() => answer(body));
    socket.push(GET + GET);
    await settle();
    for (const piece of pieces) body.give(piece);
    await ended;
    assert.equal(bodyOf(socket.written), "hel");
    assert.equal(socket.isClosed, true);
    assert.equal(finished[0]!.aborted, true);
  }
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
    const connection = new Connection(socket, { ...DOWNSTREAM, requestsServed: 0 }, LIMITS, {
      handler: {
        handle: () => answer("x".repeat(100)),
        refuse: () => answer("no", 400),
        finish: () => finished++,
      },
      clock: time,
      deadlines: time.deadlines,
      date: new HttpDate(),
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

const DOWNSTREAM = {
  listenerId: "test",
  namespace: undefined,
  scheme: "http" as const,
  localPort: 80,
  peerIp: "192.0.2.1",
  peerPort: 5,
  peerTrusted: false,
  requestsServed: 0,
};
