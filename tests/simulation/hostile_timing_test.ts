/** Orders of events that real sockets produce rarely, and that must never mix up two messages. */

import assert from "node:assert/strict";
import type { FakeSocket } from "../support/fake_socket.ts";
import { settle } from "../support/fake_socket.ts";
import { SimulatedDataplane } from "../support/simulated_dataplane.ts";

const CONFIG = `
system { worker-threads 1 }
listeners { listener "http" { address "127.0.0.1:80"; min-body-rate-bytes 0; request-timeout-secs 3600 } }
routes {
  route "api" { matches { path-prefix "/api" }; upstream "origin" }
  route "whole" { matches { path-prefix "/whole" }; upstream "origin"; policies { buffer-requests #true } }
}
upstreams {
  upstream "origin" {
    target "192.0.2.1:80"
    timeouts { connect 2; read 5; write 5; request 10 }
  }
}
observability { logging { access-log { file "-" } } }
`;

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async function started(): Promise<SimulatedDataplane> {
  const sim = new SimulatedDataplane();
  assert.deepEqual(await sim.serve(CONFIG), []);
  return sim;
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

function post(path: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function answers(client: FakeSocket): number {
  return client.written.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0;
}

Deno.test("timing: a body whose end only the close can tell closes for HTTP/1.0 too", async () => {
  const sim = await started();
  sim.dialer.onSocket = (socket) => {
    socket.onWrite = () => {
      socket.push("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      setTimeout(() => socket.push("3\r\ndef\r\n0\r\n\r\n"), 0);
    };
  };
  const client = await sim.connect();
  client.push("GET /api HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  client.push("GET /api/second HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  for (let i = 0; i < 5; i++) await settle();
  assert.equal(answers(client), 1, "a second answer would be read as part of the first body");
  assert.match(client.written, /Connection: close/);
  assert.ok(client.written.endsWith("abcdef"));
  assert.equal(client.isFinished, true, "the close marks the end");
});

for (const size of [100, 20_000]) {
  const name = `timing: a body of ${size} bytes still being written is not overwritten by the next request`;
  Deno.test(name, async () => {
    const sim = await started();
    const client = await sim.connect();
    let upstream: FakeSocket | undefined;
    sim.dialer.onSocket = (socket) => {
      upstream ??= socket;
      socket.onWrite = (written) => {
        if (socket !== upstream && written.endsWith("\r\n\r\n")) socket.push(OK);
      };
    };
    const whole = post("/api", "A".repeat(size));
    const headBytes = whole.length - size;
    client.push(whole.slice(0, headBytes));
    await settle();
    upstream!.isStalled = true;
    client.push(whole.slice(headBytes));
    await settle();
    // The target answers although it has not taken the body.
    upstream!.push(OK);
    await settle();
    assert.equal(answers(client), 1);
    for (let i = 0; i < 4; i++) {
      client.push(post(`/api/${"B".repeat(300)}`, "B".repeat(size)));
      await settle();
    }
    const other = await sim.connect();
    other.push(post("/api", "C".repeat(size)));
    await settle();
    upstream!.resume();
    for (let i = 0; i < 5; i++) await settle();
    const sent = upstream!.written.slice(upstream!.written.indexOf("\r\n\r\n") + 4);
    assert.ok(sent.slice(0, size) === "A".repeat(size), `the target got ${sent.slice(0, 40)}…`);
  });
}

Deno.test("timing: an answer before the body leaves no body for the next request's connection", async () => {
  const sim = await started();
  const client = await sim.connect();
  sim.dialer.answer = () => ({ writeMax: 10_000 });
  sim.dialer.onSocket = (socket) => socket.isStalled = true;
  client.push(post("/whole", "A".repeat(30_000)));
  await settle();
  const first = sim.dialer.sockets[0]!;
  // The answer is there before the head is seen as written, and the target is slow to take the body.
  first.push(OK);
  await settle();
  first.onWrite = () => first.isStalled = true;
  first.resume();
  await settle();
  first.onWrite = null;
  client.push(get("/api/second"));
  await settle();
  first.resume();
  for (let i = 0; i < 5; i++) await settle();
  const sent = first.written.slice(first.written.indexOf("\r\n\r\n") + 4);
  assert.ok(/^A*$/.test(sent.slice(0, 30_000)), "a request lies within the body of another one");
});

Deno.test("timing: a client that goes silent after an early answer is let go", async () => {
  const sim = await started();
  const client = await sim.connect();
  sim.dialer.onSocket = (socket) => {
    socket.onWrite = () => socket.push("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  };
  client.push("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
  await settle();
  assert.match(client.written, /413/);
  assert.equal(sim.dialer.sockets.length, 1);
  client.push("some");
  await settle();
  await sim.time.advance(1500);
  assert.equal(client.isClosed, true);
});

Deno.test("timing: a drain's end cuts a request behind which others wait", async () => {
  const sim = await started();
  const client = await sim.connect();
  client.push(get("/api/1") + get("/api/2"));
  await settle();
  let cut: number | undefined;
  void sim.dataplane.drain(1000).then((count) => cut = count);
  await sim.time.advance(1200);
  assert.equal(cut, 1);
  assert.equal(sim.openSockets, 0);
});

Deno.test("timing: many small chunks go upstream in few writes", async () => {
  const sim = await started();
  const client = await sim.connect();
  let writes = 0;
  sim.dialer.onSocket = (socket) => socket.onWrite = () => writes++;
  client.push("POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  await settle();
  client.push("1\r\nx\r\n".repeat(500) + "0\r\n\r\n");
  for (let i = 0; i < 5; i++) await settle();
  const sent = sim.dialer.sockets[0]!.written;
  assert.ok(sent.endsWith("0\r\n\r\n"));
  assert.equal(sent.match(/\r\n(x+)\r\n/)?.[1]?.length, 500);
  assert.ok(writes <= 6, `${writes} writes`);
});

Deno.test("PROXY protocol: the bound per client holds for the clients, not for the load balancer", async () => {
  const sim = new SimulatedDataplane();
  const listener = 'address "127.0.0.1:80"; proxy-protocol #true; proxy-protocol-from "127.0.0.1"';
  const config = CONFIG.replace('address "127.0.0.1:80"', listener) +
    "limits { max-connections-per-client 2 }";
  assert.deepEqual(await sim.serve(config), []);
  sim.dialer.onSocket = (socket) => socket.onWrite = () => socket.push(OK);
  const wanted = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"];
  const got: string[] = [];
  for (const ip of wanted) {
    const client = await sim.connect();
    client.push(`PROXY TCP4 ${ip} 127.0.0.1 5000 80\r\n${get("/api")}`);
    await settle();
    got.push(client.written.slice(9, 12));
  }
  assert.deepEqual(got, ["200", "200", "429", "200", "200"]);
  // A place is given back with its connection.
  sim.clients[0]!.end();
  await settle();
  const client = await sim.connect();
  client.push(`PROXY TCP4 192.0.2.1 127.0.0.1 5000 80\r\n${get("/api")}`);
  await settle();
  assert.equal(client.written.slice(9, 12), "200");
});

Deno.test("PROXY protocol: trust withdrawn by a reload counts for open connections", async () => {
  const sim = new SimulatedDataplane();
  const trusting = CONFIG.replace("worker-threads 1", 'worker-threads 1; trusted-proxies "127.0.0.1"');
  const forwarded = () => {
    const { written } = sim.dialer.sockets[0]!;
    return /X-Forwarded-For: ([^\r]+)\r\n(?![^]*X-Forwarded-For: )/.exec(written)?.[1];
  };
  assert.deepEqual(await sim.serve(trusting), []);
  sim.dialer.onSocket = (socket) => socket.onWrite = () => socket.push(OK);
  const client = await sim.connect();
  const request = get("/api").replace("Host", "X-Forwarded-For: 192.0.2.9\r\nHost");
  client.push(request);
  await settle();
  assert.equal(forwarded(), "192.0.2.9, 127.0.0.1");
  assert.deepEqual(await sim.serve(CONFIG), []);
  client.push(request);
  await settle();
  assert.equal(forwarded(), "127.0.0.1");
});

Deno.test("timing: an empty line behind a request is not the beginning of a next one", async () => {
  for (
    const { rest, want } of [{ rest: "\r\n", want: 1 }, { rest: "\r", want: 1 }, { rest: "\r\nG", want: 2 }]
  ) {
    const sim = await started();
    sim.dialer.onSocket = (socket) => socket.onWrite = () => socket.push(OK);
    const client = await sim.connect();
    client.push(get("/api") + rest);
    await settle();
    await sim.time.advance(20_000);
    assert.equal(answers(client), want, "nobody asked, so nobody is told of a late request");
    assert.equal(client.isClosed, want === 2);
    void sim.dataplane.drain(1000);
    await settle();
    assert.equal(client.isClosed, true, "a drain finds the connection idle");
  }
});
