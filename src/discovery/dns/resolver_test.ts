import assert from "node:assert/strict";
import { fakePorts } from "../../../tests/support/discovery_rig.ts";
import {
  a,
  nameBytes,
  QNAME,
  type RawRecord,
  replyBytes,
  RESPONSE,
} from "../../../tests/support/dns_reply.ts";
import { FakeDialer, octets } from "../../../tests/support/fake_socket.ts";
import type { DatagramPort, DnsServer } from "../discovery.ts";
import { Resolver } from "./resolver.ts";

const FOREVER = new AbortController().signal;
const SERVERS = [{ ip: "10.0.0.53", port: 53 }, { ip: "10.0.0.54", port: 53 }];
const ASKED = { name: "api.test", type: 1 };

/** The id of a query. */
const idOf = (query: Uint8Array) => query[0]! * 256 + query[1]!;

/** A resolver whose servers say what the function makes of each query; nothing is a silence. */
function resolverOf(
  answer: (query: Uint8Array, server: DnsServer) => readonly Uint8Array[],
  init: { attempts?: number; dialer?: FakeDialer; servers?: readonly DnsServer[]; resolvConf?: string } = {},
) {
  const asked: string[] = [];
  const datagrams: DatagramPort = {
    exchange({ server, bytes, accept, timeoutMs }) {
      asked.push(server.ip);
      const accepted = answer(bytes, server).some((reply) => accept(reply));
      return accepted ? Promise.resolve() : Promise.reject(new Error(`no answer within ${timeoutMs} ms`));
    },
  };
  let words = 0;
  const ports = fakePorts({
    datagrams,
    random: { u32: () => 0xabcd0000 + ++words },
    ...(init.dialer === undefined ? {} : { dialer: init.dialer }),
    ...(init.resolvConf === undefined
      ? {}
      : { files: { readText: () => Promise.resolve(init.resolvConf!), watch: () => () => {} } }),
  });
  const options = { servers: init.servers ?? SERVERS, timeoutMs: 500, attempts: init.attempts ?? 2 };
  return { resolver: new Resolver(options, ports), asked, ports };
}

const cname = (from: readonly number[], to: string, ttl = 60): RawRecord => ({
  name: from,
  type: 5,
  ttl,
  rdata: nameBytes(to),
});

Deno.test("resolver: records of the name and of its aliases count, others are not believed", async () => {
  const cases: { name: string; answers: RawRecord[]; want: string[]; ttl: number }[] = [
    { name: "plain", answers: [a("10.0.0.1", 9), a("10.0.0.2", 8)], want: ["10.0.0.1", "10.0.0.2"], ttl: 8 },
    {
      name: "somebody else's",
      answers: [a("10.0.0.1"), a("6.6.6.6", 1, nameBytes("evil.test"))],
      want: ["10.0.0.1"],
      ttl: 60,
    },
    {
      name: "an alias",
      answers: [cname(QNAME, "b.test", 5), a("10.0.0.1", 9, nameBytes("b.test"))],
      want: ["10.0.0.1"],
      ttl: 5,
    },
    {
      name: "an alias that leads nowhere",
      answers: [cname(QNAME, "b.test", 5), a("6.6.6.6", 9, nameBytes("c.test"))],
      want: [],
      ttl: 5,
    },
  ];
  for (const { name, answers, want, ttl } of cases) {
    const { resolver } = resolverOf((query) => [replyBytes({ id: idOf(query), question: ASKED, answers })]);
    const { records, ttlSecs } = await resolver.resolve("API.test.", "A", FOREVER);
    assert.deepEqual([records.map(({ ip }) => ip), ttlSecs], [want, ttl], name);
  }
});

Deno.test("resolver: aliases in a circle come to an end", async () => {
  const answers = [cname(QNAME, "b.test"), cname(nameBytes("b.test"), "api.test")];
  const { resolver } = resolverOf((query) => [replyBytes({ id: idOf(query), question: ASKED, answers })]);
  await assert.rejects(resolver.resolve("api.test", "A", FOREVER), /more than 16 aliases/);
});

