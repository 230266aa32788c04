import assert from "node:assert/strict";
import { FakeSocket, FakeTime, settle } from "../../tests/support/fake_socket.ts";
import { BufferPool } from "../core/buffer_pool.ts";
import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import { Connection } from "./connection.ts";
import { HttpDate } from "./http_date.ts";

/** Serves one request with the answer; what the client got, and how the request ended. */
async function serve(response: Response) {
  const time = new FakeTime();
  const socket = new FakeSocket();
  const finished: { aborted: boolean; code: string | undefined }[] = [];
  const downstream = {
    listenerId: "test",
    namespace: undefined,
    scheme: "http" as const,
    tls: null,
    localPort: 80,
    peerIp: "192.0.2.1",
    peerPort: 5,
    peerTrusted: false,
    requestsServed: 0,
  };
  const limits = {
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
    bodyRateMin: 0,
    bodyGraceMs: 0,
    requestsMax: Infinity,
    streamsMax: 100,
  };
  const connection = new Connection(socket, { downstream, limits }, {
    handler: {
      handle: () => response,
      respond: (_context, response) => response,
      fail: () => response,
      refuse: () => response,
      finish: ({ aborted, errorCode }) => finished.push({ aborted, code: errorCode }),
    },
    clock: time,
    deadlines: time.deadlines,
    date: new HttpDate(),
    inputBuffers: new BufferPool(4096, 2),
    largeBuffers: new BufferPool(65_536, 2),
    outputBuffers: new BufferPool(4096, 2),
  });
  void connection.run();
  socket.push("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await settle();
  return { socket, finished };
}

Deno.test("response: a body that throws at its first read is closed, and the request ended once", async () => {
  let cancels = 0;
  const { socket, finished } = await serve({
    status: 200,
    reason: "",
    headers: new HeaderList(),
    body: {
      length: 5,
      read: () => {
        throw new ProxyError("upstream_body_aborted", "cut");
      },
      cancel: () => void cancels++,
    },
  });
  assert.ok(cancels > 0, "what feeds the body is released");
  assert.deepEqual(finished, [{ aborted: true, code: "upstream_body_aborted" }]);
  assert.equal(socket.isClosed, true);
});

Deno.test("response: a character that is no octet never becomes a line end", async () => {
  for (const value of ["a\u010d\u010aSet-Cookie: evil=1", "\u4e00"]) {
    const { socket, finished } = await serve({
      status: 200,
      reason: "",
      headers: HeaderList.from([["X-Text", value]]),
      body: null,
    });
    assert.equal(socket.written, "");
    assert.equal(socket.isClosed, true);
    assert.equal(finished.length, 1);
  }
});
