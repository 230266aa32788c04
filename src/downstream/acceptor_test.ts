import { deepEqual, equal, match } from "node:assert/strict";
import { answer, GET, LIMITS } from "../../tests/support/connection_rig.ts";
import { FakeSocket, FakeTime, settle } from "../../tests/support/fake_socket.ts";
import { BufferPool } from "../core/buffer_pool.ts";
import { CidrSet } from "../core/cidr.ts";
import type { RequestContext } from "../core/context.ts";
import type { Socket } from "../core/ports.ts";
import type { TlsServer, TlsSession } from "../core/tls.ts";
import type { Tunnel } from "../core/upgrade.ts";
import { Acceptor, type ListenerSettings } from "./acceptor.ts";
import { HttpDate } from "./http_date.ts";
import { TunnelConnection } from "./tunnel_connection.ts";

/** Shakes hands when the test says so. */
class FakeTls implements TlsServer {
  readonly certificates = [];
  readonly admission: string;
  readonly waiting: (() => void)[] = [];

  constructor(admission: string) {
    this.admission = admission;
  }

  handshake(socket: Socket): Promise<TlsSession> {
    const facts = {
      version: "TLSv1.3",
      cipher: "TLS_AES_128_GCM_SHA256",
      serverName: "",
      protocol: "http/1.1",
      resumed: false,
      client: null,
    };
    return new Promise((resolve) => this.waiting.push(() => resolve({ socket, facts })));
  }
}

const SETTINGS: ListenerSettings = {
  id: "old",
  namespace: undefined,
  protocol: "http1",
  limits: LIMITS,
  trusted: new CidrSet(["127.0.0.0/8"]),
  proxyHeaderFrom: new CidrSet([]),
  tls: null,
};

function over(server: TlsServer, more: Partial<ListenerSettings> = {}): ListenerSettings {
  return { ...SETTINGS, ...more, tls: { server, handshakeTimeoutMs: 5000, handshakesMax: 10 } };
}

/** A listener whose clients are the test. */
function stage(settings: ListenerSettings) {
  const time = new FakeTime();
  const seen: RequestContext[] = [];
  const failures: string[] = [];
  const arriving: ((socket: Socket | null) => void)[] = [];
  let present = 0;
  const acceptor = new Acceptor(
    {
      address: { type: "ip", ip: "127.0.0.1", port: 443 },
      accept: () => new Promise((resolve) => arriving.push(resolve)),
      close: () => {
        arriving.shift()?.(null);
        return Promise.resolve();
      },
    },
    settings,
    {
      connections: {
        handler: {
          handle(context) {
            seen.push(context);
            return answer();
          },
          respond: (_context, response) => response,
          fail: (_context, cause) => answer(String(cause), 500),
          refuse: (_context, error) => answer(error.code, error.status),
          finish: () => {},
        },
        clock: time,
        deadlines: time.deadlines,
        date: new HttpDate(),
        inputBuffers: new BufferPool(4096, 2),
        largeBuffers: new BufferPool(65_536, 2),
        outputBuffers: new BufferPool(4096, 2),
      },
      deadlines: time.deadlines,
      admission: {
        admit() {
          present++;
          return "admitted";
        },
        release: () => present--,
      },
      events: {
        accepted() {},
        rejected() {},
        handshaken() {},
        handshakeFailed: (failure) => failures.push(failure),
        closed() {},
      },
      http2: { opened() {}, closed() {}, refused() {}, attacked() {} } as never,
      log() {},
    },
  );
  void acceptor.run();
  return {
    time,
    seen,
    failures,
    acceptor,
    get present() {
      return present;
    },
    async arrive(): Promise<FakeSocket> {
      const socket = new FakeSocket();
      arriving.shift()!(socket);
      await settle();
      return socket;
    },
  };
}

Deno.test("acceptor: a connection whose handshake a reload overtakes belongs to the new listener", async () => {
  const tls = new FakeTls("");
  const { arrive, acceptor, seen } = stage(over(tls));
  const socket = await arrive();
  acceptor.update(over(tls, { id: "new", namespace: "shop", trusted: new CidrSet([]) }));
  tls.waiting[0]!();
  socket.push(GET);
  await settle();
  const { listenerId, namespace, peerTrusted } = seen[0]!.downstream;
  deepEqual({ listenerId, namespace, peerTrusted }, {
    listenerId: "new",
    namespace: "shop",
    peerTrusted: false,
  });
});

Deno.test("acceptor: where clients are let in by other rules, open connections finish what they are at", async () => {
  const [before, after] = [new FakeTls("required a"), new FakeTls("required b")];
  const { arrive, acceptor, seen } = stage(over(before));
  const [idle, busy, late] = [await arrive(), await arrive(), await arrive()];
  before.waiting[0]!();
  before.waiting[1]!();
  idle.push(GET);
  busy.push(GET.slice(0, 10));
  await settle();

  acceptor.update(over(before));
  idle.push(GET);
  await settle();
  equal(idle.isClosed, false, "the same rules");

  acceptor.update(over(after));
  await settle();
  equal(idle.isClosed, true);
  equal(busy.isClosed, false, "the rest of a head is coming");
  before.waiting[2]!();
  busy.push(GET.slice(10));
  late.push(GET + GET);
  await settle();
  match(busy.written, /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close/);
  equal(busy.isFinished, true);
  match(
    late.written,
    /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close/,
    "its handshake was by the rules of before",
  );
  equal(late.isFinished, true);
  equal(seen.length, 4, "the second one of a pipeline is not answered any more");
});

Deno.test("acceptor: clear connections end when their listener begins to speak TLS", async () => {
  const { arrive, acceptor } = stage(SETTINGS);
  const socket = await arrive();
  socket.push(GET);
  await settle();
  acceptor.update(over(new FakeTls("")));
  await settle();
  equal(socket.isClosed, true);
});

Deno.test("acceptor: a connection that cannot be drained is cut, and the others are drained", async () => {
  const rig = stage(SETTINGS);
  const sockets = [await rig.arrive(), await rig.arrive()];
  for (const socket of sockets) socket.push(GET);
  await settle();
  const drain = rig.acceptor.drain.bind(rig.acceptor);
  const original = sockets[0]!.close.bind(sockets[0]);
  let calls = 0;
  sockets[0]!.close = () => {
    if (calls++ === 0) throw new Error("no");
    original();
  };
  await drain();
  equal(sockets[1]!.isClosed, true);
  equal(sockets[0]!.isClosed, true);
  equal(rig.present, 0);
});

Deno.test("acceptor: a drain that is asked for twice ends for both", async () => {
  const { arrive, acceptor } = stage(SETTINGS);
  const socket = await arrive();
  const drains = [acceptor.drain(), acceptor.drain()];
  await settle();
  socket.end();
  await Promise.all(drains);
});

Deno.test("tunnel connection: whatever breaks, both ends are closed and the request is over", async () => {
  const done: string[] = [];
  const tunnel: Tunnel = {
    run() {
      throw new Error("no");
    },
    drain() {},
    abort: () => done.push("aborted"),
  };
  const handler = { finish: () => done.push("finished") };
  const connection = new TunnelConnection(tunnel, {} as RequestContext, handler as never);
  equal(await connection.run().catch((cause) => cause.message), "no");
  deepEqual(done, ["aborted", "finished"]);
});
