import { deepEqual, equal } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { clientHello, HELLO, records } from "../../tests/support/client_hello.ts";
import { type ClientHello, HELLO_RECORDS_BYTES_MAX, readClientHello } from "./client_hello.ts";

function read(bytes: Uint8Array): ClientHello | string {
  const reading = readClientHello(bytes);
  return reading.type === "hello" ? reading.hello : reading.type;
}

const WANT: ClientHello = {
  serverName: "www.example",
  offersTls12: true,
  offersTls13: true,
  cipherSuites: [0x1301, 0xc02b],
  signatureSchemes: [0x0403, 0x0804],
  protocols: ["h2", "http/1.1"],
};

const CASES: readonly { name: string; bytes: Uint8Array; want: ClientHello | string }[] = [
  { name: "whole", bytes: records(clientHello(HELLO)), want: WANT },
  { name: "in records of one byte", bytes: records(clientHello(HELLO), 1), want: WANT },
  { name: "in records that split the head", bytes: records(clientHello(HELLO), 3), want: WANT },
  { name: "more after it", bytes: Uint8Array.of(...records(clientHello(HELLO)), 20, 3), want: WANT },
  {
    name: "without extensions",
    bytes: records(clientHello({ ...HELLO, extensions: null })),
    want: { ...WANT, serverName: null, offersTls13: false, signatureSchemes: [], protocols: [] },
  },
  {
    name: "TLS 1.1",
    bytes: records(clientHello({ ...HELLO, version: 0x0302, extensions: [] })),
    want: {
      ...WANT,
      serverName: null,
      offersTls12: false,
      offersTls13: false,
      signatureSchemes: [],
      protocols: [],
    },
  },
  { name: "nothing", bytes: new Uint8Array(0), want: "more" },
  { name: "HTTP", bytes: new TextEncoder().encode("GET / HTTP/1.1\r\n"), want: "plain_http" },
  { name: "the beginning of HTTP", bytes: new TextEncoder().encode("P"), want: "plain_http" },
  { name: "SSH", bytes: new TextEncoder().encode("SSH-2.0-x"), want: "not_tls" },
  { name: "SSL 2", bytes: Uint8Array.of(0x80, 0x2e, 1, 0, 2), want: "not_tls" },
  { name: "an alert", bytes: Uint8Array.of(21, 3, 3, 0, 2, 1, 0), want: "not_tls" },
  { name: "another major version", bytes: Uint8Array.of(22, 4, 0, 0, 5), want: "not_tls" },
  { name: "an empty record", bytes: Uint8Array.of(22, 3, 1, 0, 0), want: "malformed" },
  { name: "a record that is too long", bytes: Uint8Array.of(22, 3, 1, 0x40, 1), want: "malformed" },
  {
    name: "a message that is too long",
    bytes: Uint8Array.of(22, 3, 1, 0, 4, 1, 0, 0x40, 1),
    want: "malformed",
  },
  { name: "another message", bytes: Uint8Array.of(22, 3, 1, 0, 4, 2, 0, 0, 0), want: "malformed" },
  {
    name: "bytes after the extensions",
    bytes: records(clientHello({ ...HELLO, tail: [0] })),
    want: "malformed",
  },
  {
    name: "an extension that points past the end",
    bytes: records(clientHello({ ...HELLO, extensions: [[0, [0, 9, 0, 0, 4, 97]]] })),
    want: "malformed",
  },
];

for (const { name, bytes, want } of CASES) {
  Deno.test(`ClientHello: ${name}`, () => deepEqual(read(bytes), want));
}

Deno.test("ClientHello: more is asked for until it is whole, and never after", () => {
  const bytes = records(clientHello(HELLO), 50);
  for (let length = 0; length < bytes.length; length++) {
    equal(readClientHello(bytes.subarray(0, length)).type, "more", `${length} bytes`);
  }
  equal(readClientHello(bytes).type, "hello");
});

Deno.test("ClientHello: tiny records without end", () => {
  const head = Uint8Array.of(22, 3, 1, 0, 4, 1, 0, 0x3f, 0xff);
  const bytes = new Uint8Array(HELLO_RECORDS_BYTES_MAX);
  bytes.set(head);
  for (let at = head.length; at < bytes.length; at += 6) {
    bytes.set([22, 3, 1, 0, 1, 0].slice(0, bytes.length - at), at);
  }
  equal(readClientHello(bytes.subarray(0, -1)).type, "more");
  equal(readClientHello(bytes).type, "malformed");
});

Deno.test("ClientHello: any bytes are judged", () => {
  const base = records(clientHello(HELLO));
  const changed = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 8 }).map(
    (changes) => {
      const bytes = base.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    },
  );
  fc.assert(
    fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 400 })), (bytes) => {
      readClientHello(bytes);
    }),
    { numRuns: 5000 },
  );
});
