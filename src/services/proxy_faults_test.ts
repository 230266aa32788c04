import assert from "node:assert/strict";
import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import { type Body, BytesBody } from "../core/message.ts";
import { type FakeSocket, type FakeSocketOptions, settle } from "../../tests/support/fake_socket.ts";
import {
  answering,
  answeringThen,
  failure,
  OK,
  ProxyRig,
  request,
  serve,
  upstreamConfig,
} from "../../tests/support/proxy_rig.ts";

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
    assert.deepEqual(rig.inFlight, [0], row.name);
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
    assert.deepEqual(rig.inFlight, [0], name);
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
    assert.deepEqual(rig.inFlight, [0], `call ${n}: nothing in flight`);
    assert.equal(rig.dialer.open, stats.idle, `call ${n}: no socket leaked`);
    rig.dialer.answer = () => ({});
    rig.dialer.onSocket = answering(OK);
    for (const socket of rig.dialer.sockets) socket.end();
    await settle();
    assert.equal((await serve(rig)).text, "ok", `call ${n}: the next request`);
  }
});

Deno.test("proxy: observers hear of every request on a target once, and of its end last", async () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
  const rows: { name: string; onSocket?: (s: FakeSocket) => void; refuse?: true; want: string[] }[] = [
    { name: "whole", onSocket: answering(OK), want: ["begun", "answered 200", "ended complete"] },
    {
      name: "server error",
      onSocket: answering("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"),
      want: ["begun", "answered 503", "ended complete"],
    },
    { name: "refused", refuse: true, want: ["begun", "failed upstream_connect_failed", "ended cut"] },
    { name: "reset", onSocket: (s) => s.end(), want: ["begun", "failed upstream_reset", "ended cut"] },
    {
      name: "body broken",
      onSocket: answeringThen((s) => s.end(), head + "abc"),
      want: ["begun", "answered 200", "failed upstream_body_aborted", "ended cut"],
    },
  ];
  for (const row of rows) {
    const rig = new ProxyRig();
    if (row.refuse) rig.dialer.answer = () => new ProxyError("upstream_connect_failed", "refused");
    if (row.onSocket !== undefined) rig.dialer.onSocket = row.onSocket;
    const heard: string[] = [];
    rig.upstream.targets[0]!.observe({
      begun: () => heard.push("begun"),
      answered: (_target, _context, { status }) => heard.push(`answered ${status}`),
      failed: (_target, _context, code) => heard.push(`failed ${code}`),
      ended: (_target, _context, how) => heard.push(`ended ${how}`),
    });
    await serve(rig).catch(() => {});
    assert.deepEqual(heard, row.want, row.name);
    assert.deepEqual(rig.inFlight, [0], row.name);
  }
});

Deno.test("proxy: a client that leaves within the body ends the request on its target", async () => {
  const rig = new ProxyRig();
  rig.dialer.onSocket = answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
  const response = await rig.service.serve(request());
  assert.deepEqual(rig.inFlight, [1]);
  response.body!.cancel();
  response.body!.cancel();
  assert.deepEqual(rig.inFlight, [0]);
});
