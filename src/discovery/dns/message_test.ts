import assert from "node:assert/strict";
import {
  a,
  nameBytes,
  QNAME,
  type RawReply,
  replyBytes,
  RESPONSE,
} from "../../../tests/support/dns_reply.ts";
import fc from "../../../tests/support/seeded_check.ts";
import { decodeReply, encodeQuery, type QueryType, RECORD_TYPES } from "./message.ts";

const QUESTION = { id: 7, name: "api.test", type: "A" } as const;
const ASKED = { name: "api.test", type: 1 };

function decode(
  reply: Partial<RawReply>,
  question: { id: number; name: string; type: QueryType } = QUESTION,
) {
  return decodeReply(replyBytes({ id: 7, question: ASKED, ...reply }), question);
}

Deno.test("dns message: a query asks one question and has room for large datagrams", () => {
  const bytes = encodeQuery({ id: 0xabcd, name: "api.test", type: "SRV" });
  const want = [0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...nameBytes("api.test"), 0, 33, 0, 1];
  assert.deepEqual([...bytes], [...want, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
  for (const name of ["", "a..b", "x".repeat(64), Array(65).fill("abc").join(".")]) {
    assert.throws(() => encodeQuery({ id: 1, name, type: "A" }), /DNS name/, name);
  }
  encodeQuery({ id: 1, name: "x".repeat(63), type: "A" });
  encodeQuery({ id: 1, name: Array(63).fill("abc").join("."), type: "A" });
});

Deno.test("dns message: records of every type, names compressed and not", () => {
  const { answers, authority } = decode({
    answers: [
      a("10.0.0.1", 5),
      { name: nameBytes("API.Test"), type: RECORD_TYPES.CNAME, rdata: [3, 0x77, 0x77, 0x77, ...QNAME] },
      { name: QNAME, type: RECORD_TYPES.AAAA, rdata: [0xfd, ...Array(14).fill(0), 1] },
      { name: QNAME, type: RECORD_TYPES.SRV, rdata: [0, 1, 0, 2, 0x1f, 0x90, ...nameBytes("host.test")] },
      { name: QNAME, type: 13, rdata: [3, 1, 2, 3] },
      { name: QNAME, type: 1, group: 3, rdata: [1, 2, 3, 4] },
    ],
    authority: [{
      name: [0],
      type: RECORD_TYPES.SOA,
      ttl: 0x80000000,
      rdata: [...nameBytes("ns"), ...nameBytes("admin"), ...Array(16).fill(0), 0, 0, 1, 0],
    }],
  })!;
  assert.deepEqual(answers, [
    { name: "api.test", ttlSecs: 5, data: { type: "A", ip: "10.0.0.1" } },
    { name: "api.test", ttlSecs: 60, data: { type: "CNAME", name: "www.api.test" } },
    { name: "api.test", ttlSecs: 60, data: { type: "AAAA", ip: "fd00::1" } },
    {
      name: "api.test",
      ttlSecs: 60,
      data: { type: "SRV", priority: 1, weight: 2, port: 8080, target: "host.test" },
    },
  ]);
  assert.deepEqual(authority, [{ name: "", ttlSecs: 0, data: { type: "SOA", minimumSecs: 256 } }]);
});

Deno.test("dns message: IPv6 addresses are written as RFC 5952 has it", () => {
  const cases: [groups: number[], want: string][] = [
    [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
    [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
    [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 0], "2001:db8:0:0:1::"],
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"],
    [[1, 2, 3, 4, 5, 6, 7, 0xffff], "1:2:3:4:5:6:7:ffff"],
    [[0, 0, 1, 0, 0, 1, 0, 0], "::1:0:0:1:0:0"],
  ];
  for (const [groups, want] of cases) {
    const rdata = groups.flatMap((group) => [group >> 8, group & 0xff]);
    const reply = decode(
      { question: { name: "api.test", type: 28 }, answers: [{ name: QNAME, type: 28, rdata }] },
      { ...QUESTION, type: "AAAA" },
    );
    assert.deepEqual(reply?.answers[0]?.data, { type: "AAAA", ip: want });
  }
});

Deno.test("dns message: what does not answer the question is ignored", () => {
  const cases: { name: string; reply: Partial<RawReply> }[] = [
    { name: "another id", reply: { id: 8 } },
    { name: "a query", reply: { flags: 0x0100 } },
    { name: "another opcode", reply: { flags: RESPONSE | 0x0800 } },
    { name: "another name", reply: { question: { name: "evil.test", type: 1 } } },
    { name: "another type", reply: { question: { name: "api.test", type: 28 } } },
    { name: "another class", reply: { question: { name: "api.test", type: 1, group: 3 } } },
    { name: "no question", reply: { question: null, answers: [a("6.6.6.6", 60, nameBytes("api.test"))] } },
    { name: "two questions", reply: { counts: { questions: 2 } } },
    { name: "no question, and NXDOMAIN", reply: { question: null, flags: RESPONSE | 3 } },
  ];
  for (const { name, reply } of cases) {
    assert.equal(decode({ answers: [a("6.6.6.6")], ...reply }), undefined, name);
  }
  assert.equal(decodeReply(new Uint8Array(11), QUESTION), undefined, "less than a header");
});

Deno.test("dns message: codes and truncation; nothing else of such a message is believed", () => {
  assert.equal(decode({ flags: RESPONSE | 2, question: null })?.rcode, 2);
  assert.equal(decode({ flags: RESPONSE | 5 })?.rcode, 5);
  const cut = decode({ flags: RESPONSE | 0x0200, answers: [a("10.0.0.1")], counts: { answers: 9 } })!;
  assert.deepEqual([cut.truncated, cut.answers.length], [true, 0]);
});

Deno.test("dns message: malformed ones are errors", () => {
  const record = { name: QNAME, type: 1, rdata: [1, 2, 3, 4] };
  const named = (name: readonly number[]) => ({ ...record, name });
  // The first record begins behind the header and a question of 10 + 4 bytes.
  const first = 26;
  const pointer = (to: number) => [0xc0 | (to >> 8), to & 0xff];
  const cases: { name: string; reply: Partial<RawReply>; want: RegExp }[] = [
    {
      name: "fewer records than said",
      reply: { answers: [record], counts: { answers: 2 } },
      want: /cut off/,
    },
    { name: "data behind the end", reply: { answers: [{ ...record, length: 5 }] }, want: /cut off/ },
    {
      name: "an A record of 3 bytes",
      reply: { answers: [{ ...record, rdata: [1, 2, 3] }] },
      want: /A record of 3/,
    },
    {
      name: "an AAAA record of 4 bytes",
      reply: { answers: [{ ...record, type: 28 }] },
      want: /AAAA record of 4/,
    },
    {
      name: "an SRV record of 6 bytes",
      reply: { answers: [{ ...record, type: 33, rdata: Array(6).fill(0) }] },
      want: /SRV record of 6/,
    },
    { name: "a short SOA", reply: { authority: [{ ...record, type: 6 }] }, want: /SOA record of 4/ },
    { name: "a pointer to itself", reply: { answers: [named(pointer(first))] }, want: /refers to itself/ },
    { name: "a pointer forward", reply: { answers: [named(pointer(first + 4))] }, want: /refers to itself/ },
    {
      name: "a loop of two",
      reply: { answers: [named([1, 0x61, ...pointer(first)])] },
      want: /longer than 255|refers to itself/,
    },
    { name: "an unknown label", reply: { answers: [named([0x40, 0])] }, want: /unknown kind/ },
    {
      name: "a long name",
      reply: { answers: [named([...Array(5)].flatMap(() => [63, ...Array(63).fill(0x61)]))] },
      want: /longer than 255/,
    },
    {
      name: "a name that ends early",
      reply: { answers: [{ ...record, type: 5, rdata: [0, 0] }] },
      want: /does not fill/,
    },
    {
      name: "a name that runs over",
      reply: { answers: [{ ...record, type: 5, rdata: [3, 0x61, 0x61] }] },
      want: /cut off|does not fill/,
    },
  ];
  for (const { name, reply, want } of cases) assert.throws(() => decode(reply), want, name);
});

Deno.test("dns message: labels with dots and bytes of other kinds are no names that anybody asked for", () => {
  const reply = decode({ answers: [a("6.6.6.6", 60, [8, ...new TextEncoder().encode("api.test"), 0])] })!;
  assert.equal(reply.answers[0]!.name, "api?test");
});

Deno.test("dns message: a giant answer is bounded", () => {
  const tiny = { name: [0], type: 13, rdata: [] };
  const bytes = replyBytes({ id: 7, question: ASKED, answers: Array(5_900).fill(tiny) });
  assert.equal(bytes.length > 64_000, true);
  assert.equal(decodeReply(bytes, QUESTION)!.answers.length, 0);
  const more = replyBytes({ id: 7, question: ASKED, answers: Array(6_001).fill(tiny) });
  assert.throws(() => decodeReply(more, QUESTION), /more than 6000 records/);
});

Deno.test("dns message: no bytes whatever hang, crash or slip through", () => {
  const good = replyBytes({
    id: 7,
    question: ASKED,
    answers: [a("10.0.0.1"), { name: QNAME, type: 5, rdata: [1, 0x61, ...QNAME] }, {
      name: [1, 0x62, ...QNAME],
      type: 33,
      rdata: [0, 0, 0, 0, 0, 80, 1, 0x63, ...QNAME],
    }],
  });
  const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), fc.nat(good.length), (changes, length) => {
      const bytes = good.slice();
      for (const { at, byte } of changes) bytes[at] = byte;
      for (const each of [bytes, bytes.subarray(0, length)]) {
        try {
          const reply = decodeReply(each, QUESTION);
          for (const { name, ttlSecs } of reply?.answers ?? []) {
            assert(name.length <= 255 && ttlSecs >= 0);
          }
        } catch (cause) {
          assert(
            cause instanceof Error && !(cause instanceof RangeError) && !(cause instanceof TypeError),
            `${cause}`,
          );
        }
      }
    }),
    { numRuns: 3000 },
  );
});