Deno.test("resolver: lies are passed over until the true answer comes", async () => {
  const { resolver, asked } = resolverOf((query) => [
    replyBytes({ id: idOf(query) ^ 1, question: ASKED, answers: [a("6.6.6.6")] }),
    replyBytes({ id: idOf(query), question: { name: "evil.test", type: 1 }, answers: [a("6.6.6.6")] }),
    replyBytes({ id: idOf(query), question: ASKED, answers: [a("10.0.0.1")] }),
  ]);
  const { records } = await resolver.resolve("api.test", "A", FOREVER);
  assert.deepEqual(records, [{ type: "A", ip: "10.0.0.1" }]);
  assert.deepEqual(asked, ["10.0.0.53"]);
});

Deno.test("resolver: NXDOMAIN and no data are answers, and hold as long as the zone says, within a bound", async () => {
  const soa = (ttl: number, minimum: number): RawRecord => ({
    name: [0],
    type: 6,
    ttl,
    rdata: [0, 0, ...Array(16).fill(0), 0, 0, minimum >> 8, minimum & 0xff],
  });
  const cases = [
    { flags: RESPONSE | 3, authority: [soa(60, 5)], want: 5 },
    { flags: RESPONSE, authority: [soa(4, 5)], want: 4 },
    { flags: RESPONSE, authority: [soa(3600, 3600)], want: 30 },
    { flags: RESPONSE | 3, authority: [], want: 30 },
  ];
  for (const { flags, authority, want } of cases) {
    const { resolver } = resolverOf((
      query,
    ) => [replyBytes({ id: idOf(query), flags, question: ASKED, authority })]);
    assert.deepEqual(await resolver.resolve("api.test", "A", FOREVER), { records: [], ttlSecs: want });
  }
});

Deno.test("resolver: the next server is asked after a failure, and all of them again", async () => {
  const good = (query: Uint8Array) =>
    replyBytes({ id: idOf(query), question: ASKED, answers: [a("10.0.0.1")] });
  const bad: ((query: Uint8Array) => readonly Uint8Array[])[] = [
    () => [],
    (query) => [replyBytes({ id: idOf(query), flags: RESPONSE | 2, question: ASKED })],
    (query) => [replyBytes({ id: idOf(query), flags: RESPONSE | 5, question: null })],
    (query) => [replyBytes({ id: idOf(query), question: ASKED, counts: { answers: 3 } })],
  ];
  for (const fails of bad) {
    const { resolver, asked } = resolverOf((query, { ip }) =>
      ip === "10.0.0.53" ? fails(query) : [good(query)]
    );
    assert.equal((await resolver.resolve("api.test", "A", FOREVER)).records.length, 1);
    assert.deepEqual(asked, ["10.0.0.53", "10.0.0.54"]);
    const { resolver: all, asked: allAsked } = resolverOf(fails);
    await assert.rejects(
      all.resolve("api.test", "A", FOREVER),
      /no answer for A api\.test \(10\.0\.0\.54:53: /,
    );
    assert.deepEqual(allAsked, ["10.0.0.53", "10.0.0.54", "10.0.0.53", "10.0.0.54"]);
  }
});

Deno.test("resolver: every question has an id of its own", async () => {
  const ids = new Set<number>();
  const { resolver } = resolverOf((query) => {
    ids.add(idOf(query));
    return [replyBytes({ id: idOf(query), question: ASKED, answers: [a("10.0.0.1")] })];
  });
  for (let i = 0; i < 5; i++) await resolver.resolve("api.test", "A", FOREVER);
  assert.equal(ids.size, 5);
});

/** A server over TCP that sends these bytes after each question. */
function tcpServer(reply: (query: Uint8Array) => Uint8Array): FakeDialer {
  const dialer = new FakeDialer();
  dialer.answer = () => ({ readMax: 3, writeMax: 5 });
  dialer.onSocket = (socket) => {
    socket.onWrite = (written) => {
      const query = octets(written);
      if (query.length < 2 || query.length < 2 + idOf(query)) return;
      socket.push(reply(query.subarray(2)));
    };
  };
  return dialer;
}

function framed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([bytes.length >> 8, bytes.length & 0xff, ...bytes]);
}

