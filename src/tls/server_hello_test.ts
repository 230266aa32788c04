import { deepEqual } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { readServerHello, type ServerHello } from "./server_hello.ts";

interface Parts {
  readonly sessionId?: number;
  readonly suite?: number;
  /** Null for a hello that ends before them. */
  readonly extensions?: readonly (readonly [type: number, ...body: number[]])[] | null;
  readonly message?: number;
}

function hello({ sessionId = 32, suite = 0x1301, extensions = [], message = 2 }: Parts): Uint8Array {
  const listed = (extensions ?? []).flatMap(([type, ...body]) => [0, type, 0, body.length, ...body]);
  const body = [3, 3, ...new Array<number>(32).fill(7), sessionId, ...new Array<number>(sessionId).fill(9)];
  body.push(suite >> 8, suite & 0xff, 0);
  if (extensions !== null) body.push(listed.length >> 8, listed.length & 0xff, ...listed);
  const whole = [message, 0, body.length >> 8, body.length & 0xff, ...body];
  return Uint8Array.of(22, 3, 3, whole.length >> 8, whole.length & 0xff, ...whole);
}

const KEY_SHARE = [51, 0, 29, 0, 1, 5] as const;
const VERSION_13 = [43, 3, 4] as const;
const AS_13: ServerHello = { version: "TLSv1.3", cipherSuite: 0x1301 };

const CASES: readonly { name: string; bytes: Uint8Array; want: ServerHello | undefined }[] = [
  { name: "TLS 1.3", bytes: hello({ extensions: [KEY_SHARE, VERSION_13] }), want: AS_13 },
  { name: "the version first", bytes: hello({ extensions: [VERSION_13, KEY_SHARE] }), want: AS_13 },
  {
    name: "more behind it",
    bytes: Uint8Array.of(...hello({ extensions: [VERSION_13] }), 20, 3),
    want: AS_13,
  },
  {
    name: "TLS 1.2",
    bytes: hello({ suite: 0xc02b, extensions: [[23]] }),
    want: { version: "TLSv1.2", cipherSuite: 0xc02b },
  },
  {
    name: "without session and extensions",
    bytes: hello({ suite: 0xc02b, sessionId: 0, extensions: null }),
    want: { version: "TLSv1.2", cipherSuite: 0xc02b },
  },
  { name: "nothing", bytes: new Uint8Array(0), want: undefined },
  { name: "an alert", bytes: Uint8Array.of(21, 3, 3, 0, 2, 2, 40), want: undefined },
  { name: "another message", bytes: hello({ message: 11 }), want: undefined },
];

for (const { name, bytes, want } of CASES) {
  Deno.test(`server hello: ${name}`, () => deepEqual(readServerHello(bytes), want));
}

Deno.test("server hello: one that is cut off is none, whatever is missing", () => {
  const whole = hello({ extensions: [KEY_SHARE, VERSION_13] });
  for (let length = 0; length < whole.length; length++) {
    deepEqual(readServerHello(whole.subarray(0, length)), undefined);
  }
});

Deno.test("server hello: is read whatever its session, its extensions and what comes behind it are", () => {
  const byte = fc.nat(255);
  const extension = fc.tuple(byte.filter((type) => type !== 43), fc.array(byte, { maxLength: 40 }));
  const parts = fc.record({
    sessionId: fc.nat(32),
    suite: fc.nat(0xffff),
    before: fc.array(extension, { maxLength: 4 }),
    after: fc.array(extension, { maxLength: 4 }),
    is13: fc.boolean(),
    tail: fc.array(byte, { maxLength: 30 }),
  });
  fc.assert(fc.property(parts, ({ sessionId, suite, before, after, is13, tail }) => {
    const others = [...before, ...after].map(([type, body]) => [type, ...body] as const);
    const extensions = [
      ...others.slice(0, before.length),
      ...is13 ? [VERSION_13] : [],
      ...others.slice(before.length),
    ];
    const bytes = Uint8Array.of(...hello({ sessionId, suite, extensions }), ...tail);
    deepEqual(readServerHello(bytes), { version: is13 ? "TLSv1.3" : "TLSv1.2", cipherSuite: suite });
  }));
});
