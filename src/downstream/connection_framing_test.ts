import assert from "node:assert/strict";
import { answer, bodyOf, GET, ManualBody, rig } from "../../tests/support/connection_rig.ts";
import { settle } from "../../tests/support/fake_socket.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";

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