Deno.test("resolver: a truncated answer is fetched over TCP, however it is cut", async () => {
  const truncated = (
    query: Uint8Array,
  ) => [replyBytes({ id: idOf(query), flags: RESPONSE | 0x200, question: ASKED })];
  const many = Array.from({ length: 500 }, (_, index) => a(`10.0.${index >> 8}.${index & 255}`));
  const dialer = tcpServer((query) =>
    framed(replyBytes({ id: idOf(query), question: ASKED, answers: many }))
  );
  const { resolver } = resolverOf(truncated, { dialer });
  assert.equal((await resolver.resolve("api.test", "A", FOREVER)).records.length, 500);
  assert.equal(dialer.open, 0);
  const cases: { reply: (query: Uint8Array) => Uint8Array; want: RegExp }[] = [
    {
      reply: (query) => framed(replyBytes({ id: idOf(query) ^ 1, question: ASKED })),
      want: /another question/,
    },
    {
      reply: (query) => framed(replyBytes({ id: idOf(query), flags: RESPONSE | 0x200, question: ASKED })),
      want: /cut off too/,
    },
    { reply: () => framed(new Uint8Array(0)), want: /another question/ },
  ];
  for (const { reply, want } of cases) {
    const { resolver: each } = resolverOf(truncated, { dialer: tcpServer(reply), attempts: 1 });
    await assert.rejects(each.resolve("api.test", "A", FOREVER), want);
  }
});

Deno.test("resolver: a TCP server that is silent or leaves is a failure in time", async () => {
  const truncated = (
    query: Uint8Array,
  ) => [replyBytes({ id: idOf(query), flags: RESPONSE | 0x200, question: ASKED })];
  const dialer = new FakeDialer();
  const { resolver, ports } = resolverOf(truncated, { dialer, attempts: 1, servers: [SERVERS[0]!] });
  const asked = resolver.resolve("api.test", "A", FOREVER).then(() => "", (cause: Error) => cause.message);
  await ports.time.advance(600);
  assert.match(await asked, /no answer over TCP within 500 ms/);
  assert.equal(dialer.open, 0);
  dialer.onSocket = (socket) => socket.end();
  await assert.rejects(resolver.resolve("api.test", "A", FOREVER), /ended inside an answer/);
});

Deno.test("resolver: the system's servers are those of resolv.conf, three at most", async () => {
  const resolvConf = [
    "# a comment",
    "search example.test",
    "nameserver 10.1.0.1",
    "nameserver not-an-address",
    "  nameserver fd00::53",
    "nameserver fe80::1%eth0",
    "nameserver 10.1.0.3",
    "nameserver 10.1.0.4",
  ].join("\n");
  const { resolver, asked } = resolverOf(() => [], { servers: [], resolvConf, attempts: 1 });
  await assert.rejects(resolver.resolve("api.test", "A", FOREVER));
  assert.deepEqual(asked, ["10.1.0.1", "fd00::53", "10.1.0.3"]);
  const { resolver: lost } = resolverOf(() => [], { servers: [], resolvConf: "options ndots:1" });
  await assert.rejects(lost.resolve("api.test", "A", FOREVER), /names no server/);
});

Deno.test("resolver: nobody is asked after it was called off", async () => {
  const { resolver, asked } = resolverOf(() => []);
  await assert.rejects(resolver.resolve("api.test", "A", AbortSignal.abort()));
  assert.deepEqual(asked, []);
});
